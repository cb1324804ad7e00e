"""The control site of one's own server, which wants to know when somebody reads what it has to say."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from hotswap_dev import wire
from hotswap_dev.client.live import LiveControl


def followed(find: Callable[[], tuple[str, str]], told: Callable[[], None]) -> LiveControl:
    """A LiveControl that calls `told` before it reads events for the first time.

    The state has been read by then, so whatever happens because of the call is an event that follows it.
    """
    return _Followed(find, told)


class _Followed(LiveControl):
    def __init__(self, find: Callable[[], tuple[str, str]], told: Callable[[], None]) -> None:
        super().__init__(find)
        self._told: Callable[[], None] | None = told

    async def events(self, after: int) -> AsyncGenerator[Sequence[wire.EventLine], None]:
        if self._told is not None:
            self._told()
            self._told = None
        async with aclosing(super().events(after)) as batches:
            async for batch in batches:
                yield batch
