"""The lines of a story, and a storyteller that goes wrong: pure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.dashboard.keys import KEYS, STORY_KEYS, keys_known
from hotswap_dev.dashboard.selectors import story_lines
from hotswap_dev.dashboard.spans import cells, plain
from hotswap_dev.dashboard.story import Moment, Telling
from hotswap_dev.dashboard.view import View
from hotswap_dev.errors import HotswapError
from tests.unit.making import NOW

PLAYS = Moment(
    state="plays",
    number=3,
    count=9,
    title="Ten percent get it",
    says="release 5 is offered to one phone in ten",
    watch="the % on release 5",
    follows="Everyone gets it",
)


def lines(told: Moment | None, width: int = 80) -> list[str]:
    return [plain(one) for one in story_lines(View(now=NOW, story=told), width)]


def test_without_a_story_there_is_no_line() -> None:
    assert lines(None) == []


def test_a_beat_says_where_it_stands_what_happens_what_to_watch_and_which_key_leads_on() -> None:
    first, second, third = lines(PLAYS)

    assert first.startswith(" 3 of 9 · ▸ Ten percent get it ")
    assert first.endswith("] then: Everyone gets it  [ again")
    assert second == " release 5 is offered to one phone in ten"
    assert third == " Watch: the % on release 5"


def test_before_the_first_beat_the_line_says_which_one_the_key_plays_and_nothing_can_be_repeated() -> None:
    first, *_ = lines(Moment(count=9, follows="A build is saved"))

    assert first.startswith(" a story in 9 beats")
    assert first.endswith("] plays the first: A build is saved")
    assert "[" not in first


def test_a_beat_that_was_asked_for_is_named_as_the_next_one_and_the_key_would_cut_this_one_short() -> None:
    first, *_ = lines(replace(PLAYS, asked=True))

    assert first.endswith("next: Everyone gets it  ] at once")


def test_a_beat_that_went_otherwise_says_what_was_expected_and_seen_in_its_second_line() -> None:
    first, second, third = lines(replace(PLAYS, state="failed", failed="expected 2 at release 5, seen 0"))

    assert first.startswith(" 3 of 9 · ✗ Ten percent get it")
    assert (second, third.strip()) == (" expected 2 at release 5, seen 0", "")


def test_after_the_last_beat_the_key_begins_again() -> None:
    first, *_ = lines(replace(PLAYS, state="ended", number=9))

    assert "the end; ] begins again" in first


def test_what_is_too_long_for_a_row_flows_on_in_the_next_one() -> None:
    says = "The plugin gives up at the next start what no page confirmed. Then the phone asks."
    _, second, third = lines(replace(PLAYS, says=says), 60)

    assert second == " The plugin gives up at the next start what no page"
    assert third == " confirmed. Then the phone asks. Watch: the % on release 5"


def test_where_there_is_little_room_what_to_watch_and_the_key_outlast_the_rest() -> None:
    first, second, third = lines(PLAYS, 30)

    assert first == " 3 of 9 · ▸ Ten perce… ] next"
    assert f"{second}{third}" == " release 5 is offered to one … Watch: the % on release 5"


def test_what_a_file_says_draws_nothing_by_itself() -> None:
    found = lines(replace(PLAYS, title="\x1b[2J[red]title", watch="\x9b31m\nbell\x07"))

    assert "[red]title" in found[0]
    assert not any(sign in row for row in found for sign in "\x1b\x9b\n\x07")


@given(
    st.builds(
        Moment,
        state=st.sampled_from(["waits", "plays", "told", "failed", "ended", "broken"]),
        number=st.integers(0, 99),
        count=st.integers(0, 99),
        title=st.text(max_size=60),
        says=st.text(max_size=80),
        watch=st.text(max_size=80),
        failed=st.text(max_size=80),
        follows=st.text(max_size=60),
        asked=st.booleans(),
    ),
    st.integers(0, 200),
)
def test_a_story_has_three_lines_in_every_state_and_none_is_wider_than_the_screen(
    told: Moment, width: int
) -> None:
    found = story_lines(View(now=NOW, story=told), width)

    assert len(found) == 3
    assert all(cells(one) <= width for one in found)


def test_the_keys_of_a_story_are_there_only_where_one_is_told_and_are_nobody_elses() -> None:
    assert keys_known(story=False) == KEYS
    assert [key.shown for key in keys_known(story=True)[:2]] == ["]", "["]
    assert not {key.key for key in STORY_KEYS} & {key.key for key in KEYS}


class Failing:
    """A storyteller with a bug in one of the things that it is asked."""

    def __init__(self, where: str) -> None:
        self.where = where

    @property
    def moment(self) -> Moment:
        self._fails("moment")
        return PLAYS

    async def tell(self, changed: Callable[[], None]) -> None:
        self._fails("tell")

    def next(self) -> None:
        self._fails("next")

    def again(self) -> None:
        self._fails("again")

    def _fails(self, where: str) -> None:
        if where == self.where:
            raise ZeroDivisionError(where)


@pytest.mark.parametrize("where", ["moment", "tell", "next", "again"])
def test_a_bug_in_a_story_is_a_line_and_its_trace_is_in_the_log(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    telling = Telling(Failing(where), lambda: None)

    asyncio.run(telling.go_on())
    telling.ask("next")
    telling.ask("again")

    assert telling.moment is not None
    assert "it is a bug" in lines(telling.moment)[0]
    assert "ZeroDivisionError" in caplog.text
    assert telling.moment is telling.moment  # one bug is one line, and is logged once
    assert caplog.text.count("Traceback") == 1


def test_a_story_that_cannot_be_told_says_why_and_that_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    class Unable(Failing):
        async def tell(self, changed: Callable[[], None]) -> None:
            raise HotswapError("the server has published nothing within 10 s", "does it watch dist?")

    telling = Telling(Unable(""), lambda: None)
    asyncio.run(telling.go_on())

    first, second, third = lines(telling.moment)
    assert first == " the story can't go on: the server has published nothing within 10 s"
    assert (second, third) == (" does it watch dist?", " all else does")
    assert "Traceback" not in caplog.text
    assert telling.ask("next") is None


def test_no_storyteller_is_no_story() -> None:
    telling = Telling(None, lambda: None)

    asyncio.run(telling.go_on())
    telling.ask("next")

    assert telling.moment is None
