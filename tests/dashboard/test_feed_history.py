"""The past behind the check-ins: page after page, each event once, however much happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.errors import Unreachable
from tests.dashboard.desks import checked, later
from tests.dashboard.followed import CountingControl, following, holding_pages, told
from tests.dashboard.resting import nothing_is_ready


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
        # Behind what came live first, and from there on by number.
        assert [(page["until"] is None, page["before"]) for page in control.pages] == [
            (False, None),
            (True, 736),
            (True, 236),
        ]


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


async def test_the_rate_counts_what_was_asked_before_this_dashboard_came_and_each_check_once() -> None:
    control = a_past(30)
    async with following(control) as followed:
        with holding_pages(control) as free:
            reading = asyncio.create_task(followed.feed.read_older())
            await nothing_is_ready()
            await followed.happens(checked("c1", at=later(1)), checked("c2", at=later(2)))
            free.set()
            await reading
        assert followed.mirror.rates.last_minute(later(3)) == 32

        # Asked anew for a filter, and for all again: what was counted is not counted a second time.
        followed.mirror.checks.forget_older()
        await followed.feed.read_older(reason="up-to-date")
        followed.mirror.checks.forget_older()
        await followed.feed.read_older()
        assert followed.mirror.rates.last_minute(later(3)) == 32


async def test_after_a_gap_the_rate_stands_and_counts_what_was_missed_once_the_history_has_told_it() -> None:
    control = a_past(30)
    async with following(control) as followed:
        await followed.feed.read_older()
        control.recorded.append(checked("missed", at=later(1)))
        control.forgets(1)
        await nothing_is_ready()
        assert followed.mirror.rates.last_minute(later(2)) == 30

        await followed.happens(checked("after", at=later(2)))
        await followed.feed.read_older()
        assert followed.mirror.rates.last_minute(later(2)) == 32
        control.comes_back("third")
        control.forgets(0)
        await followed.tries_again()
        assert followed.mirror.instance == "third"
        assert followed.mirror.rates.last_minute(later(2)) == 0


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
