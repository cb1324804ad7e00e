"""The lines of a story above all else: which beat it is at, what happens, what to watch, and the keys that lead on."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from hotswap_dev.dashboard.selectors.columns import margined
from hotswap_dev.dashboard.spans import ELLIPSIS, Line, Role, Span, cells, cut, line
from hotswap_dev.dashboard.story import Moment, State
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.text import shown

_LONGEST = 400
_BELOW = 2
"""Rows for what happens and what to watch."""

_MARKS: dict[State, tuple[str, Role]] = {
    "waits": ("", "text"),
    "plays": ("▸ ", "accent"),
    "told": ("✓ ", "good"),
    "failed": ("✗ ", "bad"),
    "ended": ("✓ ", "good"),
    "broken": ("✗ ", "bad"),
}


def story_lines(view: View, width: int) -> Sequence[Line]:
    """` 3 of 9 · ✓ Ten percent get it                      ] Everyone gets it  [ again`, and in the two rows below it
    what happens and what to watch.

    Always three rows, so that nothing below them moves while a story is told; none where there is no story.
    """
    told = view.story
    if told is None:
        return ()
    if told.state == "broken":
        why = shown(told.failed, _LONGEST) or "it is a bug; the log file has the whole of it"
        hint = [line(shown(told.says, _LONGEST))] if told.says else []
        rows = [(Span(f"the story can't go on: {why}", "bad"),), *hint, line("all else does"), ()]
        return [margined(row, (), width) for row in rows[: 1 + _BELOW]]
    below = _below(told, max(0, width - 2))
    return [_leading(told, width), *(margined(row, (), width) for row in [*below, (), ()][:_BELOW])]


def _leading(told: Moment, width: int) -> Line:
    mark, role = _MARKS[told.state]
    if told.number == 0:
        where = line(Span(f"a story in {told.count} beats", "strong"))
    else:
        number = line(Span(f"{told.number} of {told.count} · "))
        where = (*number, Span(mark, role), Span(shown(told.title, _LONGEST), "strong"))
    room = max(0, width - 2 - cells(where) - 2)
    for keys in _keys(told):
        if cells(keys) <= room:
            return margined(where, keys, width)
    short = _keys(told)[-1]
    return margined(cut(where, max(0, width - 3 - cells(short))), short, width)


def _keys(told: Moment) -> Sequence[Line]:
    """What the keys do from here, in as many words as there is room for: the longest first."""
    follows = shown(told.follows, _LONGEST)
    if told.asked:
        return (
            (Span(f"next: {follows}  ", "accent"), Span("]", "key"), Span(" at once")),
            (Span("next: asked for  ", "accent"), Span("]", "key"), Span(" at once")),
            (Span("]", "key"), Span(" at once")),
        )
    again = () if told.number == 0 else (Span("  "), Span("[", "key"), Span(" again"))
    if told.state == "ended":
        return (
            (Span("the end; ", "good"), Span("]", "key"), Span(" begins again"), *again),
            (Span("the end; ", "good"), Span("]", "key"), Span(" begins again")),
        )
    first = "plays the first: " if told.number == 0 else "then: " if told.state == "plays" else "next: "
    return (
        (Span("]", "key"), Span(f" {first}{follows}"), *again),
        (Span("]", "key"), Span(" next"), *again),
        (Span("]", "key"), Span(" next")),
    )


def _below(told: Moment, room: int) -> Sequence[Line]:
    if told.state == "failed":
        return _flowing([(word, "bad") for word in shown(told.failed, _LONGEST).split()], room)
    says = shown(told.says, _LONGEST)
    watch = f"Watch: {shown(told.watch, _LONGEST)}" if told.watch else ""
    if says and watch and max(cell_len(says), cell_len(watch)) <= room:
        return (line(says), (Span(watch, "accent"),))
    words: list[_Word] = [(word, "text") for word in says.split()]
    last: list[_Word] = [(word, "accent") for word in watch.split()]
    while len(rows := _flowing([*words, *last], room, most=_BELOW + 1)) > _BELOW and words:
        # What to look at outlasts what it means.
        words = [*words[:-2], (ELLIPSIS, "text")] if len(words) > 1 else []
    return _flowing([*words, *last], room) if len(rows) > _BELOW else rows


_Word = tuple[str, Role]


def _flowing(words: Sequence[_Word], room: int, *, most: int = _BELOW) -> list[Line]:
    """Words in rows; what does not fit into so many is cut at the end of the last."""
    rows: list[list[Span]] = [[]]
    taken = 0
    for word, role in words:
        wide = cell_len(word)
        if rows[-1] and taken + 1 + wide > room and len(rows) < most:
            rows.append([])
            taken = 0
        if rows[-1]:
            rows[-1].append(Span(" ", role))
            taken += 1
        rows[-1].append(Span(word, role))
        taken += wide
    return [cut(tuple(row), room) for row in rows]
