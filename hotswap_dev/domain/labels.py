"""What a client's check-ins and reports prove, in words: stable codes with their values, and the sentences that are
made of them when someone reads.

A label's *readings* are what may have happened in the plugin, or to the app, for the server to see what it saw. One
reading is a proof; several are an inference, and its sentence says so and names them. `tests/real_client` runs each
story through the real plugin and holds that what it did is among the readings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from hotswap_dev.domain.reasons import Args, harmless
from hotswap_dev.domain.text import shown

Reading = Literal[
    "embedded",  # the page that is compiled into the app runs
    "applied",  # it was downloaded, verified, extracted and activated
    "confirmed",  # its page called notifyReady(): no start gives it up any more
    "check-failed",  # its check ended with an error
    "update-failed",  # the download, or what was to be done with it, ended with an error
    "not-received",  # it was sent whole, and the client hung up before it had all of it
    "not-verified",  # the signature was refused
    "not-extracted",  # the archive was refused, or could not be written
    "not-yet-activated",  # downloaded only, or still at it
    "kept",  # a start, or a new binary, left it in place
    "rolled-back",  # nobody confirmed it before a start, or the app called rollback()
    "discarded",  # a start found the binary newer than the bundle's minimum
    "set-aside",  # a start found the binary too old for it, and left it on the disk
    "reinstalled",  # the plugin's folder began anew
    "elsewhere",  # it was downloaded where this server could not see it
    "shared-id",  # two apps are taken for one client
]


class Turn(Struct, frozen=True, kw_only=True):
    """A turn in a client's story: a code, when it was seen, and the values of its sentence."""

    code: str
    at: datetime
    args: dict[str, str | int] = {}


class Wording(Struct, frozen=True):
    """How a code reads, and what may have happened."""

    sentence: Callable[[Args], str]
    readings: Callable[[Args], tuple[Reading, ...]]


def turn_sentence(turn: Turn) -> str:
    """A turn in words. Text of clients in it is made harmless."""
    wording = _WORDINGS.get(turn.code)
    if wording is None:  # a history may be read by a version that is older than what wrote it
        return f"{shown(turn.code)} (this version has no words for it)."
    try:
        seen = f"{turn.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return wording.sentence(harmless({**turn.args, "at": seen})) + (
            " (Inferred.)" if inferred(turn) else ""
        )
    except KeyError as missing:  # what another version wrote must not take the whole list with it
        return f"{shown(turn.code)} (another version wrote it, without {missing})."


def readings(turn: Turn) -> tuple[Reading, ...]:
    """What may have happened: the likeliest first; empty for a turn that is no conclusion."""
    wording = _WORDINGS.get(turn.code)
    try:
        return wording.readings(turn.args) if wording else ()
    except KeyError:
        return ()


def inferred(turn: Turn) -> bool:
    """Whether more than one thing can lead to what was seen."""
    return len(readings(turn)) > 1


# --- the wordings -------------------------------------------------------------------------------------------------


def page(sequence: int | str) -> str:
    """A sequence as a person reads it: 0 is the page compiled into the app."""
    return "the embedded page" if sequence == 0 else str(sequence)


def _times(args: Args, name: str = "times") -> str:
    """`` for once, else ` for the 3rd time`."""
    count = int(args.get(name, 1))
    if count < 2:
        return ""
    ending = "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f" for the {count}{ending} time"


def _running(args: Args) -> str:
    if args.get("had_before"):
        return (
            f"It reports {args['sequence']} again, which it had before: something newer was rolled back onto it, or "
            "it waited on the disk for its binary, or was fetched where this server can't see it."
        )
    return (
        f"It reports {args['sequence']}, and no download of it by this client was seen: applied before it was "
        "known here, or fetched where this server can't see it."
    )


def _applied(args: Args) -> str:
    falls = int(args.get("falls", 0))
    again = f" It gave {args['sequence']} up before{_times({'times': falls})}." if falls else ""
    return (
        f"It fetched {args['sequence']} and reports it: applied. Whether notifyReady() confirmed it can't be seen "
        f"from here.{again}"
    )


def _not_activated(args: Args) -> str:
    sent = f"All of {args['fetched']} was sent to it{_times(args)}, and it still reports {page(args['sequence'])}"
    anew = "" if args["sequence"] else ", or the app was installed anew, or a newer binary discarded it"
    sentence = (
        f"{sent}: not activated. Its signature was refused, its extraction failed, it hung up before the end "
        "(max_bundle_size), or it was downloaded and activate() not called; or it ran, nobody confirmed it, and it was "
        f"rolled back before this check{anew}."
    )
    if "minimum" not in args:
        return sentence
    return (
        f"{sentence} Or it ran and was discarded at a start, as it will be each time: binary "
        f"{args['binary_version']} > min {args['minimum']}."
    )


