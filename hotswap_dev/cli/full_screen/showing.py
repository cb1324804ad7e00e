"""A dashboard over the whole terminal, from its opening to the lines that stay when it has closed.

Whatever ends it, the terminal is as it was, and what went wrong is said where a person sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.full_screen.child import Ended, OwnServer, Ready, own_server
from hotswap_dev.cli.full_screen.ending import Ending
from hotswap_dev.cli.full_screen.guard import Guard, guarded
from hotswap_dev.cli.full_screen.terminal import calm, only_drawn_on, when_hung_up
from hotswap_dev.cli.serving.ending_signals import EXIT_CODES
from hotswap_dev.cli.serving.log_file import log_to
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.quiet import rate_limited
from hotswap_dev.storage.workspace import find_server, server_file

if TYPE_CHECKING:
    from textual.app import App

    from hotswap_dev.dashboard.story import Storyteller

LOG = "dashboard.log"
"""The file in the workspace for what would otherwise be written over the screen."""

_CRASHED = 1
_HANGUP = EXIT_CODES["SIGHUP"]
_TALKATIVE = ("asyncio", "aiohttp.client", "aiohttp.internal", "textual", "py.warnings", __name__)

Find = Callable[[], tuple[str, str]]
"""Where a control site is now: its address and token. Unreachable where there is none."""

_WAY_ON = "its log is {log}; a new start goes on where it ended"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a dashboard is opened with that has a server of its own."""

    words: Sequence[str]
    """Of a command line, for `serve`."""
    environ: Mapping[str, str] | None = None
    """The server's environment; None: this process's."""
    story: Callable[[], Storyteller] | None = None
    """Who tells a story on it; called while the server starts."""
    greeting: Callable[[Ready], Iterable[str]] = attrgetter("greeting")
    """The lines that stay on the terminal above the screen."""
    lasts: bool = True
    """Whether there can be a next start, which goes on where this one ended."""
    closed: Callable[[], object] = lambda: None
    """Called once the screen is closed, while the server still answers, if it does; not where nobody waits."""
    last_resort: Callable[[], object] = lambda: None
    """What must be done even where nothing ends in order: called after the server has ended, maybe from a thread."""


def show_own_server(words: Sequence[str]) -> int:
    """Start a server with these words of a command line, and a dashboard on it; the exit code.

    HotswapError where the server or the dashboard ended by an error. Where the server could not start, it has said
    why itself, and its exit code is returned.
    """
    return show_own(contextlib.nullcontext(Own(words=words)))


def show_own(opening: AbstractContextManager[Own]) -> int:
    """The same with all that can be told. `opening` is entered once signals end this in order, and left after both
    server and dashboard are gone.
    """
    # The guard first: a process is cloned best while it has no threads.
    with guarded() as guard, Ending() as ending, opening as own, own_server(own.words, own.environ) as server:
        # While the server starts.
        from hotswap_dev.cli.full_screen.followed import followed
        from hotswap_dev.cli.serving.signing_key import ask_here
        from hotswap_dev.dashboard.app import Dashboard

        def ask(name: str) -> str:
            with guard.asking():
                return ask_here(name)

        ending.at_once = server.kill
        storyteller = None if own.story is None else own.story()
        ready = server.ready(ask)
        if isinstance(ready, int):
            return ready
        for line in own.greeting(ready):
            click.echo(line)
        ending.last_resort = lambda: (server.end(), own.last_resort())

        def make(find: Find) -> Dashboard:
            control = followed(find, lambda: server.tell(followed=True))
            ended = partial(_words_of, server)
            return Dashboard(control, owns_server=True, server_ended=ended, storyteller=storyteller)

        code = _show(make, ready.workspace, ending, guard)
        if ending.code is None:
            own.closed()
        gone = server.poll()
        ended = gone or server.end()
        _forget(server.pid, ready.workspace)
    if code == _HANGUP:
        return code
    if not own.lasts:
        ended = replace(ended, next_sequence=None)
    return _say_how_it_ended(code, ending.code, ended, ready.workspace, by_itself=gone is not None)


def show_running_server(workspace: Path) -> int:
    """A dashboard on the server of a workspace, which it leaves as it was; the exit code."""
    with guarded() as guard, Ending() as ending:
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


def _forget(pid: int, workspace: Path) -> None:
    """Take away what a server that did not end in order has left: it points at nobody."""
    file = server_file(workspace)
    with contextlib.suppress(OSError, ValueError):
        if wire.decode(file.read_bytes())["pid"] == pid:
            file.unlink()


def _say_how_it_ended(
    code: int, by_signal: int | None, ended: Ended, workspace: Path, *, by_itself: bool
) -> int:
    """What stays on the terminal: errors are repeated, since the screen that showed them is gone. The exit code.

    HotswapError for what went wrong, unless a signal has ended it all, which has the say about the exit code.
    """
    if ended.next_sequence is not None:
        click.echo(f"\n stopped; the next start goes on at release {ended.next_sequence}")
    if ended.forced:
        said = (
            f"the server did not end in order and was {'killed' if ended.code < 0 else 'ended'} ({ended.how})"
        )
        if by_signal is None and code != _CRASHED:
            raise HotswapError(said, _WAY_ON.format(log=workspace / "server.log"), code="server-killed")
        click.echo(said, err=True)
    elif by_itself and by_signal is None:
        for line in ended.last_words:
            click.echo(line, err=True)
        raise HotswapError(
            f"the server ended: {ended.how}",
            _WAY_ON.format(log=workspace / "server.log"),
            code="server-gone",
        )
    if code == _CRASHED:
        raise _crash(workspace)
    return code if by_signal is None else by_signal


def _crash(workspace: Path) -> HotswapError:
    return HotswapError(
        "the dashboard ended by an unexpected error",
        f"the details are in {workspace / LOG}",
        code="dashboard-crashed",
    )


def _show(make: Callable[[Find], App[Any]], workspace: Path, ending: Ending, guard: Guard) -> int:
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


async def _drawn(app: App[Any], ending: Ending) -> int:
    from rich.console import Console

    if sys.platform != "win32":
        _leave_nothing_when_stopped(app)
    loop = asyncio.get_running_loop()

    def leave(code: int) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            loop.call_soon_threadsafe(app.exit, None, code)

    # What it would say of a bug, after the screen has closed, is for the log; a person gets a sentence.
    said = io.StringIO()
    app.error_console = Console(file=said, width=120, no_color=True)
    ending.on_end(leave)
    when_hung_up(lambda: ending.end(_HANGUP))
    try:
        wanted = await app.run_async()
    finally:
        _log_crash(app, said.getvalue())
    if ending.code is not None:
        return ending.code
    return app.return_code or (wanted if isinstance(wanted, int) else 0)


def _log_crash(app: App[Any], said: str) -> None:
    """What ended the app, if a bug did.

    Textual's own words for that show each frame's variables, and with them the control site's token: they are not kept.
    """
    from textual.worker import WorkerFailed

    error: BaseException | None = getattr(app, "_exception", None)
    if isinstance(error, WorkerFailed):  # which says what, but not where
        error = error.error
    if error is not None:
        _log.error("the dashboard crashed", exc_info=error)
    if said and (error is None or hasattr(error, "__rich__")):
        _log.error("%s", said)


def _leave_nothing_when_stopped(app: App[Any]) -> None:
    from textual.drivers.linux_driver import LinuxDriver

    from hotswap_dev.cli.full_screen.driver import CalmDriver

    if app.driver_class is LinuxDriver:
        app.driver_class = CalmDriver
