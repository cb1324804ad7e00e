"""The control site: loopback only, behind a token; what a dashboard, the command line and scripts use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.server import funnel_site
from hotswap_dev.server.asked import demand_known, number, switch
from hotswap_dev.server.control_detail import ControlDetail
from hotswap_dev.server.control_look import ControlLook, json_answer
from hotswap_dev.server.exchange_log import ExchangeLog
from hotswap_dev.server.faults_site import join_faults
from hotswap_dev.server.guard import control_guard, stamp
from hotswap_dev.server.streams import Streams

HEARTBEAT = 10.0
"""Seconds between blank lines of a quiet event stream: a reader can tell a quiet server from a lost one."""

MAX_BODY = 64 * 1024
_BODY_SECONDS = 10

_BYTES_AT_ONCE = 64 * 1024
"""Written in one piece, and one event more: a reader that is 10,000 events behind must not hold the answers."""


def control_site(
    engine: Engine,
    token: str,
    about: wire.About | None = None,
    exchanges: ExchangeLog | None = None,
    open_wall: Callable[[], Awaitable[str]] | None = None,
) -> web.Application:
    """The control site as an aiohttp application.

    `about` is what the state says of the server itself; `exchanges` are the client site's; `open_wall` opens the wall
    of phones, or finds it open, and says its link.
    """
    site = _ControlSite(engine, about, open_wall)
    app = web.Application(middlewares=[control_guard(token)], client_max_size=MAX_BODY)
    app.on_response_prepare.append(stamp)
    app.on_shutdown.append(site.streams.end)
    app.router.add_get("/api/state", site.state)
    app.router.add_get("/api/events", site.events, allow_head=False)
    app.router.add_get("/api/commands", site.commands)
    app.router.add_post("/api/commands/{name}", site.command)
    app.router.add_post("/api/wall", site.wall)
    ControlLook(engine).join(app.router)
    ControlDetail(engine, exchanges or ExchangeLog()).join(app.router)
    funnel_site.join(app.router, engine)
    join_faults(app.router)
    return app


class _ControlSite:
    def __init__(
        self, engine: Engine, about: wire.About | None, open_wall: Callable[[], Awaitable[str]] | None
    ) -> None:
        self._engine = engine
        self._about = about
        self._open_wall = open_wall
        self.streams = Streams()

    async def state(self, _: web.Request) -> web.Response:
        engine = self._engine
        return json_answer(
            {
                "instance": engine.bus.instance,
                "revision": engine.bus.revision,
                "controls": engine.controls,
                "clients": tuple(engine.clients.values()),
                "builds": engine.builds,
                "about": self._about,
                "recording": {"recorded": engine.history.recorded, "dropped": engine.history.dropped},
            }
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        bus = self._engine.bus
        after = number(request, "after", bus.revision)
        response = web.StreamResponse(
            headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        async with self.streams.open(request):
            async for batch in bus.read(after, heartbeat=HEARTBEAT):
                for piece in _pieces(bus.line(revision, event) for revision, event in batch):
                    await response.write(piece)
                    await asyncio.sleep(0)  # a write that fits into the buffer lets nobody else in
        return response

    async def wall(self, request: web.Request) -> web.Response:
        """The wall of phones: opened by the first who asks, and the same link for each of them."""
        demand_known(request, ())
        if self._open_wall is None:
            raise NotFound("this server has no wall of phones", code="no-wall")
        return json_answer({"url": await self._open_wall()})

    async def commands(self, _: web.Request) -> web.Response:
        return json_answer(wire.command_schemas())

    async def command(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        # A misspelt dry_run must not be taken for none.
        demand_known(request, ("dry_run",))
        dry_run = switch(request, "dry_run")
        wire.command_kind(name)  # before a body is waited for that nobody reads
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            raise HotswapError(
                f"the body did not arrive within {_BODY_SECONDS} s", code="body-too-slow"
            ) from None
        try:
            arguments = wire.decode(body)
        except (ValueError, RecursionError) as error:
            raise HotswapError(
                f"the body is no JSON: {error}",
                "send an object, {} where there are no arguments",
                code="bad-json",
            ) from None
        done = await self._engine.run(wire.read_command(name, arguments), dry_run=dry_run)
        return json_answer(done)


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines joined to pieces of a bounded size; a blank line where there are none, which is a heartbeat."""
    piece = bytearray()
    any_line = False
    for line in lines:
        any_line = True
        piece += line
        if len(piece) >= _BYTES_AT_ONCE:
            yield bytes(piece)
            piece.clear()
    if piece or not any_line:
        yield bytes(piece) or b"\n"
