"""Every state that the dashboard can be in, as it looks: what is said, what still works, and what leads out of it."""

from __future__ import annotations

import asyncio
from typing import Any

from hotswap_dev.domain.facts import ChannelCreated, ReleaseAdded
from hotswap_dev.domain.observations import BuildRefused, BuildStarted, Noticed, Published
from hotswap_dev.errors import HotswapError
from tests.dashboard.desks import (
    RefusingControl,
    asked_after,
    busy,
    checked,
    desk_on,
    fetched,
    later,
    line_with,
    offered,
    on_screen,
)
from tests.dashboard.scripted import Desk, ScriptedControl
from tests.unit.making import NOW, a_release, controls_with


def published(sequence: int, **changes: Any) -> Published:
    fields: dict[str, Any] = {
        "at": NOW,
        "sequence": sequence,
        "version": f"1.0.0-ota.{sequence}",
        "channel": "production",
        "origin": "build",
        "bundle_size": 1000,
        "files": 3,
        "changed": 1,
        "scan_ms": 2.0,
        "pack_ms": 28.0,
        "offered_ms": 341.0,
        **changes,
    }
    return Published(**fields)


def refused(**changes: Any) -> BuildRefused:
    fields: dict[str, Any] = {
        "at": NOW,
        "code": "no-index",
        "detail": "there is no index.html",
        "hint": "is this the folder that the build writes to?",
        **changes,
    }
    return BuildRefused(**fields)


def style_at(desk: Desk, text: str) -> Any:
    """The style in which this text is drawn on the screen."""
    for row in desk.app.screen._compositor.render_strips():
        for segment in row:
            if text in segment.text:
                return segment.style
    raise AssertionError(f"{text!r} is not on the screen:\n{desk.screen}")


# --- the server comes, goes and comes back -------------------------------------------------------------------------


async def test_starting_says_so_until_the_server_answers_and_keys_say_to_wait() -> None:
    control = busy()
    state, free = control.state, asyncio.Event()

    async def slow() -> Any:
        await free.wait()
        return await state()

    control.state = slow  # type: ignore[method-assign]
    async with desk_on(control) as desk:
        assert "● starting" in desk.text("header")
        assert "reading what the server has" in desk.text("way")
        assert "Starting: reading what the server has." in desk.screen
        await desk.press("N")
        assert "not connected yet" in desk.toasts[-1]
        assert asked_after(desk) == []

        free.set()
        await desk.rests()
        assert "● watching dist" in desk.text("header")
        assert "Pixel" in desk.screen


async def test_starting_without_a_server_says_what_was_said_and_what_to_do() -> None:
    control = busy()
    control.goes_away()
    async with desk_on(control) as desk:
        assert "no server yet since" in desk.text("header")
        assert "the server does not answer · start it again: hotswap-dev serve" in desk.text("way")
        control.comes_back()
        await desk.rests()
        assert "● watching dist" in desk.text("header")


async def test_reconnecting_keeps_what_was_there_and_says_from_when_it_is() -> None:
    async with desk_on() as desk:
        desk.control.goes_away()
        await desk.rests()
        assert "disconnected since 12:00:00, reconnecting" in desk.text("header")
        assert "What stands below is from 12:00:00." in desk.text("way")
        assert "Pixel" in desk.screen
        await desk.press("N")
        assert "the server does not answer" in desk.toasts[-1]
        assert asked_after(desk) == []

        desk.control.comes_back()
        await desk.rests()
        assert "● watching dist" in desk.text("header")


async def test_after_a_gap_the_state_is_read_again_and_the_history_tells_what_was_missed() -> None:
    control = busy()
    async with desk_on(control) as desk:
        control.recorded.append(checked("missed", at=later(3)))
        desk.control.forgets(1)
        await desk.rests()

        assert "● watching dist" in desk.text("header")
        assert [row.client for row in desk.app.view().rows][:2] == ["missed", "tablet"]


async def test_a_gap_while_the_list_is_held_still_leaves_every_row_where_it_is_and_none_twice() -> None:
    async with desk_on() as desk:
        await desk.happens(checked("a", at=later(1)), checked("b", at=later(2)))
        await desk.press("j")
        held = desk.screen.splitlines()[17:]
        before = [row.client for row in desk.app.view().rows]
        desk.control.forgets(1)
        await desk.rests()

        assert [row.client for row in desk.app.view().rows] == before
        assert desk.screen.splitlines()[17:] == held


