"""What plots have in common: their size, axes and ticks, and marks for what happened at one time."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hotswap_dev.export.markup import clock, number, text, wide
from hotswap_dev.export.told import Moment

WIDTH = 960
LEFT = 56
HEIGHT = 250
FONT = 15
LINE = 19
_MARK_ROWS = 4
_MANY_MARKS = 14
"""Of more marks only those are drawn that have room for words."""

_USUAL = " saved"
_LONGEST = 48


def opened(name: str, title: str, spoken: str, height: float) -> str:
    """The begin of a plot, with what it shows in words for who can't see it."""
    said = text(spoken, 1000)
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {number(height)}" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{text(title)}</title>'
        f'<desc id="{name}-d">{said}</desc>'
    )


def ceiling(value: int) -> int:
    """The upper edge of an axis: round, and not far above what is drawn."""
    if value <= 4:
        return max(1, value)
    unit = 1
    while True:
        for step in (1, 2, 5):
            parts = -(-value // (step * unit))
            if parts <= 5:
                return int(parts * step * unit)
        unit *= 10


def _ticks(top: int) -> list[int]:
    if top <= 5:
        return list(range(top + 1))
    unit = 1
    while True:
        for step in (1, 2, 5):
            if top % (step * unit) == 0 and top // (step * unit) <= 5:
                return list(range(0, top + 1, step * unit))
        unit *= 10


def scale(top: int, head: float, bottom: float, right: float) -> str:
    """The counts at the left, each with a line through the plot, which ends `right` before the edge."""
    out = []
    for tick in _ticks(top):
        y = number(bottom - (bottom - head) * tick / top)
        axis = " axis" if tick == 0 else ""
        out.append(f'<path class="grid{axis}" d="M{LEFT} {y}H{number(WIDTH - right)}"/>')
        out.append(f'<text class="tick" x="{LEFT - 8}" y="{y}" dy=".35em" text-anchor="end">{tick:,}</text>')
    return "".join(out)


def times(end: float, bottom: float, right: float) -> str:
    """The times below, from 0 to `end` seconds."""
    step = next((one for one in _STEPS if end / one <= 6), _STEPS[-1])
    while end / step > 8:
        step *= 2
    out = []
    for place in range(int(end / step + 1e-9) + 1):
        x = number(LEFT + (WIDTH - LEFT - right) * place * step / end)
        words = clock(place * step) if step >= 1 else f"{place * step:g} s"
        out.append(
            f'<text class="tick" x="{x}" y="{number(bottom + 22)}" text-anchor="middle">{words}</text>'
        )
    return "".join(out)


_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


class Placed(Struct, frozen=True):
    """A mark and where its words stand."""

    x: float
    row: int | None
    """From the plot's upper edge upwards; None where there is no room for words."""
    words: str
    before: bool
    """Whether the words end at the mark."""


def usual(moment: Moment) -> bool:
    """Whether it is a mere save, which goes first where there is no room for all."""
    return moment.words.endswith(_USUAL)


def marks(moments: Sequence[Moment], end: float, right: float) -> tuple[list[Placed], int]:
    """Marks, and how many rows their words take: where there is no room for all, what is no mere save goes first.

    What finds no room has a mark without words, unless there are too many of them to tell anything.
    """
    within = [one for one in moments if 0 <= one.at <= end]
    many = len(within) > _MANY_MARKS
    rows: list[list[tuple[float, float]]] = [[] for _ in range(_MARK_ROWS)]
    out: list[Placed] = []
    for moment in sorted(within, key=lambda one: (usual(one), one.at)):
        x = LEFT + (WIDTH - LEFT - right) * moment.at / end
        room = wide(moment.words[:_LONGEST], FONT - 1) + 14
        before = x + room > WIDTH
        begin = x - room if before else x
        row = next(
            (
                place
                for place, taken in enumerate(rows[:1] if many and usual(moment) else rows)
                if all(begin + room <= low or begin >= high for low, high in taken)
            ),
            None,
        )
        if row is not None:
            rows[row].append((begin, begin + room))
        elif many:
            continue
        out.append(Placed(x, row, moment.words, before))
    return out, max((one.row + 1 for one in out if one.row is not None), default=0)


def mark_line(one: Placed, head: float, bottom: float) -> str:
    """A line through the plot at its time, up to its words."""
    up = head if one.row is None else head - 18 - one.row * LINE
    return f'<path class="mark" d="M{number(one.x)} {number(up)}V{number(bottom)}"/>'


def mark_words(one: Placed, head: float) -> str:
    """What a mark says, above the plot; "" where there is no room."""
    if one.row is None:
        return ""
    anchor, dx = ("end", -5) if one.before else ("start", 5)
    return (
        f'<text class="said" x="{number(one.x + dx)}" y="{number(head - 8 - one.row * LINE)}" '
        f'text-anchor="{anchor}">{text(one.words, _LONGEST)}</text>'
    )
