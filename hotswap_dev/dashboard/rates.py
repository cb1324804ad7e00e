"""How many checks came lately: counted in short periods by the time that the server gave them."""

from __future__ import annotations

from datetime import datetime

PERIOD = 5
"""Seconds. A minute is twelve of them."""

SHOWN = 24
"""Periods that are kept: two minutes."""


class Rates:
    """Counts per period; what is older than the plot is forgotten."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def count(self, at: datetime) -> None:
        """A check was answered then."""
        period = int(at.timestamp()) // PERIOD
        counts = self._counts
        if period in counts:
            counts[period] += 1
            return
        counts[period] = 1
        if len(counts) > 2 * SHOWN:
            for old in sorted(counts)[:-SHOWN]:
                del counts[old]

    def last_minute(self, now: datetime) -> int:
        """Checks in the minute that ends with this period."""
        period = int(now.timestamp()) // PERIOD
        return sum(self._counts.get(one, 0) for one in range(period - 60 // PERIOD + 1, period + 1))

    def per_period(self, now: datetime) -> tuple[int, ...]:
        """Each of the last periods, oldest first."""
        period = int(now.timestamp()) // PERIOD
        return tuple(self._counts.get(one, 0) for one in range(period - SHOWN + 1, period + 1))
