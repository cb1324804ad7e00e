"""A client as a page: its story in sentences with times, what is known of it, why it is answered as it is, and NEXT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.dashboard.details.exchange_text import status_role
from hotswap_dev.dashboard.details.figures import ago, counted, day_and_clock, size
from hotswap_dev.dashboard.details.paragraphs import MARGIN, fields, hanging, head, section, sentence
from hotswap_dev.dashboard.details.why_text import why_lines, why_now
from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.spans import Line, Role, Span, column, cut
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import Client, label_sentence, remarks
from hotswap_dev.domain.fact_words import armed_words, forced_words
from hotswap_dev.domain.labels import Reading, Turn, page, readings, turn_sentence
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Forced204
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.reasons import Args, Reason, harmless
from hotswap_dev.domain.reasons import sentence as reason_sentence
from hotswap_dev.domain.text import shown

LAST_CHECKS = 12
"""How many of its check-ins are asked for and shown."""

MAY_BE: Mapping[Reading, str] = MappingProxyType(
    {
        "embedded": "the embedded page",
        "applied": "applied",
        "not-received": "hung up before the end",
        "not-verified": "signature",
        "not-extracted": "extraction",
        "not-yet-activated": "download without activate",
        "kept": "kept",
        "rolled-back": "rolled back",
        "discarded": "discarded by a newer binary",
        "set-aside": "set aside: its binary is too old for it",
        "reinstalled": "app installed anew",
        "elsewhere": "fetched where this server can't see it",
        "shared-id": "two apps under one id",
        "confirmed": "confirmed",
        "check-failed": "its check failed",
        "update-failed": "the update failed",
    }
)
"""What may lie behind a turn, in a few words; a test holds that every reading has some."""

_TROUBLE = ("not-activated", "rolled-back", "rollback-loop", "discarded", "shared-id", "ahead", "failed")


class Chapter(Struct, frozen=True, kw_only=True):
    """What happened with one release, from its offer to what it came to: turns that are told in one sentence."""

    sequence: int | None
    """The release; None for what is about none."""
    turns: tuple[Turn, ...]


def client_lines(
    name: str, view: View, width: int, checks: Sequence[CheckAnswered] | None = None, said: str = ""
) -> list[Line]:
    """The page of a client. `checks` are its last ones, newest first; None: not there (yet), and `said` is why."""
    client = view.clients.get(name)
    if client is None:
        lines = [head((Span(name_of(name, view), "strong"),), (), width), ()]
        return lines + sentence("This client is not known any more: it was forgotten, or others came.", width)
    lines = [head(_title(client, view), _standing(client), width), ()]
    if text := label_sentence(client):
        lines += sentence(text, width, role="warn" if _in_trouble(client) else "text")
    for remark in remarks(client):
        lines += hanging((Span("! ", "warn"),), remark, width, role="warn")
    lines += _story(client, view, width, checks or ())
    if (found := why_now(view, client)) is not None:
        lines += why_lines(found, width)
    elif client.reason is not None:
        lines += section("why", width)
        lines += sentence("No check of it could be read yet, so what it asks next is not known.", width)
    lines += section("what is known", width)
    lines += fields(_known(client, view), width)
    return lines + _last(checks, view, width, said)


def _title(client: Client, view: View) -> Line:
    named = client.id in view.controls.names
    return (
        Span(name_of(client.id, view), "strong"),
        Span(f"   {shown(client.id)}" if named else "", "dim"),
        Span(f"   seen {ago(client.last_seen, view.now)}", "dim"),
    )


def _standing(client: Client) -> Line:
    at = "?" if client.sequence is None else page(client.sequence)
    code = client.label.code.replace("-", " ") if client.label else "not read yet"
    return (Span(code, "bad" if _in_trouble(client) else "dim"), Span("   at "), Span(at, "accent"))


def _in_trouble(client: Client) -> bool:
    return client.label is not None and client.label.code in _TROUBLE


# --- its story -------------------------------------------------------------------------------------------------------


def _story(client: Client, view: View, width: int, checks: Sequence[CheckAnswered]) -> list[Line]:
    lines = section("its story", width)
    if not client.story:
        return [*lines, *sentence("Nothing yet: it has to be seen doing something.", width, role="dim")]
    for chapter in chapters(client.story):
        lines += told(chapter, view, width, checks)
    return lines


def chapters(story: Sequence[Turn]) -> list[Chapter]:
    """The turns of a story, oldest first, with those that follow on each other about one release put together."""
    found: list[Chapter] = []
    for turn in story:
        sequence = about(turn)
        last = found[-1] if found else None
        if (
            last is not None
            and sequence is not None
            and last.sequence == sequence
            and _follows(last.turns[-1], turn)
        ):
            found[-1] = Chapter(sequence=sequence, turns=(*last.turns, turn))
        else:
            found.append(Chapter(sequence=sequence, turns=(turn,)))
    return found


def about(turn: Turn) -> int | None:
    """The release that a turn is about: what was fetched, what was given up, what runs now."""
    for name in ("fetched", "gave_up", "sequence"):
        value = turn.args.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return None


def _follows(before: Turn, turn: Turn) -> bool:
    """Whether a turn goes on with what the one before began: a download always begins anew."""
    return turn.code != "fetched" and before.code != turn.code


def told(chapter: Chapter, view: View, width: int, checks: Sequence[CheckAnswered]) -> list[Line]:
    """A chapter in one sentence: `12:03 offered 14 · downloaded 14 · not activated: … → signature …`."""
    first, last = chapter.turns[0], chapter.turns[-1]
    offer = _offer(chapter, first.at, checks)
    began = first.at if offer is None else offer.at
    steps = [] if offer is None else [f"offered {offer.offered}"]
    for turn in chapter.turns:
        text = step(turn, view)
        if turn.code == "not-activated":
            again = any(one.at == turn.at and one.offered is not None for one in checks)
            text += f": {'offered again' if again else 'asked again'} at {_minute(turn.at)}"
        elif _minute(turn.at) != _minute(began):
            text += f" at {_minute(turn.at)}"
        steps.append(text)
    causes = may_be(last)
    text = " · ".join(steps) + (f" → {causes}" if causes else "")
    role: Role = "warn" if any(turn.code in _TROUBLE for turn in chapter.turns) else "text"
    return hanging((Span(f"{day_and_clock(began, view.now)}  ", "dim"),), text, width, role=role)


def _offer(chapter: Chapter, at: datetime, checks: Sequence[CheckAnswered]) -> CheckAnswered | None:
    """The first check that was answered with what the chapter begins with, of those that are there."""
    if chapter.turns[0].code != "fetched":
        return None
    offers = [one for one in checks if one.offered == chapter.sequence and one.at <= at]
    return offers[-1] if offers else None


def may_be(turn: Turn) -> str:
    """What may lie behind a turn, the likeliest first; "" where it is a proof, or no conclusion."""
    causes = [MAY_BE.get(reading, reading) for reading in readings(turn)]
    if len(causes) < 2:
        return ""
    return f"{', '.join(causes[:-1])}, or {causes[-1]}" if len(causes) > 2 else " or ".join(causes)


def step(turn: Turn, view: View) -> str:
    """A turn in a few words."""
    made = _STEPS.get(turn.code)
    if made is None:
        return turn_sentence(turn)
    number = about(turn)
    release = view.controls.releases.get(number) if number is not None else None
    try:
        return made(harmless(turn.args), "" if release is None else f", {size(release.bundle.size)}")
    except KeyError:  # what another version wrote
        return turn_sentence(turn)


def _again(args: Args, name: str = "times") -> str:
    times = int(args.get(name, 1))
    return f", the {times}{_ordinal(times)} time" if times > 1 else ""


def _ordinal(number: int) -> str:
    return "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _minute(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M")


_FAILED: Mapping[str, str] = {"check-error": "its check failed", "download-error": "its download failed"}

_STEPS: Mapping[str, Callable[[Args, str], str]] = MappingProxyType(
    {
        "embedded": lambda a, _: "runs the embedded page",
        "running": lambda a, _: f"reports {a['sequence']}, fetched unseen",
        "applied": lambda a, _: f"applied {a['sequence']}",
        "fetched": lambda a, weight: f"downloaded {a['sequence']}{weight}{_again(a)}",
        "not-activated": lambda a, _: f"not activated, at {page(a['sequence'])}{_again(a)}",
        "rolled-back": lambda a, _: f"gave {a['gave_up']} up for {page(a['sequence'])}",
        "rollback-loop": lambda a, _: f"gave {a['gave_up']} up for {page(a['sequence'])}{_again(a)}",
        "discarded": lambda a, _: f"discarded {a['gave_up']}{_again(a)}, at {page(a['sequence'])}",
        "upgraded": lambda a, _: (
            f"binary {a['was_binary_version']} → {a['binary_version']}, at {page(a['sequence'])}"
        ),
        "downgraded": lambda a, _: (
            f"back to binary {a['binary_version']} from {a['was_binary_version']}, at {page(a['sequence'])}"
        ),
        "ahead": lambda a, _: f"reports {a['sequence']}, above all that was given out here",
        "shared-id": lambda a, _: f"reports {page(a['sequence'])} after {page(a['was'])}",
        "confirmed": lambda a, _: f"confirmed {a['sequence']}",
        "completed": lambda a, _: f"installed {a['of']}, by its completion",
        "failed": lambda a, _: (
            f"{_FAILED.get(str(a['stage']), 'failed')}{_again(a)}: {a['error'] or 'no text'}"
        ),
        "channel-switched": lambda a, _: f"asks for channel {a['channel']} now, before {a['was']}",
    }
)


# --- what is known ---------------------------------------------------------------------------------------------------


def _known(client: Client, view: View) -> Iterator[tuple[str, Line | str]]:
    controls = view.controls
    yield "id", client.id
    yield (
        "runs on",
        f"{client.platform or '?'}/{client.arch or '?'}, binary {client.binary_version or 'not sent'}",
    )
    yield "channel", client.channel or f"none named, so {DEFAULT_CHANNEL}"
    yield "from", client.peer
    first = day_and_clock(client.first_seen, view.now)
    yield (
        "checks",
        f"{client.checks:,}, the first at {first}, the last at {day_and_clock(client.last_seen, view.now)}",
    )
    pinned = controls.pins.get(client.id)
    if pinned is not None:
        yield "pinned", (Span(f"to {pinned}: it is offered this and nothing else", "chip"),)
    for forced in controls.forced:
        if _meant(forced, client):
            yield (
                "armed",
                (Span(forced_words(forced.client, forced.channel, forced.left, controls.names), "chip"),),
            )
    for armed in controls.faults:
        if armed.client in (None, client.id) and armed.channel in (None, client.channel or DEFAULT_CHANNEL):
            yield "armed", (Span(shown(armed_words(armed, controls.names), 400), "chip"),)
    required = controls.required.get(client.channel or DEFAULT_CHANNEL)
    if required is not None:
        sent = "sent" if required.header.lower() in client.headers else "not sent"
        yield "demanded", f"header {shown(required.header)}, else {required.status}: it was {sent} last"
    if client.protocol != "hotswap":
        yield "protocol", client.protocol
    if client.status is not None:
        offered = f", offered {client.offered}" if client.status == 200 and client.offered else ""
        yield "last answer", f"{client.status or 'none'} {client.reason or ''}{offered}"
    if client.fetched:
        yield "fetched", f"up to {client.fetched}"
    if client.falls:
        yield "gave up", f"{client.fell_from}, {counted(client.falls, 'time')}"


def _meant(forced: Forced204, client: Client) -> bool:
    return forced.client in (None, client.id) and forced.channel in (None, client.channel or DEFAULT_CHANNEL)


def _last(checks: Sequence[CheckAnswered] | None, view: View, width: int, said: str) -> list[Line]:
    lines = section("its last check-ins", width)
    if checks is None:
        return [*lines, *sentence(said or "…", width, role="dim")]
    if not checks:
        return [*lines, *sentence("None is in the history any more.", width, role="dim")]
    for one in checks:
        answer = f"↓ {one.offered}" if one.offered is not None else str(one.status or "—")
        at = "?" if one.sequence is None else str(one.sequence)
        text = reason_sentence(Reason(one.reason, dict(one.args)))
        quiet: Role = "text" if one.status == 200 else "dim"
        lines.append(
            cut(
                (
                    Span(" " * MARGIN),
                    Span(f"{day_and_clock(one.at, view.now)}  ", "dim"),
                    Span(f"at {column(at, 5)} "),
                    Span(column(answer, 7), status_role(one)),
                    Span(text, quiet),
                ),
                width,
            )
        )
    return lines


def read_checks(found: wire.Json) -> tuple[CheckAnswered, ...]:
    """Read the rows of `GET /api/checks`; ValueError where this version can't."""
    events = [wire.event_of(row) for row in found]
    return tuple(event for event in events if isinstance(event, CheckAnswered))
