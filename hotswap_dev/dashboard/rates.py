"""How many checks came lately: counted in short periods by the time that the server gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

PERIOD = 5
"""Seconds. A minute is twelve of them."""

SHOWN = 24
"""Periods that are kept: two minutes."""


class Rates:
    """Counts per period; what is older than the plot is forgotten.

    `before` is what the same server's checks were counted as until a gap: it stands until the history has told them
    anew, with those that were missed.
    """

    def __init__(self, before: Rates | None = None) -> None:
        self._counts: dict[int, int] = {}
        self._before: Mapping[int, int] = {} if before is None else before.told()
        self._reading: int | None = None

    def count_past(self, checks: Iterable[datetime], *, reading: int) -> None:
        """Checks that a page of the history tells. Only the first reading counts: another one tells them again."""
        if self._reading is None:
            self._reading = reading
        if self._reading == reading:
            for at in checks:
                self.count(at)

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
        return sum(self._last(60 // PERIOD, now))

    def per_period(self, now: datetime) -> tuple[int, ...]:
        """Each of the last periods, oldest first."""
        return tuple(self._last(SHOWN, now))

    def _last(self, count: int, now: datetime) -> list[int]:
        period, told = int(now.timestamp()) // PERIOD, self.told()
        return [told.get(one, 0) for one in range(period - count + 1, period + 1)]

    def told(self) -> Mapping[int, int]:
        """The count of each period, by its number."""
        counted = dict(self._before)
        for period, count in self._counts.items():
            counted[period] = max(count, counted.get(period, 0))
        return dict(sorted(counted.items())[-2 * SHOWN :])
