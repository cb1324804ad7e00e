"""Bodies of the second protocol's requests, and who may send them (hardening A, C, D)."""

from __future__ import annotations

import asyncio
import gzip
import json
from unittest import mock
from urllib.parse import quote, urlencode

import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request

from hotswap_dev.errors import HotswapError
from hotswap_dev.server.update_body import BODY_SECONDS, read_body
from tests.server.asking import Asking, connection, raw, status_of
from tests.server.probes import FOREIGN_PAGES
from tests.server.update_asking import QUESTION, ask, checks, listed, post

JSON = json.dumps(QUESTION).encode()


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def multipart(*parts: tuple[str, bytes]) -> bytes:
    lines = [
        b'--frontier\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)
        for name, value in parts
    ]
    return b"".join([*lines, b"--frontier--\r\n"])


BODIES: dict[str, tuple[bytes, str | None]] = {
    "JSON": (JSON, "application/json"),
    "JSON with a charset": (JSON, "application/json; charset=utf-8"),
    "JSON with a byte order mark": (b"\xef\xbb\xbf" + JSON, "application/json"),
    "JSON without a type": (JSON, None),
    "JSON as curl -d sends it": (JSON, "application/x-www-form-urlencoded"),
    "JSON as text": (JSON, "text/plain"),
    "a form's field": (form(document=JSON.decode()), "application/x-www-form-urlencoded"),
    "a form's field of any name": (form(x=JSON.decode()), "application/x-www-form-urlencoded"),
    "a field among others": (form(a="1", doc=JSON.decode(), b="{}}"), "application/x-www-form-urlencoded"),
    "a form's only name": (quote(JSON.decode()).encode(), "application/x-www-form-urlencoded"),
    "a multipart form": (multipart(("doc", JSON)), "multipart/form-data; boundary=frontier"),
    "a multipart form with others": (
        multipart(("a", b"1"), ("doc", JSON)),
        'multipart/form-data; boundary="frontier"',
    ),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_the_document_may_come_as_json_or_in_any_one_field_of_a_form(server: Asking, kind: str) -> None:
    body, content_type = BODIES[kind]

    answer = await post(server, body, content_type)

    assert listed(answer)["frontend"]["size"] == server.engine.controls.releases[1].bundle.size
    assert answer.reason == "newer-release"


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "application/json", "body"),
    "no JSON": (b"{", "application/json", "body"),
    "an array": (b"[]", "application/json", "body"),
    "a number": (b"7", "application/json", "body"),
    "nesting without an end": (b"[" * 60_000, "application/json", "body"),
    "bytes that are no text": (b"\xff\xfe\x00", "application/json", "body"),
    "a form without a document": (form(a="1"), "application/x-www-form-urlencoded", "body"),
    "a form with two": (form(a=JSON.decode(), b=JSON.decode()), "application/x-www-form-urlencoded", "body"),
    "a form with a thousand fields": (
        form(**{f"f{n}": "1" for n in range(1000)}),
        "application/x-www-form-urlencoded",
        "body",
    ),
    "a multipart form without a boundary": (multipart(("doc", JSON)), "multipart/form-data", "body"),
    "a multipart form that is cut off": (
        multipart(("doc", JSON))[:-40],
        "multipart/form-data; boundary=frontier",
        "body",
    ),
    "gzip": (gzip.compress(JSON), "application/json", "body"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_body_without_a_document_is_a_400_with_an_example(server: Asking, kind: str) -> None:
    body, content_type, parameter = REFUSED[kind]

    answer = await post(server, body, content_type)

    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["parameter"] == parameter
    assert "product" in answer.json["example"]
    assert answer.reason == "bad-request"
    [seen] = await checks(server, 1)
    assert (seen.status, seen.reason, seen.protocol) == (400, "bad-request", "update-server")


async def test_D7_a_compressed_body_is_never_unpacked(server: Asking) -> None:
    for path in ("/update", "/update/completion"):
        answer = await post(server, gzip.compress(JSON), path=path, Content_Encoding="gzip")

        assert (answer.status, answer.json["title"]) == (415, "body-compressed")
        assert "Content-Encoding: gzip" in answer.json["detail"]
    assert not server.engine.clients, "nothing was asked"
    assert (await post(server, JSON, Content_Encoding="identity")).status == 200


async def test_A2_a_host_that_is_not_this_server_is_refused(server: Asking) -> None:
    assert (await ask(server, Host="evil.example")).status == 403


@pytest.mark.parametrize("page", FOREIGN_PAGES)
async def test_A5_no_web_page_can_ask_or_report(server: Asking, page: str) -> None:
    headers = {name.replace("-", "_"): value for name, value in FOREIGN_PAGES[page].items()}

    for path in ("/update", "/update/completion"):
        answer = await post(server, JSON, "text/plain", path, **headers)
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert not server.engine.clients


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_than_post_is_a_405(server: Asking, method: str) -> None:
    for path in ("/update", "/update/completion"):
        assert (await server.get(path, method=method)).status == 405


@pytest.mark.parametrize("path", ["/update", "/update/completion"])
async def test_C7_a_body_of_more_than_64_kib_is_not_read(server: Asking, path: str) -> None:
    answer = await post(server, b" " * (64 * 1024 + 1), path=path)
    chunked = await raw(
        server.port,
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        % path.encode()
        + b"10001\r\n%b\r\n0\r\n\r\n" % (b" " * 0x10001),
    )

    assert (answer.status, answer.json["title"]) == (413, "body-too-large")
    assert status_of(chunked) == 413


async def test_C7_a_body_that_says_it_is_too_large_is_refused_before_it_comes(server: Asking) -> None:
    async with connection(server.port) as (reader, writer):
        writer.write(b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), BODY_SECONDS / 2)

    assert status_of(head) == 413


async def test_D5_a_body_that_breaks_its_own_framing_is_a_400(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotswap_dev.server.update_body.BODY_SECONDS", 0.05)
    head = b"POST /update HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    at_once = await raw(server.port, head + b"Connection: close\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
    async with connection(server.port) as (reader, writer):
        writer.write(head + b"Expect: 100-continue\r\n\r\n")
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 100
        writer.write(b"2\r\n{}\r\nzz\r\n")
        later = await reader.readuntil(b"\r\n\r\n")

    assert (status_of(at_once), status_of(later)) == (400, 400)


async def test_a_body_that_can_not_be_read_is_said_so() -> None:
    body = make_mocked_request("POST", "/update", payload=(payload := mock.Mock(spec=StreamReader)))
    payload.readany.side_effect = web.RequestPayloadError("chunk size")

    with pytest.raises(HotswapError, match="the body can't be read: chunk size"):
        await read_body(body)


async def test_D3_a_body_that_does_not_come_is_given_up(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotswap_dev.server.update_body.BODY_SECONDS", 0.05)
    async with connection(server.port) as (reader, writer):
        writer.write(b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        head = await reader.readuntil(b"\r\n\r\n")

    assert status_of(head) == 400


async def test_a_client_that_is_gone_before_its_answer_does_no_harm(server: Asking) -> None:
    async with connection(server.port) as (_, writer):
        writer.write(b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    assert (await ask(server)).status == 200
