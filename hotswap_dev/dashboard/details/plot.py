"""A step function over time as a small plot of block characters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hotswap_dev.dashboard.spans import Line, Span, column

Points = Sequence[tuple[datetime, int]]
"""From each time on the value beside it, until the next one; oldest first."""

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LEAST_WIDTH = 16


def plot(
    points: Points, *, since: datetime, until: datetime, width: int, height: int, most: int = 0
) -> list[Line]:
    """The values from `since` to `until` in `height` rows, with both axes labelled; empty where there is no room.

    `most` is what the upper edge stands for, where no value is above it. The highest value within a column is drawn:
    what was there for a moment is seen.
    """
    edge = max((value for _, value in points), default=0)
    top = max(edge, most, 1)
    gutter = len(str(top)) + 1
    columns = width - gutter - 1
    if columns < _LEAST_WIDTH or height < 1:
        return []
    values = sampled(points, since, until, columns)
    lines: list[Line] = []
    for row in range(height):
        label = str(top) if row == 0 else "0" if row == height - 1 and height > 1 else ""
        lines.append(
            (
                Span(column(label, gutter - 1, right=True), "dim"),
                Span("│" if row < height else "", "dim"),
                Span("".join(_cell(value, top, height, row) for value in values), "accent"),
            )
        )
    lines.append((Span(" " * (gutter - 1)), Span("└" + "─" * columns, "dim")))
    lines.append((Span(" " * gutter), *_times(since, until, columns)))
    return lines


def sampled(points: Points, since: datetime, until: datetime, columns: int) -> list[int]:
    """The highest value within each of `columns` equal parts of the time from `since` to `until`."""
    part = max(timedelta(microseconds=1), (until - since) / columns)
    values: list[int] = []
    now, place = 0, 0
    for number in range(columns):
        end = since + part * (number + 1)
        last = number == columns - 1
        highest = now
        while place < len(points) and (points[place][0] < end or last):
            now = points[place][1]
            highest = max(highest, now)
            place += 1
        values.append(highest)
    return values


def _cell(value: int, top: int, height: int, row: int) -> str:
    """The part of a value's bar that is in this row, the uppermost being 0; what is not 0 is never invisible."""
    eighths = value * height * 8 / top
    filled = max(1, round(eighths)) if value > 0 else 0
    return _EIGHTHS[min(8, max(0, filled - (height - 1 - row) * 8))]


def _times(since: datetime, until: datetime, columns: int) -> Line:
    first, last = _time(since, until), "now"
    if until - since >= timedelta(minutes=4) and columns >= 3 * len(first) + 8:
        middle = _time(since + (until - since) / 2, until)
        left = column(first, columns // 2 - len(middle) // 2)
        return (Span(left + column(middle, columns - len(left) - len(last)) + last, "dim"),)
    return (Span(column(first, columns - len(last)) + last, "dim"),)


def _time(at: datetime, until: datetime) -> str:
    day = at.astimezone().date() != until.astimezone().date()
    return at.astimezone().strftime("%m-%d %H:%M" if day else "%H:%M")
