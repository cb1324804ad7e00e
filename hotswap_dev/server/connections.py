"""Connections of both sites: how many there may be, which one goes when there are too many, and what no request says.

aiohttp takes every connection and keeps it as long as it likes; a process may only have so many files open. Here they
are counted before the system refuses (hardening D2): at the limit the connection that is least in use is closed, never
the newcomer, so a thousand half-open connections cost a check nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError
from aiohttp.typedefs import Handler

from hotswap_dev.errors import HotswapError
from hotswap_dev.server.guard import STAMPED, problem
from hotswap_dev.server.offline import SiteLine
from hotswap_dev.server.resets import close_by_reset, reset_now

_log = logging.getLogger(__name__)

_MOST = 4096
_FEWEST = 64
_MOST_DOWNLOADS = 512

_SPARE = 256
"""Files that are no connections: bundles that are being sent, databases, the watcher."""

_NO_BUNDLES = 64
"""Of these, what is left for all but the bundles."""

_ARRIVING_SECONDS = 2.0
"""How long a newcomer may take for its first request before it counts as silent.

A client sends it a moment after it has connected; a first packet that is lost comes again within a second (RFC 6298).
"""

_LETTING_GO = 0.1


class Use(IntEnum):
    """What a connection is there for, the least first: in this order they are closed when there are too many."""

    UNASKED = 0
    """It has sent no complete request, or half of the next one's body, and had the time for the rest."""
    IDLE = 1
    """It sent some, and none now."""
    ARRIVING = 2
    """The same, but it still has time: newcomers don't push each other out while others are idle."""
    ASKING = 3
    """Its request is being answered."""
    STEERING = 4
    """The same, on the control site: a dashboard's stream, a command."""


class Connections:
    """Every open connection, by use and age, so that there is room for the next one.

    `most` counts all of them, `most_per_address` those of one peer that is not this machine; both at least 1. `clock`
    tells seconds, and never jumps.
    """

    def __init__(self, most: int, most_per_address: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.most_per_address = most_per_address
        self._clock = clock
        self.closed_early = 0
        self._by_use: dict[Use, dict[Connection, None]] = {use: {} for use in Use}
        self._by_peer: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_use.values()))

    def opened(self, connection: Connection) -> None:
        """Take a newcomer in; where it is one too many, another goes."""
        peers = self._by_peer.setdefault(connection.peer, {}) if _counted_by_address(connection.peer) else {}
        if len(peers) >= self.most_per_address:
            self._close_early(min(peers, key=self._use_now), f"{connection.peer} has {len(peers)}")
            # Its last one may have been the table's reason to be.
            peers = self._by_peer.setdefault(connection.peer, peers)
        elif len(self) >= self.most:
            self.make_room(f"there are {len(self)}")
        peers[connection] = None
        connection.since = self._clock()
        self._by_use[connection.use][connection] = None

    def make_room(self, why: str) -> bool:
        """Close the connection that is least in use, the oldest of these; whether there was one."""
        arriving = self._by_use[Use.ARRIVING]
        while arriving and self._use_now(next(iter(arriving))) is not Use.ARRIVING:
            pass  # Each that arrived long ago has left the table, and the next one is the oldest.
        for use in Use:
            while self._by_use[use]:
                oldest = next(iter(self._by_use[use]))
                if self._use_now(oldest) is use:
                    self._close_early(oldest, why)
                    return True
        return False

    def closed(self, connection: Connection) -> None:
        """Forget a connection; nothing happens where it is forgotten already."""
        self._by_use[connection.use].pop(connection, None)
        if (peers := self._by_peer.get(connection.peer)) is not None:
            peers.pop(connection, None)
            if not peers:
                del self._by_peer[connection.peer]

    def used(self, connection: Connection, use: Use) -> None:
        """A connection's use changed; from now on it is the youngest of these."""
        if connection in self._by_use[connection.use]:
            del self._by_use[connection.use][connection]
            self._by_use[use][connection] = None
        connection.use = use
        connection.since = self._clock()

    def _use_now(self, connection: Connection) -> Use:
        """Nothing tells us when a body is complete, or a newcomer silent for too long: who looks finds out."""
        if connection.body is not None and connection.body.is_eof():
            connection.body = None
            self.used(connection, connection.asking)
        elif connection.use is Use.ARRIVING and self._clock() - connection.since >= _ARRIVING_SECONDS:
            self.used(connection, Use.UNASKED)
        return connection.use

    def _close_early(self, connection: Connection, why: str) -> None:
        self.closed_early += 1
        _log.warning(
            "too many connections (%s): the oldest of %s was closed, %s",
            why,
            connection.peer,
            connection.use.name,
        )
        self.closed(connection)
        connection.abort()


