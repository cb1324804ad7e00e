"""`run` and `serve`: a server until somebody ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.greeting import greeting
from hotswap_dev.cli.lines import line
from hotswap_dev.cli.options import parameters, settle
from hotswap_dev.cli.signing_key import OpenKey, open_key
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from hotswap_dev.engine.bus import Bus, Event
from hotswap_dev.errors import UsageError
from hotswap_dev.server.run import RunningServer, ServerOptions, serving
from hotswap_dev.settings import Settings, demand_workspace_outside, server_options
from hotswap_dev.storage.workspace import make_workspace

_LOG_BYTES = 1_000_000
_QUEUED_LINES = 10_000
_OPEN_FILES = 8192
_M_MMAP_THRESHOLD = -3  # malloc.h; setting it also ends its growing
_LARGE = 256 * 1024
_M_ARENA_MAX = -8
_HEAPS = 2
_ENDING_SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "SIGBREAK": 143}


class _Serve(click.Command):
    """`--json` with a value that may be left out; click itself would take a DIST behind it for the value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--json-all" if arg == "--json=all" else arg for arg in args])


@click.command(cls=_Serve, params=parameters())
@click.argument("dist", required=False, metavar="[DIST]")
@click.option("--json", "as_json", is_flag=True, help="print events as JSON lines; --json=all: check-ins too")
@click.option("--json-all", is_flag=True, hidden=True)
@click.pass_context
def serve(ctx: click.Context, /, dist: str | None, as_json: bool, json_all: bool, **flags: Any) -> None:
    """Watch DIST, sign every finished build, and offer it.

    DIST is the folder that the frontend is built into; in a Tauri project it is the config's frontendDist.
    """
    settings = settle({**flags, "dist": dist})
    if settings.dist is None:
        raise UsageError(*_no_dist(settings))
    if settings.dist.is_file():
        raise UsageError(f"{settings.dist} is a file", "name the folder that the frontend is built into")
    demand_workspace_outside(settings.dist, settings.workspace)
    make_workspace(settings.workspace)
    opened = open_key(settings, os.environ)
    options = server_options(settings, environ=os.environ, home=opened.home)
    _raise_file_limit()
    _give_memory_back()
    output: Output = JsonOutput(everything=json_all) if as_json or json_all else TextOutput()
    with output, contextlib.suppress(asyncio.CancelledError):
        ctx.exit(asyncio.run(_serve(settings, options, opened, output)))


run = _Serve(
    "run",
    callback=serve.callback,
    params=serve.params,
    help="Serve DIST, the same as serve; it is what hotswap-dev does without a command.",
)


async def _serve(settings: Settings, options: ServerOptions, opened: OpenKey, output: Output) -> int:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    # Before the first answer: what nobody has taken, logging would write to stderr.
    _log_to(Path(options.workspace) / "server.log")
    with _signals(ended):
        async with serving(options, opened.key, opened.home) as running:
            output.ready(settings, opened, running)
            telling = asyncio.create_task(_tell(running.engine.bus, output), name="telling")
            try:
                return await ended
            finally:
                telling.cancel()
                output.ended(running)


async def _tell(bus: Bus, output: Output) -> None:
    async for batch in bus.read(0, without=output.silent_on):
        for revision, event in batch:
            output.event(bus, revision, event)


@contextlib.contextmanager
def _signals(ended: asyncio.Future[int]) -> Iterator[None]:
    """Let the ending signals end the server in order; the code says which it was."""
    loop = asyncio.get_running_loop()
    before = {}

    def end(number: int, _: object) -> None:
        code = next(code for name, code in _ENDING_SIGNALS.items() if getattr(signal, name, None) == number)
        loop.call_soon_threadsafe(_settle_once, ended, code)

    for name in _ENDING_SIGNALS:
        if number := getattr(signal, name, None):
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _settle_once(ended: asyncio.Future[int], code: int) -> None:
    if not ended.done():
        ended.set_result(code)


def _raise_file_limit() -> None:
    """As many open files as this process may have: each client is one, and macOS starts with 256 (hardening D2)."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _give_memory_back() -> None:
    """Let what is large be returned to the system when it is freed.

    glibc keeps more each time that it frees something large, and a heap for every thread: after a day of packing and of
    answers of megabytes the process would look as if it leaked.
    """
    if sys.platform.startswith("linux"):
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # another C library has no such call
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
            libc.mallopt(_M_ARENA_MAX, _HEAPS)


def _log_to(path: Path) -> None:
    """What libraries say goes to the workspace's log, capped; the terminal is for what people need."""
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # A log that can't be written must not be told on the terminal, line after line (hardening C6).
    logging.raiseExceptions = False


