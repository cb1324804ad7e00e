"""The screen of a dashboard that a browser shows: Textual's web driver, made to end with its tab.

It is named to Textual by the variable TEXTUAL_DRIVER, which `web` sets for each `attach` that it starts.
"""

from __future__ import annotations

import functools
import os
from typing import Any

from textual import messages
from textual.app import App
from textual.drivers.web_driver import WebDriver


class TabDriver(WebDriver):
    """Draws for one tab, and ends the app when its stdin ends: Textual's own runs on when its tab is gone."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._write = functools.partial(_write_whole, self.fileno)

    def run_input_thread(self) -> None:
        """Read what is typed until stdin ends; then the app ends too."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())


def _write_whole(descriptor: int, data: bytes) -> int:
    """All of a packet; a tab that is gone is no error here: the end of stdin says so too."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        return 0
    return len(data)
