"""What can't be taken back asks, and shows whose answers change."""

from __future__ import annotations

from typing import Any

import pytest

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.details.changes_text import change_lines, refusal_lines, would_lines
from hotswap_dev.dashboard.screens.confirm import ConfirmCommand
from hotswap_dev.dashboard.spans import cells, plain
from hotswap_dev.dashboard.view import Selected
from hotswap_dev.domain.clients import advance
from hotswap_dev.errors import HotswapError
from tests.dashboard.forms_host import Server, host_on, rests, screen_text
from tests.unit.making import a_release, an_answered_check, controls_with

pytestmark = pytest.mark.screens


def a_server(clients: int = 1) -> Server:
    server = Server(controls_with(*(a_release(one) for one in range(1, 6))))
    seen = [advance(None, an_answered_check(f"phone-{one}", sequence=4)) for one in range(clients)]
    server.clients = tuple(seen)
    return server


ON_3 = Selected("release", 3)


async def test_roll_back_shows_the_question_what_it_does_and_whose_answers_change() -> None:
    server = a_server(clients=43)
    async with host_on(server, selected=ON_3) as (app, pilot):
        app.press_key("b")
        await rests(pilot)
        text = screen_text(app)

        assert "Roll production back to 3" in text
        assert "It can't be taken back." in text
        assert "release 6 (1.0.0-ota.3) brings 3 back" in text
        assert "43 clients get another answer" in text
        assert "phone-7" in text
        assert "phone-8" not in text
        assert "and 35 more" in text
        assert "y  do it" in text  # all of it on 24 lines
        assert server.done == []


@pytest.mark.parametrize("key", ["y", "enter"])
async def test_yes_has_it_done(key: str) -> None:
    server = a_server()
    async with host_on(server, selected=ON_3) as (app, pilot):
        app.press_key("b")
        await rests(pilot)
        await pilot.press(key)
        await rests(pilot)

        assert server.done == [("roll-back-to", {"sequence": 3})]
        assert len(app.screen_stack) == 1
        assert "brings 3 back" in app.told[0][0]


@pytest.mark.parametrize("key", ["n", "escape", "q"])
async def test_no_leaves_everything_as_it_is(key: str) -> None:
    server = a_server()
    async with host_on(server, selected=ON_3) as (app, pilot):
        app.press_key("b")
        await rests(pilot)
        await pilot.press(key)
        await rests(pilot)

        assert (server.done, app.told) == ([], [])
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize(("button", "done"), [("#yes", 1), ("#no", 0)])
async def test_the_buttons_are_answers_too(button: str, done: int) -> None:
    server = a_server()
    async with host_on(server, selected=ON_3) as (app, pilot):
        app.press_key("b")
        await rests(pilot)
        await pilot.click(button)
        await rests(pilot)

        assert len(server.done) == done
        assert len(app.screen_stack) == 1


async def test_yes_before_it_is_known_what_changes_does_nothing() -> None:
    server = a_server()
    async with host_on(server, selected=ON_3) as (app, pilot):
        server.hold()
        app.press_key("b")
        await rests(pilot)
        assert "asking whose answers change" in screen_text(app)
        await pilot.press("y", "enter")
        await rests(pilot)
        assert isinstance(app.screen, ConfirmCommand)

        server.go_on()
        await rests(pilot)
        assert "1 client gets another answer" in screen_text(app)
        assert server.done == []


async def test_what_the_server_would_refuse_is_said_and_can_only_be_left() -> None:
    server = a_server()
    server.refuses = ServerRefused(
        {"detail": "the bundle of release 3 was pruned", "hint": "take a newer one"}, 400
    )
    async with host_on(server, selected=ON_3) as (app, pilot):
        app.press_key("b")
        await rests(pilot)
        await pilot.press("y")
        await rests(pilot)

        assert "the bundle of release 3 was pruned" in screen_text(app)
        assert "take a newer one" in screen_text(app)
        assert isinstance(app.screen, ConfirmCommand)
        assert server.done == []


async def test_on_a_terminal_without_utf_8_a_form_and_a_question_are_ascii() -> None:
    async with host_on(a_server(), selected=ON_3) as (app, pilot):
        app.in_ascii = True
        app.press_key("b")
        await rests(pilot)
        assert "offer 6" in screen_text(app)
        assert screen_text(app).isascii()
        await pilot.press("escape")

        app.press_key("greater_than_sign")
        await rests(pilot)
        assert "$ hotswap-dev promote 3 CHANNEL" in screen_text(app)
        assert screen_text(app).isascii()


# --- the lines -----------------------------------------------------------------------------------------------------


def a_change(client: str = "phone", before: Any = None, after: Any = None) -> dict[str, Any]:
    return {
        "client": client,
        "before": before or {"status": 200, "reason": "newer-release", "offered": 3},
        "after": after or {"status": 204, "reason": "release-withheld"},
    }


def texts(lines: list[Any]) -> list[str]:
    return [" ".join(plain(one).split()) for one in lines]


def test_an_answer_before_and_after_stand_side_by_side_under_the_clients_name() -> None:
    assert texts(change_lines([a_change()], {"phone": "QA phone"}, 90)) == [
        "1 client gets another answer",
        "QA phone offer 3 → no update: release-withheld",
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"mandatory": False}, {"mandatory": True}, "offer 3: not mandatory → offer 3: mandatory"),
        ({"notes": None}, {"notes": "new"}, "offer 3: no notes → offer 3: notes 'new'"),
        (
            {"min_binary_version": "1.0.0"},
            {"min_binary_version": "2.0.0"},
            "offer 3: minimum 1.0.0 → offer 3: minimum 2.0.0",
        ),
    ],
)
def test_two_offers_of_one_release_say_what_tells_them_apart(before: Any, after: Any, said: str) -> None:
    offer = {"status": 200, "reason": "newer-release", "offered": 3}
    lines = texts(change_lines([a_change(before={**offer, **before}, after={**offer, **after})], {}, 120))

    assert lines[1] == f"phone {said}"


@pytest.mark.parametrize("width", [20, 46, 70, 200])
def test_C3_a_row_keeps_its_width_and_draws_nothing_whatever_a_client_is_called(width: int) -> None:
    names = {"phone": "名前\x1b[2J\u202e[red]" * 40}

    for one in change_lines([a_change()], names, width)[1:]:
        assert cells(one) <= width
        assert plain(one).isprintable()


def test_that_nobody_hears_of_it_is_said() -> None:
    would = {"events": [{"event": "note-added", "text": "x"}], "changes": []}

    assert texts(would_lines(would, {}, 70)) == ["noted: x", "", "no client's answer changes"]


def test_that_nothing_would_be_done_is_said() -> None:
    assert texts(would_lines({"events": [], "changes": []}, {}, 70)) == [
        "nothing would be done: it is so already"
    ]


def test_a_refusal_wraps_at_words() -> None:
    lines = refusal_lines(HotswapError("one two three", "four five six"), 8)

    assert [plain(one) for one in lines] == ["one two", "three", "four", "five six"]
