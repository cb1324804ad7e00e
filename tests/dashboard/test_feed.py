"""Keeping the mirror true: what leads on, what makes it read the state again, and how it waits for a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

import pytest

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.domain.facts import ChannelCreated, ReleaseWithheld
from hotswap_dev.errors import Unreachable
from tests.dashboard.desks import busy, checked, later
from tests.dashboard.followed import CountingControl, Following, following
from tests.dashboard.resting import nothing_is_ready
from tests.unit.making import NOW


async def test_events_lead_the_mirror_on_from_the_state() -> None:
    control = CountingControl()
    async with following(control) as followed:
        await followed.happens(checked(), ChannelCreated(at=NOW, channel="beta"))

        assert followed.states == ["live"]
        assert followed.mirror.revision == control.revision == 2
        assert followed.mirror.controls == control.controls
        assert control.states == 1


async def test_after_a_gap_the_state_is_read_again_and_is_the_servers() -> None:
    control = CountingControl()
    async with following(control) as followed:
        control.controls = busy().controls
        control.forgets(7)
        await nothing_is_ready()
        await followed.happens(checked("after"))

        assert followed.states == ["live", "gap", "live"]
        assert control.states == 2
        assert followed.mirror.revision == control.revision
        assert followed.mirror.controls == control.controls
        assert "after" in followed.mirror.clients


async def test_a_revision_that_is_left_out_is_a_gap_too() -> None:
    control = CountingControl()
    async with following(control) as followed:
        control.revision += 1
        await followed.happens(checked())

        assert control.states == 2
        assert followed.mirror.revision == control.revision == 2


async def test_events_of_another_instance_make_it_read_the_state_again() -> None:
    control = CountingControl()
    async with following(control) as followed:
        control.instance = "second"
        await followed.happens(checked())

        assert followed.mirror.instance == "second"
        assert control.states == 2
        assert followed.states == ["live", "gap", "live"]


async def test_a_server_that_does_not_answer_is_waited_for_longer_each_time_up_to_two_seconds() -> None:
    control = CountingControl()
    control.refuses = Unreachable("nobody listens at port 4", "start it")
    async with following(control) as followed:
        await followed.tries_again(6)

        assert followed.pauses == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0]
        assert {link.state for link in followed.links} == {"starting"}
        assert {link.said for link in followed.links} == {"nobody listens at port 4"}
        assert {link.hint for link in followed.links} == {"start it"}


async def test_it_says_since_when_the_server_is_away_and_not_since_the_last_try() -> None:
    control = CountingControl()
    async with following(control) as followed:
        control.goes_away()
        await followed.tries_again(3)

        assert len(followed.pauses) == 4
        assert followed.states[0] == "live"
        assert {link.since for link in followed.links[1:]} == {NOW}


async def test_a_server_that_came_back_is_live_and_the_next_wait_is_short_again() -> None:
    control = CountingControl()
    async with following(control) as followed:
        control.goes_away()
        await followed.tries_again(2)
        assert followed.pauses == [0.25, 0.5, 1.0]
        control.comes_back()
        await followed.tries_again()
        assert list(dict.fromkeys(followed.states)) == ["live", "reconnecting"]
        assert followed.states[-1] == "live"
        assert followed.mirror.instance == "second"

        control.goes_away()
        await nothing_is_ready()
        assert followed.pauses[3:] == [0.25]


async def test_a_refused_token_is_reconnecting_with_what_the_server_said() -> None:
    control = CountingControl()
    async with following(control) as followed:
        control.refuses = ServerRefused(
            {"title": "access-denied", "detail": "the token is of another run", "hint": "attach again"}, 401
        )
        control.goes_away()
        await followed.tries_again()

        assert control.states == 2
        assert followed.feed.link.state == "reconnecting"
        assert followed.feed.link.said == "the token is of another run"
        assert followed.feed.link.hint == "attach again"


async def test_a_server_that_has_ended_is_gone_with_its_last_words_and_is_asked_no_more() -> None:
    control = CountingControl()
    words: list[str] = []
    followed = Following(control, ended=lambda: words[0] if words else None)
    task = asyncio.create_task(followed.feed.follow())
    await nothing_is_ready()

    words.append("the server ended with exit code 1: port 3333 is taken")
    control.goes_away()
    await asyncio.wait_for(task, 5)

    assert followed.states == ["live", "gone"]
    assert followed.feed.link.said == words[0]
    assert followed.pauses == []
    assert control.states == 1


async def test_a_heartbeat_changes_nothing() -> None:
    control = CountingControl()
    async with following(control) as followed:
        control._put([])
        await nothing_is_ready()

        assert followed.states == ["live"]
        assert followed.mirror.revision == 0


async def test_one_gap_is_made_good_at_once_and_one_after_the_other_is_waited_for_longer_each_time() -> None:
    control = CountingControl()
    async with following(control) as followed:
        for _ in range(4):
            control.forgets(1)
            await followed.tries_again()

        assert followed.pauses == [0.25, 0.5, 1.0]
        followed.time += timedelta(seconds=10)  # it was well for a while
        control.forgets(1)
        await nothing_is_ready()

        assert followed.pauses == [0.25, 0.5, 1.0]
        assert followed.states[-1] == "live"


async def test_a_fact_that_cannot_be_applied_is_a_gap_that_says_so_and_the_log_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    control = CountingControl()
    async with following(control) as followed:
        control._put([wire.EventLine(control.instance, 1, ReleaseWithheld(at=NOW, sequence=999))])
        await nothing_is_ready()

        assert followed.states == ["live", "gap"]
        assert "an event can't be followed" in followed.links[-1].said
        assert "an event was not taken" in caplog.text
        await followed.tries_again()
        assert followed.states == ["live", "gap", "live"]
        assert followed.pauses == [0.25]


async def test_the_stream_is_closed_as_soon_as_the_state_is_read_again() -> None:
    control = CountingControl()
    async with following(control):
        control.forgets(1)
        await nothing_is_ready()

        assert control.states == 2
        assert len(control._streams) == 1


async def test_between_batches_that_are_there_already_others_have_their_turn() -> None:
    control = CountingControl()
    turns: list[int] = []

    async def others(followed: Following) -> None:
        while True:
            turns.append(followed.mirror.revision)
            await asyncio.sleep(0)

    async def events(after: int) -> AsyncGenerator[Sequence[wire.EventLine], None]:
        for revision in range(after + 1, after + 51):
            yield [wire.EventLine(control.instance, revision, checked(at=later(revision)))]
        await asyncio.Event().wait()

    control.events = events  # type: ignore[method-assign]
    followed = Following(control)
    watching = asyncio.create_task(others(followed))
    reading = asyncio.create_task(followed.feed.follow())
    for _ in range(200):
        await asyncio.sleep(0)
    for one in (watching, reading):
        one.cancel()
    await asyncio.gather(watching, reading, return_exceptions=True)

    assert set(range(1, 51)) <= set(turns)
