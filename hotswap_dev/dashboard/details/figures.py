"""Times, ages and sizes as a person says them."""

from __future__ import annotations

from datetime import datetime

_UNITS = (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3))


def size(count: int) -> str:
    """Bytes in the unit that a person would use; powers of ten, as disks and downloads are counted."""
    if count < 1000:
        return f"{count} B"
    unit, factor = next((one for one in _UNITS if count < 999.5 * one[1]), _UNITS[-1])
    value = count / factor
    return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"


def clock(at: datetime) -> str:
    """The local time of day."""
    return at.astimezone().strftime("%H:%M:%S")


def day_and_clock(at: datetime, now: datetime) -> str:
    """The local time of day, with its date where that is not today's."""
    local = at.astimezone()
    today = local.date() == now.astimezone().date()
    return local.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def ago(at: datetime, now: datetime) -> str:
    """How long ago: `just now`, `8 s ago`, `12 min ago`, `3 h ago`, `5 days ago`. A clock that was set back is now."""
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 1:
        return "just now"
    for unit, length, until in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 48 * 3600)):
        if seconds < until:
            return f"{seconds // length} {unit} ago"
    return f"{seconds // (24 * 3600)} days ago"


def took(milliseconds: float) -> str:
    """A duration: `0.4 ms`, `28 ms`, `1.3 s`, `2 min`."""
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 file`, `3 files`, `1,200 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
