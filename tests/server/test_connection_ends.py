"""How a connection ends that never became a request, or whose handler failed (hardening A8, C6, D1, D9, D12)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import web

from hotswap_dev.domain.observations import Noticed
from hotswap_dev.engine.engine import Engine
from hotswap_dev.server import guard, run
from hotswap_dev.server.client_site import ClientSiteOptions, client_site
from hotswap_dev.server.connections import Connections, answering
from hotswap_dev.server.control_site import control_site
from hotswap_dev.server.page import SitePage
from hotswap_dev.server.quiet import PER_SECOND
from hotswap_dev.server.sockets import listen_privately, port_of
from tests.server.asking import PATIENCE, Asking, a_request, connection, happened, raw, so_far, status_of
from tests.server.conftest import Serve

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)
KINDS = {
    "says nothing": (b"", b""),
    "drips its first header": (b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000),
    "drips its second request": (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 100_000,
    ),
    "drips line ends": (b"", b"\r\n" * 50_000),
}


@pytest.mark.parametrize(
    ("keep_alive", "limit"),
    [pytest.param(0.3, 5.0, id="quick"), pytest.param(None, 16.0, id="as-shipped", marks=pytest.mark.slow)],
)
async def test_D1_fifty_that_drip_are_all_hung_up_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, keep_alive: float | None, limit: float
) -> None:
    if keep_alive is not None:
        monkeypatch.setattr(run, "_KEEP_ALIVE", keep_alive)

    async def closed_after(port: int, first: bytes, dripped: bytes) -> float:
        async with connection(port) as (reader, writer):
            began = time.monotonic()
            writer.write(first)
            drip = asyncio.create_task(_drip(writer, dripped))
            try:
                async with asyncio.timeout(2 * limit):
                    with contextlib.suppress(ConnectionError):
                        await reader.read()
            finally:
                drip.cancel()
            return time.monotonic() - began

    async with serve() as server:
        ports = (server.port, server.control_port)
        took = await asyncio.gather(
            *(closed_after(ports[n % 2], *list(KINDS.values())[n // 2 % len(KINDS)]) for n in range(52))
        )
        assert max(took) <= limit
        assert (await server.get("/healthz")).status == 200


async def test_A8_what_is_no_request_gets_an_answer_like_any_other_that_repeats_nothing(
    server: Asking,
) -> None:
    mark = b"QZXQZX"
    probes = [
        b"GET /" + mark + b" HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /\x1b" + mark + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + mark * 2000 + b"\r\n\r\n",
        mark + b" / / /\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + mark + b"\r\n\r\n",
        HELLO + mark,
    ]
    for port in (server.port, server.control_port):
        answers = [await raw(port, probe) for probe in probes]

        assert [status_of(answer) for answer in answers] == [400] * len(probes)
        assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 1
        for answer in answers:
            head = answer.partition(b"\r\n\r\n")[0].decode()
            for name, value in {**guard.STAMPED, "Cache-Control": "no-store"}.items():
                assert f"\r\n{name}: {value}" in head
            assert "\r\nContent-Type: application/problem+json" in head
            assert mark not in answer


async def test_C6_a_thousand_malformed_requests_are_a_few_lines_of_the_log_without_a_traceback(
    server: Asking, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    for _ in range(1000):
        assert status_of(await raw(server.port, b"GET / HTTP/9.9\r\n\r\n")) == 400
    seconds = int(time.monotonic() - began) + 1

    assert 1 <= len(caplog.records) <= 10 * (seconds + 1)
    assert [record for record in caplog.records if record.exc_info] == []
    assert capfd.readouterr() == ("", "")


async def test_D9_an_app_that_speaks_https_is_told_of_once(server: Asking) -> None:
    for _ in range(3):
        assert status_of(await raw(server.port, HELLO)) == 400

    told = await happened(server.engine, Noticed)
    assert (told.level, told.code) == ("warning", "client-used-https")
    assert "127.0.0.1" in told.message
    assert "http://" in told.hint
    assert len(await so_far(server.engine, Noticed)) == 1


@asynccontextmanager
async def site(app: web.Application) -> AsyncIterator[int]:
    """An application without a guard, at a port."""
    sockets = [listen_privately()]
    port = port_of(sockets)
    async with answering(app, sockets, Connections(99, 99), keep_alive=5, last_words=0.1):
        yield port


class Breaking:
    """An engine whose every part fails, once it is told to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._broken = False

    def break_down(self) -> None:
        self._broken = True

    def __getattr__(self, name: str) -> Any:
        if self._broken:
            raise RuntimeError("the secret of the handler")
        return getattr(self._engine, name)


