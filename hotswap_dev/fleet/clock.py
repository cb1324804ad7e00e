"""Story time: seconds since a fleet began, as fast as life or as fast as the work goes."""

from __future__ import annotations

import asyncio
import time

LEAST_PACE = 0.001
"""A thousand times as fast as life: no work keeps up with more, and what is to go as fast as it can goes at 0."""


class Clock:
    """`pace` is how many real seconds a second of the story takes: 1 for life, 0.1 for ten times as fast.

    0 is for tests and scenarios without an audience: nothing sleeps, and time jumps to whatever is waited for.
    """

    def __init__(self, pace: float = 1.0) -> None:
        if pace != 0 and not LEAST_PACE <= pace < float("inf"):  # nor where it is no number
            raise ValueError(f"time does not run at the pace {pace}: 0, or from {LEAST_PACE} on")
        self.pace = pace
        self._began = time.monotonic()
        self._jumped = 0.0

    @property
    def now(self) -> float:
        """Seconds of story time."""
        return self._jumped if self.pace == 0 else (time.monotonic() - self._began) / self.pace

    async def until(self, at: float, *, unless: asyncio.Event | None = None) -> None:
        """Wait for a moment of the story, past ones too; return before it once `unless` is set."""
        if self.pace == 0:
            await asyncio.sleep(0)  # whoever else lives on this loop gets a turn
            if unless is None or not unless.is_set():
                self._jumped = max(self._jumped, float(at))
            return
        while (left := (at - self.now) * self.pace) > 0:
            if unless is None:
                await asyncio.sleep(left)
                continue
            try:
                async with asyncio.timeout(left):
                    await unless.wait()
                return
            except TimeoutError:
                pass
