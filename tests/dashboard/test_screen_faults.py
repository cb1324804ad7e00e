"""The picker of faults: found by typing, armed and disarmed with a few keys, for whom is said before it is done."""

from __future__ import annotations

import pytest

from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.dashboard.screens.fault_form import FaultForm
from tests.dashboard.desks import asked_after, busy, desk_on, line_with, on_screen, strips_of
from tests.dashboard.picking import SIZES, armed, at_the_phone, picker
from tests.dashboard.scripted import ScriptedControl

pytestmark = pytest.mark.screens


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


async def test_offline_is_armed_for_everyone_where_everyone_is_meant() -> None:
    async with desk_on() as desk:
        await desk.press("X", *"offline", "enter", "enter")

        assert asked_after(desk) == [("arm-fault", {"fault": "preset/offline", "parameters": {}})]


@pytest.mark.parametrize("size", SIZES)
async def test_a_fault_that_can_t_be_for_this_client_alone_rings_says_why_and_opens_nothing(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(Dashboard, "bell", lambda _: rung.append(True))
    async with desk_on(size=size) as desk:
        await at_the_phone(desk)
        await desk.press("x", *"offline")
        assert "It is for everyone: X arms it" in desk.screen
        await desk.press("enter", "enter", "enter")

        assert len(rung) == 3
        assert on_screen(desk.app) == "FaultPicker"
        assert "It is for everyone: X arms it" in desk.screen
        assert asked_after(desk) == []

        await desk.press("tab", "tab")
        assert "It is for everyone: X arms it" not in desk.screen
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
