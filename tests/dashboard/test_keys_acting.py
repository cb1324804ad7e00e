"""What becomes of a key that was pressed: pending at once, sent in order, told."""

from __future__ import annotations

import logging

import pytest

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.keys import Ask
from hotswap_dev.dashboard.view import Selected
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.commands.overrides import Force204
from tests.dashboard.forms_host import Server, host_on, rests
from tests.unit.making import a_release, an_answered_check, controls_with


def a_server() -> Server:
    server = Server(controls_with(a_release(14), a_release(15)))
    client = advance(None, an_answered_check("phone", sequence=14))
    assert client is not None
    server.clients = (client,)
    return server


PHONE = Selected("client", "phone")


async def test_a_key_is_pending_before_anything_is_awaited_and_the_next_one_counts_from_it() -> None:
    server = a_server()
    server.hold()
    async with host_on(server, selected=PHONE) as (app, pilot):
        app.press_key("n")
        assert [one.words for one in app.view().pending] == ["no update for phone at the next check"]
        app.press_key("n")
        app.press_key("n")
        assert [one.command for one in app.view().pending] == [
            Force204(on=True, client="phone", times=1),
            Force204(on=True, client="phone"),
            Force204(on=False, client="phone"),
        ]

        server.go_on()
        await rests(pilot)
        assert [arguments for _, arguments in server.done] == [
            {"on": True, "client": "phone", "times": 1},
            {"on": True, "client": "phone"},
            {"on": False, "client": "phone"},
        ]


async def test_commands_reach_the_server_one_after_the_other() -> None:
    server = a_server()
    server.hold()
    async with host_on(server) as (app, pilot):
        app.press_key("M")
        app.press_key("M")
        await rests(pilot)
        assert len(server.done) == 1

        server.go_on()
        await rests(pilot)
        assert [arguments["on"] for _, arguments in server.done] == [True, False]


async def test_how_far_a_release_reaches_is_told_as_the_server_says_it() -> None:
    server = a_server()
    told = {"event": "rollout-set", "sequence": 15, "percent": 10.0, "always": []}
    reaches = {"sequence": 15, "percent": 10.0, "inside": 3, "of": 8, "next": "phone", "next_at": 37.0}
    server.also_knows["set-rollout"] = {"events": [told], "result": reaches}
    async with host_on(server, selected=Selected("release", 15)) as (app, pilot):
        app.press_key("percent_sign")
        await rests(pilot)
        await pilot.press("1", "0", "enter")
        await rests(pilot)

        assert app.told == [
            (
                "release 15 is rolled out to 10 %",
                "3 of 8 clients; phone flips in at 37 %; no client's answer changes",
                "information",
            )
        ]


async def test_a_build_lets_other_keys_through() -> None:
    server = a_server()
    server.hold(rehearsals=False)
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("publish"))
        await rests(pilot)
        await pilot.press("ctrl+s")
        await rests(pilot)
        app.press_key("M")
        await rests(pilot)
        assert [name for name, _ in server.done] == ["publish", "set-mandatory"]
        assert [one.command.verb for one in app.view().pending] == ["publish", "set-mandatory"]

        server.go_on()
        await rests(pilot)


async def test_what_is_pending_stays_until_the_stream_has_come_that_far() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.press_key("M")
        await rests(pilot)
        (pending,) = app.view().pending
        assert pending.revision == 1

        app.refresh_state()
        assert app.view().pending == ()
        assert app.view().controls.mandatory_for_all


async def test_what_was_done_is_told_with_how_many_answers_it_changes() -> None:
    async with host_on(a_server(), selected=PHONE) as (app, pilot):
        app.press_key("n")
        await rests(pilot)

        assert app.told == [
            ("no update for phone at the next check", "1 client gets another answer", "information")
        ]


async def test_a_refusal_is_told_with_its_way_out_and_nothing_stays_pending() -> None:
    server = a_server()
    server.refuses = ServerRefused({"detail": "the disk is full", "hint": "make room"}, 500)
    async with host_on(server, selected=PHONE) as (app, pilot):
        app.press_key("n")
        await rests(pilot)

        assert app.told == [("the disk is full", "make room", "error")]
        assert app.view().pending == ()
        assert app.view().expected.forced == ()


async def test_a_key_that_fits_nothing_says_what_to_select() -> None:
    server = a_server()
    async with host_on(server) as (app, pilot):
        app.press_key("n")
        await rests(pilot)

        ((message, hint, severity),) = app.told
        assert (message, severity) == ("no client is selected", "warning")
        assert "N is for everyone" in hint
        assert server.done == []


async def test_a_command_that_the_server_lacks_is_said() -> None:
    server = a_server()
    server.commands = []
    async with host_on(server) as (app, pilot):
        app.carry_out(Ask("annotate"))
        await rests(pilot)

        assert app.told[0][0] == "the server knows no command 'annotate'"


async def test_a_bug_is_said_and_logged_and_the_dashboard_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    server = a_server()
    server.also_knows = {"set-mandatory": {"events": 3}}
    async with host_on(server) as (app, pilot):
        with caplog.at_level(logging.ERROR):
            app.press_key("M")
            await rests(pilot)

        assert app.told[0][0].startswith("this is a bug in hotswap-dev: TypeError")
        assert "Traceback" in caplog.text
        assert app.is_running


async def test_a_release_that_a_key_made_is_told_first() -> None:
    async with host_on(a_server(), selected=Selected("release", 14)) as (app, pilot):
        app.press_key("r")
        await rests(pilot)

        assert app.told[0][0] == "release 16 (1.0.0-ota.14) is 14 again, offered on production"
