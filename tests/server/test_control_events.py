"""The stream of what happens: bounded, numbered, and nobody waits for a reader (interface, `GET /api/events`)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.observations import Noticed
from hotswap_dev.engine import bus
from hotswap_dev.server import control_site
from tests.server.asking import PATIENCE, Asking, a_request, connection, until, write_frontend
from tests.server.conftest import Serve


async def test_what_a_command_answers_is_what_everyone_is_told(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        await until(lambda: server.engine.controls.releases, "the watched folder is published")
        revision = server.engine.bus.revision

        done = (await server.control("/api/commands/publish", {})).json

        told = [line async for line in _lines(server, after=revision, until="release-added")]
        assert done["events"] == [
            {name: value for name, value in line.items() if name not in ("instance", "revision")}
            for line in told
            if line["event"] == "release-added"
        ]
        assert done["result"] == done["events"][0]["release"]


async def test_events_come_as_lines_from_the_revision_that_was_read(server: Asking) -> None:
    revision = (await server.control("/api/state")).json["revision"]
    await server.check()

    lines = [line async for line in _lines(server, after=revision, until="check-answered")]

    [line] = lines
    assert line["instance"] == server.running.file.instance
    assert line["revision"] == revision + 1
    assert datetime.fromisoformat(line["at"]) - datetime.now(UTC) < timedelta(seconds=5)
    assert (line["client"], line["status"], line["reason"]) == ("local/linux/x86_64", 200, "newer-release")


async def test_all_events_since_the_start_can_be_read(server: Asking) -> None:
    lines = [line async for line in _lines(server, after=0, until="published")]

    assert [line["event"] for line in lines] == [
        "build-channel-set",
        "channel-created",
        "build-started",
        "release-added",
        "published",
    ]
    assert [line["revision"] for line in lines] == [1, 2, 3, 4, 5]


async def test_a_reader_of_another_run_is_told_of_the_gap(server: Asking) -> None:
    [line] = [line async for line in _lines(server, after=server.engine.bus.revision + 1000, until="gap")]

    assert line["event"] == "gap"
    assert line["instance"] == server.running.file.instance
    assert line["revision"] == server.engine.bus.revision


async def test_a_reader_that_was_too_slow_is_told_of_the_gap(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "RING", 5)
    async with serve() as server:
        await server.publish(dist)
        for _ in range(10):
            await server.check()

        lines = [line async for line in _lines(server, after=1, until="gap")]

        assert [line["event"] for line in lines] == ["gap"]


async def test_a_quiet_stream_shows_that_it_lives(server: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    assert control_site.HEARTBEAT == 10
    monkeypatch.setattr(control_site, "HEARTBEAT", 0.02)

    async with _stream(server, after=server.engine.bus.revision) as reader:
        assert [await reader.readline() for _ in range(3)] == [b"\n", b"\n", b"\n"]
        await server.check()
        lines = [await reader.readline() for _ in range(8)]

    [event] = [json.loads(line) for line in lines if line != b"\n"]
    assert event["event"] == "check-answered"


async def test_a_stream_begins_before_anything_happens(server: Asking) -> None:
    async with _stream(server, after=server.engine.bus.revision):
        pass  # its head has arrived


async def test_a_reader_far_behind_is_told_everything_in_order_in_pieces(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_site, "_BYTES_AT_ONCE", 700)
    revision = server.engine.bus.revision
    for number in range(100):
        server.engine.bus.put(_noise(str(number)))
    server.engine.bus.put(_noise("last"))

    async with _stream(server, after=revision) as reader, asyncio.timeout(PATIENCE):
        told = [json.loads(await reader.readline()) for _ in range(101)]

    assert [line["message"] for line in told] == [*map(str, range(100)), "last"]
    assert [line["revision"] for line in told] == list(range(revision + 1, revision + 102))


async def test_a_stream_ends_in_order_when_the_server_does(serve: Serve) -> None:
    async with AsyncExitStack() as open_for_long:
        async with serve() as server:
            reader, writer = await open_for_long.enter_async_context(connection(server.control_port))
            writer.write(_events(server, after=server.engine.bus.revision))
            await reader.readuntil(b"\r\n\r\n")
            ending = time.perf_counter()
        assert time.perf_counter() - ending < 0.5
        # The last chunk of the coding, and not a connection that broke.
        assert await reader.read() == b"0\r\n\r\n"


async def test_a_reader_that_stops_reading_holds_neither_the_answers_nor_the_end(
    serve: Serve, dist: Path
) -> None:
    async with AsyncExitStack() as open_for_long:
        async with serve() as server:
            await server.publish(dist)
            reader, writer = await open_for_long.enter_async_context(connection(server.control_port))
            writer.write(_events(server, after=0))
            await reader.readuntil(b"\r\n\r\n")
            transport = writer.transport
            assert isinstance(transport, asyncio.Transport)
            transport.pause_reading()
            for _ in range(160):  # 16 MB, more than the buffers on the way take
                # Told and not recorded: what is measured is the stream, and not a disk.
                server.engine.bus.put(_noise("x" * 100_000))
            began = time.perf_counter()

            assert (await server.check()).status == 200

            assert time.perf_counter() - began < 1
            ending = time.perf_counter()
        assert time.perf_counter() - ending < 0.9  # to wait for the reader would take a second


async def test_E16_neither_streams_nor_downloads_hold_the_end_for_two_seconds(
    serve: Serve, tmp_path: Path
) -> None:
    async with AsyncExitStack() as open_for_long:
        async with serve() as server:
            await server.publish(write_frontend(tmp_path / "big", noise=24 * 2**20))
            path = (await server.check()).json["url"].removeprefix(server.running.file.site)
            for port, target in (
                (server.port, path),
                (server.port, path),
                (server.control_port, "/api/events?after=0"),
                (server.control_port, "/api/events"),
            ):
                reader, writer = await open_for_long.enter_async_context(connection(port))
                writer.write(a_request(target, f"Authorization: Bearer {server.token}"))
                await reader.readuntil(b"\r\n\r\n")
            await open_for_long.enter_async_context(connection(server.port))
            ending = time.perf_counter()
        assert time.perf_counter() - ending < 2


def _noise(message: str) -> Noticed:
    return Noticed(at=datetime.now(UTC), level="info", code="noise", message=message)


def _events(server: Asking, *, after: int) -> bytes:
    target = f"/api/events?after={after}"
    return a_request(target, f"Authorization: Bearer {server.token}", host="127.0.0.1")


@asynccontextmanager
async def _stream(server: Asking, *, after: int) -> AsyncIterator[asyncio.StreamReader]:
    response = await server.session.get(
        f"{server.running.file.control}/api/events?after={after}",
        headers={"Authorization": f"Bearer {server.token}"},
    )
    try:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/x-ndjson"
        yield response.content  # type: ignore[misc]
    finally:
        response.close()


async def _lines(server: Asking, *, after: int, until: str) -> AsyncIterator[dict[str, Any]]:
    """The events above a revision, up to the first one of a name."""
    async with _stream(server, after=after) as reader, asyncio.timeout(PATIENCE):
        while True:
            line = await reader.readline()
            event = json.loads(line)
            yield event
            if event["event"] == until:
                return
