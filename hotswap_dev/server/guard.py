"""Who may talk to a site: target, Host and origin of a request, judged before any handler sees it (hardening A).

Both sites have one middleware each, made here: it denies by default and turns every error into a problem body. `stamp`
puts on every answer the headers that keep a browser from lending it to another page. `request.url` and `request.host`
are never read: aiohttp raises for some values and believes an absolute target.
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import logging
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hotswap_dev import wire
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import BuildRefused, HotswapError
from hotswap_dev.server.questions import masked

_log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"

STAMPED: Mapping[str, str] = MappingProxyType(
    {
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
)
"""On every answer. There is no Access-Control-Allow-Origin anywhere: no page may read a site (hardening A7, A8)."""

_STAMP = "Referrer-Policy"

_LONGEST_TEXT = 2000
_HOSTS_REMEMBERED = 256
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?)*")


class Forbidden(HotswapError):
    """The sender may not do that; 403."""

    status = 403


class Unauthorized(HotswapError):
    """No token, or another one; 401."""

    status = 401


def host_of(header: str) -> str:
    """The host in a Host header, lower-cased, without port and brackets; ValueError if the header is no such thing.

    Strict on purpose: no user info, no spaces, no trailing dot, a port within 1 to 65535 (RFC 3986 §3.2.2).
    """
    name, port = _split_port(header)
    if port is not None and not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
        raise ValueError("the port is no number from 1 to 65535")
    if name.startswith("["):
        if "%" in name:
            raise ValueError(
                "an address in a Host header has no zone"
            )  # ipaddress would take any text behind it
        return str(ipaddress.IPv6Address(name[1:-1]))
    name = name.lower()
    if not name.isascii() or not _NAME.fullmatch(name):
        raise ValueError("it is no host name")
    if name.rsplit(".", 1)[-1].isdigit():
        return str(ipaddress.IPv4Address(name))
    return name


def host_rule(allowed: Collection[str]) -> Callable[[str], bool]:
    """Whether a host (of `host_of`) may be asked for on the client site.

    Addresses can't be rebound by a name server, and an emulator sends 10.0.2.2; `localhost` and what is under it is
    this machine by definition (RFC 6761 §6.3); `allowed` are the names that somebody vouched for (hardening A2).
    """
    vouched = frozenset(name.lower() for name in allowed)

    def may(host: str) -> bool:
        return host in vouched or host == "localhost" or host.endswith(".localhost") or _is_address(host)

    return may


def loopback_only(host: str) -> bool:
    """The control site's rule: only a name or an address that is this machine's loopback."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def guarded(admit: Callable[[web.Request], None]) -> Middleware:
    """A site's middleware: its rule, the handler, and HTTP's error boundary around both.

    The boundary is the only place of this room that catches everything.
    """

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            admit(request)
            return await handler(request)
        except HotswapError as error:
            return problem(error)
        except web.HTTPException as error:
            response = problem(_http_error(error), status=error.status)
            if allow := error.headers.get("Allow"):
                response.headers["Allow"] = allow
            return response
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:
            return failed(request, error)

    return answer


def client_admission(may: Callable[[str], bool]) -> Callable[[web.Request], None]:
    """The client site's rule: target and Host; anyone who passes may ask. HotswapError for who does not."""
    allowed = _remembering(may)

    def admit(request: web.Request) -> None:
        _demand_target(request)
        _demand_host(request, allowed)

    return admit


def control_guard(token: str) -> Middleware:
    """The control site's middleware: loopback Host, no foreign page, the token, JSON for whatever changes things."""
    expected = f"Bearer {token}".encode()
    allowed = _remembering(loopback_only)

    def admit(request: web.Request) -> None:
        _demand_target(request)
        _demand_host(request, allowed)
        _demand_no_page(request)
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected):
            raise Unauthorized(
                "the control site needs the token",
                "it is in .hotswap-dev/server.json; or use hotswap-dev api",
                code="unauthorized",
            )
        if request.method not in ("GET", "HEAD") and request.content_type != "application/json":
            raise Forbidden(
                f"a {request.method} needs Content-Type: application/json, this one has "
                f"{_quoted(request.headers.get('Content-Type', 'none'))}",
                "send a JSON object, {} where there are no arguments",
                code="not-json",
            )

    return guarded(admit)