def _nowhere(args: Args) -> tuple[Reading, ...]:
    found: list[Reading] = [
        "not-verified",
        "not-extracted",
        "not-received",
        "not-yet-activated",
        "rolled-back",
    ]
    return tuple(found) if args["sequence"] else (*found, "reinstalled", "discarded")


def _shared_id(args: Args) -> str:
    now, was = int(args["sequence"]), int(args["was"])
    otherwise = (
        f"or {now} was downloaded where this server can't see it"
        if now > was
        else f"or {was} was rolled back, discarded, or gone with a reinstallation"
    )
    return (
        f"It reported {page(was)}, now {page(now)}, and seems to be two apps under one id, {otherwise}. "
        "Give each app its own X-Device-Id."
    )


def _failed(args: Args) -> str:
    said = f"{_times(args)}, by its own report: `{args['error'] or 'no text'}`"
    keeps = f"it keeps {page(args['sequence'])}"
    if args["stage"] == "check-error":
        return f"Its last check failed{said}; {keeps}."
    could_not = {"download-error": "download", "completion": "install"}.get(str(args["stage"]), "apply")
    return f"It could not {could_not} {args.get('of', 'an update')}{said}; {keeps}."


def _completed(args: Args) -> str:
    of = args["of"]
    if of == args["sequence"]:
        return f"It reports {of}, and its completion says that it installed it."
    return f"Its completion says that it installed {of}; its next check shows whether it runs it."


def _left(args: Args) -> str:
    """How it could leave a sequence by the plugin's own hand."""
    was, gave_up = args["was"], args["gave_up"]
    if args.get("by_app"):
        # At the embedded page already, rollback() says the same (plugin: commands.rs, `hotswap_rollback`).
        before = "" if args["sequence"] else f"; whether a start had left {gave_up} before can't be seen"
        return f"The app called rollback(), by its own report{before}"
    if args.get("confirmed") and was == gave_up:
        return f"{was} had been confirmed, so no start gave it up: the app called rollback()"
    if args.get("confirmed"):
        return (
            f"{gave_up}, which it had fetched, was not confirmed before a start, or the app called rollback()"
        )
    which = str(was) if was == gave_up else f"{gave_up}, which it had fetched, or {was}"
    return f"{which} was not confirmed by notifyReady() before a start, or the app called rollback()"


def _rolled_back(args: Args) -> str:
    was = args["was"]
    if args.get("by_app"):
        return f"It gave {args['gave_up']} up for {page(args['sequence'])}: rolled back. {_left(args)}."
    if args["sequence"] != 0:
        return f"It reported {was}, now {args['sequence']}: rolled back. {_left(args)}."
    return (
        f"It reported {was}, now 0: rolled back to the embedded page, or reinstalled, or discarded by a newer binary "
        f"that ran in between. If rolled back: {_left(args)}."
    )


def _rollback_loop(args: Args) -> str:
    otherwise = (
        ""
        if args["sequence"] != 0 or args.get("by_app")
        else ", or it is reinstalled each time, or discarded by a newer binary"
    )
    loop = f"It gave {args['gave_up']} up for {page(args['sequence'])}{_times(args)}: a rollback loop{otherwise}."
    if args.get("by_app") or (args.get("confirmed") and args["was"] == args["gave_up"]):
        left = _left(args)
        return f"{loop} {left[0].upper()}{left[1:]}; {args['gave_up']} is offered again as long as it is the newest."
    return (
        f"{loop} "
        f"It applies, is not confirmed by notifyReady() and goes back at the next start, or the app calls rollback(); "
        f"{args['gave_up']} is offered again as long as it is the newest."
    )


def _discarded(args: Args) -> str:
    return (
        f"It reported {args['was']}, now 0{_times(args)}: {args['gave_up']} was discarded at a start, because binary "
        f"{args['binary_version']} > min {args['minimum']} (binary_cache_policy discard_on_upgrade, the default); "
        "or rolled back, or reinstalled."
    )


def _upgraded(args: Args) -> str:
    now, was = args["sequence"], args["was"]
    versions = f"Its binary was {args['was_binary_version']}, now {args['binary_version']}: upgraded."
    if now != 0 or was == 0:
        return f"{versions} {_moved(args)}"
    return (
        f"{versions} It reported {was}, now 0: {was} was discarded because the binary is newer than its minimum, or "
        "rolled back, or the app was installed anew."
    )


