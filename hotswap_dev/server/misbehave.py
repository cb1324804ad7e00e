"""Misbehaving on purpose: the only place that breaks HTTP (design §7).

Whoever answers decides first and makes the plain answer; here it is spoiled as the fault says. What comes back is a
response as any other, which misbehaves when aiohttp sends it: its `status` and body are what a record may say of it.
A fault ends at once where the client leaves, and within the last words that answers get where the server ends.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import IO, Literal

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from msgspec import Struct
from multidict import CIMultiDict

from hotswap_dev.domain.faults import Fault, check
from hotswap_dev.domain.faults.check import ManifestFault
from hotswap_dev.domain.faults.presets import Offline, line_of
from hotswap_dev.domain.faults.signature import SignatureFault
from hotswap_dev.server.misbehaving.delivery import Chance, Delivery, delivery, late
from hotswap_dev.server.misbehaving.ends import close, reset, silence
from hotswap_dev.server.misbehaving.pace import LARGEST_PIECE, Pace, next_piece
from hotswap_dev.server.turns import Turns

_PORTAL = b"""<!doctype html>
<html><head><title>Sign in to this network</title></head>
<body><h1>Welcome</h1><p>Accept the terms to go online.</p></body></html>
"""

_ANY_MANIFEST = b'{"version":"0.1.0-ota.1","sequence":1,"min_binary_version":"0.1.0","url":"http://'


class PlainAnswer(Struct, frozen=True):
    """A check's answer as it would be without a fault. `headers` without Content-Length and Date."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class MisbehavingAnswer(web.Response):
    """A check's answer, spoiled. `status` is 0 where nothing is answered; `body` is what goes out then."""

    def __init__(
        self,
        answer: PlainAnswer,
        *,
        late: float = 0.0,
        ending: Literal["close", "reset"] | None = None,
    ) -> None:
        silent = ending is not None
        super().__init__(
            status=0 if silent else answer.status,
            headers=None if silent else answer.headers,
            body=None if silent else answer.body or None,
        )
        self._late = late
        self._ending = ending

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it, or don't; ConnectionResetError where the connection is over then."""
        with _nothing_left_of(request):
            if self._late:
                await silence(request, self._late)
            if self._ending == "close":
                await close(request)
            if self._ending == "reset":
                await reset(request)
            return await super().prepare(request)


