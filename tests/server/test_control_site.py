"""The control site: state, commands, history, and the stream of what happens (interface, "Control site")."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hotswap_dev import wire
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.observations import BuildRefused, CheckAnswered
from hotswap_dev.engine import bus
from hotswap_dev.server import control_site
from tests.server.asking import (
    PATIENCE,
    Asking,
    a_request,
    connection,
    happened,
    one,
    status_of,
    times,
    until,
    write_frontend,
)
from tests.server.conftest import Serve


async def test_the_state_is_all_that_a_dashboard_needs(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        release = await _first_release(server)
        await server.check()

        state = (await server.control("/api/state")).json

        assert state["instance"] == server.running.file.instance
        assert state["revision"] == server.engine.bus.revision
        assert state["controls"] == json.loads(wire.encode(server.engine.controls))
        assert state["controls"]["releases"]["1"]["bundle"]["hash"] == release["bundle"]["hash"]
        assert [client["id"] for client in state["clients"]] == ["local/linux/x86_64"]
        assert state["builds"] == {"building": None, "dist": str(dist), "app_version": "0.1.0"}
        assert state["recording"]["dropped"] == 0


async def test_every_command_is_listed_with_its_schema(server: Asking) -> None:
    listed = {command["name"]: command for command in (await server.control("/api/commands")).json}

    assert listed.keys() == registered().keys()
    for name, kind in registered().items():
        command = listed[name]
        assert command["group"]
        assert command["summary"]
        assert command["help"]
        assert command["example"].startswith(f"hotswap-dev {name}")
        schema = command["arguments"]
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert schema["properties"].keys() == {field.name for field in msgspec.structs.fields(kind)}


async def test_a_publish_by_http_answers_with_what_it_did(server: Asking, tmp_path: Path) -> None:
    folder = write_frontend(tmp_path / "other", "other")

    answer = await server.control(
        "/api/commands/publish",
        {
            "path": str(folder),
            "notes": "by hand",
            "mandatory": True,
            "channel": "beta",
            "min_binary_version": "0.0.1",
        },
    )

    assert answer.status == 200
    done = answer.json
    release = done["result"]
    assert release == json.loads(wire.encode(server.engine.controls.releases[2]))
    assert (release["sequence"], release["channel"], release["origin"]) == (2, "beta", "publish")
    assert (release["notes"], release["mandatory"], release["min_binary_version"]) == (
        "by hand",
        True,
        "0.0.1",
    )
    assert done["revision"] == server.engine.bus.revision
    told = json.loads((await server.control("/api/state")).body)
    assert told["controls"]["releases"]["2"] == release
    assert (await server.check(channel="beta")).json["sequence"] == 2


async def test_what_a_command_answers_is_what_everyone_is_told(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        await _first_release(server)
        revision = server.engine.bus.revision

        done = (await server.control("/api/commands/publish", {})).json

        told = [line async for line in _lines(server, after=revision, until="release-added")]
        assert done["events"] == [
            {name: value for name, value in line.items() if name not in ("instance", "revision")}
            for line in told
            if line["event"] == "release-added"
        ]
        assert done["result"] == done["events"][0]["release"]


async def test_publish_publishes_the_watched_folder_even_if_nothing_changed(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        first = await _first_release(server)

        done = (await server.control("/api/commands/publish", {})).json

        assert done["result"]["sequence"] == 2
        assert done["result"]["bundle"]["hash"] == first["bundle"]["hash"]


async def test_a_command_that_can_not_be_meant_is_named_and_does_nothing(
    server: Asking, tmp_path: Path
) -> None:
    dist = str(write_frontend(tmp_path / "dist"))
    bad: list[tuple[str, Any, int, str, str]] = [
        ("publish", b"", 400, "bad-json", "JSON"),
        ("publish", b"{", 400, "bad-json", "JSON"),
        ("publish", b"{}{}", 400, "bad-json", "JSON"),
        ("publish", b"\xff", 400, "bad-json", "JSON"),
        ("publish", b'{"notes": "\\ud800"}', 400, "bad-json", "JSON"),
        ("publish", b"[" * 50_000, 400, "bad-json", "JSON"),
        ("publish", b"null", 400, "bad-arguments", "publish"),
        ("publish", [], 400, "bad-arguments", "publish"),
        ("publish", "x", 400, "bad-arguments", "publish"),
        ("publish", {"mandatory": "yes", "path": dist}, 400, "bad-arguments", "mandatory"),
        ("publish", {"notes": 5, "path": dist}, 400, "bad-arguments", "notes"),
        ("publish", {"notes": "x" * 5000, "path": dist}, 400, "bad-arguments", "notes"),
        ("publish", {"nots": "x", "path": dist}, 400, "bad-arguments", "nots"),
        ("publish", {"path": "dist"}, 400, "bad-arguments", "'dist'"),
        ("publish", {"path": ""}, 400, "bad-arguments", "path"),
        ("publish", {"path": "/nul\0byte"}, 400, "bad-arguments", "byte"),
        ("publish", {"path": str(tmp_path / "nowhere")}, 404, "folder-missing", "nowhere"),
        ("publish", {"path": dist, "channel": "../x"}, 400, "bad-channel", "'../x'"),
        ("publish", {"path": dist, "channel": ""}, 400, "bad-channel", "''"),
        ("publish", {"path": dist, "min_binary_version": "1.0"}, 400, "bad-version", "min_binary_version"),
        ("publish", {"path": dist, "update_type": "a b"}, 400, "bad-arguments", "update_type"),
        ("publsh", {}, 404, "unknown-command", "'publsh'"),
        ("%1b[31m", {}, 404, "unknown-command", "x1b"),
    ]
    for name, arguments, status, code, named in bad:
        answer = await server.control(f"/api/commands/{name}", arguments)

        assert (answer.status, answer.json["title"]) == (status, code), (name, str(arguments)[:80])
        assert named in answer.json["detail"], answer.json
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert server.engine.controls.last_sequence == 1


async def test_D7_a_compressed_body_is_not_inflated(server: Asking) -> None:
    answer = await server.control(
        "/api/commands/publish", gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}
    )

    assert (answer.status, answer.json["title"]) == (400, "bad-json")


async def test_nothing_to_publish_is_said(server: Asking) -> None:
    answer = await server.control("/api/commands/publish", {})

    assert (answer.status, answer.json["title"]) == (400, "nothing-watched")


async def test_a_tree_that_can_not_be_published_is_409_with_its_reason_and_what_was_served_stays(
    server: Asking, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("of somebody else")
    trees: dict[str, Path] = {}
    for name in ("no-index", "symlink-outside", "secret", "empty-index"):
        trees[name] = write_frontend(tmp_path / name, name)
    (trees["no-index"] / "index.html").unlink()
    (trees["symlink-outside"] / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (trees["secret"] / "deploy.key").write_text("untrusted comment: minisign encrypted secret key\nRWRT…")
    (trees["empty-index"] / "index.html").write_text("")

    for code, tree in trees.items():
        answer = await server.control("/api/commands/publish", {"path": str(tree)})

        assert answer.status == 409, answer.body
        assert (answer.json["title"], answer.json["code"]) == ("build-refused", code)
        refused = await happened(server.engine, BuildRefused, functools.partial(_has_code, code))
        assert refused.detail == answer.json["detail"]
        assert (await server.check()).json["sequence"] == 1
    assert [path for path in server.engine.store.folder.iterdir() if path.name.startswith(".tmp")] == []


async def test_a_body_beyond_64_kib_is_413(server: Asking) -> None:
    fits = json.dumps({"notes": "x" * (64 * 1024 - 20)}).encode()
    assert len(fits) <= 64 * 1024

    answer = await server.control("/api/commands/publish", fits)
    beyond = await server.control("/api/commands/publish", b" " * (64 * 1024 + 1))

    assert (answer.status, answer.json["title"]) == (400, "bad-arguments")
    assert (beyond.status, beyond.json["title"]) == (413, "body-too-large")


async def test_D3_a_body_that_drips_is_given_up(server: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_site, "_BODY_SECONDS", 0.05)
    head = a_request(
        "/api/commands/publish",
        f"Authorization: Bearer {server.token}",
        "Content-Type: application/json",
        "Content-Length: 10",
        method="POST",
    )

    answer = await one(server.control_port, head + b"{")

    assert status_of(answer) == 400
    assert b"body-too-slow" in answer


async def test_a_dry_run_is_not_taken_for_a_command(server: Asking, dist: Path) -> None:
    """What it would change can't be said yet: then nothing may be changed either."""
    answer = await server.control("/api/commands/publish?dry_run=1", {"path": str(dist)})

    assert (answer.status, answer.json["title"]) == (400, "no-dry-run")
    assert server.engine.controls.last_sequence == 1


