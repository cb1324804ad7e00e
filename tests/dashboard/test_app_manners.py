"""How the whole dashboard behaves: under quick keys, on open pages, while a filter is typed, when a part breaks.

Each test starts one dashboard and looks at several things in it: starting one is what costs.
"""

from __future__ import annotations

from typing import Any

import pytest

from hotswap_dev.dashboard import selectors
from hotswap_dev.dashboard.screens.filter import filter_foot
from hotswap_dev.dashboard.screens.main import MainScreen
from hotswap_dev.dashboard.spans import Line, plain
from hotswap_dev.dashboard.widgets.row_list import RowList
from hotswap_dev.domain.facts import NoteAdded
from tests.dashboard.desks import asked_after, checked, desk_on, later, on_screen
from tests.dashboard.scripted import ScriptedControl
from tests.unit.making import a_release, controls_with

pytestmark = pytest.mark.screens

HOME = "MainScreen"


def main_of(desk: object) -> MainScreen:
    screen = desk.app.screen_stack[1]  # type: ignore[attr-defined]
    assert isinstance(screen, MainScreen)
    return screen


async def test_keys_that_come_quickly_open_one_dialog_and_make_one_release() -> None:
    async with desk_on() as desk:
        await desk.press("1", "G")
        main = main_of(desk)
        main.action_press("b")
        main.action_press("e")
        main.action_press("M")
        for action in ("addresses", "copy", "back"):  # nor does any other key open something, or leave
            await main.run_action(action)
        main.query_one("#releases", RowList).action_choose()
        await desk.rests()
        assert [type(one).__name__ for one in desk.app.screen_stack[1:]] == [HOME, "ConfirmCommand"]
        await desk.press("escape")
        assert asked_after(desk) == []

        await desk.press("e")
        assert on_screen(desk.app) == "CommandForm"
        await desk.press("escape")

        await desk.press("r", "r", "r")
        assert asked_after(desk) == [("reoffer", {"sequence": 1})]
        assert "release 5 was made just now" in desk.toasts[-1]


async def test_e_opens_the_form_with_what_why_proposes_and_enter_sends_it() -> None:
    control = ScriptedControl(controls_with(a_release(3, min_binary_version="9.9.9")))
    control.happens(checked("old phone", sequence=0, reason="binary-too-old", args={"sequence": 3}))
    async with desk_on(control) as desk:
        await desk.press("2", "e")
        assert "same-as-client" in desk.screen
        await desk.press("enter")

        assert asked_after(desk) == [
            ("edit-release", {"sequence": 3, "min_binary_version": "same-as-client"})
        ]


async def test_the_list_holds_still_on_what_was_explained_and_follows_the_newest_client_again() -> None:
    async with desk_on() as desk:
        await desk.press("n")  # about the tablet: its row is followed
        await desk.happens(checked("late", at=later(5)), NoteAdded(at=later(6), text="round 2"))
        assert getattr(desk.app.view().row, "client", None) == "tablet"
        await desk.press("F")
        assert getattr(desk.app.view().row, "client", None) == "tablet"
        assert not desk.app.view().following

        await desk.press("F")
        assert getattr(desk.app.view().row, "client", None) == "late"
        await desk.press("j", "g")
        assert desk.app.view().following
        assert getattr(desk.app.view().row, "client", None) == "late"
        assert main_of(desk).query_one("#checks", RowList).scroll_offset.y == 0


async def test_enter_unfolds_releases_that_were_never_fetched_and_esc_folds_them() -> None:
    control = ScriptedControl(controls_with(*(a_release(number) for number in range(1, 6))))
    async with desk_on(control) as desk:
        assert len(selectors.release_rows(desk.app.view())) == 2
        await desk.press("1", "j", "enter")
        assert on_screen(desk.app) == HOME
        assert desk.app.view().unfolded
        assert len(selectors.release_rows(desk.app.view())) == 5
        await desk.press("enter")
        assert on_screen(desk.app) == "ReleaseScreen"
        await desk.press("escape", "escape")
        assert len(selectors.release_rows(desk.app.view())) < 5


