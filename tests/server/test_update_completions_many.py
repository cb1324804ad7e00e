"""Completions and questions in numbers: what anybody may make up fills no history, and hides no repetition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.observations import CheckAnswered, UpdateReported
from hotswap_dev.server import completions, update_site
from hotswap_dev.server.allowance import Allowance
from hotswap_dev.storage import request_ids
from tests.server.asking import PATIENCE, Answer, Asking, connection, so_far, status_of
from tests.server.conftest import Serve
from tests.server.update_asking import ask, complete, listed

SAID = {"status": "success", "version": "0.1.0-ota.1"}


@pytest.fixture
async def sparing(serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asking]:
    """A server that takes ten reports of an address, and then no more."""
    monkeypatch.setattr(update_site, "Allowance", lambda: Allowance(rate=0, burst=10, clock=lambda: 0.0))
    async with serve() as server:
        await server.publish(dist)
        yield server


def refused(answer: Answer) -> bool:
    """Whether an answer says to wait."""
    if answer.status != 429:
        return False
    assert (answer.json["title"], answer.headers["Retry-After"]) == ("too-many-reports", "1")
    return True


@pytest.mark.parametrize("path", ["/update/completion", "/update"])
async def test_C7_who_completes_too_often_is_told_to_wait_and_nothing_of_it_is_recorded(
    sparing: Asking, path: str
) -> None:
    answers = [await complete(sparing, "made up", {"frontend": SAID}, path=path) for _ in range(14)]

    assert [refused(answer) for answer in answers] == [False] * 10 + [True] * 4
    assert len(await so_far(sparing.engine, UpdateReported)) == 10


async def test_C7_each_update_of_a_completion_counts(sparing: Asking) -> None:
    request_id = (await ask(sparing)).json["request_id"]
    updates = {f"type-{number}": SAID for number in range(7)}

    assert (await complete(sparing, request_id, updates)).status == 200
    assert refused(await complete(sparing, request_id, updates))
    assert not refused(await complete(sparing, request_id, {"frontend": SAID}))

    recorded = await so_far(sparing.engine, UpdateReported)
    assert len(recorded) == 7 + 1 + 1, (
        "seven that were not offered, the one that was left out, and its report"
    )


async def test_C7_who_sent_too_much_is_refused_before_its_body_is_read(sparing: Asking) -> None:
    for _ in range(10):
        await complete(sparing, "made up", {"frontend": SAID})
    async with connection(sparing.port) as (reader, writer):
        writer.write(b"POST /update/completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert status_of(await reader.readuntil(b"\r\n\r\n")) == 429


@pytest.mark.parametrize("wrong", [{"product": None}, {"version": "one"}])
async def test_C7_questions_that_can_not_be_read_are_limited_too_and_good_ones_are_not(
    sparing: Asking, wrong: dict[str, Any]
) -> None:
    answers = [await ask(sparing, {**wrong, "platform": f"beos{number}"}) for number in range(14)]

    assert [answer.status for answer in answers] == [400] * 10 + [429] * 4
    assert [refused(answer) for answer in answers[10:]] == [True] * 4
    assert len(await so_far(sparing.engine, CheckAnswered)) == 10
    assert list(sparing.engine.clients) == ["local/?"]
    for _ in range(3):
        listed(await ask(sparing))


@pytest.mark.parametrize("request_id", ["made up", None])
async def test_C7_an_unknown_request_is_one_row_whatever_it_reports(
    server: Asking, request_id: str | None
) -> None:
    updates = {f"type-{number}": {"status": "failed"} for number in range(64)}

    [row] = (await complete(server, request_id, updates)).json["recorded"]

    [report] = await so_far(server.engine, UpdateReported)
    assert report.update_type.startswith("type-0, type-1, ")
    assert (report.status, report.detail) == ("failed", "64 updates, recorded as one")
    assert report.flags[0] == ("unknown-request" if request_id else "missing-request-id")
    assert list(report.flags) == row["flags"]
    assert "missing-reason" in report.flags


async def test_invented_requests_hide_no_repetition_neither_in_this_run_nor_in_the_next(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (request_ids, completions):
        monkeypatch.setattr(module, "MOST_REPORTED", 4)
    async with serve() as server:
        await server.publish(dist)
        request_id = (await ask(server)).json["request_id"]
        invented = {f"type-{number}": SAID for number in range(6)}

        async def flags() -> list[str]:
            answer = await complete(server, request_id, {"frontend": SAID})
            found: list[str] = answer.json["recorded"][0]["flags"]
            return found

        assert await flags() == []
        for number in range(10):
            await complete(server, f"made up {number}", {"frontend": SAID})
        await complete(server, request_id, invented)
        assert await flags() == ["repeated"]
        for number in range(10):
            await complete(server, f"made up {number}", {"frontend": SAID})
        await complete(server, request_id, invented)
    async with serve() as server:
        assert await flags() == ["repeated"]


async def test_what_somebody_else_completes_is_recorded_and_leaves_the_client_as_it_is(
    server: Asking,
) -> None:
    request_id = (await ask(server, X_Device_Id="Pixel 8")).json["request_id"]
    before = server.engine.clients["Pixel 8"]
    failed = {"frontend": {**SAID, "status": "failed", "reason": "made up"}}

    await complete(server, request_id, failed, X_Device_Id="iPhone")

    [report] = await so_far(server.engine, UpdateReported)
    assert (report.client, report.status, report.flags[0]) == ("Pixel 8", "failed", "other-client")
    assert server.engine.clients["Pixel 8"] == before
    await complete(server, (await ask(server, X_Device_Id="Pixel 8")).json["request_id"], failed)
    label = server.engine.clients["Pixel 8"].label
    assert label is not None
    assert (label.code, label.args["error"]) == ("failed", "made up")
