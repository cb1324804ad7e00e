"""When a dashboard is painted, and on what: every change with the next frame, however many there are until then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.timer import Timer

from hotswap_dev.dashboard.view import View

FRAME = 1 / 8
"""Seconds between two paintings: more often nobody reads, and each takes milliseconds (hardening C9)."""


class Frames:
    """The paintings of one app; `paint` is its own door to them, which is called when one is due."""

    def __init__(self, app: App[Any], every: float, paint: Callable[[], None]) -> None:
        self._app = app
        self.every = every
        """Seconds between two of them; 0: none is waited for."""
        self.paint = paint
        self._due: Timer | None = None

    def changed(self, *, at_once: bool) -> None:
        """Something is new: it is painted with the next frame, or as soon as the loop comes to it."""
        if at_once or self.every <= 0:
            self._app.call_later(self.paint)
        elif self._due is None:
            self._due = self._app.set_timer(self.every, self.paint)

    def draw(self, view: Callable[[], View]) -> View | None:
        """Draw this moment on every screen that shows it: what was drawn, None where nothing is shown any more."""
        if self._due is not None:
            self._due.stop()
            self._due = None
        if not self._app.is_running:
            return None
        drawn = view()
        for screen in self._app.screen_stack:
            refreshed: Callable[[View], None] | None = getattr(screen, "refreshed", None)
            if refreshed is not None and screen.is_mounted:
                refreshed(drawn)
        return drawn
