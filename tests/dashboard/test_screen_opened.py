"""The screens over the main one, opened in the dashboard itself, from what is selected there."""

from __future__ import annotations

import pytest
from textual.screen import Screen

from hotswap_dev import wire
from hotswap_dev.dashboard.screens.addresses import AddressesScreen
from hotswap_dev.dashboard.screens.client import ClientScreen
from hotswap_dev.dashboard.screens.copy import CopyScreen
from hotswap_dev.dashboard.screens.exchange import ExchangeScreen
from hotswap_dev.dashboard.screens.help import HelpScreen
from hotswap_dev.dashboard.screens.release import ReleaseScreen
from hotswap_dev.domain.observations import CheckAnswered
from tests.dashboard.details import an_exchange, checks_of, not_activated, releases
from tests.dashboard.scripted import Desk, ScriptedControl, dashboard_on
from tests.unit.making import NOW, an_answered_check

pytestmark = pytest.mark.screens


def a_server() -> ScriptedControl:
    control = ScriptedControl(releases(13, 14))
    check = not_activated()[-1]
    assert isinstance(check, CheckAnswered)
    control.answers |= {
        "/api/exchange": an_exchange(check),
        "/api/checks": wire.plain(checks_of(not_activated())),
        "/api/releases/14": {"compared_with": 13, "changes": None, "changes_missing": "the bundle is gone"},
    }
    return control


async def test_enter_opens_the_check_in_the_client_or_the_release_that_is_selected() -> None:
    async with dashboard_on(a_server(), size=(80, 24)) as desk:
        await desk.happens(*not_activated())

        await desk.press("enter")
        assert is_open(desk, ExchangeScreen)
        assert "WHAT IT PROVED" in desk.screen
        await desk.press("escape", "2", "j", "enter")
        assert is_open(desk, ClientScreen)
        assert "ITS STORY" in desk.screen
        await desk.press("q", "1", "j", "enter")
        assert is_open(desk, ReleaseScreen)
        assert "WHO HAS IT" in desk.screen


def is_open(desk: Desk, kind: type[Screen[None]]) -> bool:
    return isinstance(desk.app.screen, kind)


async def test_u_y_and_question_mark_open_addresses_copy_and_help() -> None:
    async with dashboard_on(a_server(), size=(80, 24)) as desk:
        await desk.happens(*not_activated())

        await desk.press("u")
        assert is_open(desk, AddressesScreen)
        await desk.press("escape", "y")
        assert is_open(desk, CopyScreen)
        assert "client id" in desk.screen
        await desk.press("escape", "question_mark")
        assert is_open(desk, HelpScreen)
        await desk.press("escape")
        assert len(desk.app.screen_stack) == 2  # Textual's own, and the main one


async def test_what_is_copied_is_told_in_a_toast() -> None:
    async with dashboard_on(a_server()) as desk:
        await desk.happens(*not_activated())

        await desk.press("y", "2")

        assert desk.app.clipboard == "Pixel-8"
        assert "copied: client id" in desk.toasts[0]


async def test_a_client_s_page_goes_on_while_it_is_open() -> None:
    control = a_server()
    async with dashboard_on(control) as desk:
        await desk.happens(*not_activated())
        await desk.press("2", "j", "enter")
        assert "not activated" in desk.screen

        check = an_answered_check("Pixel-8", sequence=14, at=NOW)
        control.answers["/api/checks"] = wire.plain(checks_of([*not_activated(), check]))
        desk.clock.passes(2)
        await desk.happens(check)

        assert "applied 14" in desk.screen
