"""Long lists: pages of the past, floods of events, sizes of the terminal, and a screen that never paints too often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard import check_log, feed
from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.dashboard.check_log import MOST_ROWS, CheckLog
from hotswap_dev.dashboard.frames import FRAME
from hotswap_dev.domain.facts import NoteAdded
from tests.dashboard.desks import (
    OPENS,
    busy,
    checked,
    desk_on,
    later,
    line_with,
    on_screen,
    strips_of,
)
from tests.dashboard.scripted import Desk, screen_text

pytestmark = pytest.mark.screens


def shown_numbers(desk: Desk) -> list[int]:
    return [row.number for row in desk.app.view().rows]


# --- the past ------------------------------------------------------------------------------------------------------


@st.composite
def _pasts(draw: st.DrawFn) -> tuple[list[Any], int, int, int]:
    """Events in their order, how many of them were before, how many rows may be live, and the rows of a page."""
    count = draw(st.integers(0, 40))
    events = [
        draw(
            st.one_of(
                st.builds(
                    checked,
                    st.sampled_from(("a", "b", "c")),
                    at=st.just(later(number)),
                    status=st.sampled_from((200, 204)),
                ),
                st.builds(NoteAdded, at=st.just(later(number)), text=st.sampled_from(("x", "y"))),
            )
        )
        for number in range(count)
    ]
    return events, draw(st.integers(0, count)), draw(st.integers(1, 6)), draw(st.integers(1, 7))


def as_told(log: CheckLog) -> list[tuple[Any, Any, int]]:
    """What the rows say, without the numbers they are known by."""
    return [(row.event, row.first_at, row.times) for row in log.rows()]


def all_live(events: list[Any]) -> CheckLog:
    log = CheckLog()
    for event in events:
        log.add(event)
    return log


@given(_pasts())
def test_however_events_are_cut_into_pages_and_live_the_rows_are_the_same(
    past: tuple[list[Any], int, int, int],
) -> None:
    events, attached, read, size = past
    log, older = CheckLog(), events[:attached][::-1]
    # Some of the past is read at once, what happens comes between, and the rest is read afterwards.
    for begin in range(0, min(read * size, len(older)), size):
        log.add_older(older[begin : begin + size], complete=False)
    for event in events[attached:]:
        log.add(event)
    for begin in range(read * size, len(older), size):
        log.add_older(older[begin : begin + size], complete=False)

    assert as_told(log) == as_told(all_live(events))
    assert len({row.number for row in log.rows()}) == len(log)


@given(_pasts())
def test_what_is_asked_of_the_history_anew_is_told_as_it_was_before(
    past: tuple[list[Any], int, int, int],
) -> None:
    events, attached, read, size = past
    log, older = CheckLog(), events[:attached][::-1]
    log.add_older(older[: read * size], complete=False)
    for event in events[attached:]:
        log.add(event)

    log.forget_older()
    for begin in range(0, len(older), size):
        log.add_older(older[begin : begin + size], complete=False)

    assert as_told(log) == as_told(all_live(events))


@given(_pasts())
def test_at_the_bound_the_newest_rows_stay_and_it_is_known_that_there_are_older_ones(
    past: tuple[list[Any], int, int, int],
) -> None:
    events, attached, most, size = past
    whole = all_live(events)
    with mock.patch.object(check_log, "MOST_ROWS", most):
        log, older = CheckLog(), events[:attached][::-1]
        for begin in range(0, len(older), size):
            log.add_older(older[begin : begin + size], complete=False)
        for event in events[attached:]:
            log.add(event)
    rows = log.rows()

    assert len(rows) <= most
    assert len(log._runs) <= most
    assert log.cut == log.complete == (len(whole) > len(rows))
    assert [row.event for row in rows] == [row.event for row in whole.rows()[: len(rows)]]
    assert sum(row.times for row in rows) <= len(events)


async def test_scrolling_to_the_end_reads_one_page_of_the_history_after_the_other() -> None:
    control = busy()
    control.recorded[:0] = [checked(f"c{number}", at=later(number - 2_000)) for number in range(1_100)]
    async with desk_on(control) as desk:
        assert len(control.pages) == 1  # what was before this dashboard came is there without scrolling
        ends = []
        for _ in range(4):
            await desk.press("G")
            ends.append(len(desk.app.view().rows))

        assert ends == [1_000, 1_103, 1_103, 1_103]
        assert len(control.pages) == 3
        assert line_with(desk, "c0 ") != ""


async def test_a_row_that_is_selected_stays_selected_while_pages_come_and_events_happen() -> None:
    control = busy()
    control.recorded[:0] = [checked(f"c{number}", at=later(number - 2_000)) for number in range(600)]
    async with desk_on(control) as desk:
        await desk.press("G", "k")
        chosen = desk.app.view().row
        await desk.happens(*(checked(f"new {number}", at=later(number)) for number in range(50)))

        assert desk.app.view().row == chosen
        assert "50 new" in desk.text("tabs")


async def test_a_filter_asks_the_history_for_what_it_can_say_of_it() -> None:
    control = busy()
    control.recorded.insert(0, checked("old", at=later(-9), reason="pinned", status=204))
    async with desk_on(control) as desk:
        await desk.press("slash", *"reason:pinned status:204")

        assert control.pages[-1]["reason"] == "pinned"
        assert control.pages[-1]["status"] == 204
        assert [row.client for row in desk.app.view().rows] == ["old"]


async def test_a_letter_of_a_filter_asks_the_history_only_where_it_says_something_else_and_ends_no_pause() -> (
    None
):
    control = busy()
    async with desk_on(control) as desk:
        await desk.press("j")
        asked, chosen = len(control.pages), desk.app.view().row
        await desk.press("slash", *"reason:newer-release x", "backspace", "backspace")

        assert [page.get("reason") for page in control.pages[asked:]] == ["newer-release"]
        assert desk.app.looking.paused is not None
        assert desk.app.view().row == chosen


async def test_a_filter_reads_page_after_page_until_what_it_leaves_fills_the_screen_or_there_are_no_more() -> (
    None
):
    control = busy()
    control.recorded[:0] = [
        checked("needle", at=later(-3_000)),
        *(checked(f"h{number}", at=later(number - 2_000)) for number in range(1_100)),
    ]
    async with desk_on(control) as desk:
        await desk.press("slash", *"needle", "enter")

        assert [row.client for row in desk.app.view().rows] == ["needle"]
        assert len(control.pages) == 3


async def test_a_filter_that_finds_too_little_says_where_the_rest_is_and_reads_no_further() -> None:
    control = busy()
    control.recorded[:0] = [checked(f"h{number}", at=later(number - 3_000)) for number in range(2_000)]
    with mock.patch.object(feed, "MOST_SEARCHED", 2):
        async with desk_on(control, size=(160, 36)) as desk:
            await desk.press("slash", *"nobody", "enter")
            await desk.press("G", "j")

            assert len(control.pages) <= 3
            assert "older: hotswap-dev log" in desk.text("tabs")
            await desk.press("escape")
            assert "older: hotswap-dev log" not in desk.text("tabs")


# --- a flood -------------------------------------------------------------------------------------------------------


class Frames:
    """The app's timers, run only when a test says so, and how often it painted."""

    def __init__(self, app: Dashboard) -> None:
        self.due: list[tuple[float, Callable[[], Any]]] = []
        self.painted = 0
        self._app, self._paint = app, app.paint
        app.frames.every = FRAME
        app.frames.paint = self._counted
        app.paint = self._counted  # type: ignore[method-assign]
        app.set_timer = self._timer  # type: ignore[method-assign, assignment]

    def _counted(self) -> None:
        self.painted += 1
        self._paint()

    def _timer(self, delay: float, callback: Callable[[], Any]) -> mock.Mock:
        self.due.append((delay, callback))
        return mock.Mock()

    def passes(self) -> None:
        """A frame's time is over."""
        due, self.due = self.due, []
        for _, callback in due:
            callback()


