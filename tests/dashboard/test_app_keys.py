"""Each key pressed in the whole dashboard: what is asked of the server, and what the screen says of it after."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.desks import asked_after, busy, checked, desk_on, later, line_with, on_screen

pytestmark = pytest.mark.screens

HOME = "MainScreen"


async def test_n_tells_the_selected_client_no_update_once_then_until_cleared_then_no_longer() -> None:
    async with desk_on() as desk:
        await desk.press("n")
        assert "no update ×1 tablet" in desk.text("chips")
        await desk.press("n")
        assert "no update tablet" in desk.text("chips")
        await desk.press("n")
        assert desk.text("chips") == ""

        assert asked_after(desk) == [
            ("force-204", {"on": True, "client": "tablet", "times": 1}),
            ("force-204", {"on": True, "client": "tablet"}),
            ("force-204", {"on": False, "client": "tablet"}),
        ]


async def test_n_tells_everyone_no_update_through_the_same_three_states() -> None:
    async with desk_on() as desk:
        await desk.press("N", "N", "N")

        assert asked_after(desk) == [
            ("force-204", {"on": True, "times": 1}),
            ("force-204", {"on": True}),
            ("force-204", {"on": False}),
        ]


async def test_m_makes_the_release_of_the_selection_mandatory_and_takes_that_back() -> None:
    async with desk_on() as desk:
        await desk.press("m", "m")

        assert asked_after(desk) == [
            ("set-mandatory", {"on": True, "sequence": 3}),
            ("set-mandatory", {"on": False, "sequence": 3}),
        ]


async def test_shift_m_makes_every_offer_mandatory_and_says_so_as_a_chip() -> None:
    async with desk_on() as desk:
        await desk.press("M")
        assert "every offer mandatory" in desk.text("chips")
        await desk.press("M")
        assert desk.text("chips") == ""

        assert asked_after(desk) == [("set-mandatory", {"on": True}), ("set-mandatory", {"on": False})]


async def test_w_withholds_the_release_and_puts_it_back() -> None:
    async with desk_on() as desk:
        await desk.press("w")
        assert "3 withheld" in desk.text("chips")
        assert "w" in desk.text("chips").split()  # the key that undoes it stands beside it
        await desk.press("w")
        assert desk.text("chips") == ""

        assert asked_after(desk) == [("withhold", {"sequence": 3}), ("restore", {"sequence": 3})]


async def test_shift_w_pauses_the_channel_of_the_selection_and_resumes_it() -> None:
    async with desk_on() as desk:
        await desk.press("W")
        assert "production paused" in desk.text("chips")
        assert "paused" in line_with(desk, "1.0.0-ota.3")
        await desk.press("W")
        assert desk.text("chips") == ""

        assert asked_after(desk) == [
            ("pause-channel", {"channel": "production"}),
            ("resume-channel", {"channel": "production"}),
        ]


async def test_z_clears_what_is_set_for_the_client_and_then_says_that_nothing_is() -> None:
    async with desk_on() as desk:
        await desk.press("n", "n", "z")
        assert asked_after(desk, 2) == [("force-204", {"on": False, "client": "tablet"})]

        await desk.press("z")
        assert asked_after(desk, 3) == []
        assert "nothing is set for tablet alone" in desk.toasts[-1]
        assert "Z clears" in desk.toasts[-1]


async def test_shift_z_clears_everything_that_is_armed() -> None:
    async with desk_on() as desk:
        await desk.press("N", "M", "Z")

        assert asked_after(desk, 2) == [("clear-overrides", {})]
        assert desk.text("chips") == ""


async def test_shift_z_with_nothing_armed_says_so_and_asks_for_nothing() -> None:
    async with desk_on() as desk:
        await desk.press("Z")

        assert asked_after(desk) == []
        assert "no forced 204" in desk.toasts[-1]


async def test_shift_j_asks_before_it_jumps_past_a_client_that_is_ahead() -> None:
    ahead = checked("old phone", sequence=40, at=later(1), reason="client-ahead", args={"newest": 4})
    async with desk_on(busy(ahead)) as desk:
        await desk.press("J")
        assert on_screen(desk.app) == "ConfirmCommand"
        assert "old phone is at 40" in desk.screen
        assert asked_after(desk) == []

        await desk.press("y")
        assert on_screen(desk.app) == HOME
        assert asked_after(desk) == [("jump-sequence", {"to": 41})]


async def test_shift_j_with_nobody_ahead_asks_where_to_and_goes_there() -> None:
    async with desk_on() as desk:
        await desk.press("J")
        assert on_screen(desk.app) == "CommandForm"
        await desk.press("9", "enter")
        # No sequence is ever given twice: that is said once, in the form itself, with whose answers change.
        assert on_screen(desk.app) == "CommandForm"
        assert "It can't be taken back. Enter once more does it." in desk.screen
        assert asked_after(desk) == []
        await desk.press("enter")

        assert asked_after(desk) == [("jump-sequence", {"to": 9})]


async def test_p_publishes_and_says_what_the_server_said_to_it() -> None:
    async with desk_on() as desk:
        await desk.press("p")

        assert [name for name, _ in asked_after(desk)] == ["publish"]
        assert "nothing to publish" in desk.toasts[-1]


async def test_r_offers_the_release_again_under_the_next_sequence() -> None:
    async with desk_on() as desk:
        await desk.press("r")

        assert asked_after(desk) == [("reoffer", {"sequence": 3})]
        assert desk.text("way").startswith(" 5 ▸ re-offered 3")


async def test_b_asks_before_it_rolls_back_and_esc_leaves_everything_as_it_is() -> None:
    async with desk_on() as desk:
        await desk.press("1", "G", "b")
        assert on_screen(desk.app) == "ConfirmCommand"
        await desk.press("escape")
        assert on_screen(desk.app) == HOME
        assert asked_after(desk) == []

        await desk.press("b", "y")
        assert [name for name, _ in asked_after(desk)] == ["roll-back-to"]


async def test_b_on_the_newest_release_says_what_to_select_instead() -> None:
    async with desk_on() as desk:
        await desk.press("b")

        assert on_screen(desk.app) == HOME
        assert "release 3 is the newest of production already" in desk.toasts[-1]


async def test_the_promote_key_asks_for_a_channel_and_sends_what_was_typed() -> None:
    async with desk_on() as desk:
        await desk.press("greater_than_sign")
        assert "promote" in desk.screen
        await desk.press(*"nightly", "enter")
        assert "nightly does not exist: it will be made. Enter once more does it." in desk.screen
        assert asked_after(desk) == []
        await desk.press("enter")

        assert asked_after(desk) == [("promote", {"sequence": 3, "channel": "nightly"})]
        assert desk.app.mirror.controls.releases[5].channel == "nightly"


async def test_e_opens_what_the_release_says_and_sends_only_what_was_changed() -> None:
    async with desk_on() as desk:
        await desk.press("e", *"hello", "enter")

        assert asked_after(desk) == [("edit-release", {"sequence": 3, "notes": "hello"})]


async def test_c_shows_one_channel_after_the_other_and_then_all_of_them() -> None:
    async with desk_on() as desk:
        await desk.press("c")
        assert "c beta" in desk.text("tabs")
        assert "No client asks for channel beta." in desk.screen
        await desk.press("c")
        assert "c production" in desk.text("tabs")
        assert "Releases 3" in desk.text("tabs")
        await desk.press("c")
        assert "production" not in desk.text("tabs")
        assert "Releases 4" in desk.text("tabs")
        assert asked_after(desk) == []


async def test_t_lets_builds_go_to_the_channel_that_is_shown() -> None:
    async with desk_on() as desk:
        await desk.press("c", "t")

        assert asked_after(desk) == [("set-build-channel", {"channel": "beta"})]
        assert "builds → beta" in desk.text("header")


async def test_the_note_key_asks_for_a_text_which_then_stands_between_the_check_ins() -> None:
    async with desk_on() as desk:
        await desk.press("semicolon", *"QA", "enter")

        assert asked_after(desk) == [("annotate", {"text": "QA"})]
        assert "— QA" in desk.screen


async def test_a_key_that_looks_opens_its_screen_and_asks_for_no_change() -> None:
    looks = {
        "u": ("AddressesScreen", "http://127.0.0.1:3333/api/ota/{{current_sequence}}"),
        "y": ("CopyScreen", "public key"),
        "question_mark": ("HelpScreen", "Go on counting above a client"),
        "enter": ("ExchangeScreen", "tablet"),
        "colon": ("CommandPalette", "no update"),
        "ctrl+p": ("CommandPalette", "no update"),
    }
    async with desk_on() as desk:
        for key, (screen, says) in looks.items():
            await desk.press(key)
            assert on_screen(desk.app) == screen
            assert says in desk.screen
            await desk.press("escape")
            assert on_screen(desk.app) == HOME
        assert asked_after(desk) == []


async def test_the_numbers_go_to_the_panes_and_enter_opens_what_is_selected_there() -> None:
    async with desk_on() as desk:
        opened = {}
        for key in ("1", "2", "3"):
            await desk.press(key, "enter")
            opened[key] = on_screen(desk.app)
            await desk.press("q")

        assert opened == {"1": "ReleaseScreen", "2": "ClientScreen", "3": "ExchangeScreen"}


async def test_tab_goes_round_the_panes_and_shift_tab_goes_back() -> None:
    async with desk_on() as desk:
        seen = []
        for key in ("tab", "tab", "tab", "shift+tab"):
            await desk.press(key)
            seen.append(desk.app.looking.pane)
            assert desk.app.focused is not None
            assert desk.app.focused.id == desk.app.looking.pane

        assert seen == ["releases", "clients", "checks", "clients"]


async def test_the_layout_key_shows_one_pane_alone_and_then_all_of_them_again() -> None:
    async with desk_on() as desk:
        assert "1.0.0-ota.4" in desk.screen
        await desk.press("minus")
        assert "1.0.0-ota.4  " not in desk.screen.partition("Releases")[2]
        await desk.press("1")
        assert "1.0.0-ota.4  beta" in desk.screen
        await desk.press("minus")
        assert "tablet" in desk.screen


async def test_slash_filters_while_it_is_typed_enter_keeps_it_and_esc_takes_it_away() -> None:
    async with desk_on() as desk:
        await desk.press("slash", *"client:pix")
        assert "/ client:pix" in desk.text("tabs")
        assert [row.client for row in desk.app.view().rows] == ["phone"]
        await desk.press("enter", "n")
        assert asked_after(desk) == [("force-204", {"on": True, "client": "phone", "times": 1})]
        await desk.press("escape")
        assert "/ client:pix" in desk.text("tabs")  # what n led to is put away first
        await desk.press("escape")
        assert "/ client" not in desk.text("tabs")


async def test_keys_that_are_typed_into_the_filter_ask_for_nothing() -> None:
    async with desk_on() as desk:
        await desk.press("slash", *"nmwzNMWZJprbqtcF")

        assert asked_after(desk) == []
        assert on_screen(desk.app) == HOME
        assert desk.app.looking.filter == "nmwzNMWZJprbqtcF"
        await desk.press("escape")
        assert desk.app.looking.filter == ""


async def test_f_holds_the_list_still_and_follows_it_again() -> None:
    async with desk_on() as desk:
        await desk.press("F")
        await desk.happens(checked("late", at=later(5)))
        assert "F paused, 1 new" in desk.text("tabs")
        assert "late" not in [row.client for row in desk.app.view().rows]
        await desk.press("F")
        assert "F following" in desk.text("tabs")
        assert desk.app.view().rows[0].client == "late"


async def test_j_k_g_and_shift_g_move_the_selection_and_why_goes_with_it() -> None:
    async with desk_on() as desk:
        seen: list[Any] = []
        for key in ("j", "k", "G", "g"):
            await desk.press(key)
            seen.append(getattr(desk.app.view().row, "client", None))

        assert seen == ["phone", "tablet", None, "tablet"]


async def test_k_above_the_first_row_follows_again() -> None:
    async with desk_on() as desk:
        await desk.press("j")
        assert not desk.app.view().following
        await desk.press("k", "k")
        assert desk.app.view().following


async def test_two_keys_in_a_row_count_from_what_is_pending() -> None:
    control = busy()
    async with desk_on(control) as desk:
        control.hold()
        await desk.press("n", "n")
        assert "no update tablet…" in desk.text("chips")
        control.go_on()
        await desk.rests()

        assert asked_after(desk) == [
            ("force-204", {"on": True, "client": "tablet", "times": 1}),
            ("force-204", {"on": True, "client": "tablet"}),
        ]
        assert "…" not in desk.text("chips")


async def test_a_key_that_is_chosen_in_the_palette_does_what_it_does_when_it_is_pressed() -> None:
    async with desk_on() as desk:
        await desk.press("colon", *"addresses", "enter")
        assert on_screen(desk.app) == "AddressesScreen"
        await desk.press("escape", "colon", *"no update for all", "enter")
        assert asked_after(desk) == [("force-204", {"on": True, "times": 1})]


async def test_a_key_acts_on_the_client_that_was_on_the_screen_and_not_on_one_that_came_since() -> None:
    async with desk_on() as desk:
        desk.app.frames.every = 1_000.0  # nothing is painted by itself any more
        desk.control.happens(checked("newcomer", at=later(5)))
        await desk.pilot.pause()
        assert "newcomer" in desk.app.mirror.clients
        assert "newcomer" not in desk.screen

        await desk.pilot.press("n")
        await desk.rests()
        assert asked_after(desk) == [("force-204", {"on": True, "client": "tablet", "times": 1})]
        assert getattr(desk.app.view().row, "client", None) == "tablet"
