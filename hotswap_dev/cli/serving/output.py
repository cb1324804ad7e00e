"""What a server says on stdout: lines for people, or JSON lines for programs."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.lines import line
from hotswap_dev.cli.serving.greeting import greeting
from hotswap_dev.cli.serving.signing_key import OpenKey
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from hotswap_dev.engine.bus import Bus, Event
from hotswap_dev.server.run import RunningServer
from hotswap_dev.settings import Settings

_QUEUED_LINES = 10_000


class Output:
    """Lines to stdout from a thread of their own: a reader that stopped reading must never stop the answers.

    When the queue is full, lines are dropped, and the next one that fits says how many. `silent_on` are kinds of
    events that it never says anything of: they are not even looked at, since answers share the loop.
    """

    silent_on: tuple[type[Event], ...] = ()
    tells = True
    """Whether it says anything of events."""

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

    def ended(self, running: RunningServer) -> None:
        """Say that the server ends."""

    def dropped(self, count: int) -> str:
        """How this output says that lines were dropped: as an event, unless it is for people."""
        return wire.encode({"event": "gap", "dropped": count}).decode()

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
