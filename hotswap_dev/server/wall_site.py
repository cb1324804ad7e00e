"""The wall of phones: a site of its own port on this machine, that is there once somebody asked for it.

Two kinds of names lead to it. At 127.0.0.1 is the wall: its page, its events, under a path that nobody can guess. At
`s14-….localhost` is the page of release 14, for a frame (`wall.preview`). They share a port and nothing else: to a
browser they are strangers, so that a page in a frame can read nothing of the wall, and the wall's `frame-src` keeps
each frame at such a name, whatever the page in it does to its own address.

Who has the path may look and can change nothing: there is no cookie and no token, so the link works again, in another
tab and after a sleep, and through a tunnel that keeps the port (`adb reverse tcp:PORT tcp:PORT`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib import resources

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hotswap_dev import wire
from hotswap_dev.engine.bus import Bus
from hotswap_dev.engine.engine import Engine, utc_now
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.connections import Connections, answering
from hotswap_dev.server.guard import (
    Forbidden,
    client_admission,
    foreign_origin,
    foreign_site,
    guarded,
    host_of,
    loopback_only,
    stamp,
)
from hotswap_dev.server.sockets import listen, port_of
from hotswap_dev.server.streams import Streams
from hotswap_dev.server.wall.opened import OpenBundles
from hotswap_dev.server.wall.picture import take_picture
from hotswap_dev.server.wall.preview import Previews

MOST_VIEWERS = 16
"""Walls that are looked at at once."""

PACE = 0.25
"""Seconds between two pictures: a few a second are all that anybody sees."""

_CROWD = 1000
_CROWD_PACE = 1.0
"""Seconds between two pictures of more clients than that: all of them are counted for each."""

HEARTBEAT = 10.0
"""Seconds after which a quiet stream says that it lives: who is gone is found out so."""

STALLED = 30.0
"""Seconds that a viewer has to take what is sent; then its place is another's, and a browser asks again."""

STILL = 3.0
"""Seconds after which the stream of a still wall ends. A browser that takes a picture of a page takes it once nothing
is under way any more: that time is for the pages in the frames, for which it does not wait."""

_PARTS = {"wall.css": "text/css", "wall.js": "text/javascript"}
_ROOM = "hotswap_dev.server.wall"
_WAY_OUT = "open the link that hotswap-dev wall prints"

OpenWall = Callable[[], Awaitable[str]]
"""Opens the wall, or finds it open; its link, always the same one."""


class Busy(HotswapError):
    """No more of it now; 503."""

    status = 503


@dataclass(frozen=True, slots=True)
class WallPlace:
    """Where a wall is: its port, and the secret parts of its path and of the previews' names."""

    port: int
    key: str
    preview_key: str

    @property
    def path(self) -> str:
        """The page's; all else of the wall lies under it."""
        return f"/wall/{self.key}/"

    @property
    def url(self) -> str:
        """The link."""
        return f"http://127.0.0.1:{self.port}{self.path}"


@contextlib.asynccontextmanager
async def wall_on_demand(
    engine: Engine, app: str, connections: Connections, *, keep_alive: float, last_words: float
) -> AsyncIterator[OpenWall]:
    """A wall that is opened when it is first asked for, and gone after the block.

    What it yields raises HotswapError where no port can be listened on. `connections` are the server's, so that frames
    starve nobody; `keep_alive` and `last_words` are as of the other sites, in seconds.
    """
    async with contextlib.AsyncExitStack() as stack:
        turn = asyncio.Lock()
        opened: list[str] = []

        async def open_wall() -> str:
            async with turn:
                if not opened:
                    sockets = listen("localhost", 0)
                    place = WallPlace(port_of(sockets), secrets.token_urlsafe(12), secrets.token_hex(8))
                    try:
                        site = answering(
                            wall_site(engine, app, place),
                            sockets,
                            connections,
                            keep_alive=keep_alive,
                            last_words=last_words,
                        )
                        await stack.enter_async_context(site)
                    except BaseException:
                        for one in sockets:
                            one.close()
                        raise
                    opened.append(place.url)
                return opened[0]

        yield open_wall


def wall_site(engine: Engine, app: str, place: WallPlace) -> web.Application:
    """The site as an aiohttp application. `app` is what the wall is headed with."""
    bundles = OpenBundles(lambda bundle: engine.store.path(bundle.hash, bundle.format))
    previews = Previews(lambda: engine.controls, bundles, key=place.preview_key, port=place.port)
    live = _Live(engine, app, previews)

    async def close(_: web.Application) -> None:
        await bundles.close()

    site = web.Application(
        middlewares=[guarded(_admission(place, previews)), _by_host(previews)], client_max_size=1024
    )
    site.router.add_get(place.path, _page(place, previews))
    site.router.add_get(f"{place.path}events", live.events, allow_head=False)
    for name, kind in _PARTS.items():
        site.router.add_get(f"{place.path}{name}", _part(name, kind))
    site.on_response_prepare.append(stamp)
    site.on_shutdown.append(live.streams.end)
    site.on_cleanup.append(close)
    return site


