"""Why an answer was given: stable codes with their arguments, and the sentences that are made when someone reads.

Storing the code and not the sentence keeps answering cheap, and lets a better sentence explain an old answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

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
    return _explanation(reason.code).sentence(_harmless(reason.args))


def change(reason: Reason) -> str:
    """The command line that would change such an answer; "" where only the client can."""
    return _explanation(reason.code).change(_harmless(reason.args))


def _explanation(code: str) -> Explanation:
    # A history may be read by a version that is older than what wrote it.
    return _EXPLANATIONS.get(code) or Explanation(
        lambda _: f"{shown(code)} (this version has no words for it)."
    )


def _harmless(args: Args) -> Args:
    return {name: shown(value) if isinstance(value, str) else value for name, value in args.items()}


def _up_to_date(args: Args) -> str:
    current, newest = int(args["current"]), int(args["newest"])
    if current > newest:
        came_from = args.get("came_from")
        whence = f"came from channel {came_from}" if came_from else "got it elsewhere"
        return (
            f"The client has {current}, above {newest}, the newest of channel {args['channel']}: it {whence} and "
            "stays there until this channel passes it."
        )
    return f"The client has {current}, the newest release of channel {args['channel']}."


def _channel_unknown(args: Args) -> str:
    asked = f"No channel is called {args['channel']}"
    if args["asked"] == "no":
        asked += " (the check named none, which means production)"
    return f"{asked}. Channels with releases: {args['known'] or 'none yet'}."


def _withheld(args: Args) -> str:
    if args.get("cause") == "bundle gone":
        return f"Release {args['sequence']} can't be offered: its bundle was pruned, its bytes are gone."
    return f"Release {args['sequence']} is withheld."


_EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        "newer-release": Explanation(
            lambda a: f"Release {a['sequence']} ({a['version']}) is newer than the client's {a['current']}."
        ),
        "up-to-date": Explanation(_up_to_date, lambda _: "hotswap-dev publish"),
        "client-ahead": Explanation(
            lambda a: (
                f"The client has {a['current']}, and {a['last']} is the highest sequence ever given out here: "
                "this server forgot its counter, or the client met another one. It stays without updates until "
                "the counter passes it."
            ),
            # Near the end of u64 the way out would use up every sequence that there is.
            lambda a: (
                f"hotswap-dev serve --sequence-floor {a['current']}, then hotswap-dev publish"
                if int(a["current"]) < 2**63
                else ""
            ),
        ),
        "no-release": Explanation(
            lambda a: f"Channel {a['channel']} has no release yet.",
            lambda a: f"hotswap-dev publish --channel {a['channel']}",
        ),
        "channel-unknown": Explanation(
            _channel_unknown, lambda a: f"hotswap-dev publish --channel {a['channel']}"
        ),
        "binary-too-old": Explanation(
            lambda a: (
                f"Release {a['sequence']} needs binary {a['min_binary_version']}, the client runs "
                f"{a['binary_version']}."
            ),
            lambda a: f"hotswap-dev publish --min-binary-version {a['binary_version']}",
        ),
        "release-withheld": Explanation(_withheld),
        "bad-request": Explanation(
            lambda a: (
                f"The check's {a['parameter']} is {a['value'] or 'missing'}; expected is {a['expected']}, "
                f"for example {a['example']}."
            )
        ),
    }
)

CODES = tuple(_EXPLANATIONS)
"""Every code that an answer may carry today, in the order of the ladder's documentation."""
