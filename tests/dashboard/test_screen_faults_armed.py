"""What is armed, in the picker of faults: which one is selected, and what ends it."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Input

from hotswap_dev.domain.facts import FaultDisarmed
from tests.dashboard.desks import asked_after, busy, desk_on, on_screen
from tests.dashboard.picking import armed, at_the_phone, picker
from tests.unit.making import NOW

pytestmark = pytest.mark.screens


async def test_the_same_key_again_opens_it_on_the_fault_of_that_client_and_enter_ends_it() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"hang", "enter", "enter")

        await desk.press("x")
        assert picker(desk).selected == 1
        assert "ARMED" in desk.screen
        await desk.press("enter")

        assert asked_after(desk, 1) == [("disarm-fault", {"id": 1})]
        assert desk.control.controls.faults == ()
        assert "fault hang for Pixel (phone) is disarmed" in desk.toasts[-1]


@pytest.mark.parametrize(
    "letter", ["d", "e", "z", "Z", "x", "X", "q", "y", "n", "j", "1", "/", "?", " ", ":", "%"]
)
async def test_whatever_is_typed_ends_nothing_leaves_nothing_and_reaches_no_other_screen(letter: str) -> None:
    async with desk_on(busy(armed(client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        assert picker(desk).selected == 7

        await desk.press(_character_to_key(letter), *"elay")

        assert picker(desk).query_one(Input).value == f"{letter}elay"
        assert asked_after(desk) == []


async def test_delay_is_found_by_typing_it_while_a_fault_is_selected() -> None:
    async with desk_on(busy(armed(client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"delay")

        assert asked_after(desk) == []
        assert picker(desk).selected == "check/delay"


async def test_of_several_that_are_armed_the_one_that_why_names_is_chosen() -> None:
    async with desk_on(busy(armed(7, client="phone"), armed(8, "html-page", client="phone"))) as desk:
        await at_the_phone(desk)
        assert "disarm fault 8" in desk.text("why")
        await desk.press("x", "enter")

        assert asked_after(desk) == [("disarm-fault", {"id": 8})]


async def test_X_and_enter_end_the_fault_that_why_says_X_ends_and_no_other() -> None:
    async with desk_on(busy(armed(7), armed(8, "html-page"))) as desk:
        await at_the_phone(desk)
        assert "X disarm fault 8" in desk.text("why")
        await desk.press("X", "enter")

        assert asked_after(desk) == [("disarm-fault", {"id": 8})]


async def test_of_several_that_are_armed_none_is_chosen_for_anyone() -> None:
    seldom: dict[str, Any] = {"client": "phone", "probability": 1e-9}
    async with desk_on(busy(armed(7, **seldom), armed(8, "html-page", **seldom))) as desk:
        await at_the_phone(desk)
        await desk.press("x")

        assert "Pixel (phone), until disarmed" in desk.screen
        assert isinstance(picker(desk).selected, str)
        first = desk.control.controls.faults[0].override
        await desk.press("up", "up", "up", "enter")
        assert asked_after(desk) == [("disarm-fault", {"id": first})]


async def test_how_many_are_left_is_said() -> None:
    async with desk_on(busy(armed(left=3, client="phone", probability=0.5))) as desk:
        await at_the_phone(desk)
        await desk.press("x")

        assert "3 more, 50% of them" in desk.screen
        assert "seconds=30" in desk.screen


async def test_what_another_dashboard_disarms_leaves_the_picker_and_nothing_else_is_disarmed_for_it() -> None:
    async with desk_on(busy(armed(7, client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        assert picker(desk).selected == 7

        await desk.happens(FaultDisarmed(at=NOW, override=7))

        assert "ARMED" not in desk.screen
        assert isinstance(picker(desk).selected, str)
        await desk.press("enter", "escape", "escape")
        assert asked_after(desk) == []


async def test_enter_ends_no_other_fault_than_the_one_that_was_selected() -> None:
    async with desk_on(busy(armed(7, client="phone"), armed(8, "html-page", client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"pixel")
        assert picker(desk).selected == 8

        await desk.happens(FaultDisarmed(at=NOW, override=8))
        await desk.press("enter")

        assert asked_after(desk) == []
        assert on_screen(desk.app) == "FaultPicker"


async def test_what_another_dashboard_arms_comes_into_the_open_picker() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", "down")
        chosen = picker(desk).selected

        await desk.happens(armed(7, client="tablet"))

        assert "ARMED" in desk.screen
        assert picker(desk).selected == chosen


@pytest.mark.parametrize("keys", [(*"delay", "enter"), (*"delay", "enter", "enter", "enter")])
async def test_keys_that_come_faster_than_they_are_read_end_nothing_that_was_selected_before(
    keys: tuple[str, ...],
) -> None:
    async with desk_on(busy(armed(client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        assert picker(desk).selected == 7

        for key in keys:
            desk.app.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await desk.rests()

        assert "disarm-fault" not in [name for name, _ in asked_after(desk)]
        assert on_screen(desk.app) in ("FaultForm", "MainScreen")
        assert len(asked_after(desk)) <= 1


async def test_after_a_click_what_is_typed_finds_on() -> None:
    async with desk_on(busy(armed(client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        row = next(at for at, text in enumerate(desk.screen.splitlines()) if "Answer checks late" in text)
        await desk.pilot.click(offset=(20, row))
        await desk.press(*"hang")

        assert picker(desk).selected == "check/hang"
        await desk.press("enter")
        assert on_screen(desk.app) == "FaultForm"
