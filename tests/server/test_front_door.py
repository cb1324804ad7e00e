"""A check by the short way is answered, byte for byte, as by the application's own (design §6)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.server import client_site as client_site_module
from hotswap_dev.server.client_site import FRONT_DOOR, ClientSiteOptions, client_site
from hotswap_dev.server.page import SitePage
from hotswap_dev.server.questions import plain_question
from hotswap_dev.server.whole_answer import head_of
from tests.server.asking import PATIENCE, Asking, connection, raw, so_far, statuses

QUERY = "binary_version=0.1.0&platform=linux&arch=x86_64"

Doors = tuple[int, int]


@pytest.fixture
async def doors(server: Asking) -> AsyncIterator[Doors]:
    """Two ports of one client site: with the front door, and without."""
    async with AsyncExitStack() as stack:
        ports = []
        for front in (True, False):
            page = SitePage(app="my-app", endpoint="", pubkey="", build_line=None)
            app = client_site(server.engine, ClientSiteOptions(secret=b"s" * 32, page=page))
            runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            assert runner.server is not None
            if front:
                runner.server.request_handler = app[FRONT_DOOR](runner.server.request_handler)  # type: ignore[assignment]
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            ports.append(runner.addresses[0][1])
        yield ports[0], ports[1]


def ask(
    target: str, *headers: str, method: str = "GET", host: str = "localhost", version: str = "1.1"
) -> bytes:
    """A request that leaves the connection to its default."""
    lines = [f"{method} {target} HTTP/{version}", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode()


LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

ASKED = {
    "an offer": ask(f"/api/ota/0?{QUERY}"),
    "by the other path": ask(f"/api/updates/0?{QUERY}"),
    "no update": ask(f"/api/ota/1?{QUERY}"),
    "a client with an id": ask(f"/api/ota/0?{QUERY}", "X-Device-Id: phone"),
    "an id of odd bytes": ask(f"/api/ota/0?{QUERY}", "X-Device-Id: \x1b[31mé".replace("\x1b", "")),
    "another channel": ask(f"/api/ota/0?{QUERY}&channel=beta"),
    "no parameters": ask("/api/ota/0"),
    "an empty query": ask("/api/ota/0?"),
    "a parameter twice": ask(f"/api/ota/0?{QUERY}&arch=arm"),
    "encoded": ask("/api/ota/0?binary_version=0%2E1.0&platform=%6cinux&arch=x86%5F64&channel=a+b"),
    "bytes that are no UTF-8": ask(f"/api/ota/0?{QUERY}&channel=%ff%ed%a0%80"),
    "an encoded sequence": ask(f"/api/ota/%30?{QUERY}"),
    "a large sequence": ask(f"/api/ota/18446744073709551616?{QUERY}"),
    "leading zeros": ask(f"/api/ota/00000000000000000001?{QUERY}"),
    "no number": ask(f"/api/ota/x?{QUERY}"),
    "a slash more": ask(f"/api/ota/0/?{QUERY}"),
    "dots": ask(f"/api/./ota/0?{QUERY}"),
    "a fragment": ask(f"/api/ota/0?{QUERY}#x"),
    "a colon in the query": ask(f"/api/ota/0?{QUERY}&x=a:b//c?d"),
    "40 parameters": ask("/api/ota/0?" + "&".join(f"p{n}=1" for n in range(40)) + "&" + QUERY),
    "a long query": ask(f"/api/ota/0?{QUERY}&x=" + "y" * 3000),
    "an absolute target": ask(f"http://localhost/api/ota/0?{QUERY}"),
    "another host": ask(f"/api/ota/0?{QUERY}", host="evil.example"),
    "a host that can't be read": ask(f"/api/ota/0?{QUERY}", host="a b"),
    "two hosts": ask(f"/api/ota/0?{QUERY}", "Host: localhost"),
    "an address": ask(f"/api/ota/0?{QUERY}", host="10.0.2.2:3333"),
    "a HEAD": ask(f"/api/ota/0?{QUERY}", method="HEAD"),
    "a POST": ask(f"/api/ota/0?{QUERY}", "Content-Length: 2", method="POST") + b"{}",
    "a GET with a body": ask(f"/api/ota/0?{QUERY}", "Content-Length: 2") + b"{}",
    "an expectation": ask(f"/api/ota/0?{QUERY}", "Expect: 100-continue"),
    "another expectation": ask(f"/api/ota/0?{QUERY}", "Expect: x"),
    "the connection's end": ask(f"/api/ota/0?{QUERY}", "Connection: close"),
    "HTTP/1.0": ask(f"/api/ota/0?{QUERY}", version="1.0"),
    "HTTP/1.0 that stays": ask(f"/api/ota/0?{QUERY}", "Connection: keep-alive", version="1.0"),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
async def test_both_ways_give_the_same_answer_and_the_same_record(
    server: Asking, doors: Doors, asked: bytes
) -> None:
    ends = b"Connection: close" in asked or (b"HTTP/1.0" in asked and b"keep-alive" not in asked)
    said = [_comparable(await raw(port, asked if ends else asked + LAST), port) for port in doors]

    assert said[0] == said[1]
    assert said[0].startswith(b"http/1.")
    assert b"\ndate: #" in said[0]
    seen = await so_far(server.engine, CheckAnswered)
    assert len(seen) in (0, 2)
    if seen:
        assert _record(seen[0]) == _record(seen[1])


async def test_what_the_plugin_sends_takes_the_short_way(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def router(*_: object) -> None:
        raise AssertionError("the router was asked")

    monkeypatch.setattr(client_site_module._ClientSite, "check", router)

    answer = await raw(doors[0], ask(f"/api/ota/1?{QUERY}") * 3 + LAST)

    assert statuses(answer) == [204, 204, 204, 200]


@pytest.mark.parametrize(
    "last",
    [LAST, ask("/healthz", version="1.0"), ask(f"/api/ota/0?{QUERY}", "Connection: close"), b"\x00\r\n\r\n"],
    ids=["close", "1.0", "check", "garbage"],
)
async def test_D8_no_answer_overtakes_a_check_s_and_none_is_lost_to_the_connection_s_end(
    server: Asking, doors: Doors, last: bytes
) -> None:
    """Python 3.12 and later answer pipelined requests without a turn of the loop between them."""
    check, other = ask(f"/api/ota/1?{QUERY}"), ask("/nowhere")

    async with connection(doors[0]) as (reader, writer):
        writer.write((check + other + check) * 3)
        if b"\x00" in last:  # it would take what came with it along
            await asyncio.sleep(0.1)
        writer.write(last)
        async with asyncio.timeout(PATIENCE):
            said = await reader.read()

    assert statuses(said)[:-1] == [204, 404, 204] * 3
    assert len(await so_far(server.engine, CheckAnswered)) == 6 + (b"/api/ota" in last)


async def test_D12_a_bug_behind_the_short_way_is_a_500_that_says_nothing_of_it(
    server: Asking, doors: Doors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the handler")

    monkeypatch.setattr(server.engine, "answer", broken)

    said = [_comparable(await raw(port, ask(f"/api/ota/0?{QUERY}") + LAST), port) for port in doors]

    assert said[0] == said[1]
    assert said[0].startswith(b"http/1.1 500")
    assert b"secret" not in said[0]
    assert caplog.text.count("the secret of the handler") >= 2
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


async def test_D8_who_asks_and_never_reads_is_not_answered_into_memory(server: Asking, doors: Doors) -> None:
    """Its answers fill the connection, and then its requests wait."""
    many = ask(f"/api/ota/0?{QUERY}") * 20_000
    async with connection(doors[0]) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(many)
        # Not by the events, of which only so many are kept.
        seen, still = -1, 0
        async with asyncio.timeout(PATIENCE):
            while still < 5:
                await asyncio.sleep(0.1)
                client = server.engine.clients.get("local/linux/x86_64")
                before, seen = seen, client.checks if client else 0
                still = still + 1 if 0 < seen == before else 0
        assert seen < 20_000


def test_a_target_that_only_the_router_can_read_is_left_to_it() -> None:
    for target in (
        "/api/ota/0",
        "/api/ota/",
        "/api/ota/x?a",
        "/api/ota/0/?a",
        "/api/ota/0?a#b",
        "//api/ota/0?a",
        "/api/otas/0?a",
        "http://localhost/api/ota/0?a",
        "/api/ota/٣?a",
        "/api/ota/0?é",
        "/api/ota/0?" + "y" * 1000,
    ):
        assert plain_question(target) is None, target
    assert plain_question(f"/api/ota/0?{QUERY}") is not None


@pytest.mark.parametrize("others", [28, 29])
async def test_C7_only_so_many_parameters_are_looked_at(server: Asking, doors: Doors, others: int) -> None:
    query = "&".join(f"p{n}=1" for n in range(others)) + f"&{QUERY}&channel=beta"

    await raw(doors[0], ask(f"/api/ota/1?{query}") + LAST)

    [check] = await so_far(server.engine, CheckAnswered)
    assert check.channel == ("beta" if others == 28 else None)


@pytest.mark.parametrize(
    ("sequence", "status"),
    [
        ("0", 200),
        ("1", 204),
        ("007", 204),
        ("18446744073709551615", 204),
        ("18446744073709551616", 400),
        ("9" * 20, 400),
        ("0" * 21, 400),
        ("9" * 5000, 400),
        ("1_000", 400),
        ("+1", 400),
        ("-1", 400),
        ("1.0", 400),
        ("0x1", 400),
        ("%20" + "1", 400),
        ("%D9%A3", 400),
        ("%EF%BC%91", 400),
        ("1%00", 400),
        ("%0A1", 400),
    ],
)
async def test_C5_a_sequence_is_ascii_digits_that_fit_and_nothing_else(
    doors: Doors, sequence: str, status: int
) -> None:
    said = [await raw(port, ask(f"/api/ota/{sequence}?{QUERY}") + LAST) for port in doors]

    assert [statuses(answer) for answer in said] == [[status, 200]] * 2


def test_C7_only_so_many_questions_are_remembered_and_none_that_is_long() -> None:
    from hotswap_dev.server import questions

    for number in range(10_000):
        plain_question(f"/api/ota/0?{QUERY}&x={number}")

    kept = questions._plain.cache_info()
    assert kept.currsize == kept.maxsize
    assert (kept.maxsize or 0) * questions._LONGEST_REMEMBERED < 2_000_000


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb"])
def test_no_header_can_become_two(value: str) -> None:
    with pytest.raises(ValueError, match="line's end"):
        head_of(200, {"X-Hotswap-Reason": value})


def _comparable(answers: bytes, port: int) -> bytes:
    """Answers without what differs between two ports and moments: header names' case and order, dates, the port."""
    found = []
    for part in re.split(rb"(?=HTTP/1\.[01] \d{3} )", answers.replace(b":%d" % port, b":#")):
        head, _, body = part.partition(b"\r\n\r\n")
        lines = [
            re.sub(rb"^(date|content-length): .*", rb"\1: #", line.lower()) for line in head.split(b"\r\n")
        ]
        found.append(b"\n".join([*lines[:1], *sorted(lines[1:]), b"", body]))
    return b"\n".join(part for part in found if part.strip())


def _record(check: CheckAnswered) -> dict[str, object]:
    return {
        name: getattr(check, name) for name in check.__struct_fields__ if name not in ("at", "duration_ms")
    }