def misbehave_check(fault: Fault, answer: PlainAnswer, chance: Chance = random.random) -> MisbehavingAnswer:
    """A check's answer as `fault` spoils it; TypeError for one that strikes no check.

    A fault that bends a manifest or a signature has done so already: then the answer goes out as it is. A preset's
    answer comes in one piece, as late as its last byte would. `chance` draws a delay's jitter.
    """
    match fault:
        case check.CheckHttpError():
            return MisbehavingAnswer(
                _instead(answer, fault.status, "text/plain; charset=utf-8", _words(fault, fault.status))
            )
        case check.CheckDelay():
            return MisbehavingAnswer(answer, late=late(fault.ms, fault.jitter, chance))
        case check.Hang():
            return MisbehavingAnswer(answer, late=float(fault.seconds), ending="close")
        case check.CheckConnectionReset() | Offline():  # whoever came in before the listener was closed
            return MisbehavingAnswer(answer, ending="reset")
        case check.EmptyResponse():
            return MisbehavingAnswer(answer, ending="close")
        case check.MalformedJson():
            whole = answer.body if answer.status == HTTPStatus.OK and answer.body else _ANY_MANIFEST
            return MisbehavingAnswer(
                _instead(answer, 200, "application/json", whole[: (len(whole) + 1) // 2])
            )
        case check.HtmlPage():
            return MisbehavingAnswer(_instead(answer, 200, "text/html; charset=utf-8", _PORTAL))
        case ManifestFault() | SignatureFault():
            return MisbehavingAnswer(answer)
    if (line := line_of(fault)) is not None:
        return MisbehavingAnswer(answer, late=line.delay_ms / 1000 + len(answer.body) / (line.kb_s * 1000))
    raise TypeError(f"{fault.name} strikes no check")


class MisbehavingDownload(web.StreamResponse):
    """A bundle on its way, spoiled. `sent` counts the bundle's bytes that the system took, `began` is of perf_counter.

    Every file is sent whole, whatever range was asked for: the plugin asks for none. No cache may keep it.
    """

    def __init__(
        self,
        fault: Fault,
        sending: Delivery,
        path: Path,
        headers: Mapping[str, str],
        turns: Turns,
        on_end: Callable[[MisbehavingDownload], None] | None,
    ) -> None:
        # An error, and bytes that are not the bundle's, must not stay in a tunnel's cache under the bundle's name.
        super().__init__(status=sending.status, headers=headers)
        self.headers["Cache-Control"] = "no-store"
        self.sent = 0
        self.began = time.perf_counter()
        self._fault = fault
        self._sending = sending
        self._path = path
        self._turns = turns
        self._on_end = on_end

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it when it is its turn; then `on_end` hears of it, however it ended.

        Where the file is gone there was no download, as for a healthy one: the answer is a 404.
        """
        there = True
        try:
            with _nothing_left_of(request):
                async with self._turns.turn(request):
                    there = await self._deliver(request)
        finally:
            if self._on_end is not None and there:
                self._on_end(self)
        return None

    async def _deliver(self, request: web.BaseRequest) -> bool:
        sending = self._sending
        await silence(request, sending.late)
        if sending.status != HTTPStatus.OK:
            await self._say(request, _words(self._fault, sending.status))
            return True
        try:
            stored = self._path.open("rb", buffering=0)
        except OSError:
            self.set_status(404)
            await self._say(request, b"")
            return False
        with stored:
            await self._send(request, stored)
        return True

    async def _say(self, request: web.BaseRequest, words: bytes) -> None:
        self.content_type = "text/plain"
        self.content_length = len(words)
        await super().prepare(request)
        await self.write(words)

    async def _send(self, request: web.BaseRequest, stored: IO[bytes]) -> None:
        sending = self._sending
        transport = request.transport
        assert transport is not None  # noqa: S101 - `silence` has just looked
        self.content_type = "application/zip" if self._path.suffix == ".zip" else "application/gzip"
        self.content_length = sending.announced
        pace = None
        if sending.bytes_s is not None:
            pace = Pace(sending.bytes_s)
            pace.narrow(transport)
            # The socket's small buffer would make whatever is asked for next on this connection slow too.
            self.force_close()
        # What was written has left us before the next is read: so little is held, and `sent` says the truth.
        transport.set_write_buffer_limits(high=0)
        try:
            await super().prepare(request)
            await self._pieces(request, stored, sending.stop, pace)
            if sending.silence:
                await silence(request, sending.silence)
            if sending.then == "close":
                await close(request)
            if sending.then == "reset":
                await reset(request)
            await self._pieces(request, stored, sending.size, pace)
        finally:
            transport.set_write_buffer_limits()

    async def _pieces(
        self, request: web.BaseRequest, stored: IO[bytes], last: int, pace: Pace | None
    ) -> None:
        """Send the bundle up to the byte `last`."""
        most = LARGEST_PIECE if pace is None else pace.piece
        while self.sent < last:
            piece = stored.read(min(most, last - self.sent))
            if not piece:
                raise ConnectionResetError("the bundle's file is shorter than it was")
            if pace is not None:
                await pace.turn(request, len(piece))
            await next_piece(self._turns)
            await self.write(_with_changed(piece, self.sent, self._sending.changed))
            await request.writer.drain()
            self.sent += len(piece)


def misbehave_download(
    fault: Fault,
    path: Path,
    size: int,
    headers: Mapping[str, str],
    turns: Turns,
    on_end: Callable[[MisbehavingDownload], None] | None = None,
    chance: Chance = random.random,
) -> MisbehavingDownload:
    """A GET of a bundle of `size` bytes as `fault` spoils it; TypeError for one that strikes no download.

    `turns` are those of the healthy downloads. `chance` draws a delay's jitter.
    """
    return MisbehavingDownload(fault, delivery(fault, size, chance), path, headers, turns, on_end)


@contextlib.contextmanager
def _nothing_left_of(request: web.BaseRequest) -> Iterator[None]:
    """Whatever ends the block early ends its connection with it, whether anybody reads what is still in it or not."""
    transport = request.transport
    try:
        yield
    except BaseException:
        if transport is not None:
            transport.abort()
        raise


def _instead(answer: PlainAnswer, status: int, content_type: str, body: bytes) -> PlainAnswer:
    """Another answer with what every answer to a check has: its reason and the site's headers."""
    headers = CIMultiDict(answer.headers)
    headers["Content-Type"] = content_type
    return PlainAnswer(status, headers, body)


def _words(fault: Fault, status: int) -> bytes:
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    return f"{phrase}: on purpose, by the fault {fault.name}\n".encode()


def _with_changed(piece: bytes, offset: int, changed: int | None) -> bytes:
    """A piece that begins at the byte `offset` of the bundle, with the bits of the byte `changed` turned round."""
    if changed is None or not offset <= changed < offset + len(piece):
        return piece
    at = changed - offset
    return piece[:at] + bytes([piece[at] ^ 0xFF]) + piece[at + 1 :]
