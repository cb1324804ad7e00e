"""The picker of faults before something is done: what asks, what is on its way, and what can't be sent now."""

from __future__ import annotations

import pytest
from textual.widgets import Button, Input

from hotswap_dev.dashboard.screens.fault_form import FaultForm
from hotswap_dev.dashboard.widgets.bar import Bar
from tests.dashboard.desks import asked_after, busy, column_of, desk_on, line_with, on_screen
from tests.dashboard.picking import SIZES, armed, at_the_phone, picker
from tests.dashboard.poisoning import a_poisoner
from tests.dashboard.scripted import Desk

pytestmark = pytest.mark.screens

# --- what can't be taken back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_a_bundle_fault_asks_with_whose_answers_change_before_it_publishes(
    size: tuple[int, int],
) -> None:
    control = a_poisoner()
    async with desk_on(control, size=size) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"crash", "enter", "enter")

        assert on_screen(desk.app) == "ConfirmCommand"
        assert "Pixel" in desk.screen
        assert "It can't be taken back." in desk.screen.replace("\n", " ")
        assert "1 client gets another answer" in desk.screen
        assert asked_after(desk) == []

        await desk.press("y")
        assert asked_after(desk) == [
            ("arm-fault", {"fault": "bundle/crash-on-load", "parameters": {}, "client": "phone"})
        ]
        assert control.rehearsed == control.commands
        assert on_screen(desk.app) == "MainScreen"


async def test_no_to_a_bundle_fault_leads_back_to_its_form_with_nothing_sent() -> None:
    async with desk_on(a_poisoner()) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"crash", "enter", "enter", "n")

        assert on_screen(desk.app) == "FaultForm"
        await desk.press("escape", "escape", "escape")
        assert on_screen(desk.app) == "MainScreen"
        assert asked_after(desk) == []


async def test_the_same_key_again_ends_a_bundle_fault_once_somebody_said_yes() -> None:
    control = a_poisoner()
    async with desk_on(control) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"crash", "enter", "enter", "y")
        assert control.controls.faults[0].channel == "production"

        await desk.press("x")
        assert picker(desk).selected == 1
        await desk.press("enter")
        assert on_screen(desk.app) == "ConfirmCommand"
        assert asked_after(desk, 1) == []
        await desk.press("escape")
        assert on_screen(desk.app) == "FaultPicker"
        await desk.press("enter", "y")

        assert asked_after(desk, 1) == [("disarm-fault", {"id": 1})]
        assert control.controls.releases[4].withheld


@pytest.mark.parametrize("key", ["z", "Z"])
async def test_z_and_Z_ask_before_they_take_a_poisoned_release_back(key: str) -> None:
    control = a_poisoner()
    async with desk_on(control) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"crash", "enter", "enter", "y")

        await desk.press(key)
        assert on_screen(desk.app) == "ConfirmCommand"
        await desk.press("n")
        assert asked_after(desk, 1) == []
        await desk.press(key, "y")

        assert len(asked_after(desk, 1)) == 1
        assert control.controls.faults == ()


async def test_by_the_palette_too_a_poisoned_release_is_made_only_after_a_second_enter() -> None:
    async with desk_on(a_poisoner()) as desk:
        await desk.press("colon", *"arm-fault", "enter")
        assert on_screen(desk.app) == "CommandForm"
        await desk.press(*"crash-on-load", "enter")
        assert "It can't be taken back." in desk.screen
        assert asked_after(desk) == []

        await desk.press("enter")
        assert [name for name, _ in asked_after(desk)] == ["arm-fault"]


# --- what is on its way --------------------------------------------------------------------------------------------


async def test_what_is_being_armed_stands_there_with_dots_until_it_is() -> None:
    control = busy()
    async with desk_on(control) as desk:
        await at_the_phone(desk)
        control.hold()
        await desk.press("x", *"hang", "enter", "enter")

        await desk.press("x")
        assert "until disarmed…" in line_with(desk, "Pixel (phone), until")
        assert picker(desk).selected == 1

        control.go_on()
        await desk.rests()
        assert "until disarmed…" not in desk.screen
        assert "until disarmed" in desk.screen


