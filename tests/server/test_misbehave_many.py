"""A hundred answers and downloads that misbehave at once: the others don't notice, and nothing is left (issue 6)."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from hotswap_dev.domain.faults import Fault, check, download, parameters_of, presets
from hotswap_dev.domain.observations import CheckAnswered
from tests.server.asking import CLIENT, PATIENCE, a_request, raw, status_of, times, until, write_frontend
from tests.server.conftest import Serve
from tests.server.misbehaving import LAST_WORDS, Client, Site, get, hear, last, misbehaving_site, nothing_left

pytestmark = pytest.mark.processes

MANY = 100
ENDS_WITHIN = 2.0
"""Seconds, as a person who pressed Ctrl-C counts them (hardening E16)."""

LASTING: tuple[tuple[str, Fault], ...] = (
    ("/check", check.Hang(seconds=600)),
    ("/check", check.CheckDelay(ms=600_000)),
    ("/bundle", download.Stall(percent=50, seconds=600)),
    ("/bundle", download.Bandwidth(kb_s=20)),
    ("/bundle", download.DownloadDelay(ms=600_000)),
    ("/bundle", presets.Slow3G()),
)
SHORT: tuple[tuple[str, Fault], ...] = (
    ("/check", check.CheckConnectionReset()),
    ("/check", check.EmptyResponse()),
    ("/check", check.MalformedJson()),
    ("/bundle", download.DownloadConnectionReset(percent=40)),
    ("/bundle", download.Truncate(percent=40)),
    ("/bundle", download.HugeContentLength()),
    ("/bundle", download.CorruptByte()),
    ("/bundle", download.NoContentLength()),
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(os.urandom(400_000))
    return path


@asynccontextmanager
async def many(site: Site, faults: tuple[tuple[str, Fault], ...]) -> AsyncIterator[list[Client]]:
    """So many clients by turns under each of these faults, all of them being answered."""
    clients = [Client(site.port) for _ in range(MANY)]
    try:
        for number, client in enumerate(clients):
            path, site.fault = faults[number % len(faults)]
            before = site.asked
            await client.__aenter__()
            await client.ask(get(path))
            await until(lambda before=before: site.asked > before, "it is being answered")  # type: ignore[misc]
        yield clients
    finally:
        for client in clients:
            await client.__aexit__()


async def test_a_hundred_at_once_leave_others_their_answers_and_whoever_leaves_leaves_nothing(
    bundle: Path,
) -> None:
    async with misbehaving_site(bundle) as site, nothing_left():
        async with many(site, LASTING):
            assert len(site.connections) == MANY
            for _ in range(50):
                async with asyncio.timeout(PATIENCE):
                    assert status_of(await raw(site.port, a_request("/healthy"))) == 200
            assert len(site.connections) >= MANY
        await until(lambda: len(site.connections) == 0, "no connection is left")
        assert site.turns.running == 0
        downloads = sum(LASTING[number % len(LASTING)][0] == "/bundle" for number in range(MANY))
        assert len(site.ended) == downloads


async def test_E16_a_server_ends_within_two_seconds_under_a_hundred_of_them_and_leaves_nothing(
    bundle: Path,
) -> None:
    async with nothing_left():
        async with misbehaving_site(bundle) as site, many(site, LASTING) as clients:
            async with asyncio.timeout(PATIENCE):
                began = time.monotonic()
                await site.end()
                took = time.monotonic() - began
            assert took <= ENDS_WITHIN
            # Everyone is told of the end, by an end.
            for client in clients:
                await client.hear()
        assert took >= LAST_WORDS / 2, "there was something to end"
        assert site.turns.running == 0


async def test_E16_a_whole_server_under_a_hundred_armed_ones_ends_within_two_seconds_without_a_word_of_complaint(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as clients, AsyncExitStack() as running:
        server = await running.enter_async_context(serve())
        await server.publish(write_frontend(tmp_path / "dist", noise=400_000))
        requests = []
        for number, (_, fault) in enumerate(LASTING):
            device = {"X-Device-Id": f"d{number}"}
            url = (await server.check(headers=device)).json["url"]
            asked = "/api/ota/0?" + urlencode(CLIENT) if fault.stage == "check" else urlsplit(url).path
            requests.append(get(asked, f"X-Device-Id: d{number}"))
            arguments = {"fault": fault.name, "parameters": parameters_of(fault), "client": f"d{number}"}
            assert (await server.control("/api/commands/arm-fault", arguments)).status == 200
        for number in range(MANY):
            client = await clients.enter_async_context(Client(server.port))
            await client.ask(requests[number % len(requests)])
        hanging = sum(LASTING[number % len(LASTING)][0] == "/check" for number in range(MANY))
        struck = [
            one for one in await times(server.engine, CheckAnswered, len(LASTING) + hanging) if one.fault
        ]
        assert len(struck) == hanging
        assert {one.status for one in struck} == {0, 200}
        assert (await server.check()).status == 200

        began = time.monotonic()
        await running.aclose()
        assert time.monotonic() - began <= ENDS_WITHIN
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_ends_by_itself_leaves_nothing_however_often(bundle: Path) -> None:
    async with misbehaving_site(bundle) as site, nothing_left():
        for path, fault in SHORT:
            site.fault = fault
            await asyncio.gather(*(hear(site.port, last(path)) for _ in range(25)))
        await until(lambda: len(site.connections) == 0, "no connection is left")
        await until(lambda: len(site.ended) == 25 * 5, "every download's end is told")


async def test_E16_a_client_that_takes_nothing_holds_up_no_end(bundle: Path) -> None:
    bundle.write_bytes(bytes(24 * 2**20))
    async with nothing_left(), misbehaving_site(bundle) as site:
        site.fault = download.CorruptByte()
        async with Client(site.port) as client:
            await client.ask(get("/bundle"))
            await until(lambda: any(site.unsent()), "it is stuck")
            async with asyncio.timeout(ENDS_WITHIN):
                await site.end()
            await until(lambda: len(site.connections) == 0, "its connection is gone though it reads nothing")
