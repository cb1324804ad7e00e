"""Plots as inline SVG: counts over time as stepped lines, checks a minute as columns, shares as bars.

Each has a title and a description for who can't see it, labels beside what they name, and no colour that a pattern,
a dash or a word does not tell as well. Colours are the page's (`report_style`), so that dark and light are one drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from hotswap_dev.export.axes import (
    HEIGHT,
    LEFT,
    LINE,
    WIDTH,
    ceiling,
    mark_line,
    mark_words,
    marks,
    opened,
    scale,
    times,
)
from hotswap_dev.export.markup import clock, joined, number, text
from hotswap_dev.export.told import Moment, Rate, Series

_RIGHT = 210
_BOTTOM = 34
_COLUMN = 170
_MOST_POINTS = 240
"""Of a line: more than one in four columns can't be told apart."""

_MOST_COLUMNS = 120
_PLAIN = "c1"


class Segment(Struct, frozen=True):
    """A part of a bar: its class in the page's style, its count, and what it counts."""

    kind: str
    count: int
    words: str


def lines(
    name: str,
    title: str,
    series: Sequence[Series],
    *,
    kinds: Mapping[str, str],
    seconds: float,
    most: int = 0,
    moments: Sequence[Moment] = (),
) -> str:
    """Counts over time as stepped lines; each one's class is that of its name in `kinds`.

    `name` makes its ids its own, `most` is what the upper edge stands for where no value is above it.
    """
    top = ceiling(max([most, *(value for one in series for _, value in one.points)], default=0))
    end = max([seconds, 1e-3, *(one.points[-1][0] for one in series if one.points)])
    placed, rows = marks(moments, end, _RIGHT)
    head = 14 + rows * LINE
    height = head + HEIGHT + _BOTTOM
    bottom = head + HEIGHT
    kept = [
        Series(name=one.name, points=thinned(one.points, end), sequence=one.sequence)
        for one in series
        if one.points
    ]
    drawn = [
        f'<path class="line {kinds.get(one.name, _PLAIN)}" d="{_path(one.points, end, top, head)}"/>'
        for one in kept
    ]
    spoken = "; ".join(
        f"{one.name}: {one.points[-1][1]:,} at the end, {max(value for _, value in one.points):,} at most"
        for one in kept
    )
    return joined(
        (
            opened(name, title, spoken, height),
            scale(top, head, bottom, _RIGHT),
            times(end, bottom, _RIGHT),
            *(mark_line(one, head, bottom) for one in placed),
            *drawn,
            *(mark_words(one, head) for one in placed),
            *_labels(kept, kinds, top, head, end),
            "</svg>",
        )
    )


def columns(name: str, title: str, rate: Rate) -> str:
    """Checks in each period, drawn as what they would come to in a minute."""
    counts, period = _merged(rate)
    top_rate = max(counts, default=0) * 60 / period
    top = ceiling(round(top_rate))
    head, bottom = 14, 14 + _COLUMN
    step = (WIDTH - LEFT - 16) / max(1, len(counts))
    bars = []
    for place, count in enumerate(counts):
        tall = _COLUMN * (count * 60 / period) / top
        if count:
            tall = max(1.5, tall)
            bars.append(
                f'<rect class="accent-fill" x="{number(LEFT + place * step + step * 0.06)}" '
                f'y="{number(bottom - tall)}" width="{number(max(0.8, step * 0.88))}" height="{number(tall)}"/>'
            )
    end = period * len(counts)
    spoken = f"{sum(counts):,} checks in {clock(end)}, at its busiest at {round(top_rate):,} a minute"
    return joined(
        (
            opened(name, title, spoken, bottom + _BOTTOM),
            scale(top, head, bottom, right=16),
            times(end, bottom, right=16),
            *bars,
            "</svg>",
        )
    )


