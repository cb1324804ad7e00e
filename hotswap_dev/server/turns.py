"""Turns: how many downloads run at once, and how long one may take (hardening D4)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from aiohttp import web

from hotswap_dev.server.connections import Connection, hang_up

DEADLINE = 300.0
"""Seconds, waiting included: after that the client has given up by itself (plugin: updater.rs)."""

_LEFT = "the client left before its turn"


class Turns:
    """So many at once; who comes then waits, first come, first served.

    No one is sent away with a 503: that would use up one of the client's four attempts, and the test's result with it.
    """

    def __init__(self, at_once: int, deadline: float = DEADLINE) -> None:
        self.at_once = at_once
        self.running = 0
        self._deadline = deadline
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(not turn.done() for turn in self._waiting)

    @contextlib.asynccontextmanager
    async def turn(self, request: web.BaseRequest) -> AsyncIterator[None]:
        """Run the block when there is room for it.

        ConnectionResetError where the client leaves before that, or where it waits until the deadline. Where the
        deadline comes later, the connection is ended under the block, whose sending fails then.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deadline
        transport = request.transport
        if transport is None:
            raise ConnectionResetError(_LEFT)
        try:
            async with asyncio.timeout_at(deadline):
                await self._enter(request)
        except TimeoutError:
            hang_up(transport)
            raise ConnectionResetError(f"no turn came in {self._deadline:g} s") from None
        late = loop.call_at(deadline, hang_up, transport)
        try:
            yield
        finally:
            late.cancel()
            self._leave()

    async def _enter(self, request: web.BaseRequest) -> None:
        if self.running < self.at_once:
            self.running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)

        def lost() -> None:
            if not turn.done():
                turn.set_exception(ConnectionResetError(_LEFT))

        connection = request.protocol
        try:
            with contextlib.ExitStack() as stack:
                if isinstance(connection, Connection):
                    stack.enter_context(connection.told_when_lost(lost))
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # The turn came, and in the same moment the wait was over: it is the next one's.
                self._leave()
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def _leave(self) -> None:
        """Hand the turn to who waits longest; where nobody does there is room for one more."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1
