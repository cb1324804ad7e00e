"""Answers never wait for the recorder, and its trouble is told once (hardening C4, E5)."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from hotswap_dev.domain.observations import Noticed
from hotswap_dev.storage import history
from tests.server.asking import Asking, happened, so_far, until


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