async def test_C9_a_flood_is_painted_at_most_once_in_an_eighth_of_a_second_and_nothing_of_it_is_lost() -> (
    None
):
    control = busy()
    async with desk_on(control, size=(100, 24)) as desk:
        frames = Frames(desk.app)
        for batch in range(100):
            control.happens(
                *(
                    checked(
                        f"client {number % 400}",
                        at=later(batch),
                        sequence=number % 3,
                        reason=f"r{number % 2}",
                    )
                    for number in range(batch * 500, batch * 500 + 500)
                )
            )
            for _ in range(3):
                await desk.pilot.pause(0)
            assert len(frames.due) <= 1
            assert all(delay == FRAME for delay, _ in frames.due)
            assert frames.painted <= (batch + 1) // 10
            if batch % 10 == 9:
                frames.passes()
        await desk.pilot.pause(0)
        frames.passes()

        mirror = desk.app.mirror
        assert FRAME >= 1 / 8
        assert mirror.revision == control.revision > 50_000
        assert sum(client.checks for client in mirror.clients.values()) == 50_002
        assert list(mirror.clients.values()) == list(control.clients.values())
        assert len([row for row in mirror.checks.rows() if row.number > 0]) <= MOST_ROWS
        assert 10 <= frames.painted <= 11
        await desk.pilot.pause(0)
        assert "Clients 402" in desk.text("tabs")
        assert line_with(desk, "client 399") != ""


