"""`%` opens a release's rollout and targets: previewed with each letter, and what is sent is what was previewed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.screens.rollout import RolloutScreen, rollout_words
from hotswap_dev.dashboard.widgets.bar import Bar
from hotswap_dev.dashboard.widgets.harmless_input import HarmlessInput
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import ClientNamed, RolloutSet, TargetsSet
from hotswap_dev.domain.model import Targets
from hotswap_dev.domain.preview import changes
from hotswap_dev.domain.rollout import bucket
from hotswap_dev.errors import HotswapError
from tests.dashboard.desks import RefusingControl, asked_after, desk_on, on_screen
from tests.dashboard.scripted import Desk, ScriptedControl
from tests.unit.making import NOW, a_release, an_answered_check, controls_with

pytestmark = pytest.mark.screens

PHONES = tuple(f"phone-{number}" for number in range(8))


def a_server(*clients: str, control: ScriptedControl | None = None, **release: Any) -> ScriptedControl:
    """Releases 1 to 3, the newest as the test says; clients that have 2, half of them on android."""
    made = ScriptedControl() if control is None else control
    made.controls = controls_with(a_release(1), a_release(2), replace(a_release(3), **release))
    made.happens(ClientNamed(at=NOW, client="phone-3", name="Pixel"))
    for number, client in enumerate(clients or PHONES):
        made.happens(an_answered_check(client, sequence=2, platform=("android", "ios")[number % 2]))
    return made


@asynccontextmanager
async def rollout_of_3(
    control: ScriptedControl | None = None, *, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Desk]:
    """The dashboard, with the rollout of the newest release open."""
    async with desk_on(a_server() if control is None else control, size=size) as desk:
        await desk.press("1", "percent_sign")
        assert on_screen(desk.app) == "RolloutScreen"
        yield desk


async def types(desk: Desk, text: str) -> None:
    await desk.press(*({"%": "percent_sign", ",": "comma", ">": "greater_than_sign", "<": "less_than_sign",
                        "=": "equals_sign", ".": "full_stop", " ": "space", "-": "minus"}.get(one, one)
                       for one in text))  # fmt: skip


def field(desk: Desk, name: str) -> HarmlessInput:
    return desk.app.screen.query_one(f"#field-{name}", HarmlessInput)


def inside(percent: float) -> int:
    return sum(bucket(one, 3) < percent for one in PHONES)


async def test_it_opens_with_what_is_so_today_and_sends_nothing_where_that_stays() -> None:
    release: dict[str, Any] = {
        "percent": 25.0,
        "always": ("phone-3",),
        "targets": Targets(platforms=("android",)),
    }
    async with rollout_of_3(a_server(**release)) as desk:
        assert [field(desk, name).value for name in ("percent", "always", "platforms")] == [
            "25", "Pixel", "android",
        ]  # fmt: skip
        assert "1.0.0-ota.3 on production, now rolled out to 25 %" in desk.screen
        assert "nothing changes: it is so already" in desk.screen

        await desk.press("enter")
        assert asked_after(desk) == []
        assert desk.toasts[-1].startswith("nothing to do")


async def test_a_percent_is_previewed_while_it_is_typed_and_sent_as_it_was_previewed() -> None:
    async with rollout_of_3() as desk:
        await types(desk, "50")
        within = inside(50)
        assert f"{within} of 8 clients; " in desk.screen
        assert " flips in at " in desk.screen
        assert f"{8 - within} clients get another answer" in desk.screen
        assert "offer 3" in desk.screen
        assert "no update: not-in-rollout" in desk.screen
        assert asked_after(desk) == []

        await desk.press("enter")
        assert asked_after(desk) == [("set-rollout", {"sequence": 3, "percent": 50.0, "always": ()})]
        assert desk.control.controls.releases[3].percent == 50
        assert on_screen(desk.app) == "MainScreen"


async def test_the_preview_is_what_the_server_then_says_that_it_did() -> None:
    async with rollout_of_3() as desk:
        await types(desk, "25")
        screen = desk.app.screen
        assert isinstance(screen, RolloutScreen)
        assert screen._outlook is not None
        foretold = {one.client: (one.before, one.after) for one in screen._outlook.changes}
        before = desk.control.controls

        await desk.press("enter")
        clients = list(desk.control.clients.values())
        really = changes(before, desk.control.controls, clients, NOW)
        assert {one.client: (one.before, one.after) for one in really} == foretold


async def test_arrows_go_through_the_usual_percents_and_signs_by_one() -> None:
    async with rollout_of_3() as desk:
        percents = []
        for key in ("left", "left", "left", "plus", "minus", "minus", "right", "right"):
            await desk.press(key)
            percents.append(field(desk, "percent").value)

        assert percents == ["50", "25", "10", "11", "10", "9", "10", "25"]
        assert "[25]" in desk.screen


async def test_what_is_typed_after_an_arrow_takes_its_place() -> None:
    async with rollout_of_3() as desk:
        await desk.press("left")
        await types(desk, "7.5")

        assert field(desk, "percent").value == "7.5"


async def test_a_percent_that_is_clicked_is_taken() -> None:
    async with rollout_of_3() as desk:
        steps = desk.app.screen.query_one("#steps", Bar)
        at = "".join(span.text for span in steps._lines[0]).index("10")
        await desk.pilot.click(steps, offset=(at + 2, 0))
        await desk.rests()

        assert field(desk, "percent").value == "10"
        assert "[10]" in desk.screen


async def test_targets_are_previewed_and_sent_with_what_nobody_touched() -> None:
    async with rollout_of_3(a_server(targets=Targets(arches=("x86_64",)))) as desk:
        await desk.press("tab", "tab")
        await types(desk, "android")
        assert "4 of 4 clients" in desk.screen
        assert "4 clients get another answer" in desk.screen
        await desk.press("enter")

        assert desk.control.controls.releases[3].targets == Targets(
            platforms=("android",), arches=("x86_64",)
        )
        assert [name for name, _ in asked_after(desk)] == ["set-targets"]


async def test_both_are_sent_in_the_order_that_offers_nobody_too_much() -> None:
    async with rollout_of_3(a_server(percent=10.0)) as desk:
        await types(desk, "50")
        await desk.press("tab", "tab")
        await types(desk, "ios")
        await desk.press("enter")

        assert [name for name, _ in asked_after(desk)] == ["set-targets", "set-rollout"]
        assert len(desk.toasts) == 2


async def test_a_platform_is_completed_as_it_is_typed() -> None:
    async with rollout_of_3() as desk:
        await desk.press("tab", "tab")
        await types(desk, "and")
        await desk.press("right")
        await types(desk, ", i")
        await desk.press("right")

        assert field(desk, "platforms").value == "android, ios"


async def test_what_can_not_be_meant_stands_below_its_field_and_is_not_sent() -> None:
    async with rollout_of_3() as desk:
        await desk.press("tab", "tab", "tab", "tab")
        await types(desk, "0.4")
        assert "'0.4' is no range of versions (such as >=0.4,<0.6" in desk.screen
        await desk.press("shift+tab", "enter")
        assert asked_after(desk) == []
        assert desk.app.screen.focused is field(desk, "binary_versions")

        field(desk, "binary_versions").value = ""
        await types(desk, ">=0.4,<0.6")
        await desk.press("enter")
        assert desk.control.controls.releases[3].targets == Targets(binary_versions=">=0.4,<0.6")


@pytest.mark.parametrize("way", ["escape", "click"])
async def test_it_is_left_with_everything_as_it_was(way: str) -> None:
    async with rollout_of_3() as desk:
        await types(desk, "50")
        if way == "click":
            keys = desk.app.screen.query_one("#keys", Bar)
            await desk.pilot.click(keys, offset=(16, 0))
        else:
            await desk.press("escape")
        await desk.rests()

        assert on_screen(desk.app) == "MainScreen"
        assert asked_after(desk) == []
        assert desk.toasts == []


async def test_a_client_that_comes_while_it_is_open_is_counted_in() -> None:
    async with rollout_of_3() as desk:
        await types(desk, "0")
        assert "0 of 8 clients" in desk.screen

        desk.clock.passes(2)
        await desk.happens(an_answered_check("late", sequence=2))
        assert "0 of 9 clients" in desk.screen
        assert "9 clients get another answer" in desk.screen


async def test_what_somebody_else_sets_meanwhile_stands_in_what_nobody_touched() -> None:
    async with rollout_of_3() as desk:
        await desk.press("tab", "tab")
        await types(desk, "ios")
        await desk.happens(
            RolloutSet(at=NOW, sequence=3, percent=10.0),
            TargetsSet(at=NOW, sequence=3, targets=Targets(platforms=("linux",), arches=("arm",))),
        )
        assert [field(desk, name).value for name in ("percent", "platforms", "arches")] == [
            "10",
            "ios",
            "arm",
        ]

        await desk.press("enter")
        assert asked_after(desk) == [
            ("set-targets", {"sequence": 3, "platforms": ("ios",), "arches": ("arm",), "clients": ()})
        ]


async def test_of_two_commands_the_second_is_not_sent_where_the_first_is_refused() -> None:
    refusal = HotswapError("the disk is full", "make room", code="storage")
    async with rollout_of_3(a_server(control=RefusingControl(refusal=refusal))) as desk:
        await types(desk, "50")
        await desk.press("tab", "tab")
        await types(desk, "ios")
        await desk.press("enter")

        assert len(asked_after(desk)) == 1
        assert desk.app.view().pending == ()
        assert "the disk is full" in desk.toasts[-1]


async def test_where_another_server_has_no_such_release_it_says_so_and_sends_nothing() -> None:
    async with rollout_of_3() as desk:
        await types(desk, "50")
        desk.control.goes_away()
        desk.control.controls = Controls()
        desk.control.comes_back()
        await desk.rests()
        assert "Release 3 is not there any more." in desk.screen

        await desk.press("enter")
        assert on_screen(desk.app) == "MainScreen"
        assert asked_after(desk) == []


async def test_from_a_check_in_that_was_left_out_it_is_about_the_release_that_leaves_it_out() -> None:
    control = a_server("tablet", percent=0.0)
    async with desk_on(control) as desk:
        await desk.happens(an_answered_check("tablet", sequence=1))
        await desk.press("3", "percent_sign")

        assert "rollout and targets of 3" in desk.screen
        assert "Without it: 2 for tablet." in desk.screen


async def test_it_opens_from_the_page_of_a_release_too() -> None:
    async with desk_on(a_server()) as desk:
        await desk.press("1", "j", "enter", "percent_sign")

        assert on_screen(desk.app) == "RolloutScreen"
        assert "rollout and targets of 2" in desk.screen


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (60, 20), (40, 16)])
@pytest.mark.parametrize("typed", ["", "10", "nonsense"])
async def test_frame_fields_preview_and_keys_stand_on_any_terminal(size: tuple[int, int], typed: str) -> None:
    async with rollout_of_3(size=size) as desk:
        await types(desk, typed)
        rows = desk.screen.splitlines()

        assert any("rollout and targets of 3" in row for row in rows)
        assert any("percent" in row for row in rows)
        assert any("of 8 clients" in row for row in rows)
        assert any("enter send   esc leave" in row for row in rows)
        assert sum("╰" in row for row in rows) == 1


HOSTILE = (
    "[@click=app.leave]x[/]",
    "a,b",
    'say "hi"',
    "-x",
    "''",
    "李雷的手机",
    "x" * 128,
    "none",
)


async def test_C1_ids_of_clients_are_text_in_fields_and_preview_and_are_sent_as_they_are() -> None:
    control = a_server(*HOSTILE, always=HOSTILE, targets=Targets(clients=HOSTILE))
    async with rollout_of_3(control, size=(80, 24)) as desk:
        assert "8 of 8 clients" in desk.screen
        await types(desk, "0")
        assert "nothing changes" not in desk.screen
        field(desk, "always").value = ""
        field(desk, "clients").value += ", new"
        await desk.rests()
        assert "8 clients get another answer" in desk.screen
        assert "[@click=app.leave]x[/]" in desk.screen or "and 2 more" in desk.screen
        await desk.press("enter")

        assert on_screen(desk.app) == "MainScreen"
        assert asked_after(desk) == [
            ("set-rollout", {"sequence": 3, "percent": 0.0, "always": ()}),
            ("set-targets", {"sequence": 3, "platforms": (), "arches": (), "clients": (*HOSTILE, "new")}),
        ]


async def test_where_the_terminal_has_no_utf8_it_is_drawn_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with rollout_of_3(size=(80, 24)) as desk:
        await types(desk, "10")

        drawn = "\n".join(row for row in desk.screen.splitlines() if "|" in row)
        assert "of 8 clients" in drawn
        assert drawn.isascii(), drawn


def test_what_it_sends_has_words_while_it_is_pending() -> None:
    assert rollout_words(SetRollout(sequence=3, percent=12.5)) == "release 3 to 12.5 %"
    assert rollout_words(SetTargets(sequence=3)) == "targets of release 3"
