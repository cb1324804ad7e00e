"""A story told on the whole dashboard: its line, its two keys, and everything else as without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.dashboard.story import Moment
from hotswap_dev.dashboard.widgets.bar import Bar
from tests.dashboard.desks import asked_after, busy, on_screen
from tests.dashboard.scripted import Clock, Desk

pytestmark = pytest.mark.screens

TITLES = ("A build is saved", "Ten percent get it", "Everyone gets it")


class Scripted:
    """A story whose beats are over when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.moment = Moment(count=3, follows=TITLES[0])
        self.over = asyncio.Event()
        self._asked: asyncio.Queue[str] = asyncio.Queue()

    def next(self) -> None:
        self._ask("next")

    def again(self) -> None:
        self._ask("again")

    def _ask(self, which: str) -> None:
        self.asked.append(which)
        if self.moment.state == "plays":
            self.moment = replace(self.moment, asked=True)
        self._asked.put_nowait(which)

    async def tell(self, changed: Callable[[], None]) -> None:
        number = 0
        while True:
            number += await self._asked.get() == "next"
            title, follows = TITLES[number - 1], TITLES[number % 3]
            self.moment = Moment(
                state="plays", number=number, count=3, title=title, watch="release 3", follows=follows
            )
            changed()
            await self.over.wait()
            self.over.clear()
            self.moment = replace(self.moment, state="told", asked=False)
            changed()


@asynccontextmanager
async def told_on(storyteller: Scripted, *, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Desk]:
    control, clock = busy(), Clock()
    app = Dashboard(control, storyteller=storyteller, now=clock, frame=0)
    async with app.run_test(size=size, notifications=True) as pilot:
        desk = Desk(control, clock, app, pilot)
        await desk.rests()
        yield desk


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_the_rows_below_the_newest_releases_way_are_the_storys_and_lead_from_beat_to_beat(
    size: tuple[int, int],
) -> None:
    story = Scripted()
    async with told_on(story, size=size) as desk:
        assert desk.screen.splitlines()[2].endswith("] plays the first: A build is saved")

        await desk.press("]")
        first, second = desk.screen.splitlines()[2:4]
        assert first.startswith(" 1 of 3 · ▸ A build is saved")
        assert second == " Watch: release 3"

        story.over.set()
        await desk.rests()
        assert desk.screen.splitlines()[2].startswith(" 1 of 3 · ✓ A build is saved")
        assert story.asked == ["next"]


async def test_the_other_key_plays_the_same_beat_again() -> None:
    story = Scripted()
    async with told_on(story) as desk:
        story.over.set()
        await desk.press("]", "[")

        assert story.asked == ["next", "again"]
        assert desk.text("story").startswith(" 1 of 3 · ▸ A build is saved")


async def test_a_key_pressed_while_a_beat_plays_says_which_one_follows() -> None:
    story = Scripted()
    async with told_on(story) as desk:
        await desk.press("]", "]")
        assert "next: Ten percent get it" in desk.text("story")

        story.over.set()
        await desk.rests()
        assert desk.text("story").startswith(" 2 of 3 · ▸ Ten percent get it")


async def test_any_other_key_does_what_it_does_while_a_beat_plays() -> None:
    async with told_on(Scripted()) as desk:
        await desk.press("]", "w", "W")

        names = [name for name, _ in asked_after(desk)]
        assert names == ["withhold", "pause-channel"]
        assert "production paused" in desk.text("chips")
        assert desk.text("story").startswith(" 1 of 3 · ▸")


async def test_on_a_page_over_the_main_screen_the_key_leads_on_and_a_toast_says_so() -> None:
    story = Scripted()
    async with told_on(story) as desk:
        await desk.press("1", "enter", "]")

        assert on_screen(desk.app) == "ReleaseScreen"
        assert story.asked == ["next"]
        assert "A build is saved" in desk.toasts[-1]


async def test_what_is_typed_into_a_form_is_no_key_of_the_story() -> None:
    story = Scripted()
    async with told_on(story) as desk:
        await desk.press("semicolon", "]", "[")

        assert story.asked == []
        assert desk.app.screen.query_one(Input).value == "]["


async def test_a_click_on_the_storys_key_is_the_key() -> None:
    story = Scripted()
    async with told_on(story) as desk:
        bar = desk.app.screen.query_one("#story", Bar)
        place = desk.text("story").index("]")

        await desk.pilot.click(bar, offset=(place, 0))
        await desk.rests()

        assert story.asked == ["next"]


async def test_help_and_palette_name_the_keys_of_a_story_that_is_told() -> None:
    async with told_on(Scripted()) as desk:
        await desk.press("question_mark")
        assert "Play the story's next beat." in desk.screen


async def test_without_a_story_its_keys_do_nothing_and_nobody_names_them() -> None:
    control, clock = busy(), Clock()
    app = Dashboard(control, now=clock, frame=0)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        desk = Desk(control, clock, app, pilot)
        await desk.rests()
        before = desk.screen
        await desk.press("]", "[")

        assert desk.screen == before
        assert desk.text("story") == ""
        await desk.press("question_mark")
        assert "story" not in desk.screen.lower()


async def test_a_story_that_breaks_leaves_the_dashboard_as_it_was() -> None:
    class Broken(Scripted):
        async def tell(self, changed: Callable[[], None]) -> None:
            await self._asked.get()
            raise ZeroDivisionError

    async with told_on(Broken()) as desk:
        await desk.press("]")
        assert "the story can't go on: it is a bug" in desk.text("story")

        await desk.press("w")
        assert "3 withheld" in desk.text("chips")
        assert desk.app.is_running