@pytest.mark.parametrize("which", ["client site", "control site"])
async def test_D12_whichever_handler_fails_the_answer_says_nothing_of_it(
    server: Asking, which: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Breaking(server.engine)
    pretended = cast("Engine", engine)
    options = ClientSiteOptions(secret=b"", page=SitePage("", "", "", None))
    app = client_site(pretended, options) if which == "client site" else control_site(pretended, "a-token")
    routes = [(route.method, route.resource.canonical) for route in app.router.routes() if route.resource]
    name = f"{server.engine.controls.releases[1].bundle.hash8}.tar.gz"
    body = b"{}"
    async with site(app) as port:
        engine.break_down()
        answers = {}
        for method, path in routes:
            target = path.replace("{sequence}", "1").replace(
                "{name}", name if which == "client site" else "publish"
            )
            sent = (
                "Authorization: Bearer a-token",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
            )
            answers[method, path] = await raw(
                port, a_request(re.sub(r"\{\w+\}", "x", target), *sent, method=method) + body
            )
        assert status_of(await raw(port, a_request("/nothing", "Authorization: Bearer a-token"))) == 404

    failed = [way for way, answer in answers.items() if status_of(answer) == 500]
    # The others read no more than their own arguments, or a table of commands.
    assert len(failed) >= len(routes) // 2
    assert 0 not in map(status_of, answers.values())
    for answer in answers.values():
        assert b"secret" not in answer
        assert b"Traceback" not in answer
    assert caplog.text.count("RuntimeError: the secret of the handler") >= min(len(failed), PER_SECOND)


async def test_D12_an_error_that_comes_past_the_guard_says_nothing_of_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("the secret of the handler")

    async def slow(_: web.Request) -> web.Response:
        raise TimeoutError("the secret of the handler")

    app = web.Application()
    app.router.add_get("/broken", broken)
    app.router.add_get("/slow", slow)
    async with site(app) as port:
        answers = {path: await raw(port, a_request(path)) for path in ("/broken", "/slow")}

    assert {path: status_of(answer) for path, answer in answers.items()} == {"/broken": 500, "/slow": 504}
    for answer in answers.values():
        assert b"secret" not in answer
        assert b"Traceback" not in answer
        assert b'"title":"bug"' in answer
        assert b"X-Content-Type-Options: nosniff" in answer
    assert "the secret of the handler" in caplog.text


async def test_D12_an_error_behind_half_an_answer_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"12345")
        raise RuntimeError("the secret of the handler")

    app = web.Application()
    app.router.add_get("/", broken)
    async with site(app) as port:
        answer = await raw(port, a_request("/"))

    assert answer.endswith(b"\r\n\r\n12345")
    assert "the secret of the handler" in caplog.text


async def test_who_leaves_a_stream_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    left = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1000)
                await asyncio.sleep(0)
        finally:
            left.set()

    app = web.Application()
    app.router.add_get("/", stream)
    with caplog.at_level(logging.INFO):
        async with site(app) as port:
            async with connection(port) as (reader, writer):
                writer.write(a_request("/"))
                await reader.readexactly(2000)
            async with asyncio.timeout(PATIENCE):
                await left.wait()
            await raw(port, a_request("/nothing"))

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)
