"""Keeping the mirror true: what leads on, what makes it read the state again, and how it waits for a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.feed import Feed
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.view import Link
from hotswap_dev.domain.facts import ChannelCreated
from hotswap_dev.errors import Unreachable
from tests.dashboard.desks import RememberingControl, busy, checked, later
from tests.dashboard.resting import nothing_is_ready
from tests.dashboard.scripted import ScriptedControl
from tests.unit.making import NOW


class CountingControl(RememberingControl):
    """Counts how often its state is read; `refuses` is what it says in place of it."""

    def __init__(self) -> None:
        super().__init__()
        self.states = 0
        self.refuses: Exception | None = None

    async def state(self) -> wire.State:
        self.states += 1
        if self.refuses is not None:
            raise self.refuses
        return await super().state()


class Following:
    """A feed that follows a server: how it stood, one link after the other, and the pauses that it asked for."""

    def __init__(self, control: ScriptedControl, *, ended: Callable[[], str | None] = lambda: None) -> None:
        self.control = control
        self.mirror = Mirror()
        self.links: list[Link] = []
        self.pauses: list[float] = []
        self.time: datetime = NOW
        self._passes = asyncio.Semaphore(0)
        self.feed = Feed(
            control,
            self.mirror,
            now=lambda: self.time,
            changed=self._changed,
            pause=self._pause,
            server_ended=ended,
        )

    def _changed(self) -> None:
        if not self.links or self.links[-1] != self.feed.link:
            self.links.append(self.feed.link)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self._passes.acquire()
        self.time += timedelta(seconds=seconds)

    async def tries_again(self, times: int = 1) -> None:
        """So many pauses pass; what is asked after the last of them has been answered."""
        for _ in range(times):
            self._passes.release()
        await nothing_is_ready()

    @property
    def states(self) -> list[str]:
        return [link.state for link in self.links]

    async def happens(self, *events: Any) -> None:
        self.control.happens(*events)
        await nothing_is_ready()


@asynccontextmanager
async def following(control: ScriptedControl, **more: Any) -> AsyncIterator[Following]:
    followed = Following(control, **more)
    task = asyncio.create_task(followed.feed.follow())
    try:
        await nothing_is_ready()
        yield followed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextmanager
def holding_pages(control: ScriptedControl) -> Iterator[asyncio.Event]:
    """The history answers only once the event is set, with what happened until it was asked."""
    free, get = asyncio.Event(), control.get

    async def slow(path: str, **query: Any) -> Any:
        answer = await get(path, **query)
        if path == "/api/history":
            await free.wait()
        return answer

    control.get = slow  # type: ignore[method-assign]
    yield free


def told(followed: Following) -> int:
    """The checks that the rows tell of."""
    return sum(row.times for row in followed.mirror.checks.rows() if row.check is not None)


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


# --- the history ---------------------------------------------------------------------------------------------------


def a_past(count: int) -> CountingControl:
    """A server that was asked so many times before anybody looked, by four clients in turn."""
    control = CountingControl()
    control.happens(*(checked(f"c{number % 4}", at=later(number - count)) for number in range(count)))
    return control


async def test_pages_of_the_history_follow_each_other_without_a_check_lost_or_told_twice() -> None:
    control = a_past(1_234)
    async with following(control) as followed:
        await followed.happens(checked("now", at=later(1)))
        for _ in range(5):
            await followed.feed.read_older()

        assert told(followed) == 1_235
        assert followed.mirror.checks.complete
        assert [page["until"] is None for page in control.pages] == [False, False, False]


@pytest.mark.parametrize("seen_before", [False, True])
async def test_what_happens_while_the_history_is_read_is_told_once(seen_before: bool) -> None:
    control = a_past(30)
    async with following(control) as followed:
        if seen_before:
            await followed.happens(checked("c1", at=later(1)))
        with holding_pages(control) as free:
            reading = asyncio.create_task(followed.feed.read_older())
            await nothing_is_ready()
            await followed.happens(checked("c1", at=later(2)), checked("c2", at=later(2)))
            free.set()
            await reading

        assert told(followed) == 32 + seen_before


async def test_what_the_history_tells_before_the_stream_does_is_told_once() -> None:
    control = a_past(30)
    async with following(control) as followed:
        late = [checked("c1", at=later(1)), checked("c2", at=later(1))]
        control.recorded.extend(late)
        await followed.feed.read_older()
        assert told(followed) == 32

        control.recorded = control.recorded[:-2]
        await followed.happens(*late, checked("c1", at=later(2)))

        assert told(followed) == 33


async def test_a_page_that_was_asked_for_before_a_gap_is_not_shown_after_it() -> None:
    control = a_past(30)
    async with following(control) as followed:
        with holding_pages(control) as free:
            reading = asyncio.create_task(followed.feed.read_older())
            await nothing_is_ready()
            control.recorded.append(checked("missed", at=later(1)))
            control.forgets(1)
            await nothing_is_ready()
            free.set()
            await reading
            assert followed.mirror.checks.rows() == []
            await followed.feed.read_older()

        assert told(followed) == 31


async def test_a_filter_that_changes_while_a_page_is_read_gets_its_own_page() -> None:
    control = a_past(30)
    control.recorded.insert(0, checked("c9", at=later(-100), reason="pinned"))
    async with following(control) as followed:
        with holding_pages(control) as free:
            first = asyncio.create_task(followed.feed.read_older())
            await nothing_is_ready()
            followed.mirror.checks.forget_older()
            second = asyncio.create_task(followed.feed.read_older(reason="pinned"))
            await nothing_is_ready()
            free.set()
            await asyncio.gather(first, second)

        assert [row.client for row in followed.mirror.checks.rows()] == ["c9"]


@pytest.mark.parametrize(
    "answer", [ServerRefused({"title": "x"}, 500), Unreachable("gone"), [{"event": "of another version"}]]
)
async def test_a_history_that_cannot_be_read_leaves_what_is_live_and_is_asked_again(answer: Any) -> None:
    control = a_past(3)
    answers = control.answers["/api/history"]
    async with following(control) as followed:
        control.answers["/api/history"] = answer
        await followed.feed.read_older()
        await followed.happens(checked("live", at=later(1)))
        assert told(followed) == 1

        control.answers["/api/history"] = answers
        await followed.feed.read_older()
        assert told(followed) == 4


async def test_no_page_is_asked_for_twice_at_once() -> None:
    control = a_past(30)
    async with following(control) as followed:
        with holding_pages(control) as free:
            reads: Sequence[asyncio.Task[None]] = [
                asyncio.create_task(followed.feed.read_older()) for _ in range(3)
            ]
            await nothing_is_ready()
            free.set()
            await asyncio.gather(*reads)

        assert len(control.pages) == 1
        assert told(followed) == 30
