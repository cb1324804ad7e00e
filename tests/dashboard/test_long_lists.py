"""Lists longer than the screen, and what is painted without being asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.selectors.clients import MOST_CLIENTS
from hotswap_dev.dashboard.widgets.row_list import RowList
from hotswap_dev.domain.observations import CheckAnswered
from tests.dashboard.desks import asked_after, desk_on
from tests.dashboard.scripted import Desk, ScriptedControl
from tests.unit.making import NOW, a_release, an_answered_check, controls_with

pytestmark = pytest.mark.screens


def many(count: int) -> ScriptedControl:
    """A server of which so many clients asked, one after the other."""
    control = ScriptedControl(controls_with(a_release(1)))
    control.happens(*(_check(number) for number in range(count)))
    return control


def _check(number: int) -> CheckAnswered:
    return an_answered_check(f"phone-{number:03}", at=NOW + timedelta(milliseconds=number))


def selected_line(desk: Desk) -> str:
    """The line of the screen with the cursor in the pane that is looked at."""
    return next(line for line in desk.screen.splitlines() if line.startswith("▸ "))


async def test_the_last_of_more_clients_than_fit_can_be_gone_to() -> None:
    async with desk_on(many(200), size=(80, 24)) as desk:
        await desk.press("2", "G")
        assert "phone-000" in selected_line(desk)
        await desk.press("k")
        assert "phone-001" in selected_line(desk)
        await desk.press("g")
        assert "phone-199" in selected_line(desk)


async def test_the_selection_stays_on_its_client_and_in_sight_while_others_overtake_it() -> None:
    async with desk_on(many(100), size=(80, 24)) as desk:
        await desk.press("2", "j", "k")
        assert "phone-099" in selected_line(desk)

        await desk.happens(*(_check(number) for number in range(80)))

        assert "phone-099" in selected_line(desk)
        assert desk.app.screen.query_one("#clients", RowList).scroll_offset.y > 0


async def test_a_picked_client_that_leaves_the_rows_that_are_made_is_still_the_one_that_a_key_acts_on() -> (
    None
):
    async with desk_on(many(MOST_CLIENTS), size=(80, 24)) as desk:
        await desk.press("2", "G")
        assert "phone-000" in selected_line(desk)
        await desk.happens(*(_check(number) for number in range(1, 400)))

        assert "phone-000" in selected_line(desk)
        await desk.press("n")
        assert asked_after(desk)[0][1]["client"] == "phone-000"


async def test_a_client_that_was_asked_something_of_stays_in_sight_while_others_come() -> None:
    async with desk_on(many(1), size=(80, 24)) as desk:
        await desk.happens(_check(0))
        await desk.press("n")
        await desk.happens(*(_check(number) for number in range(1, 60)))

        assert "phone-000" in selected_line(desk)


async def test_a_page_down_in_the_check_ins_moves_on_by_what_is_in_sight() -> None:
    async with desk_on(size=(80, 24)) as desk:
        desk.control.happens(*(_check(number) for number in range(60)))
        await desk.rests()
        assert "phone-059" in selected_line(desk)

        await desk.press("pagedown", "pagedown")

        rows = desk.app.screen.query_one("#checks", RowList)
        assert rows.scroll_offset.y > 0
        seen = 59 - 2 * (rows.size.height - 2)  # the head stands still, and a row stays in sight
        assert f"phone-{seen:03}" in selected_line(desk)


async def test_what_was_asked_for_is_painted_as_pending_by_itself_and_as_set_when_it_is() -> None:
    control = many(1)
    async with desk_on(control) as desk:
        control.hold()
        await desk.pilot.press("N")
        await desk.pilot.pause()
        assert "no update ×1 everyone…" in desk.text("chips")

        control.go_on()
        await desk.pilot.pause()
        assert "no update ×1 everyone" in desk.text("chips")
        assert "…" not in desk.text("chips")


async def test_what_is_refused_is_taken_off_the_screen_by_itself() -> None:
    control = many(1)
    async with desk_on(control) as desk:
        control.hold()
        await desk.pilot.press("W")
        await desk.pilot.pause()
        assert "production paused…" in desk.text("chips")

        # Somebody else was faster: there is nothing left to do, and nothing will come of it.
        control.controls = replace(control.controls, channels={})
        control.go_on()
        await desk.pilot.pause()
        assert desk.text("chips") == ""


async def test_what_can_be_copied_is_of_the_client_that_was_drawn_and_not_of_one_that_came_since() -> None:
    control = many(1)
    async with desk_on(control) as desk:
        await desk.happens(_check(0))
        desk.app.frames.every = 1000.0  # nothing more is drawn until a key asks for it
        control.happens(_check(1))
        await desk.pilot.press("y")
        await desk.rests()

        copied = [one.text for one in desk.app.screen.choices if one.label == "client id"]  # type: ignore[attr-defined]
        assert copied == ["phone-000"]