async def test_C9_with_more_clients_than_anybody_can_look_at_a_key_still_moves_and_opens() -> None:
    control = busy(*(checked(f"client {number}", at=later(1)) for number in range(3_000)))
    async with desk_on(control) as desk:
        assert "Clients 3002" in desk.text("tabs").replace(",", "")
        await desk.press("2", "G", "enter")
        assert on_screen(desk.app) == "ClientScreen"


# --- any terminal --------------------------------------------------------------------------------------------------


async def resize(desk: Desk, width: int, height: int) -> None:
    await desk.pilot.resize_terminal(width, height)
    desk.app._check_resize()  # Textual waits 8 ms for more of them
    await desk.rests()


async def test_a_terminal_may_grow_and_shrink_and_the_selection_stays_in_sight() -> None:
    control = busy(*(checked(f"c{number}", at=later(number)) for number in range(60)))
    async with desk_on(control, size=(80, 24)) as desk:
        for _ in range(40):
            await desk.pilot.press("j")
        await desk.rests()
        chosen = desk.app.view().row
        assert chosen is not None
        for size in ((200, 60), (80, 24), (120, 36), (40, 12)):
            await resize(desk, *size)
            assert desk.app.view().row == chosen
            assert any("▸" in row and f"{chosen.client}" in row for row in desk.screen.splitlines()), size
            assert all(strip.cell_length == size[0] for strip in strips_of(desk.app))


async def test_below_100_columns_one_pane_is_shown_and_from_100_on_all_three() -> None:
    async with desk_on(size=(99, 30)) as desk:
        assert "1.0.0-ota.3" not in desk.screen
        await resize(desk, 100, 30)
        assert "1.0.0-ota.3" in desk.screen


@pytest.mark.parametrize("size", [(20, 5), (1, 1)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_size_of_the_terminal_is_too_small_for_any_screen(size: tuple[int, int]) -> None:
    async with desk_on(size=(80, 24)) as desk:
        for name, keys in OPENS.items():
            if keys:
                await desk.press(*keys)
            assert on_screen(desk.app) == name
            await resize(desk, *size)
            assert len(strips_of(desk.app)) == size[1], name
            await resize(desk, 80, 24)
            if keys:
                await desk.press("escape")
            assert on_screen(desk.app) == "MainScreen"


async def test_themes_are_switched_by_the_palette() -> None:
    async with desk_on() as desk:
        before = strips_of(desk.app)
        await desk.press("colon", *"theme", "enter")
        await desk.press(*"hotswap-light", "enter")

        assert desk.app.theme == "hotswap-light"
        assert strips_of(desk.app) != before
        assert "tablet" in desk.screen


async def test_without_colours_what_is_armed_and_what_is_wrong_is_still_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with desk_on() as desk:
        await desk.press("N", "n")
        assert desk.app.no_color
        chip = next(
            segment.style
            for strip in strips_of(desk.app)
            for segment in strip
            if "no update ×1 everyone" in segment.text
        )
        assert chip is not None
        assert chip.reverse


@pytest.mark.parametrize("environ", [{"TERM": "linux"}, {"LC_ALL": "C"}], ids=["linux console", "LC_ALL=C"])
async def test_a_terminal_without_unicode_gets_nothing_but_ascii_on_any_screen(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with desk_on(busy(checked("漢字", at=later(1)))) as desk:
        await desk.press("n")
        for name in (
            "MainScreen",
            "ExchangeScreen",
            "ReleaseScreen",
            "ClientScreen",
            "AddressesScreen",
            "HelpScreen",
        ):
            if OPENS[name]:
                await desk.press("3", *OPENS[name])
            not_ascii = {letter for letter in screen_text(desk.app) if not letter.isascii()} - _TEXTUALS_OWN
            assert not_ascii == set(), name
            if OPENS[name]:
                await desk.press("escape")


_TEXTUALS_OWN = frozenset("▁▂▃▄▅▆▇█▌")
"""Ends of a scrollbar and the edge of a toast."""
