"""Answers byte by byte, right and wrong: what the reference client's HTTP makes of them, the real one's makes too."""

from __future__ import annotations

import gzip
import json

import pytest
from aiohttp import web

from tests.real_client.answers import MANIFEST, manifest
from tests.real_client.reference import GOOD, KEY, Pairing, TwoSided, offered, serving
from tests.real_client.reference import pair_fixture as pair_fixture
from tests.real_client.reference import server_fixture as server_fixture
from tests.real_client.scripted_server import Handler, signed


def raw(answer: bytes, *, reset: bool = False) -> Handler:
    """These bytes, then the end of the connection."""

    async def send(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(answer)
        if reset:
            request.transport.abort()
        else:
            request.transport.close()
        return web.Response()

    return send


def head(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "".join(f"{line}\r\n" for line in (status, *lines, "")).encode("latin-1")


def chunked(body: bytes, *, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"%x\r\n%s\r\n%s" % (len(body), body, end)


def answers(body: bytes) -> dict[str, bytes]:
    """Ways to send a body, and ways to fail at it."""
    size = f"Content-Length: {len(body)}"
    packed = gzip.compress(body)
    return {
        "by its length": head(size) + body,
        "to the connection's end": head() + body,
        "chunked": head("Transfer-Encoding: chunked") + chunked(body),
        "chunked, with a trailer": head("Transfer-Encoding: chunked") + chunked(body, end=b"0\r\nX-A: 1\r\n\r\n"),
        "chunked, extended": head("Transfer-Encoding: chunked") + chunked(body).replace(b"\r\n", b";a=b\r\n", 1),
        "chunked, without its end": head("Transfer-Encoding: chunked") + chunked(body, end=b""),
        "chunked, and nothing": head("Transfer-Encoding: chunked"),
        "a length too long": head(f"Content-Length: {len(body) + 9}") + body,
        "a length that is none": head("Content-Length: many") + body,
        "a negative length": head("Content-Length: -1") + body,
        "a length of 2^64": head(f"Content-Length: {2**64}") + body,
        "two lengths": head(size, "Content-Length: 1") + body,
        "HTTP/1.0": head(size, status="HTTP/1.0 200 OK") + body,
        "HTTP/1.0, to its end": head(status="HTTP/1.0 200 OK") + body,
        "no reason": head(size, status="HTTP/1.1 200") + body,
        "a blank for a reason": head(size, status="HTTP/1.1 200 ") + body,
        "another success": head(size, status="HTTP/1.1 299 Odd") + body,
        "gzip, said": head(f"Content-Length: {len(packed)}", "Content-Encoding: gzip") + packed,
        "gzip, said but not so": head(size, "Content-Encoding: gzip") + body,
        "a cookie": head(size, "Set-Cookie: a=b; Path=/") + body,
        "a header of 20 KB": head(size, "X-Long: " + "x" * 20_000) + body,
        "99 headers": head(size, *(f"X-{n}: x" for n in range(98))) + body,
        "an informing answer before": head(status="HTTP/1.1 103 Early Hints") + head(size) + body,
        "nothing": b"",
        "half a head": head(size)[:-10],
        "no HTTP": b"hello, who is there?\r\n\r\n",
        "a status of two digits": head(size, status="HTTP/1.1 20 OK") + body,
        "a status of no digits": head(size, status="HTTP/1.1 abc OK") + body,
    }  # fmt: skip


def unframed(body: bytes) -> dict[str, bytes]:
    """Where it can't be told where the body ends, or by two rules."""
    size = f"Content-Length: {len(body)}"
    return {
        "chunked, of no size": head("Transfer-Encoding: chunked") + b"zz\r\n" + body,
        "a length too short": head(f"Content-Length: {len(body) - 9}") + body,
        "one length twice": head(size, size) + body,
    }


_BODY = manifest()


@pytest.mark.parametrize("name", answers(_BODY))
async def test_an_answer_to_a_check_is_read_alike(name: str, server: TwoSided, pair: Pairing) -> None:
    both = await pair()
    server.answer = raw(answers(_BODY)[name])

    await both.do("check")
    await both.do("check")


@pytest.mark.parametrize("name", answers(GOOD))
async def test_an_answer_to_a_download_is_read_alike(name: str, server: TwoSided, pair: Pairing) -> None:
    both = await pair()
    serving(server, download=raw(answers(GOOD)[name]))
    await offered(both)

    await both.do("download")
    await both.do("download")


@pytest.mark.parametrize("name", unframed(_BODY))
async def test_what_is_no_whole_http_is_no_answer_here_where_the_real_one_reads_on(
    name: str, server: TwoSided, pair: Pairing
) -> None:
    """The one difference that is known, and left: aiohttp gives no part of such an answer away."""
    both = await pair()
    server.answer = raw(unframed(_BODY)[name])

    with pytest.raises(AssertionError, match="error differs") as differs:
        await both.do("check")

    assert "ours: 'network error: error sending request for url" in str(differs.value)


@pytest.mark.parametrize("at", [0, 20])
async def test_a_connection_that_is_reset_within_the_head_is_heard_alike(
    at: int, server: TwoSided, pair: Pairing
) -> None:
    """Later it may tear away what was sent before it, on either side by chance."""
    both = await pair()
    sent = head(f"Content-Length: {len(GOOD)}") + GOOD
    serving(server, download=raw(sent[:at], reset=True))
    await offered(both)

    assert "error sending request" in ((await both.do("download")).error or "")


async def test_a_body_without_a_length_is_cut_off_at_the_limit(server: TwoSided, pair: Pairing) -> None:
    both = await pair(max_bundle_size=len(GOOD) - 1)
    serving(server, download=raw(head("Transfer-Encoding: chunked") + chunked(GOOD)))
    await offered(both)

    said = await both.do("download")

    assert said.error == f"bundle too large: {len(GOOD)} bytes exceeds limit of {len(GOOD) - 1} bytes"


async def test_a_connection_is_used_again_or_not_and_nobody_notices(server: TwoSided, pair: Pairing) -> None:
    both = await pair()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.Response(text=json.dumps({**MANIFEST, "signature": signed(KEY, GOOD)}))
        if server.count(request) % 2:
            response.force_close()
        return response

    server.answer = answer
    for _ in range(3):
        await offered(both)