def problem(error: HotswapError, *, status: int | None = None) -> web.Response:
    """An error as RFC 9457 has it: `detail` names the thing and the value, `hint` the way out."""
    code = status or error.status
    # RFC 9110 §15.5.2: a 401 says which scheme would do.
    headers = {"WWW-Authenticate": "Bearer"} if code == 401 else None
    title = "build-refused" if isinstance(error, BuildRefused) else error.code
    body: dict[str, wire.Json] = {
        "type": f"urn:hotswap-dev:{title}",
        "title": title,
        "status": code,
        "detail": shown(error.message, _LONGEST_TEXT),
        "hint": shown(error.hint, _LONGEST_TEXT),
    }
    if isinstance(error, BuildRefused):
        # Why, and which file: as the `build-refused` event has it.
        body |= {"code": error.code, "path": shown(error.path, 1000) if error.path else None}
    return web.Response(status=code, body=wire.encode(body), content_type=PROBLEM, headers=headers)


def failed(request: web.Request, error: Exception) -> web.Response:
    """The answer to a bug of ours, which says nothing of it but is logged (hardening D12)."""
    _log.error("%s %s failed", request.method, shown(masked(request.raw_path)), exc_info=error)
    told = HotswapError("the server failed at this", "its log has the details", code="bug")
    response = problem(told, status=500)
    response.headers.update({**STAMPED, "Cache-Control": "no-store"})
    return response


async def stamp(_: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`, so that also what no handler answered has the headers; no error is kept by a cache."""
    headers = response.headers
    if _STAMP not in headers:  # an answer to a check has them from the start
        headers.update(STAMPED)
    if response.status >= 400:
        headers["Cache-Control"] = "no-store"


def _http_error(error: web.HTTPException) -> HotswapError:
    code = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}.get(
        error.status, "bad-request"
    )
    return HotswapError(error.reason.lower(), code=code)


def _demand_target(request: web.Request) -> None:
    # Absolute-form, `//host` and fragments are what two parsers read differently (hardening A4).
    target = request.raw_path
    if not target.startswith("/") or target.startswith("//") or "#" in target:
        raise HotswapError(
            f"the request's target {_quoted(target)} is no path", "ask for /…", code="bad-target"
        )


def _demand_host(request: web.Request, allowed: Callable[[str], str | None]) -> None:
    headers = request.headers.getall("Host", [])
    if len(headers) != 1:
        raise HotswapError(f"the request has {len(headers)} Host headers", "send one", code="bad-host")
    if allowed(headers[0]) is None:
        raise _refused_host(headers[0])


def _remembering(may: Callable[[str], bool]) -> Callable[[str], str | None]:
    """The host of a Host header if it can be read and may be asked for, else None; the latest verdicts are kept."""

    @functools.lru_cache(maxsize=_HOSTS_REMEMBERED)
    def allowed(header: str) -> str | None:
        try:
            host = host_of(header)
        except ValueError:
            return None
        return host if may(host) else None

    return allowed


def _refused_host(header: str) -> Forbidden:
    try:
        host = host_of(header)
    except ValueError as error:
        return Forbidden(f"the Host header {_quoted(header)} can't be read: {error}", code="bad-host")
    return Forbidden(
        f"this server does not answer for the host {_quoted(host)}",
        f"use localhost or an address, or start it with --allow-host {shown(host, 80)}",
        code="host-not-allowed",
    )


def _demand_no_page(request: web.Request) -> None:
    """No web page, whoever serves it, has business at the control site (hardening A5, A6, A12)."""
    site, origin = foreign_site(request), foreign_origin(request)
    if site is not None:
        raise Forbidden(
            f"the request comes from a web page (Sec-Fetch-Site: {_quoted(site)})", code="foreign-page"
        )
    if origin is not None:
        raise Forbidden(
            f"the request comes from another page (Origin: {_quoted(origin)})", code="foreign-page"
        )


def foreign_site(request: web.Request) -> str | None:
    """What a browser says of where a request comes from, if it is a page that is not this server's (Fetch Metadata)."""
    site = request.headers.get("Sec-Fetch-Site")
    return None if site in (None, "same-origin", "none") else site


def foreign_origin(request: web.Request) -> str | None:
    """The origin of the page that sends a request, if that is not this server's (RFC 6454)."""
    origin = request.headers.get("Origin")
    return None if origin in (None, f"http://{request.headers['Host']}") else origin


def _split_port(header: str) -> tuple[str, str | None]:
    if header.startswith("["):
        name, bracket, rest = header.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError("its bracket is not closed")
        return name + bracket, rest[1:] if rest else None
    name, colon, port = header.partition(":")
    return name, port if colon else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    return wire.encode(shown(text)).decode()
