"""What a command would come to, in lines: what is done, whose answers change, or why it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hotswap_dev import wire
from hotswap_dev.dashboard.details.paragraphs import broken
from hotswap_dev.dashboard.spans import Line, Span, column, line
from hotswap_dev.domain.fact_words import Names, changes_words, done_words
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

MOST_ROWS = 8
"""Clients that are listed: the question has to stand on 24 lines, and beyond it is said how many more there are."""


def would_lines(would: wire.Json, names: Names, width: int, most: int = MOST_ROWS) -> list[Line]:
    """What a dry run says: what would be done, and whose answers that changes."""
    events, changes = would.get("events") or [], would.get("changes") or []
    if not events:
        return [line(Span("nothing would be done: it is so already", "dim"))]
    done = [line(one) for one in _wrapped(shown(done_words(events, names), 1000), width)]
    return [*done, line(), *change_lines(changes, names, width, most)]


def change_lines(
    changes: Sequence[Mapping[str, wire.Json]], names: Names, width: int, most: int = MOST_ROWS
) -> list[Line]:
    """Whose answers change: a line with how many, then for each of the first the client, its answer now and then."""
    said = line(Span(changes_words(len(changes)), "strong" if changes else "dim"))
    if not changes:
        return [said]
    first, half = width * 3 // 10, (width - width * 3 // 10) // 2
    rows = [
        line(
            Span(column(_called(str(one["client"]), names), first - 2) + "  ", "strong"),
            Span(column(_told(one["before"], one["after"]), half - 3), "dim"),
            Span(" → ", "dim"),
            Span(column(_told(one["after"], one["before"]), width - first - half), "accent"),
        )
        for one in changes[:most]
    ]
    rest = len(changes) - len(rows)
    return [said, *rows, *([line(Span(f"and {rest} more", "dim"))] if rest else [])]


def refusal_lines(error: HotswapError, width: int) -> list[Line]:
    """An error as it is shown where something was asked: what is wrong, and what to do."""
    wrong = [line(Span(one, "bad")) for one in _wrapped(shown(error.message, 1000), width)]
    return [*wrong, *(line(Span(one, "dim")) for one in _wrapped(shown(error.hint, 1000), width))]


def _called(client: str, names: Names) -> str:
    return shown(names.get(client) or client)


def _told(told: wire.Json, other: wire.Json) -> str:
    """An answer in few words; of two offers of one release, what tells them apart."""
    fault = f" (fault {shown(str(told['fault']))})" if told.get("fault") else ""
    if told.get("offered") is None and fault:
        return f"{told['status'] or 'nothing'}{fault}"
    if told["status"] != 200:
        refused = "" if told["status"] == 204 else f"{told['status']} "
        return f"{refused or 'no update: '}{shown(str(told['reason']))}"
    differs = [
        _value(name, told.get(name))
        for name in ("version", "mandatory", "min_binary_version", "notes")
        if told["offered"] == other.get("offered") and told.get(name) != other.get(name)
    ]
    return f"offer {told['offered']}{fault}" + (f": {', '.join(differs)}" if differs else "")


def _value(name: str, value: wire.Json) -> str:
    if name == "mandatory":
        return "mandatory" if value else "not mandatory"
    if name == "notes":
        return f"notes {shown(str(value))!r}" if value else "no notes"
    return f"{'minimum' if name == 'min_binary_version' else name} {shown(str(value))}"


def _wrapped(text: str, width: int) -> list[str]:
    return broken(text, max(width, 2)) if text else []
