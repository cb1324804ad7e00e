"""A small answer, written to its connection in one piece.

aiohttp makes a response's head anew each time, from a dictionary and through a signal; at ten thousand checks a second
that is a fifth of all the work. Checks are answered with a handful of heads, so each is made once.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE
from multidict import CIMultiDict

from hotswap_dev.server.connections import hang_up

_UNREAD = 64 * 1024
"""Bytes that may wait for a client that asks without reading, before its next request has to wait (hardening D8)."""

_UNREAD_SECONDS = 30.0
"""Seconds that they may wait: who asks and never reads would otherwise keep its place for ever (hardening D2, D8)."""

_EAGER = sys.version_info >= (3, 12)
"""Whether aiohttp answers a connection's requests without a turn of the loop between them, as it does since 3.12.

What the next one is answered would overtake what was posted, and what closes the connection would lose it.
"""


class Outbox:
    """Answers that go out together, once all requests that came together are answered.

    A client that sleeps is woken by the first bytes that it gets, and sleeps again until the next: with thirty of its
    connections waiting, waking it thirty times took a quarter of all the work. One answer alone goes out as soon.
    """

    def __init__(self) -> None:
        self._posted: list[tuple[asyncio.WriteTransport, bytes]] = []

    def post(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Have `data` written in the loop's next turn."""
        if not self._posted:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._posted.append((transport, data))

    def _deliver(self) -> None:
        posted, self._posted = self._posted, []
        for transport, data in posted:
            if not transport.is_closing():
                transport.write(data)


class WholeAnswer(web.StreamResponse):
    """An answer of which every byte is known; the connection stays open after it. `head` is of `head_of`."""

    def __init__(self, outbox: Outbox, status: int, head: bytes, body: bytes) -> None:
        super().__init__(status=status)
        self._outbox = outbox
        self._head = head
        self._whole = body

    @property
    def keep_alive(self) -> bool | None:
        """Whether another request may follow."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it; ConnectionResetError where nobody is there any more, or nobody who reads."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        length = b"" if self.status == 204 else b"Content-Length: %d\r\n" % len(self._whole)
        whole = b"%b%b%b\r\n%b" % (self._head, length, _date(int(time.time())), self._whole)
        self._outbox.post(transport, whole)
        if _EAGER:
            # The outbox's turn comes first, and only then the connection's next request or its end.
            await asyncio.sleep(0)
        if transport.get_write_buffer_size() > _UNREAD:
            try:
                async with asyncio.timeout(_UNREAD_SECONDS):
                    await request.writer.drain()
            except TimeoutError:
                hang_up(transport)
                raise ConnectionResetError(f"nothing was read for {_UNREAD_SECONDS:g} s") from None
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to be written."""


def answer_of(
    request: web.Request,
    outbox: Outbox,
    status: int,
    headers: CIMultiDict[str],
    head: bytes,
    body: bytes = b"",
) -> web.StreamResponse:
    """An answer in one piece where HTTP/1.1 keeps the connection, else the same one by aiohttp's own way."""
    if request.version == HttpVersion11 and request.keep_alive:
        return WholeAnswer(outbox, status, head, body)
    return web.Response(status=status, body=body or None, headers=headers)


def head_of(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers without Date and Content-Length; the values are ours, and have no line's end in them."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**headers, "Server": SERVER_SOFTWARE}.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header has a line's end in it")
    return "".join(f"{line}\r\n" for line in lines).encode()


@functools.lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
