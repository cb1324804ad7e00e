"""The picker of faults: found by typing, armed and disarmed with a few keys, for whom is said before it is done."""

from __future__ import annotations

import pytest

from hotswap_dev.dashboard.screens.fault_form import FaultForm
from hotswap_dev.dashboard.screens.faults import FaultPicker
from hotswap_dev.domain.facts import FaultArmed, FaultDisarmed
from hotswap_dev.domain.model import ArmedFault
from tests.dashboard.desks import asked_after, busy, desk_on, line_with, on_screen, strips_of
from tests.dashboard.scripted import Desk, ScriptedControl
from tests.unit.making import NOW

pytestmark = pytest.mark.screens

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 36), id="120x36")]


def armed(override: int = 7, fault: str = "hang", **more: object) -> FaultArmed:
    """A fault that is armed already."""
    parameters = {"hang": {"seconds": 30}, "download/http-error": {"status": 503}}.get(fault, {})
    return FaultArmed(
        at=NOW,
        armed=ArmedFault(override=override, fault=fault, parameters=parameters, **more),  # type: ignore[arg-type]
    )


async def at_the_phone(desk: Desk) -> None:
    """The phone is selected, which is called Pixel."""
    await desk.press("2", "j")


def picker(desk: Desk) -> FaultPicker:
    """The picker, on top of the screens."""
    assert isinstance(desk.app.screen, FaultPicker)
    return desk.app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_x_arms_a_fault_for_the_selected_client(size: tuple[int, int]) -> None:
    async with desk_on(size=size) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"hang", "enter", "enter")

        assert asked_after(desk) == [
            ("arm-fault", {"fault": "check/hang", "parameters": {"seconds": 30}, "client": "phone"})
        ]
        assert on_screen(desk.app) == "MainScreen"
        assert [one.fault for one in desk.control.controls.faults] == ["hang"]


async def test_the_toast_says_its_number_and_how_to_end_it() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"hang", "enter", "enter")

        assert "fault hang (seconds=30) for Pixel (phone), until it is disarmed" in desk.toasts[-1]
        assert "(disarm-fault 1)" in desk.toasts[-1]


async def test_upper_case_x_arms_it_for_everyone() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("X")
        assert "for everyone" in desk.screen

        await desk.press(*"html", "enter", "enter")

        assert asked_after(desk) == [("arm-fault", {"fault": "check/html-page", "parameters": {}})]


async def test_escape_takes_away_what_was_typed_and_then_leaves_without_a_command() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"reset", "escape")
        assert "CHECK" in desk.screen
        assert picker(desk).selected is not None

        await desk.press("escape")

        assert on_screen(desk.app) == "MainScreen"
        assert asked_after(desk) == []


@pytest.mark.parametrize("size", SIZES)
async def test_what_the_client_does_stands_beside_the_selected_fault(size: tuple[int, int]) -> None:
    async with desk_on(size=size) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"malformed")

        assert "invalid manifest" in desk.screen
        assert "check-start, check-error" in desk.screen
        assert "1 check" in desk.screen


async def test_it_is_found_by_what_the_client_will_say() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"different", "space", *"key")

        assert picker(desk).selected == "signature/wrong-key"


async def test_the_arrows_go_through_what_was_found() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"reset")
        assert picker(desk).selected == "check/connection-reset"

        await desk.press("down")
        assert picker(desk).selected == "download/connection-reset"
        await desk.press("down", "up", "up", "up")
        assert picker(desk).selected == "check/connection-reset"


async def test_what_is_selected_is_in_sight_at_24_lines_wherever_one_goes() -> None:
    async with desk_on(size=(80, 24)) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        seen: list[object] = []
        while not seen or seen[-1] != picker(desk).selected:
            seen.append(picker(desk).selected)
            assert "▸ " in desk.screen
            await desk.press("down")
        assert seen[-1] == "preset/offline"
        assert len(seen) > 30


async def test_tab_says_for_whom_else_and_arms_it_for_them() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x")
        assert "for Pixel (phone)" in desk.screen

        await desk.press("tab")
        assert "for channel production" in desk.screen
        await desk.press(*"hang", "enter", "enter")

        ((_, arguments),) = asked_after(desk)
        assert (arguments.get("client"), arguments["channel"]) == (None, "production")


async def test_offline_is_for_everyone_and_says_so() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"offline")
        assert "It is for everyone" in desk.screen

        await desk.press("enter", "enter")

        assert asked_after(desk) == [("arm-fault", {"fault": "preset/offline", "parameters": {}})]


# --- its parameters ------------------------------------------------------------------------------------------------


async def test_the_reaction_changes_with_how_often_it_strikes() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"download", "space", *"http", "enter")
        assert "1 check, 4 downloads" in desk.screen

        await desk.press("tab", "2")

        assert "2 of its 4 attempts fail" in desk.screen
        await desk.press("enter")
        ((_, arguments),) = asked_after(desk)
        assert (arguments["parameters"], arguments["times"]) == ({"status": 503}, 2)


