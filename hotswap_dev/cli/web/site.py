"""The site that shows the dashboard in a browser: one page, its parts, and a WebSocket for each tab.

Whoever reaches the dashboard can change every answer, so nothing here is open: each request, also for a part of the
page, must come from this machine's own name, from no other page, and with the cookie that only the one-time address
gives (hardening A2 to A8, A10, A12). textual-serve, whose terminal the page uses, asks for none of these by itself.
"""

from __future__ import annotations

import asyncio
import hmac
import html
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from aiohttp import web
from aiohttp.typedefs import Handler

from hotswap_dev import wire
from hotswap_dev.cli.web.tab import Size, show
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.guard import (
    PROBLEM,
    Forbidden,
    client_admission,
    guarded,
    loopback_only,
    stamp,
)

_log = logging.getLogger(__name__)

MOST_TABS = 16
"""Each is a process of some 60 MB."""

_COOKIE = "hotswap-dev"
_HEARTBEAT = 15.0
_CLOSING = 1.0
_LARGEST_MESSAGE = 1024 * 1024
_WAY_OUT = (
    "open the address that hotswap-dev web prints; each works once, so start it again for another browser"
)

_PARTS: Mapping[str, tuple[str, str, str]] = {
    "page.css": ("hotswap_dev.cli.web", "assets/page.css", "text/css"),
    "page.js": ("hotswap_dev.cli.web", "assets/page.js", "text/javascript"),
    "xterm.css": ("textual_serve", "static/css/xterm.css", "text/css"),
    "textual.js": ("textual_serve", "static/js/textual.js", "text/javascript"),
    "RobotoMono.ttf": ("textual_serve", "static/fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
}
"""What the page is made of: the name it asks for, the package that has it, where, its type."""

_HEADERS: Mapping[str, str] = {
    # Nothing opened from here, by a link in the terminal, may reach back to this page.
    "Cross-Origin-Opener-Policy": "same-origin",
    # `y` writes the clipboard; no escape in a terminal may read it.
    "Permissions-Policy": "clipboard-read=(), camera=(), microphone=(), geolocation=(), display-capture=()",
    "Cache-Control": "no-store",
}


class Door:
    """Who may come in: whoever brings the token first, and from then on the browser that got the cookie for it.

    All lies under a path that nobody can guess. A browser sends a cookie to every port of a host: only the path keeps
    this one from the other servers of this machine, and two dashboards from taking each other's.
    """

    def __init__(self) -> None:
        self.path = f"/{secrets.token_urlsafe(9)}/"
        self._token: str | None = secrets.token_urlsafe(24)
        self._cookie = secrets.token_urlsafe(24)

    @property
    def entrance(self) -> str:
        """The one-time address's path and query; without a token once that was used."""
        return f"{self.path}?token={self._token}" if self._token else self.path

    def knows(self, request: web.Request) -> bool:
        """Whether the request has the cookie."""
        # Not by aiohttp's `cookies`: it logs each one that it can't read (CVE-2025-69230, hardening D10).
        pairs = (
            pair.strip().partition("=")
            for header in request.headers.getall("Cookie", [])
            for pair in header.split(";")
        )
        return any(name == _COOKIE and _equal(value, self._cookie) for name, _, value in pairs)

    def let_in(self, token: str) -> str | None:
        """The Set-Cookie header for this token, which is used up then; None if it isn't the one, or was used."""
        if self._token is None or not _equal(token, self._token):
            return None
        self._token = None
        return f"{_COOKIE}={self._cookie}; Path={self.path}; HttpOnly; SameSite=Strict"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a tab shows: the command of an app of Textual's, its environment, and the page's title."""

    command: Sequence[str]
    environ: Mapping[str, str]
    title: str


def dashboard_site(door: Door, what: Shown) -> web.Application:
    """The site; when it is shut down, each tab's process has ended."""
    site = web.Application(middlewares=[_readable, guarded(_admission(door))])
    tabs: set[web.WebSocketResponse] = set()
    page = _text("hotswap_dev.cli.web", "assets/page.html").replace("{title}", html.escape(shown(what.title)))

    async def show_page(request: web.Request) -> web.StreamResponse:
        if not door.knows(request):
            return _enter(door, request)
        if request.query_string:
            # The token would stay in the address bar; and textual.js takes orders from the query.
            return _to(door.path)
        return web.Response(
            text=page, content_type="text/html", headers={"Content-Security-Policy": _policy(request)}
        )

    async def show_terminal(request: web.Request) -> web.StreamResponse:
        if len(tabs) >= MOST_TABS:
            raise Busy(f"{MOST_TABS} tabs are open already", "close one", code="too-many-tabs")
        tab = web.WebSocketResponse(heartbeat=_HEARTBEAT, timeout=_CLOSING, max_msg_size=_LARGEST_MESSAGE)
        tabs.add(tab)
        try:
            await tab.prepare(request)
            await show(what.command, what.environ, tab, _size(request))
        except OSError as error:
            _log.error("the dashboard of a tab can't be started: %s", error)
            await tab.close()
        finally:
            tabs.discard(tab)
        return tab

    async def closing(_: web.Application) -> None:
        await asyncio.gather(*(tab.close(code=1001) for tab in list(tabs)), return_exceptions=True)

    site.router.add_get(door.path, show_page, allow_head=False)
    site.router.add_get(f"{door.path}terminal", show_terminal, allow_head=False)
    for name in _PARTS:
        site.router.add_get(f"{door.path}{name}", _part(name), allow_head=False)
    site.on_response_prepare.append(stamp)
    site.on_response_prepare.append(_add_headers)
    site.on_shutdown.append(closing)
    return site


class Busy(HotswapError):
    """No more of it now; 503."""

    status = 503


def _admission(door: Door) -> Callable[[web.Request], None]:
    """Every request's rule; Forbidden for what breaks it."""
    demand_host = client_admission(loopback_only)

    def admit(request: web.Request) -> None:
        try:
            demand_host(request)
        except Forbidden as error:
            raise Forbidden(error.message, _WAY_OUT, code=error.code) from None
        _demand_own_page(request)
        if not door.knows(request) and (request.path != door.path or "token" not in request.query):
            raise Forbidden("this browser was not let in", _WAY_OUT, code="no-cookie")

    return admit


def _demand_own_page(request: web.Request) -> None:
    """The person, or the page that we served: no other page, not even one of another port of this machine."""
    headers = request.headers
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none") and not _is_from_a_file(request):
        raise Forbidden(
            f"the request comes from a web page (Sec-Fetch-Site: {shown(site)})",
            _WAY_OUT,
            code="foreign-page",
        )
    origin = headers.get("Origin")
    if origin is None and "Upgrade" in headers:
        raise Forbidden("a WebSocket needs an Origin, as each browser sends it", _WAY_OUT, code="no-origin")
    if origin is not None and origin != f"http://{headers['Host']}":
        raise Forbidden(
            f"the request comes from another page (Origin: {shown(origin)})", _WAY_OUT, code="foreign-page"
        )


def _enter(door: Door, request: web.Request) -> web.StreamResponse:
    """Exchange the token for the cookie. Who only fetches ahead, for a person who may never come, gets nothing."""
    ahead = "prefetch" in (request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", ""))
    cookie = None if ahead else door.let_in(request.query.get("token", ""))
    if cookie is None:
        raise Forbidden(
            "this address was used already, or is not the one that was printed", _WAY_OUT, code="bad-token"
        )
    entered = _from_here_to(door.path) if _is_from_a_file(request) else _to(door.path)
    entered.headers["Set-Cookie"] = cookie
    return entered


def _is_from_a_file(request: web.Request) -> bool:
    """Whether a person's tab goes to the one-time address from another page, as from the file that `web --open` writes.

    What leads there is no more than a link; only who has the token gets further by it.
    """
    headers = request.headers
    return (
        headers.get("Sec-Fetch-Site") == "cross-site"
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and headers.get("Sec-Fetch-Dest") == "document"
        and "Origin" not in headers
        and "token" in request.query
    )


def _from_here_to(path: str) -> web.Response:
    """A page that goes on to `path`: a redirect would still be the other page's doing, and bring no Strict cookie."""
    page = f'<!doctype html><meta http-equiv="refresh" content="0; url={path}">\n'
    return web.Response(
        text=page, content_type="text/html", headers={"Content-Security-Policy": "default-src 'none'"}
    )


def _to(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _policy(request: web.Request) -> str:
    """What the page may load: its own parts, its own WebSocket; nothing of elsewhere, nothing inline but styles.

    The terminal makes style elements of its colours as it runs.
    """
    host = request.headers["Host"]
    own = "'self'" if host.startswith("[") else f"'self' ws://{host}"  # a policy can't name an IPv6 address
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src data:; "
        f"connect-src {own}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@web.middleware
async def _readable(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A refusal for a person to read, where a browser asks for a page."""
    answer = await handler(request)
    if not isinstance(answer, web.Response) or answer.content_type != PROBLEM:
        return answer
    if "text/html" not in request.headers.get("Accept", "") or not isinstance(answer.body, bytes):
        return answer
    told = wire.decode(answer.body)
    return web.Response(status=answer.status, text=f"{told['detail']}\n\n{told['hint']}\n")


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _part(name: str) -> Handler:
    package, path, kind = _PARTS[name]
    body = (resources.files(package) / path).read_bytes()

    async def part(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind)

    return part


def _text(package: str, path: str) -> str:
    return (resources.files(package) / path).read_text(encoding="utf-8")


def _size(request: web.Request) -> Size:
    """What the page says in its address; 80 by 24 where it says nothing that can be one."""
    width, height = (request.query.get(name, "")[:6] for name in ("width", "height"))
    return Size.within_reason(
        int(width) if width.isascii() and width.isdigit() else 80,
        int(height) if height.isascii() and height.isdigit() else 24,
    )


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
