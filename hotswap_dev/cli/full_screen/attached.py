"""The server's side of `run`: a child that talks with the dashboard's process over its stdin and stdout.

JSON lines. To the parent: `{"event": "password", "name": …}` for each password that must be asked for, one `ready` with
what `server.json` says (without the token) and the greeting, and at the end `{"event": "stopped", "next_sequence": N}`;
nothing else, so that the pipe never fills. From the parent: `{"password": …}` for each that was asked for, and
`{"followed": true}` once its dashboard reads the events. When the parent closes its end, or is gone, the server ends in
order.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import click

from hotswap_dev import wire
from hotswap_dev.cli.serving.greeting import greeting
from hotswap_dev.cli.serving.output import Output
from hotswap_dev.cli.serving.signing_key import OpenKey
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.server.run import RunningServer
from hotswap_dev.settings import Settings
from hotswap_dev.tauri.findings import missing
from hotswap_dev.tauri.project import TauriProject

_READ = 4096
_LONGEST = 1000
_PATIENCE = 5.0  # seconds that an end in order may take when the parent is gone: usually it takes far less
_HUNG = 1


class Parent:
    """The process that started this one. This one ends when that one goes, however it goes."""

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._gone = False
        self._end: Callable[[], None] = _thread.interrupt_main
        self._followed: Callable[[], None] = _nothing
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def ask(self, name: str) -> str:
        """Have the parent ask its person for the password of `name`; click.Abort where it goes instead."""
        _say({"event": "password", "name": name})
        answer = self._answers.get()
        if answer is None:
            raise click.Abort
        return answer

    def on_followed(self, followed: Callable[[], None]) -> None:
        """Call `followed`, from another thread, when a dashboard reads what happens from then on."""
        self._followed = followed

    def on_end(self, end: Callable[[], None]) -> None:
        """Call `end` once, from another thread, when the parent goes; now if it has gone already.

        Until this is called its going is a KeyboardInterrupt: a start is then given up.
        """
        with self._lock:
            self._end = end
            gone = self._gone
        if gone:
            end()

    def _listen(self) -> None:
        try:
            for message in _messages(0):
                match message:
                    case {"password": str(password)}:
                        self._answers.put(password)
                    case {"followed": True}:
                        self._followed()
        finally:
            with self._lock:
                self._gone = True
                end = self._end
            self._answers.put(None)
            end()
            # What was asked to end may be what hangs. Nobody is left who would end it: this thread dies with a process
            # that ends in order, and ends one that does not.
            time.sleep(_PATIENCE)
            os._exit(_HUNG)


class AttachedOutput(Output):
    """For the dashboard's process; what happens it reads from the control site."""

    tells = False

    def __init__(self, parent: Parent) -> None:
        super().__init__()
        self._parent = parent

    def ready(self, settings: Settings, opened: OpenKey, running: RunningServer) -> None:
        """Where the server is, and the first lines; what they warn of is an event too, which the dashboard shows."""
        loop = asyncio.get_running_loop()

        def followed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_warn, running.engine, opened.warnings, settings.project)

        self._parent.on_followed(followed)
        fields = {name: value for name, value in wire.plain(running.file).items() if name != "token"}
        lines = list(greeting(settings, opened, running))
        self.put(_line({"event": "ready", **fields, "greeting": lines}).decode())

    def ended(self, running: RunningServer) -> None:
        """Where the next start goes on."""
        next_sequence = running.engine.controls.next_sequence
        self.put(_line({"event": "stopped", "next_sequence": next_sequence}).decode())


def _warn(engine: Engine, warnings: Sequence[str], project: TauriProject | None) -> None:
    """What blocks every update comes last, and in one: a dashboard shows what was told last."""
    for warning in warnings:
        engine.notice("warning", "key", shown(warning, _LONGEST))
    blocking = [one for one in (missing(project) if project is not None else ()) if one.blocks]
    if blocking:
        lacking = "; ".join(f"{one.what} ({one.where})" for one in blocking)
        first = "first " if len(blocking) > 1 else ""
        engine.notice(
            "error",
            "not-ready-for-updates",
            shown(f"no update can work yet, missing: {lacking}", _LONGEST),
            shown(f"{first}{blocking[0].hint}", _LONGEST),
        )


def _nothing() -> None:
    """Nobody wants to know."""


def _say(message: wire.Json) -> None:
    """One line, before the output's thread runs."""
    sys.stdout.flush()
    os.write(sys.stdout.fileno(), _line(message) + b"\n")


def _line(message: wire.Json) -> bytes:
    """On a line of its own, whatever somebody's print has left unfinished."""
    return b"\n" + wire.encode(message)


def _messages(descriptor: int) -> Iterator[wire.Json]:
    """JSON values, one a line, until the other end is closed.

    Past Python's buffer: a thread that waits in it would abort the interpreter's end.
    """
    rest = b""
    while True:
        try:
            data = os.read(descriptor, _READ)
        except OSError:
            return
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):  # what is none is nothing that the parent says
                yield wire.decode(line)
