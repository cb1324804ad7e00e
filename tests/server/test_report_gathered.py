"""A report gathered of a running server over its control site."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotswap_dev.client.control import ControlClient
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.export.report import headline, render
from hotswap_dev.scenario import seen as reading
from hotswap_dev.scenario.reporting import gathered, look
from tests.server.asking import Asking, write_frontend


async def test_a_run_on_a_real_server_is_told_as_it_was(server: Asking, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    for device in ("a", "b", "c"):
        manifest = (await server.check(0, {"X-Device-Id": device})).json
        await server.get(manifest["url"])
        await server.check(1, {"X-Device-Id": device})
    await server.publish(write_frontend(tmp_path / "second", "two"))
    await server.control("/api/commands/withhold", {"sequence": 2})
    await server.check(1, {"X-Device-Id": "a"})

    seen = await asyncio.to_thread(look, _control(server), began)
    report = gathered(seen, title="Run", began=began, source=server.running.file.site)

    assert headline(report) == "Release 1 reached 3 of 3 clients; release 2 was withheld."
    assert (report.known, report.checks) == (3, 7)
    assert {one.reason: one.count for one in report.answers} == {
        "newer-release": 3,
        "up-to-date": 3,
        "release-withheld": 1,
    }
    assert [one.words for one in report.moments] == ["2 published", "2 withheld"]
    assert [(one.name, one.points[-1][1]) for one in report.running] == [
        ("embedded page", 0),
        ("release 1", 3),
    ]
    assert [one.standing for one in report.clients] == ["running"] * 3
    assert {one.what: one.count for one in report.latencies} == {"Checks": 7, "Whole downloads": 3}
    assert "<svg" in render(report)


async def test_a_long_history_is_read_page_by_page_and_no_further_than_its_limit(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PAGE", 4)
    began = datetime.now(UTC)
    for _ in range(10):
        await server.check(0)

    whole = await asyncio.to_thread(look, _control(server), began)
    assert not whole.cut
    assert sum(isinstance(one, CheckAnswered) for one in whole.events) == 10
    assert [one.at for one in whole.events] == sorted(one.at for one in whole.events)

    monkeypatch.setattr(reading, "_MOST_ROWS", len(whole.events))
    assert await asyncio.to_thread(look, _control(server), began) == whole

    monkeypatch.setattr(reading, "_MOST_ROWS", 8)
    newest = await asyncio.to_thread(look, _control(server), began)
    assert newest.cut
    assert newest.events == whole.events[-8:]


def _control(server: Asking) -> ControlClient:
    return ControlClient(server.running.file.control, server.token)
