"""What the control site shows of the past and the present: checks, history, releases, clients."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotswap_dev import wire
from hotswap_dev.domain.commands.clients import NameClient, PinClient
from hotswap_dev.domain.commands.overrides import Annotate
from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.observations import CheckAnswered
from tests.server.asking import PATIENCE, Asking, a_request, raw, times, until, write_frontend
from tests.server.conftest import Serve
from tests.unit.making import an_answered_check


async def test_checks_are_found_by_client_reason_status_and_time(server: Asking) -> None:
    for number in range(3):
        await server.check(headers={"X-Device-Id": f"phone-{number}"})
    await server.check(1, {"X-Device-Id": "phone-0"})
    await server.check("x", {"X-Device-Id": "phone-1"})
    seen = await times(server.engine, CheckAnswered, 5)
    async with asyncio.timeout(PATIENCE):
        while len((await server.control("/api/checks")).json) < 5:  # the history is written a moment later
            await asyncio.sleep(0.01)

    async def found(query: str = "") -> list[tuple[str, int]]:
        answer = await server.control(f"/api/checks{query}")
        assert answer.status == 200, answer.body
        return [(row["client"], row["status"]) for row in answer.json]

    everything = [("phone-1", 400), ("phone-0", 204), ("phone-2", 200), ("phone-1", 200), ("phone-0", 200)]
    assert await found() == everything
    assert await found("?limit=2") == everything[:2]
    assert await found("?limit=0") == []
    assert await found("?client=phone-0") == [("phone-0", 204), ("phone-0", 200)]
    assert await found("?reason=up-to-date") == [("phone-0", 204)]
    assert await found("?status=400") == [("phone-1", 400)]
    assert await found("?client=phone-1&status=200") == [("phone-1", 200)]
    assert await found("?client=nobody") == []
    third = wire.plain(seen[2])["at"]
    assert await found(f"?since={third}") == everything[:3]
    assert await found(f"?since={third.replace('Z', '%2B00:00')}") == everything[:3]
    assert await found(f"?since={third.removesuffix('Z')}") == everything[:3]
    assert await found(f"?until={third}") == everything[3:]
    assert await found(f"?until={third}&client=phone-0") == everything[4:]
    assert await found("?until=1999-01-01T00:00:00Z") == []
    assert await found("?since=2999-01-01T00:00:00Z") == []
    rows = (await server.control("/api/checks")).json
    assert await found(f"?before={rows[1]['number']}") == everything[2:]
    assert [row["number"] for row in rows] == sorted((row["number"] for row in rows), reverse=True)


async def test_a_filter_that_can_not_be_meant_is_named(server: Asking) -> None:
    bad = {
        "?limit=x": "limit",
        "?limit=-1": "limit",
        "?limit=%D9%A1": "limit",
        "?limit=" + "9" * 30: "limit",
        "?before=1.5": "before",
        "?status=ok": "status",
        "?since=yesterday": "since",
        "?until=tomorrow": "until",
        "?since=0001-01-01T00:00:00%2B14:00": "since",
        "?since=9999-12-31T23:59:59-14:00": "since",
        "?reasn=up-to-date": "there is no parameter 'reasn'",
    }
    for path in ("/api/checks", "/api/history"):
        for query, named in bad.items():
            answer = await server.control(f"{path}{query}")
            assert (answer.status, answer.json["title"]) == (400, "bad-arguments"), query
            assert answer.json["detail"].startswith(named)
    answer = await server.control("/api/history?event=note-aded")
    assert (answer.status, answer.json["hint"]) == (400, "did you mean note-added?")
    for path in ("/api/checks", "/api/history"):
        for query, hint in (
            ("binary-to-old", "did you mean binary-too-old?"),
            ("%00", "there are: newer-release"),
        ):
            answer = await server.control(f"{path}?reason={query}")
            assert (answer.status, answer.json["title"]) == (400, "bad-arguments"), query
            assert answer.json["detail"].startswith("reason is ")
            assert answer.json["hint"].startswith(hint)
        for later in ("not-targeted", "not-in-rollout", "fault", "access-denied"):
            assert (await server.control(f"{path}?reason={later}")).json == []
    for query in ("?client=%ff", "?client=%ed%a0%80", "?client=" + "x" * 5000):
        answer = await server.control(f"/api/checks{query}")
        assert (answer.status, answer.json) == (200, []), query


async def test_releases_are_listed_newest_first_and_say_where_the_bytes_are_gone(
    server: Asking, tmp_path: Path
) -> None:
    for number in range(3):
        await server.publish(write_frontend(tmp_path / "dist", f"build {number}"))
    gone = server.engine.controls.releases[2].bundle.hash
    await server.engine.commit(lambda _: [BundlesPruned(at=datetime.now(UTC), hashes=(gone,))])

    listed = (await server.control("/api/releases")).json

    assert [(one["sequence"], one["bundle_gone"]) for one in listed] == [
        (4, False),
        (3, False),
        (2, True),
        (1, False),
    ]
    assert [one["sequence"] for one in (await server.control("/api/releases?limit=2")).json] == [4, 3]


async def test_clients_are_listed_the_last_seen_first(server: Asking) -> None:
    for client in ("anna", "ben", "anna"):
        await server.check(headers={"X-Device-Id": client})

    listed = (await server.control("/api/clients")).json

    assert [(one["id"], one["checks"]) for one in listed] == [("anna", 2), ("ben", 1)]


async def test_a_release_says_who_is_pinned_to_it(server: Asking) -> None:
    await server.engine.run(PinClient(client="anna", sequence=1))

    [release] = (await server.control("/api/releases")).json

    assert release["pinned"] == ["anna"]


async def test_a_client_is_listed_with_its_name_its_pin_and_its_label_in_words(server: Asking) -> None:
    await server.check(headers={"X-Device-Id": "anna"})
    await server.check("x", headers={"X-Device-Id": "ben"})
    await server.engine.run(NameClient(client="anna", name="QA phone"))
    await server.engine.run(PinClient(client="anna", sequence=1))

    ben, anna = (await server.control("/api/clients")).json

    assert (anna["name"], anna["pinned"]) == ("QA phone", 1)
    assert anna["label"]["code"] == "embedded"
    assert anna["label"]["sentence"] == "It runs the embedded page, sequence 0."
    assert anna["remarks"] == [
        "1 is offered and not downloaded yet; if apply() was called: require_https refuses http."
    ]
    assert (ben["name"], ben["pinned"], ben["label"], ben["remarks"]) == (None, None, None, [])
    assert [one["id"] for one in (await server.control("/api/clients?limit=1")).json] == ["ben"]


async def test_the_history_has_answers_changes_and_notes_in_one_line(server: Asking) -> None:
    await server.check(headers={"X-Device-Id": "anna"})
    await server.engine.run(Annotate(text="round 2"))
    await server.engine.run(NameClient(client="anna", name="QA phone"))

    async def found(query: str = "") -> list[str]:
        answer = await server.control(f"/api/history{query}")
        assert answer.status == 200, answer.body
        return [row["event"] for row in reversed(answer.json)]

    async with asyncio.timeout(PATIENCE):
        while (await found("?limit=1")) != ["client-named"]:
            await asyncio.sleep(0.005)
    assert await found("?limit=3") == ["check-answered", "note-added", "client-named"]
    assert await found("?event=note-added&event=client-named") == ["note-added", "client-named"]
    assert await found("?client=anna") == ["check-answered", "client-named"]
    assert await found("?reason=newer-release") == ["check-answered"]
    assert "published" in await found()


async def test_a_history_that_takes_long_to_read_holds_up_nothing_else(server: Asking) -> None:
    reading = server.engine.history._reading
    reading.acquire()  # as a question that takes long does
    try:
        asked = [asyncio.create_task(server.control(path)) for path in ("/api/checks", "/api/history") * 10]
        async with asyncio.timeout(PATIENCE):
            done = await server.control("/api/commands/pause-channel", {"channel": "production"})
            listed = await server.control("/api/clients")
        assert not any(one.done() for one in asked)
    finally:
        reading.release()

    assert (done.status, listed.status) == (200, 200)
    assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 20


async def test_the_thread_that_reads_the_history_ends_with_the_server(serve: Serve) -> None:
    async with serve() as server:
        assert (await server.control("/api/history")).status == 200
        assert reading_threads()

    assert not reading_threads()


def reading_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("history-reading")]


async def test_however_many_clients_there_are_all_of_them_are_listed(server: Asking) -> None:
    for number in range(201):
        await server.check(headers={"X-Device-Id": f"phone-{number}"})

    listed = (await server.control("/api/clients")).json

    assert [one["id"] for one in listed] == [f"phone-{number}" for number in range(200, -1, -1)]


@pytest.mark.parametrize("count", [0, 1, 250, 251, 2_000])
async def test_however_long_the_history_is_all_of_it_is_listed(server: Asking, count: int) -> None:
    history = server.engine.history
    before = history.recorded
    for sequence in range(count):
        history.record(an_answered_check(sequence=sequence))
    await until(lambda: history.recorded >= before + count, "recorded")

    answer = await server.control("/api/checks?limit=10000")

    assert [row["sequence"] for row in answer.json] == list(range(count - 1, -1, -1))
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_of_a_long_history_HEAD_has_the_headers_alone(server: Asking) -> None:
    for _ in range(2_000):
        server.engine.history.record(an_answered_check())
    async with asyncio.timeout(PATIENCE):
        while len((listed := await server.control("/api/checks?limit=10000")).json) < 2_000:
            await asyncio.sleep(0.01)

    request = a_request(
        "/api/checks?limit=10000", f"Authorization: Bearer {server.token}", method="HEAD", host="127.0.0.1"
    )
    head, _, body = (await raw(server.control_port, request)).partition(b"\r\n\r\n")

    assert f"Content-Length: {len(listed.body)}".encode() in head
    assert body == b""
