"""The newest exchanges of checks, whole, and without anybody's secrets."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from hotswap_dev import wire
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.server import exchange_log
from hotswap_dev.server.exchange_log import ExchangeLog
from tests.server.asking import Answer, Asking, a_request, connection, happened, raw, status_of, times, until
from tests.server.conftest import Serve
from tests.server.update_asking import ask
from tests.unit.making import an_answered_check

QUERY = "binary_version=0.1.0&platform=linux&arch=x86_64"
SECRETS = {
    "Authorization": "Bearer canary-1",
    "Cookie": "session=canary-2",
    "X-API-Key": "canary-3",
    "Proxy-Authorization": "Basic canary-4",
    "X-Forwarded-For": "canary-5",
}


async def the_exchange(server: Asking, seen: CheckAnswered | Mapping[str, Any]) -> Answer:
    row = wire.plain(seen) if isinstance(seen, CheckAnswered) else seen
    return await server.control(f"/api/exchange?client={quote(row['client'], safe='')}&at={row['at']}")


async def asked(server: Asking) -> CheckAnswered:
    """What the server tells of its first check."""
    return await happened(server.engine, CheckAnswered)


async def test_an_exchange_is_the_request_and_the_answer_as_they_went(server: Asking) -> None:
    answer = await server.check(headers={"X-Device-Id": "Pixel", "Accept": "application/json"})
    seen = await asked(server)

    found = (await the_exchange(server, seen)).json

    assert (found["client"], found["peer"], found["method"]) == ("Pixel", "127.0.0.1", "GET")
    assert found["target"] == f"/api/ota/0?{QUERY}"
    assert ["X-Device-Id", "Pixel"] in found["headers"]
    assert ["Accept", "application/json"] in found["headers"]
    assert ["Host", server.running.file.site.removeprefix("http://")] in found["headers"]
    assert found["status"] == 200
    assert found["body"] == answer.body.decode()
    assert found["at"] == wire.stored_time(seen.at)
    assert found["duration_ms"] == seen.duration_ms
    sent = dict(answer.headers)
    assert {name: value for name, value in found["answer_headers"] if name != "Date"} == {
        name: value for name, value in sent.items() if name != "Date"
    }
    assert dict(found["answer_headers"]).keys() == sent.keys()


@pytest.mark.parametrize("sequence", ["1", "x"])
async def test_an_exchange_without_an_offer_has_its_headers_too(server: Asking, sequence: str) -> None:
    answer = await server.check(sequence)

    found = (await the_exchange(server, await asked(server))).json

    assert found["status"] == answer.status
    assert found["body"] == (answer.body.decode() or None)
    assert dict(found["answer_headers"]).keys() == dict(answer.headers).keys()
    assert dict(found["answer_headers"])["X-Hotswap-Reason"] == answer.reason


@pytest.mark.parametrize("sequence", ["0", "1", "x"])
@pytest.mark.parametrize(
    ("version", "also"), [("1.1", "Connection: close"), ("1.0", "Connection: keep-alive")]
)
async def test_the_headers_of_an_answer_after_which_the_connection_ends_are_those_that_went_out(
    server: Asking, sequence: str, version: str, also: str
) -> None:
    request = f"GET /api/ota/{sequence}?{QUERY} HTTP/{version}\r\nHost: localhost\r\n{also}\r\n\r\n"
    async with connection(server.port) as (reader, writer):
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")

    found = (await the_exchange(server, await asked(server))).json

    _, *lines = head.decode().rstrip().split("\r\n")
    assert [": ".join(header) for header in found["answer_headers"]] == lines
    assert any(line.startswith("Connection: ") for line in lines)


async def test_every_line_of_the_history_leads_to_its_exchange(server: Asking) -> None:
    for sequence in (0, 1, 0):
        await server.check(sequence, headers={"X-Device-Id": "a/b c&d"})
    await times(server.engine, CheckAnswered, 3)

    targets = [
        (await the_exchange(server, wire.plain(seen))).json["target"]
        for seen in await times(server.engine, CheckAnswered, 3)
    ]

    assert targets == [f"/api/ota/{sequence}?{QUERY}" for sequence in (0, 1, 0)]


@pytest.mark.parametrize("header", ["User-Agent", "Accept", "X-Hotswap-Key", "Content-Token"])
@pytest.mark.parametrize("protocol", ["hotswap", "update-server"])
async def test_C10_the_value_of_a_demanded_header_is_hidden_whatever_it_is_called(
    server: Asking, header: str, protocol: str
) -> None:
    async def one(number: int) -> Mapping[str, str]:
        """The headers of another exchange, as they are shown."""
        if protocol == "hotswap":
            await server.check(headers={header: "canary", "X-Device-Id": "Pixel"})
        else:
            await ask(server, None, **{header.replace("-", "_"): "canary"}, X_Device_Id="Pixel")
        return await shown(number)

    async def shown(number: int) -> Mapping[str, str]:
        seen = (await times(server.engine, CheckAnswered, number))[number - 1]
        return dict((await the_exchange(server, seen)).json["headers"])

    demand = {"channel": "beta", "header": header.lower(), "status": 401, "value": "canary"}
    assert (await one(1))[header] == "canary", "it is nobody's secret yet"
    await server.control("/api/commands/set-required-header", demand)
    assert (await shown(1))[header] == (await one(2))[header] == "***"
    await server.control("/api/commands/set-required-header", {**demand, "status": None})
    assert (await shown(1))[header] == (await shown(2))[header] == "***", "nor is it shown afterwards"


async def test_C10_of_a_header_that_may_be_a_secret_only_the_name_is_shown(server: Asking) -> None:
    await server.check(headers={**SECRETS, "User-Agent": "curl", "X-Hotswap-Note": "seen"})

    answer = await the_exchange(server, await asked(server))

    headers = dict(answer.json["headers"])
    assert {name: headers[name] for name in SECRETS} == dict.fromkeys(SECRETS, "***")
    assert (headers["User-Agent"], headers["X-Hotswap-Note"]) == ("curl", "seen")
    assert b"canary" not in answer.body


async def test_C10_of_a_query_only_what_the_protocol_has_is_kept_and_shown(server: Asking) -> None:
    query = f"api_key=canary-1&{QUERY}&canary-2&%70latform=linux&token=canary=3&chan%20nel=canary-4&"
    await server.get(f"/api/ota/0?{query}")
    await server.get(f"/api/ota/x?{query}")
    first, second = await times(server.engine, CheckAnswered, 2)
    await until(lambda: server.engine.history.recorded >= server.engine.bus.revision, "recorded")

    answers = [await the_exchange(server, seen) for seen in (first, second)]
    answers += [await server.control(path) for path in ("/api/history", "/api/why?client=local/linux/x86_64")]

    hidden = f"api_key=***&{QUERY}&***&%70latform=linux&token=***&chan%20nel=***&"
    assert answers[0].json["target"] == f"/api/ota/0?{hidden}"
    assert first.path == f"/api/ota/0?{hidden}"
    assert b"canary" not in b"".join(answer.body for answer in answers)
    for path in server.running.engine.history._path.parent.glob("history.db*"):
        assert b"canary" not in path.read_bytes()


async def test_C10_the_identity_that_was_configured_is_shown_and_no_other_one(serve: Serve) -> None:
    async with serve(id_header="X-Phone") as server:
        await server.check(headers={"x-phone": "Pixel", "X-Device-Id": "canary"})

        found = (await the_exchange(server, await asked(server))).json

        assert found["client"] == "Pixel"
        assert ["x-phone", "Pixel"] in found["headers"]
        assert ["X-Device-Id", "***"] in found["headers"]


async def test_C3_an_exchange_draws_nothing(server: Asking) -> None:
    hostile = b"X-Device-Id: \xe2\x80\xaeevil\r\nUser-Agent: \xff\xe2\x80\xae[red]"
    answered = await raw(server.port, a_request(f"/api/ota/0?{QUERY}&x=%1b%5b31m", hostile))
    assert status_of(answered) == 200
    seen = await asked(server)

    answer = await the_exchange(server, seen)

    told = json.loads(answer.body)
    assert all(text.isprintable() for text in texts(told))
    assert r"\u{202e}[red]" in dict(told["headers"])["User-Agent"]


async def test_C7_only_the_newest_exchanges_are_kept(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_log, "EXCHANGES", 2)
    async with serve() as server:
        for _ in range(3):
            await server.check()
        first, *others = await times(server.engine, CheckAnswered, 3)

        gone = await the_exchange(server, first)

        assert (gone.status, gone.json["title"]) == (404, "not-kept")
        assert "local/linux/x86_64" in gone.json["detail"]
        assert [(await the_exchange(server, one)).status for one in others] == [200, 200]


async def test_C7_large_exchanges_leave_sooner(server: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_log, "MOST_BYTES", 100_000)
    large = {f"X-Hotswap-{number}": "\U0001f600" + "x" * 110 for number in range(28)}
    for number in range(12):
        await server.check(headers={**large, "X-Device-Id": f"phone-{number}"})
    seen = await times(server.engine, CheckAnswered, 12)

    kept = [(await the_exchange(server, one)).status for one in seen]

    assert kept == sorted(kept, reverse=True)
    assert 2 < kept.count(200) < 100_000 // (28 * 4 * 100)


def test_C7_what_all_exchanges_hold_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_log, "MOST_BYTES", 1_000_000)
    log = ExchangeLog()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(600):
            sent = {f"X-{place}": f"\U0001f600{number}{'x' * 100}" for place in range(number % 32)}
            request = SimpleNamespace(
                headers=CIMultiDictProxy(CIMultiDict(sent)), raw_path=f"/api/ota/{number}", method="GET"
            )
            log.keep(an_answered_check(sequence=number), cast("Any", request), {}, bytes(number % 3 * 8_000))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 500_000 < after - before < 1_100_000


async def test_C7_what_an_exchange_keeps_of_large_headers_is_bounded(server: Asking) -> None:
    many = [f"X-Hotswap-{number}: {'x' * 1000}" for number in range(40)]
    async with connection(server.port) as (reader, writer):
        writer.write(a_request(f"/api/ota/0?{QUERY}", *many))
        assert status_of(await reader.read()) == 200

    found = (await the_exchange(server, await asked(server))).json

    assert 1 < len(found["headers"]) <= 32
    assert sum(len(name) + len(value) for name, value in found["headers"]) <= 4096 + 1
    assert found["headers"][-1][1].endswith("…")


@pytest.mark.parametrize(
    ("query", "status", "code", "named"),
    [
        ("", 400, "bad-arguments", "client"),
        ("client=anna", 400, "bad-arguments", "at"),
        ("at=2026-04-05T12:00:00Z", 400, "bad-arguments", "client"),
        ("client=anna&at=yesterday", 400, "bad-arguments", "'yesterday'"),
        ("client=anna&at=2026-04-05T12:00:00Z&x=1", 400, "bad-arguments", "'x'"),
        ("client=%1b[31m&at=2026-04-05T12:00:00Z", 404, "not-kept", r"\x1b"),
    ],
)
async def test_an_exchange_that_can_not_be_meant_is_named(
    server: Asking, query: str, status: int, code: str, named: str
) -> None:
    answer = await server.control(f"/api/exchange?{query}")

    assert (answer.status, answer.json["title"]) == (status, code)
    assert named in answer.json["detail"]


def texts(value: object) -> list[str]:
    """Every text in JSON."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return texts(list(value.values()))
    return [text for one in value for text in texts(one)] if isinstance(value, list) else []
