"""The command palette: every key by what it does, every command that the server lists."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, OptionList

from hotswap_dev import wire
from hotswap_dev.dashboard.keys import KEYS
from hotswap_dev.dashboard.screens.form import CommandForm
from hotswap_dev.errors import Unreachable
from tests.dashboard.desks import asked_after, desk_on, on_screen
from tests.dashboard.forms_host import Host, Server, host_on, rests, screen_text
from tests.dashboard.scripted import Desk
from tests.unit.making import a_release, controls_with

pytestmark = pytest.mark.screens


def a_server() -> Server:
    return Server(controls_with(a_release(14), a_release(15)))


async def listed(app: Host, pilot: Any, query: str = "") -> list[str]:
    """What the palette lists, each with its help, once it has gathered everything for what is typed."""
    app.action_command_palette()
    await rests(pilot)
    if query:
        app.screen.query_one(Input).value = query
    await gathered(app, pilot)
    options = app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(one).prompt) for one in range(options.option_count)]


async def gathered(app: Host, pilot: Any) -> None:
    """The palette's search has come to its end."""
    await app.workers.wait_for_complete([one for one in app.workers if one.node is app.screen])
    await rests(pilot)


async def test_with_nothing_typed_every_key_and_every_command_is_listed_by_its_group() -> None:
    async with host_on(a_server()) as (app, pilot):
        names = [one.split("\n")[0] for one in await listed(app, pilot)]

    keys = [f"{key.label}  {key.shown}" for key in KEYS if key.key not in ("colon", "ctrl+p")]
    ours = [name for name in names if name in {*keys, *(one["name"] for one in wire.command_schemas())}]
    assert ours == [*keys, *(one["name"] for one in wire.command_schemas())]
    assert any("heme" in name for name in names)  # Textual's own


async def test_a_command_is_found_by_its_name_and_by_what_it_does() -> None:
    async with host_on(a_server()) as (app, pilot):
        assert (await listed(app, pilot, "roll-back"))[0].startswith("roll-back-to\nBring back")

    async with host_on(a_server()) as (app, pilot):
        assert any(one.startswith("annotate\n") for one in await listed(app, pilot, "remark"))


async def test_a_command_with_arguments_opens_its_form() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        await listed(app, pilot, "set-build-channel")
        await pilot.press("enter")
        await rests(pilot)

        assert isinstance(app.screen, CommandForm)
        assert "Send builds to this channel" in screen_text(app)
        assert server.done == []


async def test_a_command_without_arguments_is_sent_at_once() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        await listed(app, pilot, "clear-overrides")
        await pilot.press("enter")
        await rests(pilot)

        assert server.done == [("clear-overrides", {})]
        assert app.told == [("nothing to do: it is so already", "", "information")]


async def chosen(desk: Desk, words: str) -> None:
    """Open the palette, type these words, and take the first entry."""
    await desk.press("ctrl+p", *(letter if letter != " " else "space" for letter in words), "enter")
    await desk.rests()


async def test_a_key_does_what_it_does_when_it_is_pressed_where_one_was() -> None:
    async with desk_on() as desk:
        await chosen(desk, "no update for all")
        assert [name for name, _ in asked_after(desk)] == ["force-204"]

        await chosen(desk, "go to the releases")
        assert desk.app.looking.pane == "releases"

        await desk.press("u")
        await chosen(desk, "no update for all")
        await chosen(desk, "stop offering this release")
        # What is for everyone can be asked for from everywhere; no release can be seen from here.
        assert [name for name, _ in asked_after(desk)] == ["force-204", "force-204"]
        assert on_screen(desk.app) == "AddressesScreen"


async def test_over_a_question_or_a_form_there_is_no_palette_whose_entries_would_answer_it() -> None:
    async with desk_on() as desk:
        await desk.press("1", "j", "j", "b", "ctrl+p")
        assert on_screen(desk.app) == "ConfirmCommand"
        await desk.press("escape", "semicolon", "ctrl+p")
        assert on_screen(desk.app) == "CommandForm"
        assert asked_after(desk) == []


async def test_a_command_that_only_the_server_knows_is_listed_and_one_that_it_lacks_is_not() -> None:
    server = a_server()
    server.commands = [{"name": "arm-fault", "group": "faults", "summary": "Arm a fault"}]
    async with host_on(server) as (app, pilot):
        found = await listed(app, pilot)

    assert "arm-fault\nArm a fault" in found
    assert not any(one.startswith("annotate") for one in found)


async def test_without_a_server_its_own_commands_are_listed() -> None:
    server = a_server()
    server.refuses = Unreachable("the server does not answer")
    async with host_on(server) as (app, pilot):
        assert any(one.startswith("annotate\n") for one in await listed(app, pilot))


async def test_C1_C2_help_that_looks_like_markup_is_text() -> None:
    server = a_server()
    hostile = "[/nope] [@click=app.bell]zzz[/] \x1b[31m"
    server.commands = [{"name": "odd-[red]-one", "group": "[b]", "summary": hostile}]
    async with host_on(server, size=(100, 50)) as (app, pilot):
        found = await listed(app, pilot, "odd")
        text = screen_text(app)

        assert found[0] == "odd-[red]-one\n[/nope] [@click=app.bell]zzz[/] \\x1b[31m"
        assert "odd-[red]-one" in text
        assert "[@click=app.bell]zzz[/]" in text
        assert all("@click" not in app.screen.get_style_at(x, y).meta for x in range(100) for y in range(50))
