"""Text, figures and durations as they stand in a page: escaped, harmless, and the same every time."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from hotswap_dev.domain.text import shown

TIMES = "\N{MULTIPLICATION SIGN}"


def text(value: str, limit: int = 256) -> str:
    """Any text as content or as the value of an attribute: what it holds is never markup, and no bidi trick works."""
    return escape(shown(value, limit), quote=True)


def isolated(value: str, limit: int = 256) -> str:
    """A name of unknown direction, which turns nothing around it about."""
    return f"<bdi>{text(value, limit)}</bdi>"


def joined(parts: Iterable[str]) -> str:
    """Pieces of markup, each on a line of its own; empty ones leave none."""
    return "\n".join(part for part in parts if part)


def number(value: float) -> str:
    """A coordinate: at most one digit behind the point."""
    rounded = round(value, 1) + 0.0
    return f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:.1f}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 client`, `1,200 clients`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(value: float) -> str:
    """`10 %`, `12.5 %`."""
    return f"{value:g}\N{NO-BREAK SPACE}%"


def milliseconds(value: float) -> str:
    """`0.4 ms`, `28 ms`, `1.3 s`."""
    if value < 9.95:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:.1f} s"


def duration(seconds: float) -> str:
    """`8 s`, `1 min 30 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole or not seconds else f"{seconds:.1f} s"
    large, small, names = (
        (whole // 60, whole % 60, ("min", "s"))
        if whole < 3600
        else (whole // 3600, whole % 3600 // 60, ("h", "min"))
    )
    return f"{large} {names[0]}" + (f" {small} {names[1]}" if small else "")


def clock(seconds: float) -> str:
    """A time of the run as its axis has it: `0:00`, `1:30`, `2:05:00`."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def moment(when: datetime) -> str:
    """`21 November 2026, 21:48 UTC`: in no locale's words but these, so that a page is the same everywhere."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"


def several(names: Iterable[str], most: int = 4) -> str:
    """`1, 2 and 3`; `1, 2, 3, 4 and 8 more`."""
    every = list(names)
    if len(every) > most:
        return f"{', '.join(every[:most])} and {len(every) - most} more"
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def wide(value: str, size: float) -> float:
    """About how many units a text of this size takes in a plot: never less than it does."""
    return sum(size * (1.05 if unicodedata.east_asian_width(letter) in "WF" else 0.6) for letter in value)


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
