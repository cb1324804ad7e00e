"""A dashboard over the whole terminal, from its opening to the lines that stay when it has closed.

Whatever ends it, the terminal is as it was, and what went wrong is said where a person sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotswap_dev.cli.full_screen.child import Ended, OwnServer, own_server
from hotswap_dev.cli.full_screen.guard import Guard, guarded
from hotswap_dev.cli.full_screen.terminal import calm, only_drawn_on, when_hung_up
from hotswap_dev.cli.serving.log_file import log_to
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.quiet import rate_limited
from hotswap_dev.storage.workspace import find_server

if TYPE_CHECKING:
    from textual.app import App

LOG = "dashboard.log"
"""The file in the workspace for what would otherwise be written over the screen."""

_CRASHED = 1
_HANGUP = 129
_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": _HANGUP, "SIGBREAK": 143}
_GRACE = 0.8  # seconds that Textual has to close the screen; then the server has its own to end in
_TALKATIVE = ("asyncio", "aiohttp.client", "aiohttp.internal", "textual", "py.warnings", __name__)

Find = Callable[[], tuple[str, str]]
"""Where a control site is now: its address and token. Unreachable where there is none."""

_log = logging.getLogger(__name__)


def show_own_server(words: Sequence[str]) -> int:
    """Start a server with these words of a command line, and a dashboard on it; the exit code.

    HotswapError where the server or the dashboard ended by an error. Where the server could not start, it has said
    why itself, and its exit code is returned.
    """
    # The guard first: a process is cloned best while it has no threads.
    with guarded() as guard, _Ending() as ending, own_server(words) as server:
        # While the server starts.
        from hotswap_dev.cli.full_screen.followed import followed
        from hotswap_dev.cli.serving.signing_key import ask_here
        from hotswap_dev.dashboard.app import Dashboard

        ready = server.ready(ask_here)
        if isinstance(ready, int):
            return ready
        for line in ready.greeting:
            click.echo(line)
        ending.last_resort = server.end

        def make(find: Find) -> Dashboard:
            control = followed(find, lambda: server.tell(followed=True))
            return Dashboard(control, owns_server=True, server_ended=partial(_words_of, server))

        code = _show(make, ready.workspace, ending, guard)
        gone = server.poll()
        ended = gone or server.end()
    if code != _HANGUP:
        _say_how_it_ended(code, ended, ready.workspace, by_itself=gone is not None)
    return code


def show_running_server(workspace: Path) -> int:
    """A dashboard on the server of a workspace, which it leaves as it was; the exit code."""
    with guarded() as guard, _Ending() as ending:
        from hotswap_dev.client.live import LiveControl
        from hotswap_dev.dashboard.app import Dashboard

        code = _show(lambda find: Dashboard(LiveControl(find), owns_server=False), workspace, ending, guard)
    if code == _CRASHED:
        raise _crash(workspace)
    return code


def located(workspace: Path) -> tuple[str, str]:
    """Address and token of the control site of a workspace's server; Unreachable where none runs."""
    server = find_server(workspace)
    return server.control, server.token or ""


def _words_of(server: OwnServer) -> str | None:
    ended = server.poll()
    return None if ended is None else ended.words


def _say_how_it_ended(code: int, ended: Ended, workspace: Path, *, by_itself: bool) -> None:
    """What stays on the terminal: errors are repeated, since the screen that showed them is gone."""
    if by_itself:
        for line in ended.last_words:
            click.echo(line, err=True)
        raise HotswapError(
            f"the server ended: {ended.how}",
            f"its log is {workspace / 'server.log'}; a new start goes on where it ended",
            code="server-gone",
        )
    if ended.next_sequence is not None:
        click.echo(f"\n stopped; the next start goes on at release {ended.next_sequence}")
    if code == _CRASHED:
        raise _crash(workspace)


def _crash(workspace: Path) -> HotswapError:
    return HotswapError(
        "the dashboard ended by an unexpected error",
        f"the details are in {workspace / LOG}",
        code="dashboard-crashed",
    )


def _show(make: Callable[[Find], App[Any]], workspace: Path, ending: _Ending, guard: Guard) -> int:
    log_to(workspace / LOG)
    logging.captureWarnings(True)
    try:
        with rate_limited(_TALKATIVE), only_drawn_on(_log):
            app = make(lambda: located(workspace))
            guard.screen_opens()
            return asyncio.run(_drawn(app, ending))
    finally:
        ending.screen_closed()
        logging.captureWarnings(False)
        calm()
        guard.screen_closed()


async def _drawn(app: App[Any], ending: _Ending) -> int:
    from rich.console import Console

    loop = asyncio.get_running_loop()

    def leave(code: int) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            loop.call_soon_threadsafe(app.exit, None, code)

    # What it would say of a bug, after the screen has closed, is for the log; a person gets a sentence.
    app.error_console = Console(file=_LogFile(), width=120, no_color=True)
    ending.on_end(leave)
    when_hung_up(lambda: ending.end(_HANGUP))
    wanted = await app.run_async()
    if ending.code is not None:
        return ending.code
    return app.return_code or (wanted if isinstance(wanted, int) else 0)


class _LogFile(io.StringIO):
    """Text for the log, as what Rich takes for a file."""

    def write(self, text: str) -> int:
        _log.error("%s", text)
        return len(text)


class _Ending:
    """The ending signals, from before the screen opens until after it has closed.

    Before it opens they end the start; while it is open they close it, and when it does not close in time (a terminal
    that takes nothing, a program that hangs) the process ends all the same, by `last_resort`.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self.last_resort: Callable[[], object] = _nothing
        self._leave: Callable[[int], None] | None = None
        self._before: dict[int, Any] = {}
        self._closed = threading.Event()

    def __enter__(self) -> _Ending:
        for name, code in _CODES.items():
            if number := getattr(signal, name, None):
                self._before[number] = signal.signal(number, partial(self._signalled, code))
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

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
        self._closed.set()

    def _signalled(self, code: int, *_: object) -> None:
        if self._leave is None:
            raise click.exceptions.Exit(code)
        self.end(code)

    def _insist(self) -> None:
        if self._closed.wait(_GRACE) or self.code is None:
            return
        self.last_resort()
        os._exit(self.code)  # and the guard takes the terminal back


def _nothing() -> None:
    """An attached dashboard has nothing to end but itself."""
