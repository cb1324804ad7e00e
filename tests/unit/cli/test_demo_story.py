"""The story of a demo: what the keys ask for, what a beat is at, and what goes wrong in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hotswap_dev.cli.demo.story import Story, failure
from hotswap_dev.dashboard.selectors import story_lines
from hotswap_dev.dashboard.spans import plain
from hotswap_dev.dashboard.story import Moment
from hotswap_dev.dashboard.view import View
from hotswap_dev.errors import HotswapError
from hotswap_dev.scenario.beats import beats
from hotswap_dev.scenario.model import Live, Scenario, Step
from hotswap_dev.scenario.verdict import Begun, Ended, Tell, Verdict
from tests.unit.making import NOW

TITLES = ("A build is saved", "Ten percent get it", "Everyone gets it")


def a_beat(title: str) -> Scenario:
    return Scenario(title=title, file=f"{title}.toml", steps=(Step(action=Live(seconds=1), line=1),))


def a_step(outcome: str = "passed", **more: str) -> Ended:
    return Ended(number=1, line=1, text="wait", outcome=outcome, **more)  # type: ignore[arg-type]


class Troupe:
    """Phones that a test plays: a beat ends when it says so, and while nothing is wanted time passes."""

    def __init__(self) -> None:
        self.played: list[str] = []
        self.may_end = asyncio.Event()
        self.step = a_step()
        self.fails: Exception | None = None
        self.lived = 0
        self.left = False

    async def live(self, wanted: asyncio.Event) -> None:
        self.lived += 1
        await wanted.wait()

    async def play(self, beat: Scenario, tell: Tell) -> Verdict:
        self.played.append(beat.title)
        tell(Begun(number=1, of=1, text="wait", say=f"{beat.title}: it happens", watch="the rows", at=0.0))
        if self.fails is not None:
            raise self.fails
        await self.may_end.wait()
        tell(self.step)
        return Verdict(title=beat.title, file=beat.file, seed=1, steps=(self.step,))


class Told:
    """A story that is being told, as a test holds it."""

    def __init__(self, story: Story, troupe: Troupe) -> None:
        self.story = story
        self.troupe = troupe
        self.changes = 0
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self.changes += 1
        self._changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def is_at(self, state: str, number: int) -> None:
        await self.until(lambda: (self.story.moment.state, self.story.moment.number) == (state, number))


@asynccontextmanager
async def told(reading: float = 0.0) -> AsyncIterator[Told]:
    troupe = Troupe()

    @asynccontextmanager
    async def enter() -> AsyncIterator[Troupe]:
        try:
            yield troupe
        finally:
            troupe.left = True

    one = Told(Story([a_beat(title) for title in TITLES], enter, reading=reading), troupe)
    task = asyncio.create_task(one.story.tell(one.changed))
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert troupe.left


async def test_before_the_first_key_nothing_is_played_and_the_phones_live() -> None:
    async with told() as one:
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert one.story.moment.state == "waits"
        assert one.story.moment.follows == TITLES[0]
        assert (one.troupe.played, one.troupe.lived) == ([], 1)


async def test_a_beat_says_what_happens_and_what_to_watch_while_it_plays_and_after() -> None:
    async with told() as one:
        one.story.next()
        await one.until(lambda: one.story.moment.watch == "the rows")
        assert one.story.moment.says == "A build is saved: it happens"
        assert one.story.moment.state == "plays"

        one.troupe.may_end.set()
        await one.is_at("told", 1)
        assert one.story.moment.says == "A build is saved: it happens"
        assert one.story.moment.follows == TITLES[1]
        assert [verdict.title for verdict in one.story.verdicts] == [TITLES[0]]


async def test_a_sentence_stands_until_it_was_read_though_its_step_is_over() -> None:
    async with told(reading=60) as one:
        one.troupe.may_end.set()
        one.story.next()
        await one.until(lambda: one.story.moment.watch == "the rows" and bool(one.story.verdicts))
        assert one.story.moment.state == "plays"

        one.story.next()  # somebody has read enough
        await one.is_at("plays", 2)


async def test_after_the_last_beat_the_next_one_is_the_first() -> None:
    async with told() as one:
        one.troupe.may_end.set()
        for number in (1, 2, 3):
            one.story.next()
            await one.is_at("told" if number < 3 else "ended", number)
        assert one.story.moment.follows == TITLES[0]

        one.story.next()
        await one.is_at("told", 1)


async def test_the_same_beat_can_be_played_again_and_before_the_first_there_is_none() -> None:
    async with told() as one:
        one.troupe.may_end.set()
        one.story.again()
        one.story.next()
        await one.is_at("told", 1)
        one.story.again()
        await one.until(lambda: len(one.story.verdicts) == 2)

        assert one.troupe.played == [TITLES[0], TITLES[0]]


async def test_a_beat_that_plays_is_played_to_its_end_before_the_one_that_was_asked_for() -> None:
    async with told() as one:
        one.story.next()
        await one.until(lambda: one.story.moment.watch == "the rows")
        one.story.next()
        assert one.story.moment.asked
        assert one.story.moment.follows == TITLES[1]
        assert one.troupe.played == [TITLES[0]]

        one.troupe.may_end.set()
        await one.is_at("told", 2)
        assert [verdict.title for verdict in one.story.verdicts] == list(TITLES[:2])


async def test_asked_for_twice_it_cuts_the_one_that_plays_short() -> None:
    async with told() as one:
        one.story.next()
        await one.until(lambda: one.story.moment.watch == "the rows")
        one.story.next()
        one.story.next()

        await one.until(lambda: one.story.moment.says == f"{TITLES[1]}: it happens")
        assert one.troupe.played == list(TITLES[:2])
        assert one.story.verdicts == []  # neither came to its end


@pytest.mark.parametrize(
    ("error", "said"),
    [(HotswapError("the server is gone"), "the server is gone"), (ZeroDivisionError(), "it is a bug")],
)
async def test_a_beat_that_cannot_be_played_says_why_and_the_story_goes_on(
    error: Exception, said: str
) -> None:
    async with told() as one:
        one.troupe.fails = error
        one.story.next()
        await one.is_at("failed", 1)
        assert said in one.story.moment.failed

        one.troupe.fails = None
        one.troupe.may_end.set()
        one.story.next()
        await one.is_at("told", 2)
        assert one.story.moment.failed == ""


async def test_a_beat_that_went_otherwise_says_what_was_expected_and_seen() -> None:
    async with told() as one:
        one.troupe.step = a_step("failed", expected="all 8 run 5", seen="3 run 5")
        one.troupe.may_end.set()
        one.story.next()

        await one.is_at("failed", 1)
        assert one.story.moment.failed == "expected: all 8 run 5; seen: 3 run 5"


def test_a_verdict_without_a_failure_has_nothing_to_say() -> None:
    assert failure(Verdict(title="", file="", seed=1, steps=(a_step(),))) == ""


@pytest.mark.parametrize("beat", beats(), ids=lambda beat: beat.title)
def test_whatever_a_beat_says_stands_there_whole_in_a_terminal_of_80_columns(beat: Scenario) -> None:
    for step in beat.steps:
        told = Moment(state="plays", number=1, count=9, says=step.say or beat.about, watch=step.watch or "")
        _, *below = (plain(one) for one in story_lines(View(now=NOW, story=told), 80))

        words = " ".join(" ".join(below).split())
        assert words == (f"{told.says} Watch: {told.watch}" if told.watch else told.says)
        assert not step.say or (below[0].strip(), below[1].strip()) == (step.say, f"Watch: {step.watch}")