def _downgraded(args: Args) -> str:
    now, was = args["sequence"], args["was"]
    versions = f"Its binary was {args['was_binary_version']}, now {args['binary_version']}: an older one."
    if now != 0 or was == 0:
        return f"{versions} {_moved(args)}"
    ways = [
        *([f"it is too old for {was}, which waits on the disk"] if _sets_aside(args) else []),
        f"{was} was discarded" if _discards(args) else f"{was} was discarded by a newer binary in between",
        f"{was} was rolled back",
        "the app was installed anew",
    ]
    return f"{versions} It reported {was}, now 0: {', or '.join(ways)}."


def _moved(args: Args) -> str:
    now, was = args["sequence"], args["was"]
    return f"It reports {page(now)} as before." if now == was else f"It reported {page(was)}, now {now}."


def _discards(args: Args) -> bool:
    """Whether the binary is newer than the minimum of what it ran, or nobody knows."""
    return args.get("against_minimum", 1) == 1


def _sets_aside(args: Args) -> bool:
    """Whether the binary is older than that minimum, or nobody knows."""
    return args.get("against_minimum", -1) == -1


def _fallen(args: Args) -> tuple[Reading, ...]:
    return ("rolled-back",) if args["sequence"] else ("rolled-back", "reinstalled", "discarded")


def _after_upgrade(args: Args) -> tuple[Reading, ...]:
    # What the older binary ran has a minimum below the newer one's version: nothing but a policy keeps it.
    return _moves(args) or ("discarded", "rolled-back", "reinstalled")


def _after_downgrade(args: Args) -> tuple[Reading, ...]:
    found: list[Reading] = ["set-aside"] if _sets_aside(args) else []
    return _moves(args) or (*found, "discarded", "rolled-back", "reinstalled")


def _moves(args: Args) -> tuple[Reading, ...]:
    """What lies behind another binary that did not end at the embedded page; empty where it did."""
    now, was = int(args["sequence"]), int(args["was"])
    if now == was:
        return ("kept",) if now else ("embedded",)
    if now > was:  # a bundle that waited for its binary is no download
        return ("set-aside", "elsewhere")
    return ("rolled-back",) if now else ()


def _mixed_up(args: Args) -> tuple[Reading, ...]:
    if int(args["sequence"]) > int(args["was"]):
        return ("shared-id", "elsewhere")
    return ("shared-id", "rolled-back", "reinstalled", "discarded")


def _only(*given: Reading) -> Callable[[Args], tuple[Reading, ...]]:
    return lambda _: given


_WORDINGS: Mapping[str, Wording] = MappingProxyType(
    {
        "embedded": Wording(lambda _: "It runs the embedded page, sequence 0.", _only("embedded")),
        "running": Wording(
            _running,
            lambda a: ("rolled-back", "set-aside", "elsewhere") if a.get("had_before") else ("elsewhere",),
        ),
        "applied": Wording(_applied, _only("applied")),
        "confirmed": Wording(
            lambda a: (
                f"It runs {a['sequence']}, and its page confirmed it: its lifecycle report of notifyReady() says so."
            ),
            _only("confirmed"),
        ),
        "completed": Wording(_completed, _only("applied")),
        "failed": Wording(
            _failed,
            lambda a: ("check-failed",) if a["stage"] == "check-error" else ("update-failed",),
        ),
        "not-activated": Wording(_not_activated, _nowhere),
        "rolled-back": Wording(_rolled_back, _fallen),
        "rollback-loop": Wording(_rollback_loop, _fallen),
        "discarded": Wording(_discarded, _only("discarded", "rolled-back", "reinstalled")),
        "upgraded": Wording(_upgraded, _after_upgrade),
        "downgraded": Wording(_downgraded, _after_downgrade),
        "ahead": Wording(
            lambda a: (
                f"It reported {a['sequence']}, which was above {a['last']}, the highest sequence given out here until "
                f"{a['at']}: it met another server, or this one forgot its counter. What is offered to it has to be "
                "above that."
            ),
            _only("elsewhere"),
        ),
        "shared-id": Wording(_shared_id, _mixed_up),
        # No conclusions, but steps that a story is told by.
        "fetched": Wording(lambda a: f"It downloaded {a['sequence']} whole{_times(a)}.", _only()),
        "channel-switched": Wording(
            lambda a: f"It asks for channel {a['channel']} now, before for {a['was']}.", _only()
        ),
    }
)

CODES = tuple(_WORDINGS)
"""Every code that a turn may carry."""

STEPS = ("fetched", "channel-switched")
"""Those of them that are steps of a story and never a label."""