class Connection(web.RequestHandler):
    """aiohttp's connection, counted; and what it says where no request could be read or a handler's error escaped."""

    __slots__ = ("_all", "_made", "_on_https", "_on_lost", "asking", "body", "peer", "since", "use")

    def __init__(
        self,
        server: web.Server,
        connections: Connections,
        *,
        keep_alive: float,
        asking: Use,
        on_https: Callable[[str], None],
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=keep_alive,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own way to have none
            # No compressed body is ever inflated (hardening D7); who reads bodies refuses it.
            auto_decompress=False,
        )
        self._all = connections
        self._on_https = on_https
        self._on_lost: Callable[[], None] | None = None
        self._made: asyncio.Transport | None = None
        self.asking = asking
        self.body: StreamReader | None = None
        self.peer = "?"
        self.since = 0.0
        self.use = Use.ARRIVING

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio has accepted it."""
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else "?"
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is a stream's
        self._made = transport
        self._all.opened(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is closed, by whomever."""
        self._all.closed(self)
        self._made = None
        super().connection_lost(exc)
        if self._on_lost is not None:
            self._on_lost()

    def abort(self) -> None:
        """Close it now, whatever is still to be sent: who doesn't read would never let it end otherwise."""
        # Not aiohttp's `transport`: it forgets one that it closes, and that stays as long as nobody reads its rest.
        transport = self._made
        if transport is None:
            return
        if self.use >= Use.ASKING:
            self.close()
            hang_up(transport)
        else:
            self.force_close()
            transport.abort()

    def reset(self) -> None:
        """Reset it now (TCP RST), in the middle of whatever is being sent."""
        transport = self._made
        if transport is None:
            return
        handler = self._task_handler
        if handler is None or handler.done():
            reset_now(transport)
            return
        # First the handler, then the socket: `loop.sendfile` would go on to wait for one that is closed under it.
        close_by_reset(transport)
        handler.add_done_callback(lambda _: transport.abort())
        handler.cancel()

    @contextlib.contextmanager
    def told_when_lost(self, tell: Callable[[], None]) -> Iterator[None]:
        """While the block runs, `tell` is called should the connection end: aiohttp lets its handlers wait on."""
        self._on_lost = tell
        try:
            yield
        finally:
            self._on_lost = None

    def asked(self, body: StreamReader) -> None:
        """A request's head is here. One whose body is not keeps the place that it has."""
        if body.is_eof():
            self._all.used(self, self.asking)
        else:
            self.body = body

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; then the connection is idle, or has still to send the rest of what was answered already."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            whole = self.body is None or self.body.is_eof()
            self.body = None
            self._all.used(self, Use.IDLE if whole else Use.ARRIVING)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is answered where there was no request, or a handler's error came past the guard.

        aiohttp repeats a part of what it could not read, and logs a traceback for each (hardening C6); here the answer
        is constant and has the headers of every other (A8). ConnectionError where nobody is there to be answered.
        """
        if isinstance(exc, ConnectionError):
            raise exc
        if isinstance(exc, HttpProcessingError):
            if isinstance(exc, BadHttpMethod) and "HTTPS" in exc.message:
                self._on_https(self.peer)
            self.logger.warning("what %s sent is no request: %s", self.peer, type(exc).__name__)
            told = HotswapError(
                "this can't be read as an HTTP/1.1 request",
                "send it over http://, as RFC 9112 has it",
                code="bad-request",
            )
        else:
            self.log_exception("answering %s failed", self.peer, exc_info=exc)
            told = HotswapError("the server failed at this", "its log has the details", code="bug")
        if request.writer.output_size > 0:
            raise ConnectionResetError("an answer has begun, so the error can't be told")
        response = problem(told, status=status)
        response.headers.update({**STAMPED, "Cache-Control": "no-store"})
        response.force_close()
        return response


def hang_up(transport: asyncio.Transport) -> None:
    """End a connection under whoever is sending something: the sending fails, and can say how far it came.

    A transport that is aborted at once never tells `loop.sendfile`, which would wait on for ever.
    """
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    asyncio.get_running_loop().call_later(_LETTING_GO, transport.abort)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many at once: connections of both sites, those of one address of the network, and downloads among them."""

    connections: int
    per_address: int
    downloads: int


def limits(files: int | None) -> Limits:
    """What a process may take on that can have so many files open; None where there is no limit.

    A connection is a file, and a download opens one more.
    """
    most = _MOST if files is None else max(_FEWEST, min(_MOST, files - _SPARE))
    spare = _MOST_DOWNLOADS + _NO_BUNDLES if files is None else files - most
    return Limits(
        connections=most,
        # One device of the network must not have all of them; a machine that plays a fleet needs many.
        per_address=most // 4,
        downloads=max(1, min(_MOST_DOWNLOADS, spare - _NO_BUNDLES)),
    )


def open_files() -> int | None:
    """How many files this process may have open; None where there is no limit, as on Windows."""
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


@contextlib.asynccontextmanager
async def answering(
    app: web.Application,
    sockets: list[socket.socket],
    connections: Connections,
    *,
    keep_alive: float,
    last_words: float,
    private: bool = False,
    front_door: Callable[[Handler], Handler] = lambda handler: handler,
    on_https: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[SiteLine]:
    """Let an application answer on listening sockets until the block ends; they are closed then.

    What it yields takes them offline, and back.

    `keep_alive`: seconds that a connection may be silent, and that a client has for its headers (hardening D1).
    `last_words`: seconds that answers under way get at the end. `private`: what is asked here goes last when there are
    too many connections. `front_door` may answer before the application's routes are asked. `on_https` is told the
    address of who speaks TLS to it.
    """
    runner = web.AppRunner(app, shutdown_timeout=last_words)
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 - `setup` makes it
    make_request = server.request_factory
    server.request_handler = front_door(server.request_handler)  # type: ignore[assignment]

    def request(
        message: RawRequestMessage,
        body: StreamReader,
        connection: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        if isinstance(connection, Connection):
            connection.asked(body)
        return make_request(message, body, connection, writer, task)

    def connection() -> Connection:
        return Connection(
            server,
            connections,
            keep_alive=keep_alive,
            asking=Use.STEERING if private else Use.ASKING,
            on_https=on_https,
        )

    server.request_factory = request
    line = SiteLine(
        connection,
        connections.make_room,
        lambda: [one for one in server.connections if isinstance(one, Connection)],
    )
    try:
        await line.listen(sockets)
        yield line
    finally:
        line.close()
        await runner.cleanup()


def _counted_by_address(peer: str) -> bool:
    try:
        return not ipaddress.ip_address(peer.partition("%")[0]).is_loopback
    except ValueError:
        return False
