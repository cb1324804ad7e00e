"""A feed that follows a scripted server, and what it says of it: for the tests of the feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

from hotswap_dev import wire
from hotswap_dev.dashboard.feed import Feed
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.view import Link
from tests.dashboard.desks import RememberingControl
from tests.dashboard.resting import nothing_is_ready
from tests.dashboard.scripted import ScriptedControl
from tests.unit.making import NOW


class CountingControl(RememberingControl):
    """Counts how often its state is read; `refuses` is what it says in place of it."""

    def __init__(self) -> None:
        super().__init__()
        self.states = 0
        self.refuses: Exception | None = None

    async def state(self) -> wire.State:
        self.states += 1
        if self.refuses is not None:
            raise self.refuses
        return await super().state()


class Following:
    """A feed that follows a server: how it stood, one link after the other, and the pauses that it asked for."""

    def __init__(self, control: ScriptedControl, *, ended: Callable[[], str | None] = lambda: None) -> None:
        self.control = control
        self.mirror = Mirror()
        self.links: list[Link] = []
        self.pauses: list[float] = []
        self.time: datetime = NOW
        self._passes = asyncio.Semaphore(0)
        self.feed = Feed(
            control,
            self.mirror,
            now=lambda: self.time,
            changed=self._changed,
            pause=self._pause,
            server_ended=ended,
        )

    def _changed(self) -> None:
        if not self.links or self.links[-1] != self.feed.link:
            self.links.append(self.feed.link)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self._passes.acquire()
        self.time += timedelta(seconds=seconds)

    async def tries_again(self, times: int = 1) -> None:
        """So many pauses pass; what is asked after the last of them has been answered."""
        for _ in range(times):
            self._passes.release()
        await nothing_is_ready()

    @property
    def states(self) -> list[str]:
        return [link.state for link in self.links]

    async def happens(self, *events: Any) -> None:
        self.control.happens(*events)
        await nothing_is_ready()


@asynccontextmanager
async def following(control: ScriptedControl, **more: Any) -> AsyncIterator[Following]:
    followed = Following(control, **more)
    task = asyncio.create_task(followed.feed.follow())
    try:
        await nothing_is_ready()
        yield followed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextmanager
def holding_pages(control: ScriptedControl) -> Iterator[asyncio.Event]:
    """The history answers only once the event is set, with what happened until it was asked."""
    free, get = asyncio.Event(), control.get

    async def slow(path: str, **query: Any) -> Any:
        answer = await get(path, **query)
        if path == "/api/history":
            await free.wait()
        return answer

    control.get = slow  # type: ignore[method-assign]
    yield free


def told(followed: Following) -> int:
    """The checks that the rows tell of."""
    return sum(row.times for row in followed.mirror.checks.rows() if row.check is not None)
