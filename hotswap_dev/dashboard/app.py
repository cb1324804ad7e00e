"""The dashboard: one server mirrored, one screen that draws it, and the keys that ask it to change.

It owns the clock, the mirror and what a person looks at; what is true comes from `feed`, what a key means from `keys`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import ClassVar, Literal

from msgspec.structs import replace
from textual.app import App
from textual.binding import Binding, BindingType
from textual.timer import Timer

from hotswap_dev.dashboard.acting import carry_out
from hotswap_dev.dashboard.ascii import in_ascii, wants_ascii
from hotswap_dev.dashboard.feed import Control, Feed
from hotswap_dev.dashboard.keys import plan
from hotswap_dev.dashboard.looking import Looking, asked_of_history, looked_at, staying_on
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.palette import PROVIDERS
from hotswap_dev.dashboard.screens.main import MainScreen
from hotswap_dev.dashboard.spans import line, plain
from hotswap_dev.dashboard.themes import DARK, LIGHT
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.text import shown

FRAME = 1 / 8
"""Seconds between two paintings: more often nobody reads, and each takes milliseconds (hardening C9)."""

INTERRUPTED = 130
"""How a process ends that Ctrl-C ended, whoever it was that read the key."""

_LONGEST_TOLD = 400
"""Characters of a sentence in a toast: more would cover the screen."""

Severity = Literal["information", "warning", "error"]


class Dashboard(App[int]):
    """A dashboard on a control site. `run()` returns its exit code: 0 unless something ended it.

    `owns_server`: the server was started for it and ends with it. `server_ended` says how that one ended, once it has.
    """

    TITLE = "hotswap-dev"
    CSS_PATH = "hotswap.tcss"
    COMMANDS = PROVIDERS
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+c", f"leave({INTERRUPTED})", show=False, priority=True),
    ]

    def __init__(
        self,
        control: Control,
        *,
        owns_server: bool = False,
        server_ended: Callable[[], str | None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        frame: float = FRAME,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__()
        self.control = control
        self.owns_server = owns_server
        self.now = now
        self.mirror = Mirror()
        self.looking = Looking()
        self.in_ascii = wants_ascii(os.environ)
        self.feed = Feed(
            control, self.mirror, now=now, changed=self.changed, pause=pause, server_ended=server_ended
        )
        self._frame = frame
        self._due: Timer | None = None
        self._painted = Link()
        self._drawn: Selected | None = None

    def on_mount(self) -> None:
        """Take the themes, show the main screen, and begin to follow the server."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.push_screen(MainScreen())
        self.run_worker(self.feed.follow(), name="feed", exclusive=False)
        self.set_interval(1, self.changed)  # ages grow and rates fall, whether or not anything happens

    async def on_unmount(self) -> None:
        """Let the server go."""
        await self.control.close()

    def view(self) -> View:
        """What there is now, as it is looked at."""
        view = self.mirror.view(self.now(), self.feed.link)
        return looked_at(self.looking, view, self.mirror.checks.rows())

    def look(self, looking: Looking) -> None:
        """Look at something else, at once."""
        self.looking = looking
        self.paint()

    def filter(self, wanted: str) -> None:
        """Show the check-ins that this leaves; the history is asked anew for what it leaves of it."""
        self.mirror.checks.forget_older()
        self.look(replace(self.looking, filter=wanted, paused=None, row=None))
        self.read_older()

    def read_older(self) -> None:
        """Read what is before the oldest row, as far as the filter can be asked of the history."""
        self.run_worker(
            self.feed.read_older(**asked_of_history(self.looking.filter)), name="older", exclusive=False
        )

    def changed(self) -> None:
        """Something is new: paint it with the next frame."""
        if self.feed.link != self._painted:
            self._painted = self.feed.link
            if self.feed.link.state == "live":
                self.read_older()  # what happened before this dashboard came, or while it was away
            self.call_later(self.paint)
        elif self._frame <= 0:
            self.call_later(self.paint)
        elif self._due is None:
            self._due = self.set_timer(self._frame, self.paint)

    def paint(self) -> None:
        """Draw this moment on every screen that shows it."""
        if self._due is not None:
            self._due.stop()
            self._due = None
        if not self.is_running:
            return
        view = self.view()
        self._drawn = view.selected
        for screen in self.screen_stack:
            refreshed: Callable[[View], None] | None = getattr(screen, "refreshed", None)
            if refreshed is not None and screen.is_mounted:
                refreshed(view)

    def press(self, key: str) -> None:
        """A key that asks the server for something; nothing for one that does not."""
        view = self._as_seen(self.view())
        intended = plan(key, view)
        if intended is not None:
            self.looking = staying_on(self.looking, view)
            self.run_worker(carry_out(self, intended), name=f"key {key}", exclusive=False)
            self.changed()  # it is pending from now on

    def _as_seen(self, view: View) -> View:
        """A moment with the check-in selected that a person saw when they pressed: another may have come since."""
        drawn = self._drawn
        if drawn is None or drawn.kind != "row" or view.pane != "checks":
            return view
        there = any(row.number == drawn.key for row in view.rows)
        return replace(view, selected=drawn) if there else view

    def tell(self, message: str, hint: str = "", severity: Severity = "information") -> None:
        """A toast: what happened, and what to do about it."""
        text = "\n".join(shown(one, _LONGEST_TOLD) for one in (message, hint) if one)
        if self.in_ascii:
            text = "\n".join(plain(in_ascii(line(one))) for one in text.split("\n"))
        # Six seconds for a line, more for more: an error has to be read to its end.
        self.notify(text, severity=severity, timeout=6 + len(text) / 40, markup=False)
        self.changed()  # what it tells of is pending no longer

    def action_leave(self, code: int = 0) -> None:
        """End the dashboard, with this exit code."""
        self.exit(code)
