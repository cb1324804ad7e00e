"""Why an answer was given: stable codes with their arguments, and the sentences that are made when someone reads.

Storing the code and not the sentence keeps answering cheap, and lets a better sentence explain an old answer.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from hotswap_dev.domain.model import FURTHEST_JUMP, SAME_AS_CLIENT
from hotswap_dev.domain.text import shown

Args = Mapping[str, str | int]


class Reason(Struct, frozen=True):
    """A code of `interface.md` and the values that it is about."""

    code: str
    args: dict[str, str | int] = {}


class Explanation(Struct, frozen=True):
    """How a code reads: its sentence, and the command that would change the answer ("" where none would)."""

    sentence: Callable[[Args], str]
    change: Callable[[Args], str] = lambda _: ""


def sentence(reason: Reason) -> str:
    """The reason in words, with the values that decided. Text of clients in it is made harmless."""
    try:
        return _explanation(reason.code).sentence(harmless(reason.args))
    except KeyError as missing:  # what another version wrote must not take the whole list with it
        return f"{shown(reason.code)} (another version wrote it, without {missing})."


def change(reason: Reason) -> str:
    """The command line that would change such an answer; "" where only the client can."""
    try:
        return _explanation(reason.code).change(harmless(reason.args))
    except KeyError:
        return ""


def _explanation(code: str) -> Explanation:
    # A history may be read by a version that is older than what wrote it.
    return _EXPLANATIONS.get(code) or Explanation(
        lambda _: f"{shown(code)} (this version has no words for it)."
    )


def harmless(args: Args) -> Args:
    """The values of a sentence with the text of clients in them made harmless."""
    return {name: shown(value) if isinstance(value, str) else value for name, value in args.items()}


def _up_to_date(args: Args) -> str:
    pinned = f" It is pinned to {args['pinned']}." if "pinned" in args else ""
    return _newest_of_its_channel(args) + pinned


def _newer_for_up_to_date(args: Args) -> str:
    if args.get("poisoned") == "yes":
        return f"hotswap-dev publish --channel {args['channel']}"
    if "pinned" in args:
        return f"hotswap-dev pin-client {shlex.quote(str(args['client']))} none"
    if args.get("withheld", "no") == "no" and "gone" not in args and args["current"] == args["newest"]:
        return f"hotswap-dev reoffer {args['newest']}"
    return f"hotswap-dev publish --channel {args['channel']}"


def _newest_of_its_channel(args: Args) -> str:
    current, newest = int(args["current"]), int(args["newest"])
    if args.get("poisoned") == "yes":
        return f"The client has {current}, a poisoned copy that a fault made, and nothing newer is for it."
    if current > newest:
        came_from = args.get("came_from")
        whence = f"came from channel {came_from}" if came_from else "got it elsewhere"
        return (
            f"The client has {current}, above {newest}, the newest of channel {args['channel']}: it {whence} and "
            "stays there until this channel passes it."
        )
    if args.get("withheld") == "yes":
        return (
            f"The client has {current}, which is withheld meanwhile, and nothing in channel {args['channel']} is "
            "newer: no offer takes a client back to a lower sequence."
        )
    return f"The client has {current}, the newest release of channel {args['channel']}."


def scope(client: str, channel: str) -> str:
    """Whom a forced 204 is for, in words; "" stands for any."""
    if client:
        return f"{client} on channel {channel}" if channel else client
    return f"who asks for channel {channel}" if channel else "everyone"


def _forced(args: Args) -> str:
    who = scope(str(args["client"]), str(args["channel"]))
    left = args["left"]
    if left == "":
        return f"No update is forced for {who}, until it is off."
    return f"No update is forced for {who}, {'this once' if left == 0 else f'{left} more to come'}."


def _lift(args: Args) -> str:
    if args["left"] == 0:
        return ""
    client = f" --client {shlex.quote(str(args['client']))}" if args["client"] else ""
    return f"hotswap-dev force-204 off{client}" + (f" --channel {args['channel']}" if args["channel"] else "")


def _pinned(args: Args) -> str:
    pinned, current = int(args["pinned"]), int(args["current"])
    text = f"{args['client']} is pinned to {pinned}"
    if args["elsewhere"]:
        return f"{text}, which is of channel {args['elsewhere']}: it is offered there alone."
    if current == pinned:
        return f"{text}, which it has; {args['sequence']} is not for it."
    if current > pinned:
        return (
            f"{text} and has {current}: no offer takes a client back, and {args['sequence']} is not for it."
        )
    return f"{text}, so {args['sequence']} is not for it."


def _unpin(args: Args) -> str:
    client = str(args["client"])
    # An id may begin as an option does.
    return f"hotswap-dev pin-client {'-- ' if client.startswith('-') else ''}{shlex.quote(client)} none"


def _channel_unknown(args: Args) -> str:
    asked = f"No channel is called {args['channel']}"
    if args["asked"] == "no":
        asked += " (the check named none, which means production)"
    return f"{asked}. Channels with releases: {args['known'] or 'none yet'}."


def _withheld(args: Args) -> str:
    if args.get("cause") == "bundle gone":
        return f"Release {args['sequence']} can't be offered: its bundle was pruned, its bytes are gone."
    return f"Release {args['sequence']} is withheld."


def _passing(args: Args) -> str:
    current = int(args["current"])
    if current >= FURTHEST_JUMP:  # near the end of u64 the way out would use up every sequence that there is
        return ""
    jump = f"hotswap-dev jump-sequence {current + 1}"
    channel = args.get("channel", "")
    if channel in ("", args.get("build_channel", channel)):
        return jump
    # What a jump offers again is of the build channel, which is not the one that this client asks for.
    return f"{jump} && hotswap-dev promote latest {channel}"


def _not_targeted(args: Args) -> str:
    if args["what"] == "sequence":
        return (
            f"Release {args['sequence']} is for who runs {args['wanted']}, and the client has {args['is']}."
        )
    what = str(args["what"]).replace("_", " ")
    has = args["is"] or ("an unknown one" if args["what"] == "binary_version" else "none")
    return f"Release {args['sequence']} is for {what} {args['wanted']}, and the client's is {has}."


def _not_in_rollout(args: Args) -> str:
    return (
        f"Release {args['sequence']} is rolled out to {args['percent']} %, and the client comes in above "
        f"{args['bucket']} %."
    )


def _fault(args: Args) -> str:
    who = scope(str(args["client"]), str(args["channel"]))
    left = args["left"]
    lasts = (
        "until it is disarmed" if left == "" else "for the last time" if left == 0 else f"{left} more to come"
    )
    return f"By the fault {args['fault']}, armed for {who}, {lasts}. Without it: {args['instead']}."


_EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        "newer-release": Explanation(
            lambda a: f"Release {a['sequence']} ({a['version']}) is newer than the client's {a['current']}.",
            lambda a: f"hotswap-dev withhold {a['sequence']}",
        ),
        "up-to-date": Explanation(
            _up_to_date,
            _newer_for_up_to_date,
        ),
        "client-ahead": Explanation(
            lambda a: (
                f"The client has {a['current']}, and {a['last']} is the highest sequence ever given out here: "
                "this server forgot its counter, or the client met another one. It stays without updates until "
                "the counter passes it."
            ),
            _passing,
        ),
        "no-release": Explanation(
            lambda a: f"Channel {a['channel']} has no release yet.",
            lambda a: f"hotswap-dev publish --channel {a['channel']}",
        ),
        "channel-unknown": Explanation(
            _channel_unknown,
            lambda a: (
                f"hotswap-dev promote latest {a['channel']}"
                if a["known"]
                else f"hotswap-dev publish --channel {a['channel']}"
            ),
        ),
        "channel-paused": Explanation(
            lambda a: f"Channel {a['channel']} is paused: nobody who asks for it is offered anything.",
            lambda a: f"hotswap-dev resume-channel {a['channel']}",
        ),
        "binary-too-old": Explanation(
            lambda a: (
                f"Release {a['sequence']} needs binary {a['min_binary_version']}, the client runs "
                f"{a['binary_version']}."
            ),
            # Not the client's own: below the newer binaries' it would have them discard the release at their start.
            lambda a: f"hotswap-dev edit-release {a['sequence']} --min-binary-version {SAME_AS_CLIENT}",
        ),
        "release-withheld": Explanation(
            _withheld,
            lambda a: (
                f"hotswap-dev publish --channel {a['channel']}"
                if "channel" in a
                else f"hotswap-dev restore {a['sequence']}"
            ),
        ),
        "pinned": Explanation(
            _pinned,
            _unpin,
        ),
        "forced-204": Explanation(_forced, _lift),
        "not-targeted": Explanation(
            _not_targeted,
            lambda a: f"hotswap-dev set-targets {a['sequence']}" if a["what"] != "sequence" else "",
        ),
        "not-in-rollout": Explanation(
            _not_in_rollout,
            lambda a: f"hotswap-dev set-rollout {a['sequence']} 100",
        ),
        "fault": Explanation(
            _fault,
            lambda a: "" if a["left"] == 0 else f"hotswap-dev disarm-fault {a['id']}",
        ),
        "access-denied": Explanation(
            lambda a: (
                f"Channel {a['channel']} demands the header {a['header']}, which did not come or had another value: "
                f"{a['status']}."
            ),
            lambda a: f"hotswap-dev set-required-header {a['channel']} {a['header']} none",
        ),
        "bad-request": Explanation(
            lambda a: (
                f"The check's {a['parameter']} is {a['value'] or 'missing'}; expected is {a['expected']}, "
                f"for example {a['example']}."
            )
        ),
    }
)

CODES = tuple(_EXPLANATIONS)
"""Every code that an answer may carry, in the order of the ladder's documentation."""
