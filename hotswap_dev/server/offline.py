"""A site's line: the sockets that it listens on, taken away on purpose and put back (design §7, `offline`)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hotswap_dev.errors import HotswapError
from hotswap_dev.server.listener import Listener
from hotswap_dev.server.sockets import Place, listen_again, place_of

AGAIN_EVERY = 1.0
"""Seconds between two tries to have a port back that somebody else took meanwhile."""

_ACCEPTED_AT_ONCE = 16
"""Per turn of the loop and socket. asyncio tells us of a connection two turns after it has opened its file, so what it
accepts at once must fit into the spare files (`connections`) a few times over."""

_TURNS_TO_BE_KNOWN = 3
"""Turns of the loop after which every connection that was accepted is known, see above."""

_BACKLOG = 1024
_ENDING_SECONDS = 1.0


class Resettable(Protocol):
    """A connection, as far as this needs to know it."""

    def reset(self) -> None:
        """End it with a TCP RST."""


class SiteLine:
    """The listening sockets of a site. While it is down, connections are refused, as if no server were there.

    `down` and `up` may be called at any time and by anyone; the latest of them holds.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.BaseProtocol],
        make_room: Callable[[str], bool],
        connected: Callable[[], Iterable[Resettable]],
    ) -> None:
        self._protocol = protocol
        self._make_room = make_room
        self._connected = connected
        self._places: tuple[Place, ...] = ()
        self._servers: list[tuple[asyncio.Server, Listener]] = []
        self._wanted = True
        self._closed = False
        self._one_at_a_time = asyncio.Lock()
        self._turned = asyncio.Event()

    @property
    def listens(self) -> bool:
        """Whether connections are taken now."""
        return bool(self._servers)

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Take connections on these; from now on they are this line's, which closes them."""
        self._places = tuple(map(place_of, sockets))
        async with self._one_at_a_time:
            await self._serve(sockets)

    async def down(self) -> None:
        """Stop listening, and reset every connection; when it returns, nobody is connected any more."""
        self._wanted = False
        self._turned.set()
        async with self._one_at_a_time:
            if self._wanted:
                return
            for _, listener in self._servers:
                listener.take_nobody()
            # asyncio loses, and leaves open, a connection that it has accepted when its server is closed before it
            # has told of it (`_accept_connection2`).
            for _ in range(_TURNS_TO_BE_KNOWN):
                await asyncio.sleep(0)
            self._stop()
            # A handler that cleans up is left to it, but not waited for without end.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ENDING_SECONDS):
                    ending: set[Resettable] = set()
                    while connected := set(self._connected()):
                        for one in connected - ending:
                            one.reset()
                        ending |= connected
                        await asyncio.sleep(0)

    async def up(self, tell: Callable[[HotswapError], None] = lambda _: None) -> bool:
        """Listen again, where it did before; True once it does, False where `down` or the end came in between.

        Where a port was taken meanwhile it is tried again every second, and `tell` hears of each new reason once.
        """
        if self._closed:
            return False
        self._wanted = True
        self._turned.clear()
        told = ""
        while self._wanted and (refused := await self._try()) is not None:
            if refused.message != told:
                told = refused.message
                tell(refused)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_EVERY):
                    await self._turned.wait()
        return self.listens

    def close(self) -> None:
        """Stop listening for good; connections stay as they are."""
        self._closed = True
        self._wanted = False
        self._turned.set()
        self._stop()

    async def _try(self) -> HotswapError | None:
        """Listen again; the error where that can't be."""
        async with self._one_at_a_time:
            # Whoever was first at the lock may have done it, or undone that it is wanted.
            if self._wanted and not self.listens:
                try:
                    await self._serve(listen_again(self._places))
                except HotswapError as error:
                    return error
        return None

    async def _serve(self, sockets: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as undo:
            for opened in sockets:
                undo.callback(opened.close)
            undo.callback(self._stop)
            for opened in sockets:
                listener = Listener(opened, self._make_room)
                try:
                    server = await loop.create_server(
                        self._protocol, sock=listener, backlog=_ACCEPTED_AT_ONCE
                    )
                except BaseException:
                    listener.close()
                    raise
                self._servers.append((server, listener))
                # asyncio takes one number for two things: how many it accepts at once, and how many the system holds.
                listener.listen(_BACKLOG)
            if self._wanted:  # else it was closed meanwhile
                undo.pop_all()

    def _stop(self) -> None:
        for server, listener in self._servers:
            server.close()
            listener.close()
        self._servers.clear()
