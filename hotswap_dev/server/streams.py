"""Answers that never end by themselves, such as streams of events: they end with the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web


class Streams:
    """The open ones of a site; `len()` is how many. `end` is for the site's `on_shutdown`."""

    def __init__(self) -> None:
        self._open: set[asyncio.Timeout] = set()

    def __len__(self) -> int:
        return len(self._open)

    @contextlib.asynccontextmanager
    async def open(self, request: web.Request) -> AsyncIterator[None]:
        """Around what is sent: it is broken off when the server ends, or at a TimeoutError from within."""
        try:
            async with asyncio.timeout(None) as stream:
                self._open.add(stream)
                try:
                    yield
                finally:
                    self._open.discard(stream)
        except TimeoutError:
            # A reader that stopped reading would not let us end the answer in order.
            if request.transport is not None and request.transport.get_write_buffer_size():
                request.transport.abort()

    async def end(self, _: web.Application) -> None:
        """Break them off: the server's end must not wait for them."""
        now = asyncio.get_running_loop().time()
        for stream in self._open:
            stream.reschedule(now)
