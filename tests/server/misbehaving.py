"""A site whose answers misbehave as a test says, and a client on a bare socket that hears every byte and every end."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiohttp import web
from multidict import CIMultiDict

from hotswap_dev.domain.faults import Fault
from hotswap_dev.server.connections import Connections, answering
from hotswap_dev.server.guard import STAMPED
from hotswap_dev.server.misbehave import MisbehavingDownload, PlainAnswer, misbehave_check, misbehave_download
from hotswap_dev.server.offline import SiteLine
from hotswap_dev.server.sockets import listen_privately, port_of
from hotswap_dev.server.turns import Turns
from tests.server.asking import PATIENCE, until

MANIFEST = b'{"version":"0.1.0-ota.7","sequence":7,"url":"http://localhost/b.tar.gz","signature":"s"}'
OFFER = PlainAnswer(
    200,
    CIMultiDict({**STAMPED, "X-Hotswap-Reason": "fault", "Content-Type": "application/json"}),
    MANIFEST,
)
NO_UPDATE = PlainAnswer(204, CIMultiDict({**STAMPED, "X-Hotswap-Reason": "fault"}))

LAST_WORDS = 0.5


@dataclass
class Site:
    """What answers: `/check` and `/bundle` by the fault of the moment, `/healthy` always."""

    port: int
    line: SiteLine
    connections: Connections
    turns: Turns
    bundle: Path
    end: Callable[[], Awaitable[None]]
    """End it before the block does."""
    fault: Fault | None = None
    asked: int = 0
    answer: PlainAnswer = OFFER
    ended: list[MisbehavingDownload] = field(default_factory=list)

    @property
    def content(self) -> bytes:
        """The bundle's bytes."""
        return self.bundle.read_bytes()

    def unsent(self) -> list[int]:
        """How many bytes this process holds for each connection that does not take them."""
        made = [one._made for use in self.connections._by_use.values() for one in use]
        return [transport.get_write_buffer_size() for transport in made if transport is not None]


@asynccontextmanager
async def misbehaving_site(bundle: Path) -> AsyncIterator[Site]:
    """A site that sends `bundle`; it is ended when the block is."""
    made: list[Site] = []
    size = bundle.stat().st_size

    def struck() -> Fault:
        site = made[0]
        site.asked += 1
        assert site.fault is not None
        return site.fault

    async def checked(_: web.Request) -> web.StreamResponse:
        return misbehave_check(struck(), made[0].answer)

    async def fetched(_: web.Request) -> web.StreamResponse:
        site = made[0]
        headers = {"X-Kept": "yes", "Cache-Control": "public, max-age=31536000, immutable"}
        return misbehave_download(struck(), bundle, size, headers, site.turns, site.ended.append)

    async def healthy(_: web.Request) -> web.StreamResponse:
        return web.Response(body=MANIFEST)

    app = web.Application()
    app.router.add_route("*", "/check", checked)
    app.router.add_get("/bundle", fetched)
    app.router.add_get("/healthy", healthy)
    sockets, connections = [listen_privately()], Connections(9999, 9999)
    port = port_of(sockets)
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(
            answering(app, sockets, connections, keep_alive=30, last_words=LAST_WORDS)
        )
        made.append(Site(port, line, connections, Turns(512), bundle, stack.aclose))
        yield made[0]


@dataclass(frozen=True)
class Heard:
    """What came over a connection until it ended. `at`: seconds after asking, and how many bytes there were then."""

    data: bytes
    ending: Literal["fin", "reset"]
    at: Sequence[tuple[float, int]]
    ended_at: float

    @property
    def status(self) -> int:
        """The answer's; 0 where there is none."""
        return int(self.data[9:12] or 0)

    @property
    def headers(self) -> dict[str, str]:
        """The first answer's, by their lower-case names."""
        lines = self.data.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        """All that came behind the first answer's head."""
        return self.data.partition(b"\r\n\r\n")[2]

    def seconds_until(self, count: int) -> float:
        """When the byte of this number in the body had come, counted from 1."""
        head = len(self.data) - len(self.body)
        return next(when for when, total in self.at if total >= head + count)


class Client:
    """A bare TCP connection, which tells an end by FIN from one by RST."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self._port = port
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._sending: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Client:
        self._socket.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self._port))
        except BaseException:
            self._socket.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sending.cancel()
        await asyncio.wait([self._sending])
        if not self._sending.cancelled():
            self._sending.exception()  # heard of, or of no interest
        self._socket.close()

    async def ask(self, data: bytes) -> None:
        """Begin to send these bytes; as many of them go out as the other side takes before it ends."""
        self._asked = time.monotonic()
        self._sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(self._socket, data))
        await asyncio.sleep(0)

    async def hear(self, until_bytes: int | None = None) -> Heard:
        """All that is said until the end, or at least so many bytes of it."""
        data = bytearray()
        at: list[tuple[float, int]] = []
        reset = False
        async with asyncio.timeout(PATIENCE):
            while until_bytes is None or len(data) < until_bytes:
                try:
                    piece = await asyncio.get_running_loop().sock_recv(self._socket, 65536)
                except ConnectionResetError:
                    reset = True
                    break
                if not piece:
                    reset = await self._was_reset_while_sending()
                    break
                data += piece
                at.append((time.monotonic() - self._asked, len(data)))
        return Heard(bytes(data), "reset" if reset else "fin", at, time.monotonic() - self._asked)

    async def _was_reset_while_sending(self) -> bool:
        """The system tells of a reset once: whoever sends at that moment hears of it, and who receives sees an end."""
        await asyncio.sleep(0.01)
        return self._sending.done() and isinstance(self._sending.exception(), ConnectionResetError)


async def hear(port: int, data: bytes) -> Heard:
    """All that the site says to these bytes, and how it ends."""
    async with Client(port) as client:
        await client.ask(data)
        return await client.hear()


def get(path: str, *headers: str, version: str = "1.1") -> bytes:
    """A GET on a connection that stays open."""
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: localhost", *headers, "", ""]).encode()


def last(path: str) -> bytes:
    """A GET that asks to close the connection behind the answer."""
    return get(path, "Connection: close")


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """When the block is over no task and no file of it is left; both may take a moment to go."""
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    await until(lambda: asyncio.all_tasks() <= tasks, "no task is left")
    await until(lambda: open_files() <= files, "no file is left")


def open_files() -> int:
    """How many files this process has open; 0 where nothing tells."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