async def test_gone_says_the_last_words_of_the_server_and_q_still_ends_the_dashboard() -> None:
    async with desk_on() as desk:
        desk.app.feed._server_ended = lambda: "the server ended with exit code 1: the disk is full"
        desk.control.goes_away()
        await desk.rests()
        assert "● server gone since 12:00:00" in desk.text("header")
        assert "exit code 1: the disk is full" in desk.text("way")
        assert "Pixel" in desk.screen

        await desk.pilot.press("q")
        assert desk.app._exit


# --- nothing yet ---------------------------------------------------------------------------------------------------


async def test_with_no_release_and_no_client_every_pane_says_the_next_step() -> None:
    async with desk_on(ScriptedControl(), size=(140, 36)) as desk:
        assert "no release yet: build the frontend into dist, or p publishes it as it is" in desk.text("way")
        assert "No release yet: the first finished build in dist becomes one." in desk.screen
        assert "No client yet. Build the app once with" in desk.screen
        assert "npm run tauri build -- --debug --no-bundle -c .hotswap-dev/tauri.dev.conf.json" in desk.screen
        assert "bypasses OTA" in desk.screen


async def test_keys_with_nothing_to_act_on_ask_for_nothing_and_say_why() -> None:
    async with desk_on(ScriptedControl()) as desk:
        keys = ("n", "m", "w", "r", "b", "greater_than_sign", "e", "z", "Z")
        for key in keys:
            desk.app.told_away()
            await desk.press(key)
            assert len(desk.toasts) == 1, key
            assert on_screen(desk.app) == "MainScreen", key
        await desk.press("enter")

        assert on_screen(desk.app) == "MainScreen"
        assert asked_after(desk) == []


async def test_the_first_release_and_the_first_client_take_the_place_of_the_advice() -> None:
    async with desk_on(ScriptedControl()) as desk:
        await desk.happens(ReleaseAdded(at=NOW, release=a_release(1)), published(1), checked(sequence=1))

        assert "1 ▸ saved ✓ ▸ signed 28 ms" in desk.text("way")
        assert "No release yet" not in desk.screen
        assert "No client yet" not in desk.screen


# --- a save's way --------------------------------------------------------------------------------------------------


async def test_a_save_goes_its_way_from_building_to_running_before_ones_eyes() -> None:
    async with desk_on() as desk:
        way = []
        for event in (
            BuildStarted(at=NOW, path="my-app/dist"),
            ReleaseAdded(at=NOW, release=a_release(5)),
            published(5),
            offered(to=5, at=later(1)),
            fetched(sequence=5, at=later(2)),
            checked("phone", sequence=5, at=later(3)),
        ):
            await desk.happens(event)
            way.append(desk.text("way"))

        assert "5 ▸ saved ✓ ▸ signing dist…" in way[0]
        assert "3 is served until then" in way[0]
        assert "5 ▸ saved ✓ ▸ signed 28 ms ▸ offered 0/2 ▸ fetched 0 ▸ running 0" in way[2]
        assert "offered 1/2 ▸ fetched 0" in way[3]
        assert "fetched 1 ▸ running 0" in way[4]
        assert "running 1 ▸ fell back 0" in way[5]


async def test_a_build_that_is_refused_is_red_with_its_reason_and_says_what_is_served_on() -> None:
    async with desk_on() as desk:
        await desk.happens(BuildStarted(at=NOW, path="my-app/dist"), refused())

        assert "● build refused" in desk.text("header")
        assert "✗ not published no-index: there is no index.html" in desk.text("way")
        assert "3 is served on" in desk.text("way")
        red = style_at(desk, "there is no index.html").color
        assert red is not None
        assert red.triplet is not None
        assert red.triplet.red > red.triplet.green + 40

        await desk.happens(ReleaseAdded(at=NOW, release=a_release(5)), published(5))
        assert "not published" not in desk.text("way")
        assert "● watching dist" in desk.text("header")


# --- what was asked for --------------------------------------------------------------------------------------------


async def test_what_is_pending_is_shown_as_such_until_its_event_arrives() -> None:
    control = busy()
    async with desk_on(control) as desk:
        control.hold()
        await desk.press("W")
        assert "production paused…" in desk.text("chips")
        assert desk.toasts == []
        control.go_on()
        await desk.rests()
        assert "production paused " in desk.text("chips")
        assert "…" not in desk.text("chips")
        assert "channel production is paused" in desk.toasts[-1]

        control.hold()
        await desk.press("W")
        assert "production paused: ending…" in desk.text("chips")
        control.go_on()
        await desk.rests()
        assert desk.text("chips") == ""


