"""Bundles under load: who never reads is given up, and the next one has its turn (hardening D4)."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hotswap_dev.domain.observations import DownloadEnded
from hotswap_dev.server import client_site
from hotswap_dev.server.turns import Turns
from tests.server.asking import PATIENCE, a_request, connection, happened, times, until, write_frontend
from tests.server.conftest import Serve

TOO_MUCH_FOR_THE_BUFFERS = 24 * 2**20


async def test_D4_a_download_that_nobody_reads_is_given_up_and_told_and_the_next_is_whole(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    turns = Turns(1, deadline=0.5)
    monkeypatch.setattr(client_site, "Turns", lambda _: turns)
    async with serve() as server:
        release = await server.publish(write_frontend(tmp_path / "big", noise=TOO_MUCH_FOR_THE_BUFFERS))
        path = urlsplit((await server.check()).json["url"]).path
        async with connection(server.port) as (_, writer):
            writer.write(a_request(path))
            given_up = await happened(server.engine, DownloadEnded)

        turns._deadline = PATIENCE  # who reads may be slow for reasons of its own

        assert 0 < given_up.bytes < release.bundle.size
        assert not given_up.complete
        assert (await server.get(path)).body == server.engine.bundle_file(release).read_bytes()
        assert [ended.complete for ended in await times(server.engine, DownloadEnded, 2)] == [False, True]
    assert caplog.records == []


async def test_D4_as_many_downloads_at_once_as_there_are_files_for_and_checks_wait_for_none(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Turns] = []

    def few(at_once: int) -> Turns:
        made.append(Turns(at_once))
        made[0].at_once = 2
        return made[0]

    monkeypatch.setattr(client_site, "Turns", few)
    async with serve() as server, AsyncExitStack() as stack:
        assert 1 <= made[0].at_once <= 512
        await server.publish(write_frontend(tmp_path / "big", noise=TOO_MUCH_FOR_THE_BUFFERS))
        path = urlsplit((await server.check()).json["url"]).path
        for _ in range(4):
            _, writer = await stack.enter_async_context(connection(server.port))
            writer.write(a_request(path))
        await until(lambda: (made[0].running, made[0].waiting) == (2, 2), "two run and two wait")

        assert (await server.check()).status == 200
        assert (await server.control("/api/state")).status == 200
