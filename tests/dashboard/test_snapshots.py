"""The main screen as it looks: its text, and below it a letter for each cell's style, explained at the end.

A change of the look is a change of these files: `pytest --snapshot-update tests/dashboard/test_snapshots.py` writes
them, and their difference shows what moved.
"""

from __future__ import annotations

import asyncio

import pytest
from rich.cells import cell_len
from rich.style import Style
from syrupy.assertion import SnapshotAssertion

from hotswap_dev import wire
from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.commands.channels import PauseChannel
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.observations import BuildRefused, BuildStarted, Noticed
from tests.dashboard.scripted import Desk, ScriptedControl, dashboard_on
from tests.dashboard.views import ABOUT, Scene, a_morning
from tests.unit.making import NOW

pytestmark = [pytest.mark.screens, pytest.mark.usefixtures("universal_time")]

DARK, LIGHT = "hotswap-dark", "hotswap-light"
_LETTERS = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Holding(ScriptedControl):
    """A server that can be slow to say its state."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(Controls(build_channel="beta"), about=ABOUT)
        self.builds = Builds(dist="my-app/dist", app_version="0.4.1")
        self.now = scene.now
        self.says_its_state = asyncio.Event()
        self.says_its_state.set()

    async def state(self) -> wire.State:
        await self.says_its_state.wait()
        return await super().state()


async def after(desk: Desk, scene: Scene) -> None:
    """All of the scene happened."""
    desk.clock.time = scene.now
    await desk.happens(*scene.told)


def picture(app: Dashboard) -> str:
    """The screen as text, and how each of its cells looks."""
    strips = app.screen._compositor.render_strips()
    base = app.screen.rich_style
    letters: dict[str, str] = {_said(base): "."}
    looks: list[str] = []
    for strip in strips:
        drawn = []
        for segment in strip:
            said = _said(base + (segment.style or Style.null()))
            letter = letters.setdefault(said, _LETTERS[min(len(letters), len(_LETTERS) - 1)])
            drawn.append(letter * cell_len(segment.text))
        looks.append("".join(drawn).rstrip("."))
    text = "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
    legend = "\n".join(f"{letter}  {said}" for said, letter in letters.items())
    return f"{text}\n\n{chr(10).join(looks)}\n\n{legend}\n"


def _said(style: Style) -> str:
    """A style in words, without what is not seen."""
    marks = [name for name in ("bold", "dim", "italic", "underline", "reverse") if getattr(style, name)]
    ink = style.color.name if style.color else "default"
    return " ".join([*marks, ink, "on", style.bgcolor.name if style.bgcolor else "default"])


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_main_screen(size: tuple[int, int], theme: str, snapshot: SnapshotAssertion) -> None:
    scene = a_morning()
    async with dashboard_on(Holding(scene), size=size, theme=theme) as desk:
        await after(desk, scene)
        assert picture(desk.app) == snapshot


@pytest.mark.parametrize("theme", [DARK, LIGHT])
async def test_everything_armed(theme: str, snapshot: SnapshotAssertion) -> None:
    scene = a_morning().done(Withhold(sequence=14)).done(PinClient(client="em", sequence=12))
    scene.done(Force204(on=True, times=2)).later(1).asks("px", 12).done(PauseChannel(channel="beta"))
    control = Holding(scene)
    async with dashboard_on(control, theme=theme) as desk:
        await after(desk, scene)
        control.hold()
        await desk.press("1", "M")
        assert picture(desk.app) == snapshot
        control.go_on()


@pytest.mark.parametrize("pane", ["1", "2"])
async def test_the_other_panes_where_there_is_room_for_one(pane: str, snapshot: SnapshotAssertion) -> None:
    scene = a_morning()
    async with dashboard_on(Holding(scene), size=(80, 24), theme=DARK) as desk:
        await after(desk, scene)
        await desk.press(pane)
        assert picture(desk.app) == snapshot


@pytest.mark.parametrize("theme", [DARK, LIGHT])
class TestEveryStateHasItsLook:
    """Design §8: starting, building, build refused, disconnected, reconnecting, gap, server gone, nothing yet."""

    SIZE = (80, 24)

    async def test_starting(self, theme: str, snapshot: SnapshotAssertion) -> None:
        control = Holding(Scene())
        control.says_its_state.clear()
        async with dashboard_on(control, size=self.SIZE, theme=theme) as desk:
            assert picture(desk.app) == snapshot

    async def test_no_server_yet(self, theme: str, snapshot: SnapshotAssertion) -> None:
        control = Holding(Scene())
        control.answers_again.clear()
        async with dashboard_on(control, size=self.SIZE, theme=theme) as desk:
            assert picture(desk.app) == snapshot

    async def test_nothing_yet(self, theme: str, snapshot: SnapshotAssertion) -> None:
        async with dashboard_on(Holding(Scene()), size=self.SIZE, theme=theme) as desk:
            assert picture(desk.app) == snapshot

    async def test_building(self, theme: str, snapshot: SnapshotAssertion) -> None:
        scene = a_morning().later(3).happens(BuildStarted(at=NOW, path="my-app/dist"))
        async with dashboard_on(Holding(scene), size=self.SIZE, theme=theme) as desk:
            await after(desk, scene)
            assert picture(desk.app) == snapshot

    async def test_waiting_for_the_folder(self, theme: str, snapshot: SnapshotAssertion) -> None:
        lacks = "there is no index.html at the top of dist"
        scene = a_morning().later(3)
        scene.happens(Noticed(at=NOW, level="info", code="no-index", message=lacks))
        async with dashboard_on(Holding(scene), size=self.SIZE, theme=theme) as desk:
            await after(desk, scene)
            assert picture(desk.app) == snapshot

    async def test_build_refused(self, theme: str, snapshot: SnapshotAssertion) -> None:
        refused = BuildRefused(
            at=NOW,
            code="no-index",
            detail="dist has no index.html",
            hint="build the frontend",
            path="index.html",
        )
        scene = a_morning().later(3).happens(refused)
        async with dashboard_on(Holding(scene), size=self.SIZE, theme=theme) as desk:
            await after(desk, scene)
            assert picture(desk.app) == snapshot

    async def test_disconnected_and_reconnecting(self, theme: str, snapshot: SnapshotAssertion) -> None:
        scene = a_morning()
        control = Holding(scene)
        async with dashboard_on(control, size=self.SIZE, theme=theme) as desk:
            await after(desk, scene)
            control.goes_away()
            await desk.rests()
            assert picture(desk.app) == snapshot

    async def test_gap(self, theme: str, snapshot: SnapshotAssertion) -> None:
        scene = a_morning()
        control = Holding(scene)
        async with dashboard_on(control, size=self.SIZE, theme=theme) as desk:
            await after(desk, scene)
            control.says_its_state.clear()
            control.forgets(5)
            await desk.rests()
            assert picture(desk.app) == snapshot

    async def test_server_gone(self, theme: str, snapshot: SnapshotAssertion) -> None:
        scene = a_morning()
        control = Holding(scene)
        async with dashboard_on(control, size=self.SIZE, theme=theme) as desk:
            await after(desk, scene)
            desk.app.feed._server_ended = lambda: "the server ended with code 1: the disk is gone"
            control.goes_away()
            await desk.rests()
            assert picture(desk.app) == snapshot


async def test_the_main_screen_without_colours(
    monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    scene = a_morning().done(Withhold(sequence=14))
    async with dashboard_on(Holding(scene), size=(80, 24), theme=DARK) as desk:
        await after(desk, scene)
        assert picture(desk.app) == snapshot


async def test_the_main_screen_in_ascii(snapshot: SnapshotAssertion) -> None:
    scene = a_morning()
    async with dashboard_on(Holding(scene), size=(80, 24), theme=DARK) as desk:
        desk.app.in_ascii = True
        await after(desk, scene)
        drawn = picture(desk.app)
        assert drawn.isascii()
        assert drawn == snapshot
