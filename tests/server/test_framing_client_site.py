"""What is no proper request, or never becomes a whole one, or meets a bug (hardening D1, D5, D6, D8, D11, D12)."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from aiohttp import http_parser

from hotswap_dev.errors import HotswapError
from hotswap_dev.server import run
from tests.server.asking import PATIENCE, Asking, a_request, connection, raw, status_of, statuses
from tests.server.conftest import Serve

QUERY = "binary_version=0.1.0&platform=linux&arch=x86_64"

SMUGGLING = {
    "both lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nGET /",
    "a signed length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nGET /",
    "a negative length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a length in hex": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x5\r\n\r\nGET /",
    "an unknown coding": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"POST / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n chunked\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: localhost\n\nGET /healthz HTTP/1.1\nHost: localhost\n\n",
    "a bare carriage return": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
    "a header without a name": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
    "a version of its own": b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "a bad chunk size": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"+5\r\nGET /\r\n0\r\n\r\n",
}


async def test_D5_a_framing_that_two_parsers_could_read_differently_is_400_and_one_answer(
    server: Asking,
) -> None:
    assert len(SMUGGLING) >= 12

    answers = {
        name: (await raw(server.port, probe), await raw(server.control_port, probe))
        for name, probe in SMUGGLING.items()
    }

    for name, pair in answers.items():
        for answer in pair:
            assert statuses(answer) == [400], name


async def test_D5_without_the_strict_parser_it_does_not_start(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)

    with pytest.raises(HotswapError) as refused:
        async with serve():
            pass

    assert refused.value.code == "lax-parser"
    assert "AIOHTTP_NO_EXTENSIONS" in refused.value.hint
    assert not (tmp_path / "w").exists()


async def test_D6_what_is_too_long_is_refused_and_not_repeated(server: Asking) -> None:
    mark = "QZX" * 10
    probes = {
        "a target of 7 kB": (a_request(f"/api/ota/0?{QUERY}&x=" + "y" * 7000), {200}),
        "a header of 7 kB": (a_request(f"/api/ota/0?{QUERY}", "X-Long: " + "y" * 7000), {200}),
        "a target of 9 kB": (a_request("/" + mark + "y" * 9000), {400, 414}),
        "a header of 9 kB": (a_request("/healthz", f"X-Long: {mark}" + "y" * 9000), {400, 431}),
        "a target of 1 MB": (a_request("/" + mark + "y" * 1_000_000), {0, 400, 414}),
        "200 headers": (a_request("/healthz", *(f"X-{mark}-{n}: y" for n in range(200))), {400, 431}),
        "no request at all": (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x1b]52;c;evil\x07\r\n\r\n",
            {0, 400},
        ),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
        "HTTP/0.9": (b"GET /healthz\r\n\r\n", {400}),
        "an escape in the target": (b"GET /\x1b]52;c;evil\x07 HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    }

    answers = {name: await raw(server.port, probe) for name, (probe, _) in probes.items()}

    for name, answer in answers.items():
        assert status_of(answer) in probes[name][1], (name, answer[:80])
        assert b"\x1b" not in answer
        assert answer.count(mark.encode()) <= 4, name
        assert len(answer) < 2_000, name
    assert (await server.check()).status == 200


async def test_D8_fifty_requests_in_one_write_get_fifty_answers(server: Asking) -> None:
    ask = f"GET /api/ota/1?{QUERY} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    answer = await raw(server.port, ask * 49 + a_request(f"/api/ota/1?{QUERY}"))

    assert statuses(answer) == [204] * 50
    assert server.engine.clients["local/linux/x86_64"].checks == 50


async def test_D1_who_drips_its_headers_is_hung_up_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run._KEEP_ALIVE <= 16
    monkeypatch.setattr(run, "_KEEP_ALIVE", 0.1)
    async with serve() as server, connection(server.port) as (reader, writer):

        async def drip() -> None:
            for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 10_000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        try:
            async with asyncio.timeout(PATIENCE):
                said = await _all_of(reader)
            assert not dripping.done()
        finally:
            dripping.cancel()
        assert said == b""
        assert (await server.get("/healthz")).status == 200


async def test_D11_whatever_bytes_come_there_is_no_500_and_it_answers_on(
    server: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(11)
    whole = a_request(f"/api/ota/0?{QUERY}&channel=production", "X-Device-Id: phone", "Accept: */*")
    for _ in range(300):
        probe = bytearray(whole if chance.random() < 0.9 else chance.randbytes(80))
        for _ in range(chance.choice((0, 1, 1, 2, 5))):
            at = chance.randrange(len(probe))
            match chance.randrange(4):
                case 0:
                    probe[at] = chance.randrange(256)
                case 1:
                    del probe[at]
                case 2:
                    probe.insert(at, chance.choice(b"\r\n\x00\xff%:/? #\t"))
                case _:
                    probe[at:at] = probe[at : at + chance.randrange(20)]
        async with connection(server.port) as (reader, writer):
            writer.write(bytes(probe))
            writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                answer = await _all_of(reader)
        assert set(statuses(answer)) <= {200, 204, 400, 403, 404, 405, 417}, bytes(probe)
    assert (await server.check()).status == 200
    assert not [record for record in caplog.records if record.name.startswith("hotswap_dev")]


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_D12_a_bug_in_a_handler_is_a_500_that_says_nothing_of_it(
    server: Asking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the handler")

    monkeypatch.setattr(server.engine, "answer", broken)

    answer = await server.check()

    assert answer.status == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    assert "the secret of the handler" in caplog.text
    assert (await server.get("/healthz")).status == 200