class Output:
    """Lines to stdout from a thread of their own: a reader that stopped reading must never stop the answers.

    When the queue is full, lines are dropped, and the next one that fits says how many. `silent_on` are kinds of
    events that it never says anything of: they are not even looked at, since answers share the loop.
    """

    silent_on: tuple[type[Event], ...] = ()

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._queue: queue.Queue[str | None] = queue.Queue(_QUEUED_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_until_closed, name="output", daemon=True)

    def __enter__(self) -> Output:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
            self._thread.join(timeout=0.5)

    def ready(self, settings: Settings, opened: OpenKey, running: RunningServer) -> None:
        """Say that the server answers."""
        raise NotImplementedError

    def event(self, bus: Bus, revision: int, event: Any) -> None:  # noqa: ANN401 - any Event of the bus
        """Say what happened, where this output says such things."""
        raise NotImplementedError

    def ended(self, running: RunningServer) -> None:
        """Say that the server ends."""

    def dropped(self, count: int) -> str:
        """How this output says that lines were dropped."""
        raise NotImplementedError

    @property
    def full(self) -> bool:
        """Whether a line would be dropped now."""
        return self._queue.full()

    def put(self, text: str) -> None:
        """Queue a line; never waits."""
        try:
            if self._dropped:
                self._queue.put_nowait(self.dropped(self._dropped))
                self._dropped = 0
            self._queue.put_nowait(text)
        except queue.Full:
            self._dropped += 1

    def _write_until_closed(self) -> None:
        # Past Python's buffer: a thread that waits in it for a reader who stopped would abort the interpreter's end.
        sys.stdout.flush()
        out = sys.stdout.fileno()
        while (text := self._queue.get()) is not None:
            shown = f"{text if self._coloured else click.unstyle(text)}\n"
            data = shown.encode(sys.stdout.encoding or "utf-8", "backslashreplace")
            try:
                while data:
                    data = data[os.write(out, data) :]
            except OSError:
                # Whoever read us is gone. The server is not there for them alone, and Python must end in peace.
                os.dup2(os.open(os.devnull, os.O_WRONLY), out)
                return


class TextOutput(Output):
    """For people."""

    _opened_with = 0

    def ready(self, settings: Settings, opened: OpenKey, running: RunningServer) -> None:
        """The greeting."""
        self._opened_with = running.engine.bus.revision
        for text in greeting(settings, opened, running):
            self.put(text)
        self.put("")

    def event(self, bus: Bus, revision: int, event: Any) -> None:  # noqa: ANN401 - as above
        """One line, for what a person wants to see."""
        del bus
        if self.full:  # a line that would be dropped need not be made
            self.put("")
            return
        fields = wire.plain(event)
        # The channels that a start makes stand in the greeting.
        if (revision > self._opened_with or fields["event"] != "channel-created") and (text := line(fields)):
            self.put(text)

    def ended(self, running: RunningServer) -> None:
        """Where the next start goes on."""
        self.put(f"\n stopped; the next start goes on at release {running.engine.controls.next_sequence}")

    def dropped(self, count: int) -> str:
        """In brackets."""
        return f"({count} lines were not shown)"


class JsonOutput(Output):
    """For programs: `ready` first, then facts, builds and problems; check-ins too if `everything`."""

    def __init__(self, *, everything: bool) -> None:
        super().__init__()
        if not everything:
            self.silent_on = (CheckAnswered, DownloadEnded)

    def ready(self, settings: Settings, opened: OpenKey, running: RunningServer) -> None:
        """What `server.json` says, without the token."""
        del settings, opened
        fields = {name: value for name, value in wire.plain(running.file).items() if name != "token"}
        self.put(wire.encode({"event": "ready", **fields}).decode())

    def event(self, bus: Bus, revision: int, event: Any) -> None:  # noqa: ANN401 - as above
        """The event as `GET /api/events` has it."""
        self.put(bus.line(revision, event).decode().rstrip("\n"))

    def dropped(self, count: int) -> str:
        """As an event."""
        return wire.encode({"event": "gap", "dropped": count}).decode()


def _no_dist(settings: Settings) -> tuple[str, str]:
    project = settings.project
    if project is None:
        return (
            f"no build folder to watch: {settings.root} is in no Tauri project, so DIST is required",
            "name it: hotswap-dev serve dist; or give the app's folder with --project",
        )
    why = project.frontend_dist_problem or "build.frontendDist is not set"
    return (
        f"no build folder to watch: {why} ({project.shown(project.config)})",
        "name it: hotswap-dev serve dist",
    )
