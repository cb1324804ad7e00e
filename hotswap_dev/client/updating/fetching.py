"""A GET as the plugin's HTTP client makes it, and everything that can come of it.

reqwest 0.12 with its defaults: `accept: */*` and the app's own headers, no User-Agent, nothing decompressed, ten
redirects with a `referer`, no second attempt of its own. One limit of time from the request to the body's end
(plugin: resolver.rs, updater.rs `download_once`).

One difference is known: of an answer whose framing is broken (a chunk without a size, bytes behind the Content-Length,
the same Content-Length twice) hyper reads as far as it goes, while aiohttp gives nothing of it away.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from hotswap_dev.domain.plugin.check import Unanswered
from hotswap_dev.domain.plugin.commands import MAX_REDIRECTS, Get, Received, TooLarge
from hotswap_dev.domain.plugin.request import BadUrl, read_url

_REDIRECTS = (301, 302, 303, 307, 308)
_FOR_ONE_HOST = frozenset({"authorization", "cookie", "cookie2", "proxy-authorization", "www-authenticate"})
_NAME = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LONGEST_LINE = (
    400 * 1024
)  # bytes of a header, which is where hyper ends; aiohttp alone would refuse over 8 KB


async def fetch(
    session: aiohttp.ClientSession, get: Get, asked: list[str], heads: list[Mapping[str, str]]
) -> Received | TooLarge | Unanswered:
    """Do it. `asked` gets the address of each request that is made, redirects too; `heads` the headers of the answers.

    Cancelled, it closes its connection.
    """
    try:
        url = read_url(get.url)
    except BadUrl:
        return Unanswered("", "builder")
    if not url.startswith(("http://", "https://")):
        return Unanswered(url, "builder")
    if not all(_NAME.fullmatch(name) and _is_value(value) for name, value in get.headers.items()):
        return Unanswered("", "builder")
    answered = False
    try:
        async with asyncio.timeout(get.seconds):
            previous: list[str] = []
            while True:
                asked.append(url)
                async with session.get(
                    URL(url.partition("#")[0], encoded=True),
                    headers=_headers(get.headers, url, previous),
                    allow_redirects=False,
                    auto_decompress=False,
                    skip_auto_headers=("User-Agent", "Accept-Encoding"),
                    timeout=_NO_TIMEOUT,
                    middlewares=(_once,),
                    max_line_size=_LONGEST_LINE,
                    max_field_size=_LONGEST_LINE,
                ) as response:
                    heads.append(response.headers)
                    location = _location(response, url)
                    if location is None:
                        answered = True
                        return await _taken(response, get.limit)
                previous.append(url)
                if len(previous) > MAX_REDIRECTS:
                    return Unanswered(url, "redirect")
                if not location.startswith(("http://", "https://")):
                    return Unanswered(location, "builder")
                url = location
    except (_Broken, aiohttp.ClientError, OSError):  # a TimeoutError is an OSError
        # The address that was asked first: reqwest names no other where nothing comes.
        return Received(status=200, body=None) if answered else Unanswered(read_url(get.url), "send")


class _Broken(Exception):
    """The connection failed. Not aiohttp's own kind, after which it would ask a second time."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise _Broken from error


_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None, sock_read=None)


async def _taken(response: aiohttp.ClientResponse, limit: int | None) -> Received | TooLarge:
    """The status and the body; of a download whose status is none of 2xx no body is read."""
    status = response.status
    if limit is None:
        if not 200 <= status <= 299 or status == 204:
            return Received(status=status)
        try:
            return Received(status=status, body=await response.read())
        except aiohttp.ClientError:
            return Received(status=status, body=None)
    if not 200 <= status <= 299:
        return Received(status=status)
    if (response.content_length or 0) > limit:
        return TooLarge(response.content_length or 0)
    body = bytearray()
    try:
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > limit:
                return TooLarge(len(body))
    except aiohttp.ClientError:
        return Received(status=status, body=None)
    return Received(status=status, body=bytes(body))


def _headers(configured: Mapping[str, str], url: str, previous: list[str]) -> list[tuple[str, str]]:
    """In the order of the app's config; what is for one host alone does not go to the next."""
    headers = [("accept", "*/*")] if not any(name.lower() == "accept" for name in configured) else []
    elsewhere = bool(previous) and _host(previous[-1]) != _host(url)
    for name, value in configured.items():
        if not (elsewhere and name.lower() in _FOR_ONE_HOST):
            headers.append((name, value.strip(" \t")))
    if previous and not (url.startswith("http:") and previous[-1].startswith("https:")):
        headers = [(name, value) for name, value in headers if name.lower() != "referer"]
        headers.append(("referer", previous[-1].partition("#")[0]))
    return headers


def _host(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _location(response: aiohttp.ClientResponse, url: str) -> str | None:
    """Where a redirect leads; None for what is none, or leads to nothing that can be read."""
    if response.status not in _REDIRECTS or "Location" not in response.headers:
        return None
    try:
        return read_url(urljoin(url, response.headers["Location"]))
    except ValueError:
        return None


def _is_value(value: str) -> bool:
    """What a header may say: anything but controls, the tab excepted (http crate: `HeaderValue`)."""
    return all(character == "\t" or (character >= " " and character != "\x7f") for character in value)
