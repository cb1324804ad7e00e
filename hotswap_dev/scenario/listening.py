"""What a server tells while a scenario is played: its stream of events, followed beside everything else."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from hotswap_dev import wire
from hotswap_dev.client.live import LiveControl
from hotswap_dev.domain.observations import BuildRefused, BuildSkipped, CheckAnswered, Published
from hotswap_dev.errors import HotswapError, Unreachable

_PATIENCE = 20.0
"""Seconds, of real time, until a stream that says nothing of what the state has is taken for lost."""

_BUILDS = (Published, BuildRefused, BuildSkipped)
_MOST_BUILDS = 1000

BuildEvent = Published | BuildRefused | BuildSkipped


class Listening:
    """The events above a revision: checks are counted, and builds are kept for whoever waits for one."""

    def __init__(self, control: LiveControl) -> None:
        self._control = control
        self._instance = ""
        self._revision = 0
        self._checks: Counter[tuple[str, str]] = Counter()
        self._builds: deque[tuple[int, BuildEvent]] = deque(maxlen=_MOST_BUILDS)
        self._moved = asyncio.Condition()
        self._lost: HotswapError | None = None
        self.gaps = 0
        """How often this was too slow for the stream: checks were answered that are in no count."""

    @property
    def checks(self) -> Mapping[tuple[str, str], int]:
        """How many checks of which client were answered with which reason, since this began to listen."""
        return self._checks

    async def reach(self, state: wire.State) -> None:
        """Wait until all that this state knows was heard. Unreachable where the stream ends or stands still."""
        await self._until(
            lambda: self._instance == state.instance and self._revision >= state.revision, _PATIENCE
        )

    async def build(
        self, wanted: Callable[[BuildEvent], bool], *, after: int, within: float
    ) -> BuildEvent | None:
        """The first event of a build above the revision `after` that is `wanted`; None if none is within that time."""

        def found() -> BuildEvent | None:
            return next((one for at, one in self._builds if at > after and wanted(one)), None)

        with contextlib.suppress(TimeoutError):
            await self._until(lambda: found() is not None, within, timed_out=TimeoutError())
        return found()

    async def _until(
        self, holds: Callable[[], bool], seconds: float, *, timed_out: Exception | None = None
    ) -> None:
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self._lost is not None or holds())
        except TimeoutError:
            raise timed_out or Unreachable(
                f"the server tells nothing new: its events stand at {self._revision}",
                "is it stopped, or another hotswap-dev than this one?",
            ) from None
        if self._lost is not None and not holds():
            raise self._lost

    async def follow(self, state: wire.State) -> None:
        """Follow the stream from here on, until it is cancelled. What goes wrong is told to who waits."""
        try:
            while True:
                # A stream that this reader was too slow for is left: what it said meanwhile nobody can count any more.
                await self._begin(state)
                async with contextlib.aclosing(self._control.events(state.revision)) as events:
                    async for batch in events:
                        if not await self._take(batch):
                            break
                    else:
                        raise Unreachable("the server ended its events", "was it ended, or started anew?")
                state = await self._control.state()
        except HotswapError as error:
            async with self._moved:
                self._lost = error
                self._moved.notify_all()

    async def _begin(self, state: wire.State) -> None:
        async with self._moved:
            self._instance, self._revision = state.instance, state.revision
            self._moved.notify_all()

    async def _take(self, batch: Sequence[wire.EventLine]) -> bool:
        async with self._moved:
            for line in batch:
                if line.instance != self._instance or isinstance(line.event, wire.Gap):
                    self.gaps += 1
                    return False
                self._revision = max(self._revision, line.revision)
                if isinstance(line.event, CheckAnswered):
                    self._checks[line.event.client, line.event.reason] += 1
                elif isinstance(line.event, _BUILDS):
                    self._builds.append((line.revision, line.event))
            self._moved.notify_all()
        return True


@asynccontextmanager
async def listening(control: LiveControl) -> AsyncIterator[Listening]:
    """Listen to a server until the block ends. Unreachable where there is none."""
    ears = Listening(control)
    following = asyncio.create_task(ears.follow(await control.state()), name="the server's events")
    try:
        yield ears
    finally:
        following.cancel()
        # Not awaited itself: its cancellation could not be told from one of whoever listens.
        await asyncio.wait([following])
        if not following.cancelled():
            following.result()
