"""A dashboard in this process on a real server: its keys are pressed, and what it shows is waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from hotswap_dev import wire
from hotswap_dev.client.live import LiveControl
from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.dashboard.selectors import chips
from hotswap_dev.dashboard.spans import plain
from hotswap_dev.dashboard.widgets.bar import Bar
from tests.dashboard.scripted import screen_text

PATIENCE = 20.0
"""Seconds after which a test stops waiting for what should have come at once."""

_LOOK = 0.002


class Attached:
    """A running dashboard as a test holds it. Nothing here waits for a time, only for what is to be seen."""

    def __init__(self, app: Dashboard, pilot: Pilot[int]) -> None:
        self.app = app
        self._pilot = pilot

    async def press(self, key: str) -> None:
        """Press a key; what comes of it is to be waited for."""
        await self._pilot.press(key)

    @property
    def screen(self) -> str:
        """The text on the whole screen, line by line."""
        return screen_text(self.app)

    def bar(self, name: str) -> str:
        """What a bar of the main screen says now: header, way, chips, tabs, why or foot."""
        return "\n".join(plain(line) for line in self.app.screen.query_one(f"#{name}", Bar)._lines)

    @property
    def is_painted(self) -> bool:
        """Whether what is armed stands on the screen as it is known now."""
        return self.bar("chips") == plain(chips(self.app.view(), self.app.size.width))

    async def until(self, holds: Callable[[], bool], what: str) -> float:
        """Wait until it holds; the seconds that it took. AssertionError with the screen if it never does."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < PATIENCE, f"{what}: not within {PATIENCE:.0f} s\n{self.screen}"
            await asyncio.sleep(_LOOK)
        return time.monotonic() - began

    async def shows(self, *texts: str) -> float:
        """Wait until all of these are on the screen; the seconds that it took."""
        return await self.until(
            lambda: all(text in self.screen for text in texts), f"{' and '.join(map(repr, texts))} shown"
        )

    async def says(self, name: str, text: str) -> float:
        """Wait until a bar says just this, apart from what stands at its right end; the seconds that it took."""
        return await self.until(lambda: said(self.bar(name)) == text, f"{name} says {text!r}")

    async def knows(self, state: wire.State) -> float:
        """Wait until it knows this state and waits for nothing that it asked for; the seconds that it took."""
        return await self.until(
            lambda: self.agrees_with(state) and not self.app.view().pending, "what the server has"
        )

    def agrees_with(self, state: wire.State) -> bool:
        """Whether it knows exactly what the server says: every client with all its counts, controls, builds."""
        mirror = self.app.mirror
        return (
            (mirror.instance, mirror.revision) == (state.instance, state.revision)
            and mirror.controls == state.controls
            and mirror.builds == state.builds
            and list(mirror.clients.values()) == list(state.clients)
        )


def said(bar: str) -> str:
    """The left part of a bar, without its margin: chips and panes have three columns between them, no more."""
    return bar.strip().partition(" " * 4)[0]


@asynccontextmanager
async def attached_to(
    address: str, token: str, *, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Attached]:
    """A dashboard on the control site at this address, with its own clock and its own pace, connected and painted."""
    app = Dashboard(LiveControl(lambda: (address, token)))
    async with app.run_test(size=size) as pilot:
        desk = Attached(app, pilot)
        await desk.until(lambda: app.feed.link.state == "live" and bool(desk.bar("tabs")), "connected")
        yield desk
