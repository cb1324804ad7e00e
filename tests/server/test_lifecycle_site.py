"""`POST /api/lifecycle`: what an app's page reports, who may report, and what comes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hotswap_dev.domain.clients import label_sentence
from hotswap_dev.domain.observations import DownloadEnded, LifecycleReported
from hotswap_dev.server import lifecycle_site
from hotswap_dev.server.allowance import AT_ONCE, REPORTS_A_SECOND, Allowance
from hotswap_dev.server.guard import client_admission, guarded, host_rule
from hotswap_dev.server.lifecycle_site import MAX_BODY, ORIGINS
from tests.server.asking import (
    PATIENCE,
    Answer,
    Asking,
    connection,
    happened,
    one,
    so_far,
    status_of,
)
from tests.unit.making import an_answered_check

APP = "tauri://localhost"
FOREIGN = (
    "https://evil.example",
    "null",
    "http://localhost:3000",
    "http://127.0.0.1",
    "tauri://localhost.evil",
)
HOSTILE = "[/nope] \x1b[31m\x9b2J\u202e [@click=app.quit]x[/] \ud83d"


async def post(server: Asking, report: Any, *, origin: str | None = APP, **headers: str | None) -> Answer:
    """Report as a page does."""
    sent = {"Origin": origin, "Content-Type": "application/json", **headers}
    body = report if isinstance(report, bytes) else json.dumps(report).encode()
    async with (
        asyncio.timeout(PATIENCE),
        server.session.post(
            f"{server.running.file.site}/api/lifecycle",
            data=body,
            headers={name.replace("_", "-"): value for name, value in sent.items() if value is not None},
        ) as response,
    ):
        return Answer(response.status, response.headers, await response.read())


async def told(server: Asking) -> LifecycleReported:
    """The last report that was taken in."""
    reports: list[LifecycleReported] = await so_far(server.engine, LifecycleReported)
    return reports[-1]


async def has_taken(server: Asking, device: str) -> None:
    """Check, and download what is offered."""
    offered = (await server.check(headers={"X-Device-Id": device})).json
    await server.get(offered["url"])
    await happened(server.engine, DownloadEnded, lambda end: end.client == device)


# What comes of a report


async def test_a_report_is_observed_and_makes_applied_confirmed(server: Asking) -> None:
    await has_taken(server, "phone")

    said = {"event": "ready-confirmed", "sequence": 1, "version": "0.1.0-ota.1", "device": "phone"}
    answer = await post(server, said)

    assert (answer.status, answer.body) == (204, b"")
    seen = await told(server)
    assert (seen.client, seen.lifecycle, seen.sequence, seen.version) == (
        "phone",
        "ready-confirmed",
        1,
        "0.1.0-ota.1",
    )
    client = server.engine.clients["phone"]
    assert client.label is not None
    assert (client.label.code, client.sequence) == ("confirmed", 1)
    await server.check(1, {"X-Device-Id": "phone"})
    assert server.engine.clients["phone"].label == client.label


async def test_a_report_of_a_failure_has_its_words_in_the_client_list(server: Asking) -> None:
    await server.check(headers={"X-Device-Id": "phone"})

    error = "HTTP 503: bundle download failed"
    await post(server, {"event": "download-error", "sequence": 1, "error": error, "device": "phone"})

    (row,) = (await server.control("/api/clients")).json
    assert row["label"]["code"] == "failed"
    assert f"`{error}`" in row["label"]["sentence"]


async def test_without_a_device_it_is_the_only_client_at_that_address(server: Asking) -> None:
    await server.check()
    await post(server, {"event": "check-complete"})
    assert (await told(server)).client == "local/linux/x86_64"

    await server.check(headers={"X-Device-Id": "phone"})
    await post(server, {"event": "check-complete"})
    assert (await told(server)).client is None


async def test_a_report_of_nobody_is_kept_and_makes_no_client(server: Asking) -> None:
    for said in ({"event": "apply", "sequence": 1}, {"event": "apply", "sequence": 1, "device": "phone"}):
        assert (await post(server, said)).status == 204

    assert [seen.client for seen in await so_far(server.engine, LifecycleReported)] == [None, None]
    assert not server.engine.clients


async def test_it_stands_in_the_history_and_is_found_by_its_client(server: Asking) -> None:
    await server.check(headers={"X-Device-Id": "phone"})
    await post(server, {"event": "check-complete", "device": "phone"})

    async def found() -> list[Any]:
        rows: list[Any] = (await server.control("/api/history?event=lifecycle-reported&client=phone")).json
        return rows

    async with asyncio.timeout(PATIENCE):
        while not (rows := await found()):
            await asyncio.sleep(0.01)
    assert [row["lifecycle"] for row in rows] == ["check-complete"]


async def test_C3_hostile_texts_are_stored_as_text(server: Asking) -> None:
    await server.check(headers={"X-Device-Id": "phone"})

    body = {"event": "download-error", "sequence": 1, "version": HOSTILE, "error": HOSTILE * 40}
    assert (await post(server, {**body, "device": "phone"})).status == 400  # a lone surrogate is no JSON
    body = {name: _whole(value) for name, value in body.items()}
    assert (await post(server, {**body, "device": "phone"})).status == 204

    seen = await told(server)
    assert seen.version is not None
    assert seen.version.isprintable()
    assert seen.error.isprintable()
    assert len(seen.error) <= 256
    assert label_sentence(server.engine.clients["phone"]).isprintable()


def _whole(value: Any) -> Any:
    return value.replace("\ud83d", "") if isinstance(value, str) else value


# Who may report


@pytest.mark.parametrize("origin", sorted(ORIGINS))
async def test_A7_an_apps_own_page_is_answered_so_that_it_may_read_it(server: Asking, origin: str) -> None:
    for answer in (
        await post(server, {"event": "check-start"}, origin=origin),
        await post(server, {"event": 7}, origin=origin),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", sorted(ORIGINS))
async def test_A7_the_engine_that_asks_first_is_told_that_json_may_be_posted(
    server: Asking, origin: str
) -> None:
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = await server.get("/api/lifecycle", asks, method="OPTIONS")

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert answer.headers["Access-Control-Allow-Headers"].lower() == "content-type"
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", FOREIGN)
async def test_A6_A7_a_page_of_the_web_is_refused_before_it_is_read(server: Asking, origin: str) -> None:
    await server.check()
    for answer in (
        await post(server, {"event": "apply", "sequence": 1}, origin=origin),
        await post(server, b"text", origin=origin, **{"Content-Type": "text/plain"}),
        await server.get("/api/lifecycle", {"Origin": origin}, method="OPTIONS"),
    ):
        assert (answer.status, answer.json["title"]) == (403, "foreign-page")
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert await so_far(server.engine, LifecycleReported) == []


async def test_A7_no_other_route_of_the_site_lets_the_apps_page_read_it(server: Asking) -> None:
    paths = ("/", "/healthz", "/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64", "/api/nothing")
    for path in (*paths, "/channels/production/latest.json"):
        for method in ("GET", "OPTIONS"):
            answer = await server.get(path, {"Origin": APP}, method=method)
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_who_is_no_page_may_report_too(server: Asking) -> None:
    answer = await post(server, {"event": "check-start"}, origin=None)
    assert answer.status == 204
    assert "Access-Control-Allow-Origin" not in answer.headers
    asked = await server.get("/api/lifecycle", method="OPTIONS")
    assert (asked.status, asked.headers["Allow"]) == (204, "OPTIONS, POST")


async def test_it_takes_no_other_method(server: Asking) -> None:
    answer = await server.get("/api/lifecycle")
    assert (answer.status, answer.json["title"]) == (405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(",")) == {"OPTIONS", "POST"}


# What is refused, and how much is read


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_A5_what_a_page_could_send_without_asking_first_is_refused(
    server: Asking, kind: str | None
) -> None:
    body = b'{"event":"apply","sequence":1}'
    lines = ["POST /api/lifecycle HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"Content-Type: {kind}"] if kind else []
    answer = await one(server.port, "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
    assert status_of(answer) == 415
    assert b'"not-json"' in answer


async def test_D7_a_packed_body_is_not_unpacked(server: Asking) -> None:
    answer = await post(server, {"event": "apply"}, Content_Encoding="gzip")
    assert (answer.status, answer.json["title"]) == (415, "not-json")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"", "bad-json"),
        (b"{", "bad-json"),
        (b"\xff\xfe", "bad-json"),
        (b"[" * 4000, "bad-json"),
        (b"[]", "bad-report"),
        (b"{}", "bad-report"),
        (b'{"event": "apply", "sequence": "14"}', "bad-report"),
    ],
)
async def test_what_is_no_report_is_a_problem_that_the_page_may_read(
    server: Asking, body: bytes, title: str
) -> None:
    answer = await post(server, body)

    assert (answer.status, answer.json["title"]) == (400, title)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.json["hint"]
    assert await so_far(server.engine, LifecycleReported) == []


async def test_eight_kibibytes_are_read_and_one_byte_more_is_not(server: Asking) -> None:
    frame = len(json.dumps({"event": "check-start", "error": ""}))
    for more, status in ((0, 204), (1, 413)):
        answer = await post(server, {"event": "check-start", "error": "x" * (MAX_BODY - frame + more)})
        assert answer.status == status
    assert answer.json["title"] == "body-too-large"


async def test_a_body_without_a_length_is_read_to_the_limit_and_no_further(server: Asking) -> None:
    head = (
        b"POST /api/lifecycle HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    piece = b"1000\r\n" + b" " * 4096 + b"\r\n"
    async with connection(server.port) as (reader, writer), asyncio.timeout(PATIENCE):
        writer.write(head + piece * 3)  # and no end
        assert status_of(await reader.readuntil(b"\r\n")) == 413


async def test_a_report_may_come_in_chunks(server: Asking) -> None:
    body = b'{"event": "check-start"}'
    answer = await one(
        server.port,
        b"POST /api/lifecycle HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    )
    assert status_of(answer) == 204


async def test_D3_a_body_that_drips_is_waited_for_so_long_and_no_longer(server: Asking) -> None:
    async with a_site(server, body_seconds=0.2) as port, connection(port) as (reader, writer):
        writer.write(
            b"POST /api/lifecycle HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"event"'
        )
        async with asyncio.timeout(PATIENCE):
            answer = await reader.readuntil(b"}")
    assert status_of(answer) == 400
    assert b'"body-too-slow"' in answer


async def test_a_page_that_is_closed_while_it_reports_leaves_nothing_behind(server: Asking) -> None:
    before = server.engine.bus.revision
    async with connection(server.port) as (_, writer):
        writer.write(
            b"POST /api/lifecycle HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"event"'
        )
        await writer.drain()
    assert (await post(server, {"event": "check-start"})).status == 204
    assert server.engine.bus.revision == before + 1


async def test_who_sends_too_many_is_told_to_wait(server: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle_site, "Allowance", lambda: Allowance(rate=0, burst=3, clock=lambda: 0.0))
    async with a_site(server) as port:
        answers = []
        for _ in range(5):
            async with server.session.post(
                f"http://127.0.0.1:{port}/api/lifecycle",
                json={"event": "check-start"},
                headers={"Origin": APP},
            ) as response:
                answers.append((response.status, response.headers.get("Retry-After")))
                allowed = response.headers["Access-Control-Allow-Origin"]
    assert answers == [(204, None)] * 3 + [(429, "1")] * 2
    assert allowed == APP
    assert len(await so_far(server.engine, LifecycleReported)) == 3


def test_an_address_may_send_a_burst_and_then_so_many_a_second() -> None:
    now = 0.0
    allowance = Allowance(clock=lambda: now)

    def taken(peer: str = "10.0.0.7", asked: int = 2 * AT_ONCE) -> int:
        return sum(allowance.take(peer) for _ in range(asked))

    assert taken() == AT_ONCE
    assert taken("10.0.0.8", 5) == 5
    now = 1.0
    assert taken() == REPORTS_A_SECOND
    now = 1000.0
    assert taken() == AT_ONCE


def test_of_several_at_once_all_are_let_in_or_none_is_and_then_none_is_used_up() -> None:
    allowance = Allowance(rate=0, burst=10, clock=lambda: 0.0)
    assert [allowance.take("10.0.0.7", count) for count in (8, 3, 2, 1)] == [True, False, True, False]


def test_both_families_of_localhost_share_an_allowance_and_few_addresses_are_remembered() -> None:
    allowance = Allowance(rate=0, burst=1, clock=lambda: 0.0)
    assert [allowance.take(peer) for peer in ("127.0.0.1", "::1", "127.0.0.2")] == [True, False, False]
    for number in range(1000):
        allowance.take(f"10.0.{number // 250}.{number % 250}")
    assert len(allowance._left) <= 256


async def test_among_ten_thousand_clients_at_one_address_a_report_finds_its_own(server: Asking) -> None:
    for number in range(10_000):
        server.engine.clients.see(an_answered_check(f"phone-{number}", peer="127.0.0.1"))

    await post(server, {"event": "apply", "sequence": 1, "device": "phone-7"})
    assert (await told(server)).client == "phone-7"
    await post(server, {"event": "apply", "sequence": 1})
    assert (await told(server)).client is None
    assert len(server.engine.clients) == 10_000


@asynccontextmanager
async def a_site(server: Asking, **options: Any) -> AsyncIterator[int]:
    """The route alone, over a running server's engine; its port."""
    admit: Callable[[web.Request], None] = client_admission(host_rule(()))
    app = web.Application(middlewares=[guarded(admit)])
    lifecycle_site.join(app.router, server.engine, **options)
    async with TestServer(app, host="127.0.0.1") as running:
        assert running.port is not None
        yield running.port