async def test_keys_on_an_open_page_act_on_what_is_open() -> None:
    async with desk_on() as desk:
        await desk.press("2", "G", "enter")  # the phone, which was seen first
        assert on_screen(desk.app) == "ClientScreen"
        assert "n no update" in desk.screen.splitlines()[-1]
        await desk.happens(checked("newcomer", at=later(5)))
        await desk.press("n")
        assert asked_after(desk) == [("force-204", {"on": True, "client": "phone", "times": 1})]
        await desk.press("escape", "escape")

        await desk.press("1", "G", "enter")
        assert on_screen(desk.app) == "ReleaseScreen"
        foot = desk.screen.splitlines()[-1]
        assert "w withhold" in foot
        assert "all files" not in foot  # it has no files that are not shown
        await desk.press("w", "n")
        assert asked_after(desk, 1) == [("withhold", {"sequence": 1})]
        assert "w put back" in desk.screen.splitlines()[-1]
        await desk.press("b")
        assert on_screen(desk.app) == "ConfirmCommand"
        await desk.press("escape")
        assert on_screen(desk.app) == "ReleaseScreen"

        desk.control.goes_away()
        await desk.rests()
        assert "w " not in desk.screen.splitlines()[-1]
        await desk.press("w")
        assert "does not answer" in desk.toasts[-1]


async def test_while_a_filter_is_typed_the_last_line_says_how_that_ends() -> None:
    async with desk_on(size=(80, 24)) as desk:
        await desk.press("1", "G")
        await main_of(desk).run_action("filter")
        assert desk.app.focused is main_of(desk).query_one("#filter")  # before any other key is read
        await desk.rests()
        await desk.press(*"bogus:x")
        assert asked_after(desk) == []
        foot = desk.text("foot")
        assert foot.startswith(" enter keep   esc all")
        assert "there is no bogus:" in foot
        await desk.press("tab")  # no other field: the list has the keys again
        assert desk.app.focused is main_of(desk).query_one("#checks", RowList)
        assert "enter keep" not in desk.text("foot")


@pytest.mark.parametrize("wanted", ["", "pixel", "12:03", "!client:pix status:204", "http://x", "a: :b"])
def test_what_is_no_unknown_field_is_not_said_to_be_one(wanted: str) -> None:
    assert plain(filter_foot(wanted, 80)) == " enter keep   esc all"


async def test_one_pane_has_the_cursor_and_heads_stand_above_all() -> None:
    async with desk_on() as desk:
        body = "\n".join(desk.screen.splitlines()[3:-6])
        cursors = [row for row in body.splitlines() if row.lstrip().startswith("▸ ")]
        assert len(cursors) == 1
        assert "tablet" in cursors[0]
        for name in ("releases", "clients", "checks"):
            rows = main_of(desk).query_one(f"#{name}", RowList)
            assert rows.virtual_size.height == len(rows._keys) + 1
        await desk.pilot.click("#releases", offset=(5, 0))
        assert desk.app.looking.release == 4  # a head is no row
        await desk.pilot.click("#releases", offset=(5, 2))
        assert desk.app.looking.release == 3


async def test_the_clients_stay_at_the_top_until_somebody_moves_among_them() -> None:
    async with desk_on(size=(80, 24)) as desk:
        await desk.press("2")
        clients: Any = main_of(desk).query_one("#clients", RowList)
        assert clients.has_focus
        await desk.happens(*(checked(f"c{number}", at=later(number)) for number in range(60)))
        assert (clients.selected, clients.scroll_offset.y) == ("c59", 0)

        await desk.press("n")  # who a key acted on stays selected
        await desk.happens(checked("late", at=later(99)))
        assert clients.selected == "c59"
        await desk.press("g")
        assert clients.selected == "late"

        # Each pane that comes into sight has the keys at once.
        for pane in ("checks", "releases", "clients"):
            await desk.press("tab")
            assert desk.app.focused is main_of(desk).query_one(f"#{pane}", RowList)


async def test_a_part_that_can_t_be_drawn_says_so_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Line:
        raise KeyError("a channel that nobody knows")

    monkeypatch.setattr(selectors, "way", broken)
    monkeypatch.setattr(selectors, "check_line", broken)
    async with desk_on() as desk:
        assert "way can't be shown" in desk.text("way")
        assert "a row of the checks can't be shown" in desk.screen
        assert "1.0.0-ota.3" in desk.screen
        told = [record for record in caplog.records if "can't be shown" in record.getMessage()]
        assert len(told) == 2  # once each, not with each frame


async def test_tab_goes_round_in_a_form_of_one_field_and_comes_back_to_it() -> None:
    async with desk_on() as desk:
        await desk.press("semicolon")
        first = desk.app.focused
        assert first is not None
        seen = []
        for _ in range(4):
            await desk.press("tab")
            assert desk.app.focused is not None
            seen.append(desk.app.focused.id)
        assert seen == ["send", "preview", "leave", first.id]
        await desk.press(*"hi", "enter")
        assert asked_after(desk) == [("annotate", {"text": "hi"})]