async def test_a_refused_command_is_an_error_toast_that_says_what_to_do_and_nothing_stays_pending() -> None:
    refusal = HotswapError("production is not yours to pause", "ask Anna", code="refused")
    control = RefusingControl(
        refusal=refusal, controls=controls_with(a_release(1), a_release(2), a_release(3))
    )
    async with desk_on(control) as desk:
        await desk.press("W")

        assert desk.toasts[-1] == "production is not yours to pause\nask Anna"
        assert [one.severity for one in desk.app._notifications] == ["error"]
        assert desk.text("chips") == ""
        assert desk.app.view().pending == ()


async def test_a_command_that_the_lost_connection_swallowed_is_told_and_stays_pending_nowhere() -> None:
    control = busy()
    async with desk_on(control) as desk:
        command = control.command

        async def torn(*arguments: Any, **more: Any) -> Any:
            control.goes_away()
            return await command(*arguments, **more)

        control.command = torn  # type: ignore[method-assign]
        await desk.press("N")

        assert "the server does not answer" in desk.toasts[-1]
        assert desk.app.view().pending == ()


async def test_a_warning_of_the_server_stands_as_a_chip_until_esc_puts_it_away() -> None:
    async with desk_on() as desk:
        await desk.happens(
            Noticed(at=NOW, level="warning", code="disk", message="the disk is nearly full", hint="tidy")
        )
        assert "! the disk is nearly full" in desk.text("chips")
        await desk.press("escape")
        assert desk.text("chips") == ""
        assert "the disk is nearly full" in desk.screen  # it stays among the rows


async def test_esc_puts_away_the_notice_first_then_the_filter_then_the_pause_and_then_does_nothing() -> None:
    async with desk_on() as desk:
        await desk.press("slash", *"phone", "enter", "j")
        await desk.happens(Noticed(at=NOW, level="error", code="x", message="out of paper"))
        left = []
        for _ in range(4):
            await desk.press("escape")
            left.append((desk.app.mirror.notice is None, desk.app.looking.filter, desk.app.view().following))

        assert left == [(True, "phone", False), (True, "", False), (True, "", True), (True, "", True)]
        assert on_screen(desk.app) == "MainScreen"


# --- looking -------------------------------------------------------------------------------------------------------


async def test_a_filter_that_nothing_matches_says_so_and_what_leads_out() -> None:
    async with desk_on() as desk:
        await desk.press("slash", *"nobody", "enter")

        assert "Nothing here matches nobody." in desk.screen
        assert "esc shows all again" in desk.screen
        await desk.press("n")
        assert "no client is selected" in desk.toasts[-1]
        await desk.press("escape", "escape")  # what was told first
        assert "Nothing here matches" not in desk.screen


async def test_rows_that_come_while_the_list_is_held_still_are_counted_and_not_shown() -> None:
    async with desk_on() as desk:
        await desk.press("j")
        await desk.happens(checked("a", at=later(1)), checked("b", at=later(2)), checked("a", at=later(3)))

        assert "F paused, 2 new" in desk.text("tabs")
        assert [row.client for row in desk.app.view().rows][:2] == ["tablet", "phone"]
        await desk.press("F")
        assert [row.client for row in desk.app.view().rows][:2] == ["a", "b"]


async def test_a_channel_that_is_shown_alone_shows_its_releases_clients_and_check_ins() -> None:
    async with desk_on() as desk:
        await desk.happens(
            checked("qa", sequence=4, channel="beta", args={"channel": "beta", "current": 4, "newest": 4})
        )
        await desk.press("c")

        assert "c beta" in desk.text("tabs")
        assert desk.text("way").startswith(" 4 ▸")
        assert "1.0.0-ota.3" not in desk.screen
        assert "tablet" not in desk.screen
        assert line_with(desk, "at 4") != ""


async def test_a_channel_without_a_release_says_how_one_gets_there() -> None:
    async with desk_on(busy(ChannelCreated(at=NOW, channel="alpha"))) as desk:
        await desk.press("c")

        assert "Channel alpha has no release yet." in desk.screen
        assert "> promotes to it" in desk.screen
