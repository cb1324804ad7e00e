"""Ctrl+C ends the dashboard from anywhere; q goes back, and ends it where there is nothing to go back to."""

from __future__ import annotations

import pytest

from tests.dashboard.desks import OPENS, asked_after, desk_on, on_screen
from tests.dashboard.resting import nothing_is_ready

pytestmark = pytest.mark.screens


@pytest.mark.parametrize("screen", OPENS)
async def test_ctrl_c_ends_the_dashboard_from_anywhere_as_an_interrupted_program_ends(screen: str) -> None:
    async with desk_on() as desk:
        if OPENS[screen]:
            await desk.press(*OPENS[screen])
        assert on_screen(desk.app) == screen

        await desk.pilot.press("ctrl+c")
        await nothing_is_ready()
        assert desk.app._exit
        assert desk.app.return_value == 130


@pytest.mark.parametrize("screen", ["MainScreen", "CommandForm", "ReleaseScreen"])
async def test_ctrl_q_ends_it_from_anywhere_too_and_well(screen: str) -> None:
    async with desk_on() as desk:
        if OPENS[screen]:
            await desk.press(*OPENS[screen])

        await desk.pilot.press("ctrl+q")
        await nothing_is_ready()
        assert desk.app._exit
        assert desk.app.return_value == 0


async def test_q_and_esc_go_back_from_every_screen_over_the_main_one_and_ask_for_nothing() -> None:
    typed = ("CommandForm", "CommandPalette")  # there a q is a letter
    async with desk_on() as desk:
        for screen, keys in OPENS.items():
            for back in ("escape",) if screen in typed else ("q", "escape"):
                if keys:
                    await desk.press(*keys, back)
                assert on_screen(desk.app) == "MainScreen", screen
                assert not desk.app._exit, screen
        assert asked_after(desk) == []


async def test_q_at_the_top_ends_the_dashboard_with_exit_code_0_and_lets_the_server_go() -> None:
    async with desk_on() as desk:
        await desk.pilot.press("q")

        assert desk.app._exit
        assert desk.app.return_value == 0
    assert desk.control._streams == set()
