"""Answers never wait for the recorder, its trouble is told once, and no secret is in it (hardening C4, C10, E5)."""

from __future__ import annotations

import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from hotswap_dev.domain.observations import CheckAnswered, Noticed
from hotswap_dev.storage import history
from tests.server.asking import Asking, happened, raw, so_far, until


class Disk:
    """Stands before the recorder's connection, and may be slow or full."""

    def __init__(self, connection: sqlite3.Connection, refuse: Callable[[], None]) -> None:
        self._connection = connection
        self._refuse = refuse

    def execute(self, statement: str, *values: Any) -> Any:
        if statement.lstrip().startswith("INSERT"):
            self._refuse()
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def test_checks_are_answered_while_the_disk_stands_still(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        stuck.set()
        go_on.wait(10)

    recorder = server.engine.history
    monkeypatch.setattr(recorder, "_connection", Disk(recorder._connection, wait))
    try:
        await server.check()
        await until(stuck.is_set, "the recorder writes")

        began = time.perf_counter()
        answers = [await server.check() for _ in range(100)]

        assert {answer.status for answer in answers} == {200}
        assert time.perf_counter() - began < 2
        before = recorder.recorded
        assert (await server.control("/api/state")).json["recording"] == {"recorded": before, "dropped": 0}
    finally:
        go_on.set()
    await until(lambda: recorder.recorded >= before + 101, "everything is recorded in the end")


async def test_E5_a_full_disk_is_told_once_and_so_is_its_end(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_RETRY_SECONDS", 0.01)
    attempts: list[float] = []
    before = server.engine.history.recorded
    full = True

    def refuse() -> None:
        attempts.append(time.monotonic())
        if full:
            raise sqlite3.OperationalError("database or disk is full")

    recorder = server.engine.history
    monkeypatch.setattr(recorder, "_connection", Disk(recorder._connection, refuse))

    for _ in range(20):
        assert (await server.check()).status == 200
    told = await happened(server.engine, Noticed)
    await until(lambda: len(attempts) > 5, "it tries again")

    assert (told.level, told.code) == ("error", "not-recording")
    assert "disk is full" in told.message
    assert told.hint
    assert [notice.code for notice in await so_far(server.engine, Noticed)] == ["not-recording"]

    full = False
    again = await happened(server.engine, Noticed, lambda notice: notice.level == "info")
    assert again.code == "recording-again"
    await until(lambda: recorder.recorded >= before + 20, "nothing was lost")
    assert recorder.dropped == 0
    assert len((await server.control("/api/checks?limit=100")).json) == 20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open file")
async def test_E5_a_history_that_is_deleted_stops_no_answer_and_both_ends_of_it_are_told_once(
    server: Asking,
) -> None:
    recorder = server.engine.history
    await server.check()
    before = recorder.recorded
    await until(lambda: recorder.recorded >= before, "the recorder keeps up")
    await until(lambda: len(recorder._queue) == 0, "all of it is written")

    path = server.engine.history._path
    path.unlink()
    for _ in range(5):
        assert (await server.check()).status == 200
    again = await happened(server.engine, Noticed, lambda notice: notice.level == "info")

    told = await so_far(server.engine, Noticed)
    assert [notice.code for notice in told] == ["not-recording", "recording-again"]
    assert "deleted" in told[0].message
    assert again is told[1] or again == told[1]
    await until(lambda: len(recorder._queue) == 0, "all of it is written")
    assert len((await server.control("/api/checks?limit=100")).json) == 5
    assert path.exists()


async def test_C4_one_user_agent_of_odd_bytes_does_not_end_the_recording(server: Asking) -> None:
    query = "binary_version=0.1.0&platform=linux&arch=x86_64"
    ask = f"GET /api/ota/0?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()

    await raw(server.port, ask + b"User-Agent: \xff\r\n\r\n")
    await raw(server.port, ask + b"X-Device-Id: \xed\xa0\x80\r\n\r\n")
    await server.check(headers={"X-Device-Id": "later"})

    await until(lambda: len(server.engine.history._queue) == 0, "all of it is written")
    rows = (await server.control("/api/checks?limit=10")).json
    assert [row["status"] for row in rows] == [200, 200, 200]
    assert rows[0]["client"] == "later"
    assert server.engine.history.dropped == 0


async def test_C10_no_header_but_the_client_s_id_is_kept_anywhere(
    server: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {
        "Authorization": "Bearer CANARY-1",
        "Cookie": "session=CANARY-2",
        "X-API-Key": "CANARY-3",
        "Proxy-Authorization": "Basic CANARY-4",
        "X-Anything": "CANARY-5",
        "User-Agent": "CANARY-6",
        "Referer": "http://CANARY-7",
        "X-Device-Id": "phone-7",
    }

    offer = await server.check(headers=secrets)
    await server.get(offer.json["url"], secrets)
    await server.check("x", secrets)
    await server.get("/nowhere", secrets)
    await server.get("/", {**secrets, "Host": "evil.example"})
    recorder = server.engine.history
    await until(lambda: len(recorder._queue) == 0, "all of it is written")

    events = b"".join(server.engine.bus.line(1, event) for event in await so_far(server.engine))
    state = (await server.control("/api/state")).body
    kept = b"".join(path.read_bytes() for path in recorder._path.parent.rglob("*") if path.is_file())
    for place in (events, state, kept, caplog.text.encode()):
        assert b"CANARY" not in place
    assert b"phone-7" in kept
    assert b"phone-7" in events
    assert len(await so_far(server.engine, CheckAnswered)) == 2


async def test_C4_a_row_at_fault_and_then_a_refusing_disk_end_no_recording_and_lose_nothing(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is halved may be written half, and the rest later."""
    recorder = server.engine.history
    troubles: list[Exception | None] = [
        ValueError("a row is at fault"),
        None,
        sqlite3.OperationalError("database is locked"),
    ]
    stored = recorder._store

    def store(batch: list[history._Entry]) -> int:
        if (len(batch) > 1 or len(troubles) < 3) and troubles and (trouble := troubles.pop(0)):
            raise trouble
        return stored(batch)

    monkeypatch.setattr(history, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(history, "_GATHER_SECONDS", 0.3)
    await until(lambda: not recorder._queue, "nothing is queued")
    before = recorder.recorded
    monkeypatch.setattr(recorder, "_store", store)
    for _ in range(20):
        await server.check()

    await until(lambda: recorder.recorded >= before + 20, "everything is recorded in the end")
    assert troubles == []
    assert recorder.dropped == 0
    assert recorder._writer.is_alive()