async def test_checks_are_found_by_client_reason_status_and_time(server: Asking) -> None:
    for number in range(3):
        await server.check(headers={"X-Device-Id": f"phone-{number}"})
    await server.check(1, {"X-Device-Id": "phone-0"})
    await server.check("x", {"X-Device-Id": "phone-1"})
    seen = await times(server.engine, CheckAnswered, 5)
    await until(lambda: server.engine.history.recorded >= server.engine.bus.revision - 3, "recorded")

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
        "?since=0001-01-01T00:00:00%2B14:00": "since",
        "?since=9999-12-31T23:59:59-14:00": "since",
    }
    for query, named in bad.items():
        answer = await server.control(f"/api/checks{query}")
        assert (answer.status, answer.json["title"]) == (400, "bad-arguments"), query
        assert answer.json["detail"].startswith(named)
    for query in ("?client=%ff", "?client=%ed%a0%80", "?reason=%00", "?client=" + "x" * 5000):
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
            for _ in range(300):
                server.engine.notice("info", "noise", "x" * 100_000)
            began = time.perf_counter()

            assert (await server.check()).status == 200

            assert time.perf_counter() - began < 1
            ending = time.perf_counter()
        assert time.perf_counter() - ending < 0.5


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


async def _first_release(server: Asking) -> Any:
    await until(lambda: server.engine.controls.releases, "the watched folder is published")
    return json.loads(wire.encode(server.engine.controls.releases[1]))


def _has_code(code: str, event: BuildRefused) -> bool:
    return event.code == code
