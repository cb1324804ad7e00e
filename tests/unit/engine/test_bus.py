"""Every reader gets every event once and in order, or is told of the gap; and none costs the others anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.facts import ChannelCreated
from hotswap_dev.domain.observations import CheckAnswered, Noticed
from hotswap_dev.engine import bus as bus_module
from hotswap_dev.engine.bus import Bus
from hotswap_dev.wire import Event, Gap
from tests.unit.making import NOW, an_answered_check

PATIENCE = 10  # seconds that a test waits before it fails

Batch = list[tuple[int, Event]]


def an_event(number: int) -> Noticed:
    return Noticed(at=NOW, level="info", code="test", message=str(number))


def a_bus(events: int = 0) -> Bus:
    """A bus on which events 1 to `events` have happened."""
    bus = Bus("run-1")
    for number in range(1, events + 1):
        bus.put(an_event(number))
    return bus


async def first(reader: AsyncIterator[Batch]) -> Batch:
    """The next batch that a reader gets."""
    async with asyncio.timeout(PATIENCE):
        return await anext(reader)


async def read(reader: AsyncIterator[Batch], count: int) -> Batch:
    """The next events, however they are cut into batches."""
    found: Batch = []
    while len(found) < count:
        found += await first(reader)
    return found


def messages(batch: Batch) -> list[int]:
    return [int(event.message) for _, event in batch if isinstance(event, Noticed)]


@contextlib.asynccontextmanager
async def reading(reader: AsyncIterator[Batch]) -> AsyncIterator[asyncio.Task[Batch]]:
    """A reader that already waits for its next batch when the block begins."""
    task = asyncio.create_task(first(reader))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_revisions_count_from_1_and_every_event_has_its_own() -> None:
    bus = a_bus()
    assert bus.revision == 0
    assert [bus.put(an_event(number)) for number in range(3)] == [1, 2, 3]
    assert bus.revision == 3


async def test_a_reader_gets_what_happened_after_the_revision_it_knows() -> None:
    bus = a_bus(5)
    assert await first(bus.read(2)) == [(3, an_event(3)), (4, an_event(4)), (5, an_event(5))]


async def test_a_reader_that_waits_gets_an_event_as_it_comes() -> None:
    bus = a_bus(2)
    async with reading(bus.read(2)) as waiting:
        assert not waiting.done()
        bus.put(an_event(3))
        assert await waiting == [(3, an_event(3))]


async def test_events_that_come_while_a_reader_is_busy_come_in_one_batch() -> None:
    bus = a_bus()
    reader = bus.read(0)
    bus.put(an_event(1))
    assert messages(await first(reader)) == [1]
    for number in range(2, 6):
        bus.put(an_event(number))
    assert messages(await first(reader)) == [2, 3, 4, 5]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 30), st.none()), max_size=20), st.integers(0, 5))
def test_a_reader_that_keeps_up_sees_every_event_once_and_in_order(
    steps: list[int | None], known: int
) -> None:
    async def play() -> None:
        bus = a_bus(known)
        reader = bus.read(known)
        seen: list[int] = []
        for step in [*steps, 1, None]:
            if step is None:
                if bus.revision > known + len(seen):
                    seen += [revision for revision, _ in await first(reader)]
            else:
                for _ in range(step):
                    bus.put(an_event(bus.revision + 1))
        assert seen == list(range(known + 1, bus.revision + 1))

    asyncio.run(play())


async def test_two_readers_each_get_everything_at_their_own_pace() -> None:
    bus = a_bus(1)
    quick, slow = bus.read(0), bus.read(0)
    assert messages(await first(quick)) == [1]
    bus.put(an_event(2))
    assert messages(await first(quick)) == [2]
    async with reading(quick) as waiting:
        bus.put(an_event(3))
        assert messages(await waiting) == [3]
    assert messages(await first(slow)) == [1, 2, 3]


async def test_readers_that_wait_are_all_woken() -> None:
    bus = a_bus()
    async with reading(bus.read(0)) as one, reading(bus.read(0)) as other:
        bus.put(an_event(1))
        assert await one == await other == [(1, an_event(1))]


# Gaps


async def test_a_reader_that_was_too_slow_is_told_so_once_and_goes_on_from_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bus_module, "RING", 5)
    bus = a_bus()
    reader = bus.read(0)
    bus.put(an_event(1))
    assert messages(await first(reader)) == [1]
    for number in range(2, 9):
        bus.put(an_event(number))
    ((revision, gap),) = await first(reader)
    assert isinstance(gap, Gap)
    assert revision == 8
    bus.put(an_event(9))
    assert messages(await first(reader)) == [9]


async def test_a_reader_that_the_ring_still_holds_everything_for_has_no_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bus_module, "RING", 5)
    assert messages(await first(a_bus(8).read(3))) == [4, 5, 6, 7, 8]
    ((_, event),) = await first(a_bus(8).read(2))
    assert isinstance(event, Gap)


@pytest.mark.parametrize("happened", [0, 3])
async def test_a_reader_that_knows_another_run_is_told_that_it_missed_something(happened: int) -> None:
    bus = a_bus(happened)
    ((revision, gap),) = await first(bus.read(500))
    assert isinstance(gap, Gap)
    assert revision == happened
    assert abs(datetime.now(UTC) - gap.at) < timedelta(minutes=1)


async def test_after_the_gap_of_another_run_events_come_as_ever() -> None:
    bus = a_bus()
    reader = bus.read(500)
    await first(reader)
    bus.put(an_event(1))
    assert messages(await first(reader)) == [1]


# Heartbeats


async def test_where_nothing_happens_an_empty_batch_says_that_the_server_is_there() -> None:
    reader = a_bus(1).read(1, heartbeat=0.001)
    assert [await first(reader) for _ in range(3)] == [[], [], []]


async def test_a_heartbeat_loses_no_event() -> None:
    bus = a_bus()
    reader = bus.read(0, heartbeat=0.001)
    assert await first(reader) == []
    bus.put(an_event(1))
    assert messages(await read(reader, 1)) == [1]


# Costs


async def test_a_reader_that_stopped_reading_is_not_waited_for_and_holds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bus_module, "RING", 100)
    bus = a_bus(1)
    stopped = bus.read(0)
    await first(stopped)
    for number in range(2, 1000):
        bus.put(an_event(number))
    assert len(bus._ring) == 100
    assert not bus._waiting
    assert messages(await first(bus.read(990))) == list(range(991, 1000))
    await stopped.aclose()  # type: ignore[attr-defined]


async def test_a_reader_that_left_while_it_waited_is_forgotten() -> None:
    bus = a_bus()
    async with reading(bus.read(0)):
        assert len(bus._waiting) == 1
    assert not bus._waiting
    bus.put(an_event(1))


async def test_ten_thousand_events_are_kept_by_default() -> None:
    bus = a_bus(bus_module.RING + 1)
    assert messages(await read(bus.read(1), 10_000)) == list(range(2, 10_002))


async def test_C7_a_reader_far_behind_gets_batches_that_stay_below_a_megabyte() -> None:
    bus = a_bus()
    for _ in range(bus_module.RING):
        bus.put(an_answered_check(path="x" * 256))
    reader = bus.read(0)
    sizes = [
        sum(len(bus.line(revision, event)) for revision, event in await first(reader)) for _ in range(20)
    ]
    assert max(sizes) < 1_000_000
    assert bus.revision == 10_000


async def test_a_busy_stream_wakes_its_reader_a_few_times_and_not_for_every_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bus_module, "_PACE", 0.05)
    bus = a_bus()
    reader = bus.read(0)
    bus.put(an_event(1))
    assert messages(await first(reader)) == [1]
    task = asyncio.create_task(read(reader, 200))
    for number in range(2, 202):
        await asyncio.sleep(0)
        bus.put(an_event(number))
    # It was woken once, and since then nobody had to wake it.
    assert not bus._waiting
    assert messages(await task) == list(range(2, 202))


async def test_a_reader_may_leave_kinds_out_and_is_not_told_of_them() -> None:
    bus = a_bus()
    reader = bus.read(0, without=(CheckAnswered,))
    for number in range(1, 4):
        bus.put(an_answered_check())
        bus.put(an_event(number))
    for _ in range(1_000):
        bus.put(an_answered_check())
    bus.put(an_event(4))
    assert messages(await read(reader, 4)) == [1, 2, 3, 4]


# Lines


def test_a_line_has_the_run_the_revision_the_time_and_the_event() -> None:
    line = a_bus().line(7, ChannelCreated(at=NOW, channel="beta"))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert wire.decode(line) == {
        "instance": "run-1",
        "revision": 7,
        "event": "channel-created",
        "at": "2026-07-01T12:00:00Z",
        "channel": "beta",
    }


def test_text_from_outside_makes_no_second_line() -> None:
    line = a_bus().line(1, an_answered_check("a\nb\r\u2028c"))
    assert line.count(b"\n") == 1
    assert wire.decode(line)["client"] == "a\nb\r\u2028c"


def test_a_gap_is_a_line_like_any_other() -> None:
    told = wire.decode(a_bus().line(3, Gap(at=NOW)))
    assert told == {"instance": "run-1", "revision": 3, "event": "gap", "at": "2026-07-01T12:00:00Z"}
