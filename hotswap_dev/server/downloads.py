"""A bundle's bytes to a client, and what became of them."""

from __future__ import annotations

import functools
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from hotswap_dev.server.turns import Turns

_REMEMBERED = 20_000


class Attribution:
    """Which client a download belongs to: a token in the bundle's URL, an HMAC of the client's id.

    It attributes and never authorizes. Being computed from the workspace's secret it is the same after a restart;
    what it is read back by is a bounded table of the clients that were offered something.
    """

    def __init__(self, secret: bytes) -> None:
        def token_of(client: str) -> str:
            return hmac.digest(secret, client.encode("utf-8", "surrogateescape"), "sha256").hex()[:10]

        self._token_of = functools.lru_cache(maxsize=_REMEMBERED)(token_of)
        self._clients: OrderedDict[str, str] = OrderedDict()
        self._attempts: OrderedDict[tuple[str, int], int] = OrderedDict()

    def token(self, client: str) -> str:
        """The 10 hex digits that stand for `client` in the URLs that it is given."""
        token = self._token_of(client)
        _remember(self._clients, token, client)
        return token

    def client(self, token: str) -> str | None:
        """Who a token stands for; None for `-` and for tokens that nobody here was given."""
        return self._clients.get(token)

    def offered(self, client: str, sequence: int) -> None:
        """A check was answered with this sequence: the client's attempts at it count from 1 again."""
        self._attempts.pop((client, sequence), None)

    def attempt(self, client: str, sequence: int) -> int:
        """Count a download that begins; the client makes up to 4 of them (plugin: updater.rs, `max_retries`)."""
        count = self._attempts.get((client, sequence), 0) + 1
        _remember(self._attempts, (client, sequence), count)
        return count


class BundleResponse(web.FileResponse):
    """aiohttp's file response (ranges, ETag, sendfile) that knows how far it came.

    aiohttp's own count leaves out what sendfile sent; the file's position after it, whole or broken off, is the truth.
    """

    def __init__(
        self,
        path: Path,
        headers: dict[str, str],
        turns: Turns,
        on_end: Callable[[BundleResponse], None] | None = None,
    ) -> None:
        super().__init__(path, headers=headers)
        self.sent = 0
        self.began = time.perf_counter()
        self._turns = turns
        self._on_end = on_end

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it all, as a file response does when it is prepared; then `on_end` hears of it, however it ended.

        Where nothing of the file was to be sent (304, 416, the file is gone) there was no download.
        """
        try:
            async with self._turns.turn(request):
                return await super().prepare(_with_dates_that_are_some(request))
        finally:
            if self._on_end is not None and self.status in (200, 206):
                self._on_end(self)

    async def _sendfile(
        self, request: web.BaseRequest, fobj: IO[Any], offset: int, count: int
    ) -> AbstractStreamWriter:
        try:
            return await super()._sendfile(request, fobj, offset, count)
        finally:
            # It stands before the offset where the connection broke before the first byte.
            self.sent = max(0, os.lseek(fobj.fileno(), 0, os.SEEK_CUR) - offset)


def _with_dates_that_are_some(request: web.BaseRequest) -> web.BaseRequest:
    """The request without conditions whose date has a number that no date can hold, which aiohttp fails on.

    A condition that can't be read is none (RFC 9110, section 13.1.3).
    """
    try:
        _ = request.if_modified_since, request.if_unmodified_since, request.if_range
    except (ValueError, OverflowError):
        headers = CIMultiDict(request.headers)
        for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range"):
            headers.popall(name, None)
        return request.clone(headers=headers)
    return request


def _remember(table: OrderedDict[Any, Any], key: object, value: object) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > _REMEMBERED:
        table.popitem(last=False)
