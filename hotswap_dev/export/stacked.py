"""Who runs what over time as one plot: a client runs one thing at a time, so the counts lie on top of each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from hotswap_dev.export.axes import (
    FONT,
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
from hotswap_dev.export.markup import joined, number, text, wide
from hotswap_dev.export.told import Moment, Series

_RIGHT = 132
_COLUMNS = 160
"""Parts of the time that are told apart."""

_INSIDE = 20
"""A band as high as this has room for its name."""


def stacked(
    name: str,
    title: str,
    series: Sequence[Series],
    *,
    kinds: Mapping[str, str],
    seconds: float,
    most: int = 0,
    moments: Sequence[Moment] = (),
) -> str:
    """The first series at the bottom, each named where it has the most room. `kinds` is each one's class by its name.

    What `most` stands for is the upper edge where there are not more; `name` makes its ids its own.
    """
    end = max([seconds, 1e-3, *(one.points[-1][0] for one in series if one.points)])
    drawn = _drawn(end, [one.points for one in series if kinds.get(one.name) == "bad"])
    values = [_sampled(one.points, drawn) for one in series]
    edges = _edges(values)
    top = ceiling(max([most, *(edges[-1] if edges else [])], default=0))
    placed, rows = marks(moments, end, _RIGHT)
    head = 14.0 + rows * LINE
    bottom = head + HEIGHT
    spoken = "; ".join(
        f"{one.name}: {one.points[-1][1]:,} at the end, {_most(one):,} at most"
        for one in series
        if _most(one)
    )
    bands, names = [], []
    for place, one in enumerate(series):
        below, above = edges[place], edges[place + 1]
        if not any(values[place]):
            continue
        kind = kinds.get(one.name, "old")
        bands.append(f'<path class="band {kind}" d="{_band(below, above, top, head)}"/>')
        names.append(_name(one, kind, below, above, top, head))
    ends = [
        (head + HEIGHT - HEIGHT * (edges[place][-1] + edges[place + 1][-1]) / 2 / top, told[-1], one.name)
        for place, (one, told) in enumerate(zip(series, values, strict=True))
        if told[-1]
    ]
    return joined(
        (
            opened(name, title, spoken, bottom + 34),
            scale(top, head, bottom, _RIGHT),
            *bands,
            *(mark_line(one, head, bottom) for one in placed),
            *(mark_words(one, head) for one in placed),
            *names,
            times(end, bottom, _RIGHT),
            *_ends(ends, head, bottom),
            "</svg>",
        )
    )


def _most(one: Series) -> int:
    return max((value for _, value in one.points), default=0)


def _drawn(end: float, bad: Sequence[Sequence[tuple[float, int]]]) -> list[float]:
    """The moment as of which each part of the time is drawn: its end, or when in it more ran something bad, however
    shortly; the last one is the end of all.
    """
    drawn = [end * (place + 1) / _COLUMNS + 1e-9 for place in range(_COLUMNS)]
    turns = sorted({at for points in bad for at, _ in points})
    counts = [sum(one) for one in zip(*(_sampled(points, turns) for points in bad), strict=True)]
    most: dict[int, int] = {}
    for at, count in zip(turns, counts, strict=True):
        place = min(_COLUMNS - 1, int(at / end * _COLUMNS))
        if place < _COLUMNS - 1 and count > most.get(place, _standing(turns, counts, drawn[place])):
            most[place], drawn[place] = count, at
    return drawn


def _standing(begins: Sequence[float], counts: Sequence[int], at: float) -> int:
    """The count that stands at a time."""
    found = bisect_right(begins, at)
    return counts[found - 1] if found else 0


def _sampled(points: Sequence[tuple[float, int]], drawn: Sequence[float]) -> list[int]:
    """The value at each of these moments."""
    begins, counts = [at for at, _ in points], [count for _, count in points]
    return [_standing(begins, counts, at) for at in drawn]


def _edges(values: Sequence[Sequence[int]]) -> list[list[int]]:
    """The lower edge of each, and the upper one of the last."""
    edges = [[0] * _COLUMNS]
    for told in values:
        edges.append([below + value for below, value in zip(edges[-1], told, strict=True)])
    return edges


def _band(below: Sequence[int], above: Sequence[int], top: int, head: float) -> str:
    """The area between two edges, stepped; nothing is drawn of a time when it is empty."""
    out: list[str] = []
    begin: int | None = None
    for place in range(_COLUMNS + 1):
        filled = place < _COLUMNS and above[place] > below[place]
        if filled and begin is None:
            begin = place
        elif not filled and begin is not None:
            upper = _steps(above, begin, place, top, head)
            lower = _back(below, begin, place, top, head)
            out.append(f"M{_x(begin)} {_y(below[begin], top, head)}{upper}{lower}Z")
            begin = None
    return "".join(out)


def _steps(edge: Sequence[int], begin: int, end: int, top: int, head: float) -> str:
    turns = (
        f"H{_x(place)}V{_y(edge[place], top, head)}"
        for place in range(begin + 1, end)
        if edge[place] != edge[place - 1]
    )
    return f"V{_y(edge[begin], top, head)}{''.join(turns)}H{_x(end)}"


def _back(edge: Sequence[int], begin: int, end: int, top: int, head: float) -> str:
    turns = (
        f"H{_x(place)}V{_y(edge[place - 1], top, head)}"
        for place in range(end - 1, begin, -1)
        if edge[place] != edge[place - 1]
    )
    return f"V{_y(edge[end - 1], top, head)}{''.join(turns)}"


def _name(one: Series, kind: str, below: Sequence[int], above: Sequence[int], top: int, head: float) -> str:
    """Its name in the widest place that is high enough for it; beside its peak for what must be seen; else none."""
    words = one.name
    least = _INSIDE * top / HEIGHT
    best = (0, 0)
    begin: int | None = None
    for place in range(_COLUMNS + 1):
        if place < _COLUMNS and above[place] - below[place] >= least:
            begin = place if begin is None else begin
        elif begin is not None:
            best = max(best, (begin, place), key=lambda run: run[1] - run[0])
            begin = None
    step = (WIDTH - LEFT - _RIGHT) / _COLUMNS
    if (best[1] - best[0]) * step >= wide(words, FONT) + 8:
        # In the middle of its widest stretch, at the height that it has there.
        middle = (best[0] + best[1]) // 2
        span = range(
            max(best[0], middle - int(wide(words, FONT) / step / 2) - 1),
            min(best[1], middle + int(wide(words, FONT) / step / 2) + 2),
        )
        low, high = max(below[at] for at in span), min(above[at] for at in span)
        if high - low >= least:
            y = head + HEIGHT - HEIGHT * (low + high) / 2 / top
            x = LEFT + middle * step
            return _said(words, kind, x, y, "middle")
    if kind != "bad":
        return ""
    peak = max(range(_COLUMNS), key=lambda at: above[at] - below[at])
    y = head + HEIGHT - HEIGHT * above[peak] / top - 12
    x = LEFT + (peak + 0.5) * step
    return _said(f"{words}: at most {_most(one):,}", f"{kind} out", x, y, "middle")


def _said(words: str, kind: str, x: float, y: float, anchor: str) -> str:
    return (
        f'<text class="in {kind}" x="{number(x)}" y="{number(y)}" dy=".35em" text-anchor="{anchor}">'
        f"{text(words, 28)}</text>"
    )


def _ends(ends: Sequence[tuple[float, int, str]], head: float, bottom: float) -> list[str]:
    """What each comes to at the end, beside it; of those without room the larger ones."""
    out: list[str] = []
    taken: list[float] = []
    for y, count, name in sorted(ends, key=lambda one: -one[1]):
        at = min(max(y, head + 6), bottom - 6)
        if any(abs(at - other) < LINE for other in taken):
            continue
        taken.append(at)
        out.append(
            f'<text class="said" x="{WIDTH - _RIGHT + 10}" y="{number(at)}" dy=".35em">'
            f"{count:,} {text(_short(name), 14)}</text>"
        )
    return out


def _short(name: str) -> str:
    """What stands beside a count at the right edge, in a few letters."""
    if name.startswith("release "):
        return f"run {name.removeprefix('release ')}"
    return "others" if name.startswith(("releases ", "other ")) else name.partition(" ")[0]


def _x(place: float) -> str:
    return number(LEFT + (WIDTH - LEFT - _RIGHT) * place / _COLUMNS)


def _y(value: float, top: int, head: float) -> str:
    return number(head + HEIGHT - HEIGHT * value / top)