async def test_what_is_being_ended_says_so_and_can_t_be_ended_twice() -> None:
    control = busy(armed(client="phone"))
    async with desk_on(control) as desk:
        await at_the_phone(desk)
        control.hold()
        await desk.press("x", "enter")
        assert asked_after(desk) == [("disarm-fault", {"id": 7})]

        await desk.press("x")
        assert ": ending…" in line_with(desk, "Pixel (phone), until")
        assert isinstance(picker(desk).selected, str)
        await desk.press("up", "up")
        assert isinstance(picker(desk).selected, str)

        control.go_on()
        await desk.rests()
        assert "ending" not in desk.screen


async def test_a_bad_copy_that_is_being_made_is_there_and_can_t_be_selected() -> None:
    control = a_poisoner()
    async with desk_on(control) as desk:
        await at_the_phone(desk)
        control.hold()
        await desk.press("x", *"crash", "enter", "enter", "y")

        await desk.press("x")
        assert "Pixel (phone), until disarmed…" in desk.screen
        assert isinstance(picker(desk).selected, str)

        control.go_on()
        await desk.rests()
        assert "until disarmed…" not in desk.screen


# --- without the server --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_a_server_that_goes_away_is_said_in_the_picker_and_enter_ends_nothing(
    size: tuple[int, int],
) -> None:
    control = busy(armed(client="phone"))
    async with desk_on(control, size=size) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        assert picker(desk).selected == 7

        control.goes_away()
        await desk.rests()
        assert "the server does not answer" in desk.screen
        await desk.press("enter")
        assert on_screen(desk.app) == "FaultPicker"
        assert asked_after(desk) == []

        control.comes_back("first")
        await desk.rests()
        assert "the server does not answer" not in desk.screen


@pytest.mark.parametrize("size", SIZES)
async def test_a_form_keeps_what_was_typed_until_the_server_is_back(size: tuple[int, int]) -> None:
    control = busy()
    async with desk_on(control, size=size) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"hang", "enter", "9", "0")
        control.goes_away()
        await desk.rests()

        assert "the server does not answer" in desk.screen
        await desk.press("enter")
        form = desk.app.screen
        assert isinstance(form, FaultForm)
        assert form.query_one("#arm", Button).disabled
        assert form.query_one("#field-seconds", Input).value == "90"

        control.comes_back()
        await desk.rests()
        assert "the server does not answer" not in desk.screen
        await desk.press("enter")
        assert asked_after(desk) == [
            ("arm-fault", {"fault": "check/hang", "parameters": {"seconds": 90}, "client": "phone"})
        ]


async def test_a_question_can_t_be_answered_with_yes_while_nobody_is_there_to_hear_it() -> None:
    control = a_poisoner()
    async with desk_on(control) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"crash", "enter", "enter")
        control.goes_away()
        await desk.rests()
        await desk.press("y")
        assert on_screen(desk.app) == "ConfirmCommand"
        assert "the server does not answer" in desk.screen
        assert "gets another answer" not in desk.screen

        control.comes_back()
        await desk.rests()
        assert "gets another answer" in desk.screen
        await desk.press("y")
        assert [name for name, _ in asked_after(desk)] == ["arm-fault"]


# --- the mouse -----------------------------------------------------------------------------------------------------


async def clicked(desk: Desk, bar: str, text: str) -> None:
    """A click on what a bar says."""
    line = desk.app.screen.query_one(f"#{bar}", Bar)
    row = desk.screen.splitlines()[line.region.y]
    await desk.pilot.click(offset=(column_of(row, text), line.region.y))
    await desk.rests()


async def test_the_keys_that_the_picker_names_can_be_clicked() -> None:
    async with desk_on(busy(armed(client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        await clicked(desk, "scope", "tab")
        assert "for channel production" in desk.screen
        await clicked(desk, "keys", "enter")
        assert asked_after(desk) == [("disarm-fault", {"id": 7})]

        await desk.press("x")
        await clicked(desk, "keys", "leave")
        assert on_screen(desk.app) == "MainScreen"