def bar(segments: Sequence[Segment], total: int, *, width: int = 300, height: int = 18) -> str:
    """Parts of a whole; whoever counts is seen. Its words are its description."""
    spoken = ", ".join(f"{one.words} {one.count:,}" for one in segments if one.count) or "nobody"
    parts, left = [], 0.0
    counting = [one for one in segments if one.count > 0]
    least = 4.0
    free = max(0.0, width - least * len(counting))
    whole = max(1, total, sum(one.count for one in counting))
    for one in counting:
        wide_ = least + free * one.count / whole
        parts.append(
            f'<rect class="{one.kind}" x="{number(left)}" y="0" width="{number(wide_)}" height="{height}"/>'
        )
        left += wide_
    return (
        f'<svg class="bar" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(spoken)}"><title>{text(spoken)}</title>'
        f'<rect class="outside" x="0" y="0" width="{width}" height="{height}"/>{"".join(parts)}</svg>'
    )


def thinned(points: Sequence[tuple[float, int]], end: float) -> tuple[tuple[float, int], ...]:
    """At most some hundred points that look the same: of each part of the time the lowest, highest and last value."""
    if len(points) <= _MOST_POINTS:
        return tuple(points)
    parts: dict[int, list[tuple[float, int]]] = {}
    for at, value in points:
        parts.setdefault(int(at / max(end, 1e-9) * (_MOST_POINTS / 3)), []).append((at, value))
    kept: set[tuple[float, int]] = set()
    for part in parts.values():
        kept.update((max(part, key=lambda one: one[1]), min(part, key=lambda one: one[1]), part[-1]))
    return tuple(sorted(kept))


# --- lines and labels ----------------------------------------------------------------------------------------------


def _path(points: Sequence[tuple[float, int]], end: float, top: int, head: float) -> str:
    """A stepped line: each value stands until the next one, the last until the end."""

    def x(at: float) -> str:
        return number(LEFT + (WIDTH - LEFT - _RIGHT) * min(at, end) / end)

    def y(value: int) -> str:
        return number(head + HEIGHT - HEIGHT * value / top)

    if not points:
        return ""
    out = [f"M{x(points[0][0])} {y(points[0][1])}"]
    for at, value in points[1:]:
        out.append(f"H{x(at)}V{y(value)}")
    return "".join([*out, f"H{x(end)}"])


def _labels(
    named: Sequence[Series], kinds: Mapping[str, str], top: int, head: float, end: float
) -> list[str]:
    """Their names at the right edge, as near to their ends as names below each other can be."""
    wanted = sorted(
        ((head + HEIGHT - HEIGHT * one.points[-1][1] / top, one) for one in named),
        key=lambda pair: (pair[0], -max(value for _, value in pair[1].points)),
    )
    places = _apart([y for y, _ in wanted], head, head + HEIGHT)
    out: list[str] = []
    right = WIDTH - _RIGHT
    for (y, one), at in zip(wanted, places, strict=True):
        kind = kinds.get(one.name, _PLAIN)
        last, most = one.points[-1][1], max(value for _, value in one.points)
        count = f"{last:,}" if last == most else f"{last:,} (was {most:,})"
        out.append(
            f'<path class="leader {kind}" d="M{right} {number(y)}L{right + 12} {number(at)}H{right + 18}"/>'
        )
        out.append(
            f'<text class="label {kind}" x="{right + 24}" y="{number(at)}" dy=".35em">'
            f"{text(one.name, 18)}: {count}</text>"
        )
    return out


def _apart(wanted: Sequence[float], least: float, most: float) -> list[float]:
    """Heights in the same order, a line apart and within the plot where there is room, else beyond its lower edge."""
    places: list[float] = []
    for one in wanted:
        places.append(max(one, places[-1] + LINE) if places else max(one, least))
    limit = most
    for place in reversed(range(len(places))):
        places[place] = min(places[place], limit)
        limit = places[place] - LINE
    return places


def _merged(rate: Rate) -> tuple[list[int], float]:
    """The counts in periods that are wide enough to be seen."""
    times = -(-len(rate.counts) // _MOST_COLUMNS) or 1
    merged = [sum(rate.counts[at : at + times]) for at in range(0, len(rate.counts), times)]
    return merged, rate.period * times
