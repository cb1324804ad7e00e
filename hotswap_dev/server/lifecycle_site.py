"""`POST /api/lifecycle` on the client site: an app's page hands on what its plugin says (design §6).

A page of a Tauri app is another origin than this server, so a browser engine asks first (OPTIONS) and lets JSON through
only where the answer names that origin. Those of Tauri's own pages are named, here and nowhere else: a page of the web
gets no such header, and its report is refused before it is read (hardening A5 to A7). Whoever is no page sends no
Origin.
"""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.lifecycle import Report, read_report, reporter
from hotswap_dev.domain.observations import LifecycleReported
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.allowance import Allowance, TooMany, demand, told_to_wait
from hotswap_dev.server.bodies import NotPlain, whole_body
from hotswap_dev.server.guard import Forbidden, problem

PATH = "/api/lifecycle"

ORIGINS = frozenset({"tauri://localhost", "http://tauri.localhost", "https://tauri.localhost"})
"""Of a Tauri app's own pages: macOS, iOS and Linux; Windows and Android; those two with `useHttpsScheme`."""

MAX_BODY = 8 * 1024
"""Bytes; an event has about a hundred, one with an error's text a few more."""

BODY_SECONDS = 10.0

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
}


def join(router: web.UrlDispatcher, engine: Engine, *, body_seconds: float = BODY_SECONDS) -> None:
    """Add the route to the client site's. `body_seconds` is how long a body may take to arrive."""
    site = _LifecycleSite(engine, body_seconds)
    router.add_post(PATH, site.report)
    router.add_options(PATH, site.preflight)


class _LifecycleSite:
    def __init__(self, engine: Engine, body_seconds: float) -> None:
        self._engine = engine
        self._body_seconds = body_seconds
        self._allowance = Allowance()

    async def preflight(self, request: web.Request) -> web.Response:
        """Whether a page may report; whoever asks without an origin is told the methods."""
        _demand_own_page(request)
        if "Origin" not in request.headers:
            return web.Response(status=204, headers={"Allow": "OPTIONS, POST"})
        return _readable(request, web.Response(status=204, headers=_PREFLIGHT))

    async def report(self, request: web.Request) -> web.Response:
        """Take a report in: 204, or a problem that the app's page may read too."""
        _demand_own_page(request)
        try:
            self._observe(request, await self._read(request))
        except HotswapError as error:
            return _readable(request, told_to_wait(error) if isinstance(error, TooMany) else problem(error))
        return _readable(request, web.Response(status=204, headers={"Cache-Control": "no-store"}))

    async def _read(self, request: web.Request) -> Report:
        peer = request.remote or "?"
        if request.content_type != "application/json" or "Content-Encoding" in request.headers:
            kind = request.headers.get("Content-Type", "none")
            raise NotPlain(
                f"a report needs Content-Type: application/json and no Content-Encoding, this one has {shown(kind)}",
                "send JSON as it is",
                code="not-json",
            )
        demand(self._allowance, peer)
        body = await whole_body(
            request, most=MAX_BODY, seconds=self._body_seconds, usual="an event has about a hundred"
        )
        try:
            document = wire.decode(body)
        except (ValueError, RecursionError) as error:
            raise HotswapError(
                f"the body is no JSON: {shown(str(error))}",
                'send the event, for example {"event": "apply", "sequence": 14}',
                code="bad-json",
            ) from None
        return read_report(document)

    def _observe(self, request: web.Request, report: Report) -> None:
        peer = request.remote or "?"
        self._engine.observe(
            LifecycleReported(
                at=datetime.now(UTC),
                client=reporter(report, self._engine.clients, peer),
                peer=peer,
                lifecycle=report.event,
                sequence=report.sequence,
                version=None if report.version is None else shown(report.version),
                error=shown(report.error),
            )
        )


def _demand_own_page(request: web.Request) -> None:
    """Forbidden for a page that is no Tauri app's: what the web shows has nothing to report here."""
    for origin in request.headers.getall("Origin", []):
        if origin not in ORIGINS:
            raise Forbidden(
                f"the request comes from a web page (Origin: {shown(origin)})",
                f"an app's own page has one of: {', '.join(sorted(ORIGINS))}",
                code="foreign-page",
            )


def _readable(request: web.Request, response: web.Response) -> web.Response:
    """The answer with the headers that let the app's page read it."""
    response.headers["Vary"] = "Origin"
    if origin := request.headers.get("Origin"):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response
