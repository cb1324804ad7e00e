"""How a dashboard ends by a signal: before its screen opens, while it is open, and after it has closed."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

import click

from hotswap_dev.cli.serving.ending_signals import on_ending_signals

_GRACE = 0.8  # seconds that Textual has to close the screen; then the server has its own to end in


class Ending:
    """The ending signals, from before the screen opens until after it has closed.

    Before it opens they end the start; while it is open they close it, and when it does not close in time (a terminal
    that takes nothing, a program that hangs) the process ends all the same, by `last_resort`. Once an end is under way,
    another one is a person who does not want to wait: then `at_once` is called.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self.last_resort: Callable[[], object] = _nothing
        self.at_once: Callable[[], object] = _nothing
        self._leave: Callable[[int], None] | None = None
        self._under_way = False
        self._closed = False
        self._closing = threading.Condition()
        self._signals = contextlib.ExitStack()

    def __enter__(self) -> Ending:
        self._signals.enter_context(on_ending_signals(self._signalled))
        return self

    def __exit__(self, *_: object) -> None:
        self._signals.close()

    def on_end(self, leave: Callable[[int], None]) -> None:
        """From now on an end is a call of `leave`, with the exit code."""
        self._leave = leave

    def end(self, code: int) -> None:
        """Close the screen, from any thread; the first code counts."""
        if self.code is None and self._leave is not None:
            self.code = code
            threading.Thread(target=self._insist, name="insist", daemon=True).start()
            self._leave(code)

    def screen_closed(self) -> None:
        """What follows ends by itself in time."""
        self._under_way = True
        with self._closing:
            self._closed = True
            self._closing.notify_all()

    def _signalled(self, code: int) -> None:
        if self._under_way:
            self.code = code if self.code is None else self.code
            self.at_once()
        elif self._leave is None:
            self._under_way = True
            self.code = code
            raise click.exceptions.Exit(code)
        else:
            self.end(code)

    def _insist(self) -> None:
        with self._closing:
            if self._closing.wait_for(lambda: self._closed, _GRACE):
                return
        self.last_resort()
        with self._closing:  # who has closed the screen meanwhile says its last lines in peace
            if not self._closed and self.code is not None:
                os._exit(self.code)  # and the guard takes the terminal back


def _nothing() -> None:
    """An attached dashboard has nothing to end but itself."""