async def test_the_reaction_names_the_status_that_is_typed() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"http", "enter", "4", "1", "8")

        assert "HTTP 418: update check failed" in desk.screen


async def test_what_can_t_be_meant_is_said_and_enter_does_nothing() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"http", "enter", "2", "0", "0", "enter")

        assert "200 is not from 400 to 599" in desk.screen
        assert isinstance(desk.app.screen, FaultForm)
        assert asked_after(desk) == []

        await desk.press("escape")
        assert on_screen(desk.app) == "FaultPicker"


async def test_a_word_among_few_is_chosen_with_space() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"missing-field", "enter", "space", "enter")

        ((_, arguments),) = asked_after(desk)
        assert arguments["fault"] == "check/missing-field"
        assert arguments["parameters"] == {"field": "url"}


async def test_for_whom_can_still_be_changed_beside_the_parameters() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x", *"html", "enter", "shift+tab", "shift+tab")
        await desk.press("tab", "tab")
        form = desk.app.screen
        assert isinstance(form, FaultForm)
        form.query_one("#field-scope").focus()
        await desk.press("space", "space", "enter")

        ((_, arguments),) = asked_after(desk)
        assert (arguments.get("client"), arguments.get("channel")) == (None, None)


async def test_a_bundle_fault_says_that_nothing_is_offered_to_be_spoiled() -> None:
    control = ScriptedControl()
    async with desk_on(control) as desk:
        await desk.press("X", *"not-gzip", "enter")

        assert "makes a bad copy of what channel production offers" in desk.screen.replace("│", " ")
        await desk.press("enter")
        assert asked_after(desk) == []


# --- what is armed -------------------------------------------------------------------------------------------------


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


async def test_d_disarms_what_is_selected() -> None:
    async with desk_on(busy(armed(client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x", "d")

        assert asked_after(desk) == [("disarm-fault", {"id": 7})]


async def test_d_is_a_letter_as_soon_as_something_is_typed_or_a_fault_is_selected() -> None:
    async with desk_on(busy(armed(client="phone"))) as desk:
        await at_the_phone(desk)
        await desk.press("x", "down", *"delay")

        assert asked_after(desk) == []
        assert picker(desk).selected == "check/delay"


async def test_of_several_that_are_armed_none_is_chosen_for_anyone() -> None:
    async with desk_on(
        busy(armed(7, client="phone"), armed(8, "download/http-error", client="phone"))
    ) as desk:
        await at_the_phone(desk)
        await desk.press("x")

        assert "Pixel (phone), until disarmed" in desk.screen
        assert isinstance(picker(desk).selected, str)
        await desk.press("up", "enter")
        assert asked_after(desk) == [("disarm-fault", {"id": 7})]


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


# --- the mouse, and hostile texts ----------------------------------------------------------------------------------


async def test_a_click_selects_and_a_second_one_chooses() -> None:
    async with desk_on(size=(120, 36)) as desk:
        await at_the_phone(desk)
        await desk.press("x")
        row = next(at for at, text in enumerate(desk.screen.splitlines()) if "Answer checks late" in text)
        await desk.pilot.click(offset=(20, row))
        await desk.rests()
        assert picker(desk).selected == "check/delay"

        await desk.pilot.click(offset=(20, row))
        await desk.rests()
        assert on_screen(desk.app) == "FaultForm"


HOSTILE = (
    "[@click=app.leave]x[/]",
    "[/nope]",
    "\x1b]52;c;aGVsbG8=\x07",
    "a\u202eb\u200bc",
    "half\udcff",
    "漢字" * 60,
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("size", SIZES)
async def test_C3_what_names_a_client_or_a_channel_is_text_in_the_picker(
    text: str, size: tuple[int, int]
) -> None:
    hostile = armed(7, "hang", client=text, channel=text)
    async with desk_on(busy(hostile), size=size) as desk:
        await at_the_phone(desk)
        await desk.press("x", "up", "up")
        assert picker(desk).selected == 7
        assert line_with(desk, "ARMED")
        await desk.press("tab", "tab", "tab")

        drawn = "".join(segment.text for strip in strips_of(desk.app) for segment in strip)
        assert drawn.isprintable()
        assert all(strip.cell_length == size[0] for strip in strips_of(desk.app))
        await desk.pilot.click(offset=(30, 5))
        await desk.rests()
        assert desk.app.is_running
        assert asked_after(desk) in ([], [("disarm-fault", {"id": 7})])


async def test_C1_what_is_typed_into_the_search_is_text() -> None:
    async with desk_on() as desk:
        await at_the_phone(desk)
        await desk.press("x")
        await desk.pilot.press("left_square_bracket", "slash", "right_square_bracket")
        await desk.rests()

        assert "No fault has all of these words in it." in desk.screen
        await desk.press("enter")
        assert asked_after(desk) == []
