"""The control site: loopback only, behind a token; what a dashboard, the command line and scripts use."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.server.guard import control_guard, stamp

HEARTBEAT = 10.0
"""Seconds between blank lines of a quiet event stream: a reader can tell a quiet server from a lost one."""

MAX_BODY = 64 * 1024
_BODY_SECONDS = 10
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 10_000

N = TypeVar("N", int, None)


def control_site(engine: Engine, token: str) -> web.Application:
    """The control site as an aiohttp application."""
    site = _ControlSite(engine)
    app = web.Application(middlewares=[control_guard(token)], client_max_size=MAX_BODY)
    app.on_response_prepare.append(stamp)
    app.on_shutdown.append(site.end_streams)
    app.router.add_get("/api/state", site.state)
    app.router.add_get("/api/events", site.events, allow_head=False)
    app.router.add_get("/api/commands", site.commands)
    app.router.add_post("/api/commands/{name}", site.command)
    app.router.add_get("/api/checks", site.checks)
    app.router.add_get("/api/releases", site.releases)
    app.router.add_get("/api/clients", site.clients)
    return app


class _ControlSite:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: set[asyncio.Timeout] = set()

    async def state(self, _: web.Request) -> web.Response:
        engine = self._engine
        return _json(
            {
                "instance": engine.bus.instance,
                "revision": engine.bus.revision,
                "controls": wire.plain(engine.controls),
                "clients": [wire.plain(client) for client in engine.clients.values()],
                "builds": {
                    "building": engine.building,
                    "dist": shown(str(engine.options.dist), 1000) if engine.options.dist else None,
                    "app_version": engine.app_version,
                },
                "recording": {"recorded": engine.history.recorded, "dropped": engine.history.dropped},
            }
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        bus = self._engine.bus
        after = _number(request, "after", bus.revision)
        response = web.StreamResponse(
            headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        try:
            async with asyncio.timeout(None) as stream:
                self._streams.add(stream)
                async for batch in bus.read(after, heartbeat=HEARTBEAT):
                    lines = b"".join(bus.line(revision, event) for revision, event in batch)
                    await response.write(lines or b"\n")
        except TimeoutError:
            # The server ends. A reader that stopped reading would not let us say so in order.
            if request.transport is not None and request.transport.get_write_buffer_size():
                request.transport.abort()
        finally:
            self._streams.discard(stream)
        return response

    async def end_streams(self, _: web.Application) -> None:
        """Let the streams end, which they never do by themselves: the server's end must not wait for them."""
        now = asyncio.get_running_loop().time()
        for stream in self._streams:
            stream.reschedule(now)

    async def commands(self, _: web.Request) -> web.Response:
        return _json(wire.command_schemas())

    async def command(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if "dry_run" in request.query:
            raise HotswapError(
                f"{name}: what it would change can't be said yet, so nothing was done",
                "leave dry_run out to have it done",
                code="no-dry-run",
            )
        if name not in registered():
            raise NotFound(
                f"there is no command {name!r}",
                f"there are: {', '.join(registered())}",
                code="unknown-command",
            )
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
        done = await self._engine.run(wire.read_command(name, arguments))
        return _json(wire.plain(done))

    async def checks(self, request: web.Request) -> web.Response:
        limit = min(_number(request, "limit", _DEFAULT_LIMIT), _MAX_LIMIT)
        found = await asyncio.to_thread(
            self._engine.history.checks,
            limit=limit,
            before=_number(request, "before", None),
            since=_time(request, "since"),
            client=request.query.get("client"),
            reason=request.query.get("reason"),
            status=_number(request, "status", None),
        )
        return _json(found)

    async def releases(self, request: web.Request) -> web.Response:
        limit = min(_number(request, "limit", _DEFAULT_LIMIT), _MAX_LIMIT)
        controls = self._engine.controls
        newest = sorted(controls.releases, reverse=True)[:limit]
        return _json(
            [
                {
                    **wire.plain(controls.releases[sequence]),
                    "bundle_gone": not controls.has_bytes(controls.releases[sequence]),
                }
                for sequence in newest
            ]
        )

    async def clients(self, _: web.Request) -> web.Response:
        return _json([wire.plain(client) for client in reversed(self._engine.clients.values())])


def _json(value: wire.Json) -> web.Response:
    return web.Response(
        body=wire.encode(value), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _number(request: web.Request, name: str, default: N) -> int | N:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise HotswapError(
            f"{name} is {text!r}; expected is a whole number", f"for example ?{name}=10", code="bad-arguments"
        )
    return int(text)


def _time(request: web.Request, name: str) -> str | None:
    """An RFC 3339 time as the history has it: UTC, so that texts compare as times do."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
        # Beyond year 1 and 9999 there is no UTC to convert to.
        return wire.stored_time(when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise HotswapError(
            f"{name} is {text!r}; expected is a time",
            f"for example ?{name}=2026-04-05T12:00:00Z",
            code="bad-arguments",
        ) from None
