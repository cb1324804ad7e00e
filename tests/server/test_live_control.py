"""The control site as the dashboard reads it: the state, the events that lead on from it, and commands meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.client.live import LiveControl
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.errors import Unreachable
from tests.server.asking import PATIENCE, Asking
from tests.server.conftest import Serve
from tests.server.test_control_client import FOREIGN, foreign_port


@asynccontextmanager
async def live(server: Asking) -> AsyncIterator[LiveControl]:
    control = LiveControl(lambda: (server.running.file.control, server.token))
    try:
        yield control
    finally:
        await control.close()


async def test_state_and_events_keep_a_mirror_true(server: Asking) -> None:
    async with live(server) as control, asyncio.timeout(PATIENCE):
        mirror = Mirror()
        mirror.reset(await control.state())
        await server.check(headers={"X-Device-Id": "phone"})
        done = await control.command("withhold", {"sequence": 1})
        async for batch in control.events(mirror.revision):
            assert all(mirror.advance(line) for line in batch)
            if mirror.revision >= done["revision"]:
                break

        assert mirror.controls == server.engine.controls
        assert list(mirror.clients) == ["phone"]
        assert mirror.about is not None
        assert mirror.about.endpoint == server.running.file.endpoint


async def test_a_quiet_stream_is_no_lost_server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotswap_dev.server.control_site.HEARTBEAT", 0.05)
    async with serve() as server, live(server) as control, asyncio.timeout(PATIENCE):
        beats = 0
        async for batch in control.events(server.engine.bus.revision):
            assert batch == []
            beats += 1
            if beats == 3:
                break


async def test_the_stream_ends_when_the_server_does(serve: Serve) -> None:
    places: list[tuple[str, str]] = []
    control = LiveControl(lambda: places[-1])

    async def until_it_ends(after: int) -> None:
        with contextlib.suppress(Unreachable):
            async for _ in control.events(after):
                pass

    async with serve() as server:
        places.append((server.running.file.control, server.token))
        following = asyncio.create_task(until_it_ends((await control.state()).revision))
        await server.check()
    await asyncio.wait_for(following, PATIENCE)
    await control.close()


async def test_a_server_that_was_started_again_is_found_where_it_is_now(serve: Serve) -> None:
    places: list[tuple[str, str]] = []
    control = LiveControl(lambda: places[-1])
    instances = set()
    for _ in range(2):
        async with serve() as server:
            places.append((server.running.file.control, server.token))
            instances.add((await control.state()).instance)
    with pytest.raises(Unreachable) as gone:
        await control.state()
    await control.close()

    assert len(instances) == 2
    assert places[1][0] in gone.value.message


async def test_refusals_are_told_with_their_hint(server: Asking) -> None:
    async with live(server) as control:
        with pytest.raises(ServerRefused) as refused:
            await control.command("withhold", {"sequence": 99})
        would = await control.command("withhold", {"sequence": 1}, dry_run=True)

    assert (refused.value.status, "99" in refused.value.message) == (404, True)
    assert [event["event"] for event in would["events"]] == ["release-withheld"]
    assert not server.engine.controls.releases[1].withheld


async def test_another_token_is_refused(server: Asking) -> None:
    control = LiveControl(lambda: (server.running.file.control, "wrong"))
    with pytest.raises(ServerRefused) as refused:
        await control.state()
    await control.close()

    assert refused.value.status == 401


async def test_nothing_is_asked_of_the_history_with_what_is_none(server: Asking) -> None:
    async with live(server) as control:
        assert await control.get("/api/history", limit=1, until=None, event="note-added") == []


@pytest.mark.parametrize("answer", [answer for answer, _ in FOREIGN.values()], ids=FOREIGN)
async def test_another_program_at_its_port_is_unreachable_and_can_draw_nothing(answer: bytes) -> None:
    async with foreign_port(answer) as address:
        control = LiveControl(lambda: (address, "a-token"))
        with pytest.raises(Unreachable) as other:
            await control.state()
        with pytest.raises(Unreachable):
            async for _ in control.events(0):
                pass
        await control.close()

    assert other.value.message.isprintable()
    assert other.value.hint


@pytest.mark.parametrize("body", [b"{}", b"{\x1b[2J", b"[" * 100_000, b'{"instance": 5}'])
async def test_a_state_that_can_t_be_read_names_another_version(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    async with foreign_port(head + body) as address:
        control = LiveControl(lambda: (address, "a-token"))
        with pytest.raises(Unreachable) as unread:
            await control.state()
        await control.close()

    assert unread.value.message.isprintable()
    assert "version" in unread.value.hint


def test_a_row_of_the_history_is_the_event_that_it_was() -> None:
    row = {"event": "note-added", "at": "2026-07-01T12:00:00Z", "text": "round 2", "number": 9}

    assert wire.plain(wire.event_of(row)) == {name: row[name] for name in ("event", "at", "text")}
