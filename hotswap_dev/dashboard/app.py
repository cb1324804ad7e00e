"""The dashboard: one server mirrored, one screen that draws it, and the keys that ask it to change.

It owns the clock, the mirror and what a person looks at; what is true comes from `feed`, what a key means from `keys`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import ClassVar

from msgspec.structs import replace
from textual.app import App
from textual.binding import Binding, BindingType

from hotswap_dev.dashboard.acting import carry_out, is_asking
from hotswap_dev.dashboard.ascii import wants_ascii
from hotswap_dev.dashboard.feed import Control, Feed
from hotswap_dev.dashboard.frames import FRAME, Frames
from hotswap_dev.dashboard.keys import Say, plan
from hotswap_dev.dashboard.looking import Looking, as_seen, asked_of_history, looked_at, staying_on
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.palette import PROVIDERS
from hotswap_dev.dashboard.screens.main import MainScreen
from hotswap_dev.dashboard.story import Storyteller, Telling
from hotswap_dev.dashboard.themes import DARK, LIGHT
from hotswap_dev.dashboard.toasts import Severity, Toast, put_away, tell
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.text import shown

_log = logging.getLogger(__name__)

INTERRUPTED = 130
"""How a process ends that Ctrl-C ended, whoever it was that read the key."""


class Dashboard(App[int]):
    """A dashboard on a control site. `run()` returns its exit code: 0 unless something ended it.

    `owns_server`: the server was started for it and ends with it. `server_ended` says how that one ended, once it has.
    `storyteller` tells a story on it, in the same loop; without one nothing is said of stories.
    """

    TITLE = "hotswap-dev"
    CSS_PATH = "hotswap.tcss"
    COMMANDS = PROVIDERS
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+c", f"leave({INTERRUPTED})", show=False, priority=True),
        Binding("right_square_bracket", "story('next')", show=False),
        Binding("left_square_bracket", "story('again')", show=False),
    ]

    def __init__(
        self,
        control: Control,
        *,
        owns_server: bool = False,
        server_ended: Callable[[], str | None] = lambda: None,
        storyteller: Storyteller | None = None,
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
        self._telling = Telling(storyteller, self.changed)
        self.frames = Frames(self, frame, self.paint)
        self._painted = Link()
        self.drawn: Selected | None = None
        self._told: list[Toast] = []

    def on_mount(self) -> None:
        """Take the themes, show the main screen, and begin to follow the server."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.push_screen(MainScreen())
        self.run_worker(self.feed.follow(), name="feed", exclusive=False)
        self.run_worker(self._telling.go_on(), name="story", exclusive=False)
        self.set_interval(1, self.changed)  # ages grow and rates fall, whether or not anything happens

    async def on_unmount(self) -> None:
        """Let the server go."""
        await self.control.close()

    def view(self) -> View:
        """What there is now, as it is looked at."""
        view = self.mirror.view(self.now(), self.feed.link)
        seen = looked_at(self.looking, view, self.mirror.checks.rows())
        told = self._telling.moment
        return seen if told is None else replace(seen, story=told)

    def look(self, looking: Looking) -> None:
        """Look at something else, at once."""
        self.looking = looking
        self.paint()

    def filter(self, wanted: str) -> None:
        """Show the check-ins that this leaves; the history is asked anew where it is asked for something else now."""
        asked = self._asked_of_history()
        self.looking = replace(self.looking, filter=wanted)
        asks_anew = self._asked_of_history() != asked
        if asks_anew:
            self.mirror.checks.forget_older()
        self.paint()
        if asks_anew or not self._fills_the_screen():
            self.read_older()

    def read_older(self) -> None:
        """Read what is before the oldest row, as far as the filter can be asked of the history.

        Where the filter leaves too little of a page, more are read.
        """
        self.run_worker(
            self.feed.read_older(enough=self._fills_the_screen, **self._asked_of_history()),
            name="older",
            exclusive=False,
        )

    def _asked_of_history(self) -> dict[str, str | int | None]:
        mirror = self.mirror
        return asked_of_history(self.looking.filter, mirror.clients, mirror.controls.names)

    def _fills_the_screen(self) -> bool:
        looking = self.looking
        return not (looking.filter or looking.channel) or len(self.view().rows) >= self.size.height

    def changed(self) -> None:
        """Something is new: paint it with the next frame."""
        linked = self.feed.link != self._painted
        if linked:
            self._painted = self.feed.link
            if self.feed.link.state == "live":
                self.read_older()  # what happened before this dashboard came, or while it was away
        self.frames.changed(at_once=linked)

    def paint(self) -> None:
        """Draw this moment on every screen that shows it."""
        if (view := self.frames.draw(self.view)) is not None:
            # Of the other panes the main screen settles what is selected.
            self.drawn = view.selected if self.looking.pane == "checks" else self.looking.selected

    def press(self, key: str, chosen: Callable[[View], View] | None = None) -> None:
        """A key that asks the server for something; nothing for one that does not.

        It acts on what a person saw selected, or on what `chosen` selects, where a page is open.
        """
        view = as_seen(self.view(), self.drawn) if chosen is None else chosen(self.view())
        try:
            intended = plan(key, view)
        except Exception:
            _log.exception("what a key asks for could not be said")
            intended = Say(f"{key} can't be done here: it is a bug", "the log file has the whole of it")
        if intended is None or is_asking(self):
            return
        if chosen is None:
            self.looking = staying_on(self.looking, view)
        self.run_worker(carry_out(self, intended), name=f"key {key}", exclusive=False)
        self.changed()  # it is pending from now on

    def tell(self, message: str, hint: str = "", severity: Severity = "information") -> None:
        """A toast: what happened, and what to do about it."""
        self._told = tell(self, self._told, message, hint, severity, ascii_only=self.in_ascii)
        self.changed()  # what it tells of is pending no longer

    def told_away(self) -> bool:
        """Put away what was told, if any of it still stands."""
        told, self._told = self._told, []
        return put_away(self, told)

    def action_command_palette(self) -> None:
        """The palette; not over a question or a form: what it does is not an answer to them."""
        if not self.screen.is_modal:
            super().action_command_palette()

    def action_story(self, which: str) -> None:
        """The story's `next` beat, or the same `again`; what is typed into a form is meant for it."""
        if self.screen.is_modal or is_asking(self):
            return
        title = self._telling.ask(which)
        if title and not isinstance(self.screen, MainScreen):  # which alone has the story's lines
            self.tell(f"the story goes on: {shown(title)}", "esc leads back to it")

    def action_leave(self, code: int = 0) -> None:
        """End the dashboard, with this exit code."""
        self.exit(code)
