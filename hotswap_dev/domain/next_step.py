"""NEXT: what a client does with the answer that it gets now, by the plugin's own rules (design §6).

It is said for the plugin's default policies; which ones an app is built with can't be seen from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import Client, runs_again
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.faults import Strike, fault_of
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.domain.labels import page
from hotswap_dev.domain.model import SAME_AS_CLIENT, ArmedFault, Protocol, Release
from hotswap_dev.domain.plugin import Answered, Cached, Folder, started, verdict
from hotswap_dev.domain.policy import (
    Decision,
    Denied,
    Offer,
    Refusal,
    decide_download,
    manifest,
    told_minimum,
)
from hotswap_dev.domain.reasons import Args, change, harmless


class NextStep(Struct, frozen=True, kw_only=True):
    """What the client will do, in one to three sentences, and the command line that would change it ("": none)."""

    sentence: str
    command: str = ""


def next_step(
    client: Client | None, decision: Decision, controls: Controls, check: Check | None = None
) -> NextStep:
    """What becomes of `decision`. `client` is what is known of who asks, None for one that was never seen.

    `check` is the question itself: its sequence and binary version count; without it, those that the client sent last.
    """
    if _speaks(client, check) == "update-server":
        return _of_the_other_protocol(decision)
    asks = _asking(client, check)
    answer = decision.answer
    if decision.strike is not None:
        late = decision.offered if not decision.strike.fault.at_offers else None
        ahead = None if late is None else _fault_ahead(controls, late, client, check)
        if ahead is not None:
            return ahead
        return NextStep(sentence=_struck(decision.strike, decision), command=change(decision.reason))
    if isinstance(answer, Offer):
        return _offered(client, asks, decision, answer, controls, check)
    if isinstance(answer, Refusal | Denied):
        refused = Answered(decision.status)
        text = verdict(refused, sequence=asks.sequence or 0, binary_version=asks.binary_version).text
        return NextStep(
            sentence=f"Its check fails with `{text}`, and it keeps what it runs.",
            command=change(decision.reason),
        )
    bad = _runs_poison(asks, controls)
    if bad is not None:
        return bad
    waiting = _WAITS.get(decision.reason.code)
    waits = "It keeps what it runs." if waiting is None else waiting(harmless(decision.reason.args))
    discarded = _fate_of_running(client, asks, controls)
    if discarded is None:
        return _on_probation(client, asks) or NextStep(sentence=waits, command=change(decision.reason))
    return NextStep(
        sentence=f"{discarded} {waits}", command=f"hotswap-dev publish --min-binary-version {SAME_AS_CLIENT}"
    )


def _struck(strike: Strike, decision: Decision) -> str:
    told = reaction(strike.fault, strike.armed.left)
    if told.check is None and not isinstance(decision.answer, Offer):
        return "It hears of no update, only later, and keeps what it runs."
    return told.sentence


def _speaks(client: Client | None, check: Check | None) -> Protocol:
    if check is not None:
        return check.protocol
    return client.protocol if client is not None else "hotswap"


def _of_the_other_protocol(decision: Decision) -> NextStep:
    """What its clients do is written nowhere: they say so themselves (contract, update-server-protocol)."""
    command = change(decision.reason)
    if decision.strike is not None:
        name = decision.strike.armed.fault
        return NextStep(
            sentence=f"The fault {name} strikes it; what it makes of that is its own.", command=command
        )
    if isinstance(decision.answer, Offer):
        number = decision.answer.release.sequence
        sentence = f"{number} is in its list of updates; its completion will say what became of it."
        return NextStep(sentence=sentence, command=command)
    waiting = _WAITS.get(decision.reason.code)
    waits = "It is refused." if waiting is None else waiting(harmless(decision.reason.args))
    return NextStep(sentence=waits, command=command)


def _runs_poison(asks: _Asks, controls: Controls) -> NextStep | None:
    """What becomes of a client that runs what an armed fault poisoned."""
    armed = next((one for one in controls.faults if one.sequence and one.sequence == asks.sequence), None)
    fault = None if armed is None else fault_of(armed)
    if armed is None or fault is None:
        return None
    command = _disarming(armed)
    if reaction(fault).restart == "rolls-back":
        sentence = f"It runs {armed.sequence}, poisoned by {fault.name}: its next start rolls it back."
    else:
        sentence = f"It runs {armed.sequence}, poisoned by {fault.name}, until that is disarmed."
    return NextStep(sentence=sentence, command=command)


def _on_probation(client: Client | None, asks: _Asks) -> NextStep | None:
    """What becomes of a client that runs again what it has given up, and has not confirmed it since."""
    number = asks.sequence
    if client is None or number != client.sequence or not runs_again(client):
        return None
    times = "once" if client.falls == 1 else f"{client.falls} times"
    return NextStep(
        sentence=f"It has given {number} up {times}, and runs it again: unless notifyReady() confirms it, its next "
        "start rolls it back.",
        command=f"hotswap-dev withhold {number}",
    )


class _Asks(Struct, frozen=True):
    """Who asks. A sequence of None: nothing is known of it; a binary version of "": its app has none."""

    sequence: int | None
    binary_version: str


def _asking(client: Client | None, check: Check | None) -> _Asks:
    if check is not None:
        return _Asks(check.sequence, check.binary_version or "")
    if client is not None:
        return _Asks(client.sequence, client.binary_version or "")
    return _Asks(None, "")


# --- an offer -----------------------------------------------------------------------------------------------------


def _offered(
    client: Client | None,
    asks: _Asks,
    decision: Decision,
    offer: Offer,
    controls: Controls,
    check: Check | None,
) -> NextStep:
    release = offer.release
    number = release.sequence
    withhold = change(decision.reason)
    told = manifest(offer, binary_version=asks.binary_version or None, url="", pub_date="")
    if asks.sequence is None:
        return NextStep(sentence=_taking(number, offer.mandatory), command=withhold)
    makes = verdict(Answered(200, told), sequence=asks.sequence, binary_version=asks.binary_version)
    if makes.kind == "error":
        return NextStep(
            sentence=f"Its check fails with `{makes.text}`: its Tauri config needs a version such as "
            f"{release.binary_version}. Until then no update reaches it."
        )
    if makes.kind == "not-available":
        return NextStep(sentence=f"The plugin drops {number} without a word.", command=withhold)
    ahead = _fault_ahead(controls, release, client, check)
    if ahead is not None:
        return ahead
    sentence = _again(client, number) or _taking(number, offer.mandatory)
    discarded = _fate(number, told.min_binary_version, asks.binary_version)
    if discarded is not None:
        # Not the binary's own version: an older one would then be refused what it can have now.
        command = f"hotswap-dev edit-release {number} --min-binary-version {SAME_AS_CLIENT}"
        return NextStep(sentence=f"{sentence} {discarded}", command=command)
    return NextStep(
        sentence=f"{sentence} Unless notifyReady() confirms it, the start after that rolls it back.",
        command=withhold,
    )


def _fault_ahead(
    controls: Controls, release: Release, client: Client | None, check: Check | None
) -> NextStep | None:
    """What comes of it, where one lies in the bundle itself, or its download will meet one."""
    in_bundle = next((one for one in controls.faults if one.sequence == release.sequence), None)
    armed = in_bundle or _on_its_way(controls, release, client, check)
    fault = None if armed is None else fault_of(armed)
    if armed is None or fault is None:
        return None
    return NextStep(sentence=reaction(fault, armed.left).sentence, command=_disarming(armed))


def _on_its_way(
    controls: Controls, release: Release, client: Client | None, check: Check | None
) -> ArmedFault | None:
    if check is not None:
        name, headers = check.client, check.headers
    elif client is not None:
        name, headers = client.id, client.headers
    else:
        return None
    strike = decide_download(controls, release, name, headers).strike
    return None if strike is None else strike.armed


def _disarming(armed: ArmedFault) -> str:
    return f"hotswap-dev disarm-fault {armed.override}"


def _taking(number: int, mandatory: bool) -> str:
    # The plugin passes `mandatory` on and does nothing with it (plugin: manifest.rs).
    wants = "if the app heeds mandatory" if mandatory else "if the app or the person wants it"
    return f"It downloads {number} {wants}; after apply it reports {number} at its next check."


def _again(client: Client | None, number: int) -> str:
    """How often it was here before; "" where it was not."""
    if client is None:
        return ""
    if number in client.unreported:
        if client.fetched_since and client.unreported[number] == 1:
            return f"It has just fetched {number}: its next check says whether it runs."
        return f"The same offer again: it has fetched {number} and not activated it, or given it up unseen."
    label = client.label
    if number == client.fell_from and label is not None and label.code != "applied":
        times = "once" if client.falls == 1 else f"{client.falls} times"
        did = "discarded it" if label.code == "discarded" else "given it up"
        return f"The same offer again: it had {number} and has {did} {times}."
    return ""


# --- the next start ------------------------------------------------------------------------------------------------


def _fate_of_running(client: Client | None, asks: _Asks, controls: Controls) -> str | None:
    number = asks.sequence
    if not number:
        return None
    if client is not None and client.sequence == number and client.minimum is not None:
        return _fate(number, client.minimum, asks.binary_version)
    release = controls.releases.get(number)
    if release is None:
        return None
    return _fate(number, told_minimum(release, asks.binary_version or None), asks.binary_version)


def _fate(number: int, minimum: str, binary_version: str) -> str | None:
    """What the next start says of a confirmed version, where it does not keep it."""
    cached = Cached(version="", sequence=number, min_binary_version=minimum, confirmed=True)
    start = started(Folder(current=number, versions={number: cached}), binary_version=binary_version)
    if start.did != "discard":
        return None
    return (
        f"{number} will be discarded at the next start: binary {binary_version} > min {minimum} "
        "(unless its binary_cache_policy keeps it)."
    )


# --- no update -----------------------------------------------------------------------------------------------------


def _up_to_date(args: Args) -> str:
    current, newest = int(args["current"]), int(args["newest"])
    if "pinned" in args:
        return f"It keeps {page(current)} as long as it is pinned to {args['pinned']}."
    if current > newest:
        return f"It keeps {current} until channel {args['channel']} has something above it."
    return f"It keeps {page(current)} until something newer is published."


def _withheld(args: Args) -> str:
    if args.get("cause"):
        return f"Nothing until something newer is published: the bundle of {args['sequence']} is gone."
    return f"Nothing until {args['sequence']} is back."


def _pinned(args: Args) -> str:
    pinned, current = int(args["pinned"]), int(args["current"])
    if args["elsewhere"]:
        return f"Nothing until it asks for channel {args['elsewhere']}, or is pinned to {pinned} no longer."
    if current < pinned:
        return f"Nothing until {pinned} can be offered to it, or it is pinned to it no longer."
    return f"It keeps {current} as long as it is pinned to {pinned}."


def _forced(args: Args) -> str:
    left = args["left"]
    if left == "":
        return "Nothing until the forced 204 is off."
    if left == 0:
        return "Nothing this time; its next check is answered as usual."
    return f"Nothing this time and {'once' if left == 1 else f'{left} times'} more."


_WAITS: Mapping[str, Callable[[Args], str]] = MappingProxyType(
    {
        "up-to-date": _up_to_date,
        "client-ahead": lambda a: f"Nothing until a sequence above {a['current']} is published.",
        "no-release": lambda a: f"Nothing until something is published to channel {a['channel']}.",
        "channel-unknown": lambda a: (
            f"Nothing until channel {a['channel']} has a release, or the app asks for another one."
        ),
        "channel-paused": lambda a: f"Nothing until channel {a['channel']} is resumed.",
        "binary-too-old": lambda a: (
            f"Nothing until its app is {a['min_binary_version']} or newer, or {a['sequence']} asks for less."
        ),
        "not-targeted": lambda a: f"Nothing until {a['sequence']} is meant for it, or something newer is.",
        "not-in-rollout": lambda a: f"Nothing until the rollout of {a['sequence']} reaches it.",
        "release-withheld": _withheld,
        "pinned": _pinned,
        "forced-204": _forced,
    }
)
