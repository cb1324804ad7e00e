"""The form of a command on the screen: typed, clicked, refused, previewed, sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Select

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.keys import Ask
from hotswap_dev.dashboard.screens.form import CommandForm
from hotswap_dev.domain.clients import advance
from hotswap_dev.errors import Unreachable
from tests.dashboard.forms_host import Server, host_on, rests, screen_text
from tests.unit.making import a_release, an_answered_check, controls_with

pytestmark = pytest.mark.screens

HOSTILE = "[red]x[/] [@click=app.bell]y[/] \x1b[31m \u202e \u200b"


def a_server() -> Server:
    server = Server(controls_with(a_release(14), a_release(15, notes="old"), a_release(3, channel="beta")))
    client = advance(None, an_answered_check("phone", sequence=14))
    assert client is not None
    server.clients = (client,)
    return server


async def test_a_form_shows_the_command_line_that_it_is_equal_to_as_it_is_typed() -> None:
    async with host_on(a_server()) as (app, pilot):
        app.carry_out(Ask("promote", {"sequence": 14}))
        await rests(pilot)
        assert "$ hotswap-dev promote 14 CHANNEL" in screen_text(app)

        await pilot.press(*"beta")
        await rests(pilot)

        assert "$ hotswap-dev promote 14 beta" in screen_text(app)


async def test_enter_sends_what_was_typed_and_says_what_came_of_it() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("promote", {"sequence": 14}))
        await rests(pilot)
        await pilot.press(*"beta", "enter")
        await rests(pilot)

        assert server.done == [("promote", {"sequence": 14, "channel": "beta"})]
        ((message, hint, severity),) = app.told
        assert message == "release 16 (1.0.0-ota.14) is 14, offered on beta"
        assert (hint, severity) == ("no client's answer changes", "information")
        assert not isinstance(app.screen, CommandForm)


@pytest.mark.parametrize("key", ["ctrl+enter", "ctrl+s"])
async def test_it_is_sent_from_any_field(key: str) -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("force-204"))
        await rests(pilot)
        await pilot.press(key)
        await rests(pilot)

        assert server.done == [("force-204", {"on": True})]


async def test_a_switch_is_switched_by_space_and_by_a_click_and_enter_sends() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("set-mandatory"))
        await rests(pilot)
        assert "[x] on" in screen_text(app)
        await pilot.press("space")
        await rests(pilot)
        assert "[ ] off" in screen_text(app)
        assert "$ hotswap-dev set-mandatory off" in screen_text(app)
        await pilot.click("#field-on")
        await rests(pilot)
        assert "[x] on" in screen_text(app)
        await pilot.press("enter")
        await rests(pilot)

        assert server.done == [("set-mandatory", {"on": True})]


async def test_escape_leaves_and_nothing_is_asked_of_the_server() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("annotate"))
        await rests(pilot)
        await pilot.press("x", "escape")
        await rests(pilot)

        assert (server.done, server.rehearsed, app.told) == ([], [], [])
        assert len(app.screen_stack) == 1


async def test_the_buttons_do_what_the_keys_do() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("annotate"))
        await rests(pilot)
        await pilot.press("x")
        await pilot.click("#preview")
        await rests(pilot)
        assert "noted: x" in screen_text(app)
        await pilot.click("#leave")
        await rests(pilot)
        assert server.done == []

        app.carry_out(Ask("annotate"))
        await rests(pilot)
        await pilot.press("y")
        await pilot.click("#send")
        await rests(pilot)
        assert server.done == [("annotate", {"text": "y"})]


async def test_what_is_missing_is_said_beside_its_field_and_the_cursor_goes_there() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("promote"))
        await rests(pilot)
        await pilot.press("enter")
        await rests(pilot)

        assert screen_text(app).count("this is needed") == 2
        assert app.focused is not None
        assert app.focused.id == "field-sequence"
        await pilot.press("x")
        await rests(pilot)
        assert "this is needed" not in screen_text(app)  # another text: what was said is out of date
        assert (server.done, server.rehearsed) == ([], [])


async def test_what_the_server_refuses_is_said_beside_the_field_and_nothing_typed_is_lost() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("promote", {"sequence": 99, "channel": "beta"}))
        await rests(pilot)
        await pilot.press("ctrl+s")
        await rests(pilot)

        assert "there is no release 99 (the newest is 15)" in screen_text(app)
        assert app.screen.query_one("#field-channel", Input).value == "beta"
        assert server.done == []


async def test_a_server_that_does_not_answer_is_said_in_the_form() -> None:
    server = a_server()
    server.refuses = Unreachable("the server does not answer", "start it again: hotswap-dev serve")
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("annotate", {"text": "x"}))
        await rests(pilot)
        await pilot.press("ctrl+s")
        await rests(pilot)

        assert "the server does not answer" in screen_text(app)
        assert "start it again" in screen_text(app)
        assert isinstance(app.screen, CommandForm)


async def test_preview_shows_whose_answers_change_and_changes_nothing() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("force-204"))
        await rests(pilot)
        await pilot.press("ctrl+d")
        await rests(pilot)

        assert "1 client gets another answer" in screen_text(app)
        assert "offer 15" in screen_text(app)
        assert "no update: forced-204" in screen_text(app)
        assert "enter  send" in screen_text(app)  # nothing was pushed off the 24 lines
        assert "for so many answers" not in screen_text(app)
        assert server.done == []

        await pilot.press("space")
        await rests(pilot)
        assert "another answer" not in screen_text(app)  # it was of another text
        assert "for so many answers" in screen_text(app)  # and the fields have their room again


async def test_editing_a_release_sends_only_what_was_changed() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("edit-release", {"sequence": 15}, {"notes": "old", "version": "1.0.0-ota.15"}))
        await rests(pilot)
        notes = app.screen.query_one("#field-notes", Input)
        assert notes.value == "old"
        assert notes.has_focus
        notes.value = ""
        await pilot.press("enter")
        await rests(pilot)

        assert server.done == [("edit-release", {"sequence": 15, "notes": ""})]


async def test_a_channel_that_there_is_completes_itself() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("set-build-channel"))
        await rests(pilot)
        await pilot.press(*"be")
        await rests(pilot)
        await pilot.press("right", "enter")
        await rests(pilot)

        assert server.done == [("set-build-channel", {"channel": "beta"})]


async def test_a_final_command_shows_whose_answers_change_in_the_form_before_it_is_sent() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("roll-back-to", {"sequence": 14}))
        await rests(pilot)
        await pilot.press("ctrl+s")
        await rests(pilot)
        assert isinstance(app.screen, CommandForm)
        assert "It can't be taken back. Enter once more does it." in screen_text(app)
        assert "1 client gets another answer" in screen_text(app)
        assert server.done == []
        await pilot.press("ctrl+s")
        await rests(pilot)

        assert server.done == [("roll-back-to", {"sequence": 14})]


async def test_the_path_of_a_folder_is_that_of_who_typed_it() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("publish", {"path": "dist"}))
        await rests(pilot)
        await pilot.press("ctrl+s")
        await rests(pilot)

        assert server.done == [("publish", {"path": str(Path("dist").absolute())})]


async def test_a_command_that_this_version_does_not_know_is_asked_for_and_sent_by_its_name() -> None:
    server = a_server()
    entry: Mapping[str, Any] = {
        "name": "send-elsewhere",
        "summary": "Send some clients elsewhere",
        "arguments": {
            "properties": {
                "status": {"enum": [401, 403]},
                "loud": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
                "clients": {"type": "array", "items": {"type": "string"}, "default": []},
            },
            "required": ["status"],
        },
    }
    server.commands = [*server.commands, entry]
    server.also_knows = {
        "send-elsewhere": {"events": [{"event": "sent-elsewhere", "at": "x", "status": 403}]}
    }
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("send-elsewhere"))
        await rests(pilot)
        app.screen.query_one("#field-status", Select).value = "403"
        app.screen.query_one("#field-clients", Input).value = "phone, tablet"
        await rests(pilot)
        assert "$ hotswap-dev send-elsewhere 403 --clients phone,tablet" in screen_text(app)
        await pilot.press("ctrl+s")
        await rests(pilot)

        assert server.done == [("send-elsewhere", {"status": 403, "clients": ["phone", "tablet"]})]
        assert app.told[0][0] == "sent elsewhere status 403"
        assert app.view().pending == ()


async def test_C1_C2_C3_what_a_server_or_a_client_says_in_a_form_is_text_and_acts_on_nothing() -> None:
    server = a_server()
    client = advance(None, an_answered_check("[@click=app.bell]x[/]", sequence=14))
    assert client is not None
    server.clients = (client,)
    server.commands = [
        {
            "name": "odd[red]",
            "summary": HOSTILE,
            "arguments": {
                "properties": {
                    "client": {"type": "string", "description": HOSTILE},
                    "kind": {"enum": [HOSTILE, "b"]},
                    "text": {"type": "string", "default": HOSTILE, "description": HOSTILE},
                },
                "required": ["client"],
            },
        }
    ]
    server.refuses = ServerRefused({"detail": f"text: {HOSTILE}", "hint": HOSTILE}, 400)
    async with host_on(server, size=(80, 40)) as (app, pilot):
        app.carry_out(Ask("odd[red]"))
        await rests(pilot)
        await pilot.press("x", "ctrl+s")
        await rests(pilot)
        text = screen_text(app)

        assert "[red]x[/] [@click=app.bell]y[/]" in text
        assert "odd[red]" in text
        assert "\\x1b[31m" in text
        assert all(letter.isprintable() for letter in text.replace("\n", ""))
        for y in range(40):
            for x in range(0, 80, 4):
                style = app.screen.get_style_at(x, y)
                assert "@click" not in style.meta


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (200, 60)])
async def test_the_longest_form_fits_and_scrolls_to_the_field_that_is_typed_into(
    size: tuple[int, int],
) -> None:
    async with host_on(a_server(), size=size) as (app, pilot):
        app.carry_out(Ask("publish"))
        await rests(pilot)
        assert "enter  send" in screen_text(app)
        assert "$ hotswap-dev publish" in screen_text(app)
        await pilot.press(*["tab"] * 5, *"xy")
        await rests(pilot)

        assert "--update-type xy" in screen_text(app)
        for _ in range(400):  # the field is scrolled to in steps
            if "update type xy" in screen_text(app):
                break
            await pilot.pause(0.005)
        assert "update type xy" in screen_text(app)
