"""Every screen over the main one as it looks: dark on a small terminal, light on a large one.

A change of the look is a change of these files: `pytest -m screens --snapshot-update` with this file writes them, and
their difference shows what moved.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import CheckAnswered, Observation
from tests.dashboard.desks import RememberingControl, on_screen
from tests.dashboard.details import an_about, an_exchange
from tests.dashboard.scripted import Desk, dashboard_on
from tests.dashboard.test_snapshots import DARK, LIGHT, after, picture
from tests.dashboard.views import ABOUT, Scene, a_morning

pytestmark = [pytest.mark.screens, pytest.mark.usefixtures("universal_time")]

SMALL, LARGE = (80, 24), (120, 36)
Dress = tuple[str, tuple[int, int]]
DRESSES: tuple[Dress, ...] = ((DARK, SMALL), (LIGHT, LARGE))

NOT_KEPT = ServerRefused(
    {"title": "not-kept", "detail": "no exchange is kept", "hint": "look elsewhere"}, 404
)


class Remembering(RememberingControl):
    """A server that answers what a page asks for: checks from its history, each with its exchange, and release 14."""

    def __init__(self, scene: Scene, about: wire.About) -> None:
        super().__init__(Controls(build_channel="beta"), about=about)
        self.builds = Builds(dist="my-app/dist", app_version="0.4.1")
        self.now = scene.now
        self.answers |= {
            "/api/checks": self._checks,
            "/api/exchange": self._exchange,
            "/api/releases/14": lambda: a_release_page(self.recorded),
        }

    def _checks(self, *, client: str, limit: int) -> list[Any]:
        found = [one for one in reversed(self.recorded) if isinstance(one, CheckAnswered)]
        return [wire.plain(one) for one in found if one.client == client][:limit]

    def _exchange(self, *, client: str, at: str) -> dict[str, Any]:
        return next(
            the_exchange(one)
            for one in self.recorded
            if isinstance(one, CheckAnswered) and one.client == client and wire.stored_time(one.at) == at
        )


def the_exchange(check: CheckAnswered) -> dict[str, Any]:
    """What `GET /api/exchange` answers of an offer to a phone that has a header of its own."""
    asked = f"binary_version={check.binary_version}&platform={check.platform}&arch={check.arch}"
    site = "http://192.168.1.20:3333"
    manifest = {
        "version": f"0.4.1-ota.{check.offered}",
        "sequence": check.offered,
        "min_binary_version": "0.4.1",
        "url": f"{site}/bundles/0123456789/{check.offered}/8527a891.tar.gz",
        "signature": "untrusted comment: signature\nRUQf6LRCGA9i5xyz\ntrusted comment: t\nabc",
        "notes": "greets in 日本語",
        "bundle_size": 1_234_567,
    }
    return an_exchange(
        check, target=f"{check.path}?{asked}&channel={check.channel}", body=wire.encode(manifest).decode()
    )


def a_release_page(events: Sequence[Fact | Observation]) -> dict[str, Any]:
    """What `GET /api/releases/14` answers: files of each kind of change, two warnings, and who ran it when."""
    files: list[tuple[str, str, int | None, int | None]] = [
        ("assets/about-9f2c41d0.js", "added", None, 48_211),
        ("assets/fonts/inter-latin-wght-normal-Dx4kXJAl.woff2", "added", None, 48_256),
        ("assets/greeting-日本.json", "changed", 312, 344),
        ("assets/index-1b7aa0c3.js", "added", None, 412_604),
        ("assets/index-1b7aa0c3.js.map", "added", None, 1_822_310),
        ("assets/index-77d0c1fe.js", "removed", 398_120, None),
        ("assets/style-0c55ea12.css", "changed", 20_480, 21_007),
        ("index.html", "changed", 1_042, 1_044),
        *((f"assets/icons/icon-{number:02}.svg", "added", None, 600 + number) for number in range(6)),
    ]
    running: set[str] = set()
    points = []
    for one in events:
        if isinstance(one, CheckAnswered) and (one.sequence == 14) != (one.client in running):
            running ^= {one.client}
            points.append([wire.stored_time(one.at), len(running)])
    return {
        "compared_with": 13,
        "changes": [
            {"path": path, "change": change, "before": before, "after": size}
            for path, change, before, size in files
        ],
        "changes_missing": None,
        "counts": {"added": 10, "changed": 3, "removed": 1, "same": 31},
        "sizes": {"before": 902_114, "after": 2_839_500, "bundle_before": 311_020, "bundle_after": 1_234_567},
        "warnings": [
            {"code": "source-map", "path": "assets/index-1b7aa0c3.js.map", "detail": "a source map is in it"},
            {"code": "missing-reference", "path": "index.html", "detail": "assets/logo.svg is not there"},
        ],
        "adoption": {"points": points, "since": None},
    }


def a_rollout() -> Scene:
    """The morning, and then seven phones take release 14, of which two give it up again."""
    scene = a_morning()
    for number in range(7):
        phone = f"QA {number}"
        scene.later(9).asks(phone, 13).later(1).fetches(phone, 14).later(2).asks(phone, 14)
    return scene.later(20).asks("QA 2", 13).later(5).asks("QA 5", 13).later(40)


def a_held_back_client() -> Scene:
    """The morning, and then the iPad that fell back is pinned, and twice forced to hear of no update."""
    scene = a_morning().later(2).done(PinClient(client="ip", sequence=14)).later(1)
    scene.asks("ip", 8, platform="ios").later(1).done(Force204(on=True, client="ip", times=2)).later(1)
    return scene.asks("ip", 8, platform="ios").later(2)


@asynccontextmanager
async def desk_in(scene: Scene, *, about: wire.About = ABOUT) -> AsyncIterator[Desk]:
    """The dashboard in the dark on a small terminal, once all of the scene happened."""
    async with dashboard_on(Remembering(scene, about), size=SMALL, theme=DARK) as desk:
        await after(desk, scene)
        yield desk


async def looks(
    desk: Desk,
    screen: str,
    snapshot: SnapshotAssertion,
    name: str = "",
    *,
    dresses: Sequence[Dress] = DRESSES,
    to_its_end: bool = False,
) -> None:
    """This screen is open and looks as it did in each dress, the one first that it wears already.

    `to_its_end`: on a small terminal the end of its page too.
    """
    assert on_screen(desk.app) == screen
    for theme, size in sorted(dresses, key=lambda dress: dress[0] != desk.app.theme):
        await dressed(desk, theme, size)
        called = "-".join(filter(None, (name, f"{size[0]}x{size[1]}", theme)))
        drawn = picture(desk.app)
        assert drawn == snapshot(name=called)
        if to_its_end and size == SMALL:
            await desk.press("G")
            drawn = picture(desk.app)
            assert drawn == snapshot(name=f"{called}-its-end")
            await desk.press("g")


async def dressed(desk: Desk, theme: str, size: tuple[int, int]) -> None:
    """The same screen in other colours and with another size."""
    for field in desk.app.screen.query(Input).results():
        field.cursor_blink = False  # whether it is on is a matter of the processor's speed
    if (desk.app.theme, desk.app.size) != (theme, size):
        desk.app.theme = theme
        await desk.pilot.resize_terminal(*size)
    asking = [one for one in desk.app.workers if one.node is desk.app.screen]
    if asking:  # Textual waits for all that there are where it is given none
        await desk.app.workers.wait_for_complete(asking)
    await desk.rests()


async def test_an_exchange(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_morning()) as desk:
        await desk.press("j", "j", "j", "enter")
        await looks(desk, "ExchangeScreen", snapshot, "kept", to_its_end=True)

        desk.control.answers["/api/exchange"] = NOT_KEPT
        await desk.press("escape", "enter")
        await looks(desk, "ExchangeScreen", snapshot, "not-kept")


async def test_a_release(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_rollout()) as desk:
        await desk.press("1", "enter")
        await looks(desk, "ReleaseScreen", snapshot, to_its_end=True)


async def test_a_client_that_fell_back_and_is_pinned_and_forced(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_held_back_client()) as desk:
        await desk.press("2", "enter")
        await looks(desk, "ClientScreen", snapshot, to_its_end=True)


async def test_the_addresses_on_loopback(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_morning()) as desk:
        await desk.press("u")
        await looks(desk, "AddressesScreen", snapshot)


async def test_the_addresses_on_the_network(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_morning(), about=an_about()) as desk:
        await desk.press("u")
        await looks(desk, "AddressesScreen", snapshot)


async def test_the_copy_menu_and_help(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_morning()) as desk:
        await desk.press("y")
        await looks(desk, "CopyScreen", snapshot, "copy")

        await desk.press("escape", "question_mark")
        await looks(desk, "HelpScreen", snapshot, "help")


async def test_a_form_and_a_question(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_morning()) as desk:
        await desk.press("1", "greater_than_sign")
        await looks(desk, "CommandForm", snapshot, "form")

        await desk.press("escape", "j", "j", "b")
        await looks(desk, "ConfirmCommand", snapshot, "question")


async def test_a_rollout_with_its_targets_and_its_preview(snapshot: SnapshotAssertion) -> None:
    scene = a_morning().saved(15).asks("px", 14).asks("ip", 8, platform="ios")
    async with desk_in(scene) as desk:
        await desk.press("1", "percent_sign", "left", "left")
        await looks(desk, "RolloutScreen", snapshot, "rollout")

        await desk.press("tab", "tab", *"andr")
        await looks(desk, "RolloutScreen", snapshot, "wrong")


async def test_a_release_that_is_rolled_out_with_a_fault_armed(snapshot: SnapshotAssertion) -> None:
    scene = a_morning().saved(15).done(SetRollout(sequence=15, percent=25.0))
    scene.done(SetTargets(sequence=15, platforms=("android", "ios")))
    scene.done(ArmFault(fault="download/http-error", client="px", times=2))
    async with desk_in(scene) as desk:
        await desk.press("1")
        await looks(desk, "MainScreen", snapshot)


async def test_the_palette(snapshot: SnapshotAssertion) -> None:
    async with desk_in(a_morning()) as desk:
        # Textual's own screen keeps the colours in which it was opened.
        for dress in DRESSES:
            await dressed(desk, *dress)
            await desk.press("colon", *"roll")
            await looks(desk, "CommandPalette", snapshot, dresses=(dress,))
            await desk.press("escape")
