"""How fast a body is sent: no faster than a number of bytes a second, smoothly, from its first byte on."""

from __future__ import annotations

import asyncio
import socket
from weakref import WeakKeyDictionary

from aiohttp import web

from hotswap_dev.server.misbehaving.ends import silence
from hotswap_dev.server.turns import Turns

LARGEST_PIECE = 64 * 1024
"""Bytes that are read and sent at once."""

_PIECE_SECONDS = 0.05
_CATCHING_UP = 0.25
"""Seconds of lateness that are made up for. A loop that was busy must not make the line slower than it is said to be;
a client that did not read for a while must not be sent a burst."""

_SMALLEST_BUFFER = 8 * 1024


_gates: WeakKeyDictionary[Turns, asyncio.Lock] = WeakKeyDictionary()


async def next_piece(turns: Turns) -> None:
    """Wait for a turn of the loop in which no other of these downloads sends a piece.

    However many there are and however fast their clients read, what else the loop has to do then waits for one piece a
    turn, not for one of each: a hundred of them would hold up a check by 10 ms and more.
    """
    async with _gates.setdefault(turns, asyncio.Lock()):
        await asyncio.sleep(0)


class Pace:
    """The pace of one body. `bytes_s` is at least 1."""

    def __init__(self, bytes_s: int) -> None:
        self.piece = max(1, min(LARGEST_PIECE, round(bytes_s * _PIECE_SECONDS)))
        """How many bytes are sent at once."""
        self._seconds_per_byte = 1 / bytes_s
        self._due = asyncio.get_running_loop().time()

    def narrow(self, transport: asyncio.Transport) -> None:
        """Have the system keep little of what was sent: what lies in its buffer would come to the client in a burst."""
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, max(_SMALLEST_BUFFER, 2 * self.piece))

    async def turn(self, request: web.BaseRequest, count: int) -> None:
        """Wait until a line of this pace would have brought so many bytes more."""
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now - _CATCHING_UP) + count * self._seconds_per_byte
        await silence(request, max(0.0, self._due - now))