class _Live:
    """The events of the wall: a whole picture whenever it is another one, as Server-Sent Events (HTML §9.2)."""

    def __init__(self, engine: Engine, app: str, previews: Previews) -> None:
        self._engine = engine
        self._app = app
        self._previews = previews
        self.streams = Streams()
        self._turn = asyncio.Lock()
        self._drawn: _Drawn | None = None

    async def events(self, request: web.Request) -> web.StreamResponse:
        if len(self.streams) >= MOST_VIEWERS:
            raise Busy(f"{MOST_VIEWERS} walls are looked at already", "close one", code="too-many-walls")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        async with self.streams.open(request):
            await response.prepare(request)
            async for picture in self._pictures():
                async with asyncio.timeout(STALLED):
                    await response.write(b"data: " + picture + b"\n\n" if picture else b":\n\n")
                if "still" in request.query:
                    await asyncio.sleep(STILL)
                    break
        return response

    async def _pictures(self) -> AsyncIterator[bytes]:
        """The wall as JSON, now and whenever it changed; empty where nothing did for a while.

        Who reads slowly gets the newest next, and never one that was passed over.
        """
        loop = asyncio.get_running_loop()
        last = b""
        drawn = await self._newest(at_once=True)
        while True:
            if drawn.picture != last:
                last = drawn.picture
                yield last
            while not await _anything_new(self._engine.bus, drawn.revision):
                yield b""
            await asyncio.sleep(max(0.0, drawn.until - loop.time()))
            drawn = await self._newest()

    async def _newest(self, *, at_once: bool = False) -> _Drawn:
        """One picture for all who look, drawn by the first who wants it; none that is old is given out `at_once`."""
        engine, loop = self._engine, asyncio.get_running_loop()
        async with self._turn:
            drawn = self._drawn
            if drawn is None or not (
                drawn.revision == engine.bus.revision or (loop.time() < drawn.until and not at_once)
            ):
                revision, began = engine.bus.revision, loop.time()
                clients = tuple(engine.clients.values())
                taken = await take_picture(
                    self._app, engine.controls, clients, utc_now(), self._previews.address
                )
                pace = PACE if len(clients) <= _CROWD else _CROWD_PACE
                drawn = self._drawn = _Drawn(wire.encode(wire.plain(taken)), revision, began + pace)
            return drawn


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A picture as JSON."""

    picture: bytes
    revision: int
    """What had happened by then."""
    until: float
    """Before that no other one is drawn for who has this one; of the loop's clock."""


async def _anything_new(bus: Bus, after: int) -> bool:
    """Whether something happened above a revision, once it did; False after a heartbeat of nothing."""
    async for batch in bus.read(after, heartbeat=HEARTBEAT):
        return bool(batch)
    return False


def _admission(place: WallPlace, previews: Previews) -> Callable[[web.Request], None]:
    """Every request's rule: this very port, of this machine or of a release; and at the wall nobody but its page."""
    demand_host = client_admission(lambda host: loopback_only(host) or previews.sequence_of(host) is not None)

    def admit(request: web.Request) -> None:
        try:
            demand_host(request)
        except Forbidden as error:
            raise Forbidden(error.message, _WAY_OUT, code=error.code) from None
        header = request.headers["Host"]
        if not header.endswith(f":{place.port}"):
            raise Forbidden(
                f"the Host header names another port than {place.port}",
                "a tunnel has to keep the port",
                code="host-not-allowed",
            )
        if previews.sequence_of(host_of(header)) is None:
            _demand_own_page(request, place)

    return admit


def _demand_own_page(request: web.Request, place: WallPlace) -> None:
    """A person who opens the link, from wherever it stands, or the page that was served; and the right key."""
    opens = (
        request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
        and "Origin" not in request.headers
        and request.path == place.path
    )
    if (foreign_site(request) is not None and not opens) or foreign_origin(request) is not None:
        raise Forbidden("the request comes from another page", _WAY_OUT, code="foreign-page")
    given = "/".join(request.path.split("/")[:3]) + "/"
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), place.path.encode()):
        raise web.HTTPNotFound


def _by_host(previews: Previews) -> Middleware:
    """Previews are answered whatever the path; what is left has the wall's routes."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        sequence = previews.sequence_of(host_of(request.headers["Host"]))
        return await handler(request) if sequence is None else await previews.answer(request, sequence)

    return answer


def _page(place: WallPlace, previews: Previews) -> Handler:
    body = _asset("wall.html").decode().replace("{probe}", previews.address(0))
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
            f"connect-src 'self' {previews.address(0)}; frame-src http://*.localhost:{place.port}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }

    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type="text/html", headers=headers)

    return page


def _part(name: str, kind: str) -> Handler:
    body = _asset(name)

    async def part(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind, headers={"Cache-Control": "no-store"})

    return part


def _asset(name: str) -> bytes:
    return (resources.files(_ROOM) / "assets" / name).read_bytes()
