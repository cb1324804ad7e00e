"""`%` while other things happen: the server goes away, others set things, letters come fast."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.screens.rollout import RolloutScreen
from hotswap_dev.domain.clients.table import ClientTable
from hotswap_dev.domain.facts import ReleaseAdded, RolloutSet
from hotswap_dev.domain.model import Targets
from tests.dashboard.desks import asked_after, desk_on, on_screen
from tests.dashboard.scripted import Desk
from tests.dashboard.test_screen_rollout import PHONES, a_server, field, rollout_of_3, types
from tests.unit.making import NOW, a_release

pytestmark = pytest.mark.screens


def screen(desk: Desk) -> RolloutScreen:
    found = desk.app.screen
    assert isinstance(found, RolloutScreen)
    return found


async def test_while_the_server_is_away_it_says_so_sends_nothing_and_keeps_what_is_typed() -> None:
    async with rollout_of_3(size=(80, 24)) as desk:
        await types(desk, "50")
        desk.control.goes_away()
        await desk.rests()
        assert "the server does not answer: nothing can be sent" in desk.screen

        await desk.press("enter")
        assert on_screen(desk.app) == "RolloutScreen"
        assert field(desk, "percent").value == "50"
        assert asked_after(desk) == []

        desk.control.comes_back()
        await desk.rests()
        assert "nothing can be sent" not in desk.screen
        assert field(desk, "percent").value == "50"
        await desk.press("enter")
        assert asked_after(desk) == [("set-rollout", {"sequence": 3, "percent": 50.0, "always": ()})]


async def test_a_letter_that_nobody_was_told_of_yet_outlives_what_somebody_else_sets() -> None:
    async with rollout_of_3() as desk:
        # Typed, and its message still on the way when the next moment comes.
        with field(desk, "platforms").prevent(field(desk, "platforms").Changed):
            field(desk, "platforms").value = "ios"
        await desk.happens(RolloutSet(at=NOW, sequence=3, percent=10.0))

        assert field(desk, "platforms").value == "ios"
        assert field(desk, "percent").value == "10"


async def test_what_stands_there_is_sent_though_its_last_letter_was_not_thought_over() -> None:
    async with rollout_of_3() as desk:
        with field(desk, "percent").prevent(field(desk, "percent").Changed):
            field(desk, "percent").value = "25"
        await desk.press("enter")

        assert asked_after(desk) == [("set-rollout", {"sequence": 3, "percent": 25.0, "always": ()})]


async def test_where_a_preview_takes_long_letters_go_before_it() -> None:
    async with rollout_of_3() as desk:
        screen(desk)._took = 30.0
        await types(desk, "50")
        assert field(desk, "percent").value == "50"
        assert screen(desk)._draft.commands == ()

        await desk.press("enter")
        assert asked_after(desk) == [("set-rollout", {"sequence": 3, "percent": 50.0, "always": ()})]


async def test_arrows_move_the_cursor_in_what_is_being_typed_and_step_where_all_of_it_is_selected() -> None:
    async with rollout_of_3() as desk:
        await types(desk, "75")
        await desk.press("left", "left")
        await types(desk, "1")
        await desk.press("right", "backspace")
        assert field(desk, "percent").value == "15"

        await desk.press("tab", "shift+tab", "left")
        assert field(desk, "percent").value == "10"


async def test_of_a_release_that_takes_back_a_poisoned_one_it_says_that_nobody_else_gets_it() -> None:
    async with rollout_of_3(a_server(targets=Targets(having=2))) as desk:
        assert "takes 2 back: only who runs that is offered it" in desk.screen


async def test_of_a_poisoned_release_it_says_whose_it_is() -> None:
    async with desk_on(a_server()) as desk:
        await desk.happens(ReleaseAdded(at=NOW, release=a_release(4, origin="poisoned", from_sequence=3)))
        desk.app.push_screen(RolloutScreen(4, desk.app.view()))
        await desk.rests()

        assert "is a poisoned copy of 3: it is for whom its fault is" in desk.screen


async def test_on_a_small_terminal_long_names_leave_the_outcome_in_sight() -> None:
    control = a_server(*(f"{one}-{'of-the-long-name' * 3}" for one in PHONES))
    async with rollout_of_3(control, size=(80, 24)) as desk:
        await types(desk, "0")

        assert "Without it: no update" in desk.screen
        assert "offer 3" in desk.screen
        assert "no update: not-in-rollout" in desk.screen


async def test_with_a_release_below_what_is_got_in_its_place_comes_before_who_gets_it() -> None:
    control = a_server(*(f"{one}-{'x' * 60}" for one in PHONES))
    behind = [replace(client, sequence=1) for client in control.clients.values()]
    control.clients = ClientTable(behind)
    async with rollout_of_3(control, size=(80, 24)) as desk:
        await types(desk, "0")

        assert "Without it: 2 for phone-" in desk.screen
        assert "and 5 more" in desk.screen
