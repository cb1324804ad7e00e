"""A server as this process's child: started with the words that were typed, spoken with by pipes, ended with it.

What it says is in `cli/full_screen/attached.py`. It has a process group of its own, so that a Ctrl-C in the terminal is
for the dashboard, which then ends it in order.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hotswap_dev import wire
from hotswap_dev.cli.main import ATTACHED
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_log = logging.getLogger(__name__)

_LAST_WORDS = 20
_LONGEST_LINE = 500
_PATIENCE = 1.5  # seconds that it may take to end in order; usually it takes far less
_LAST_PATIENCE = 0.5  # seconds more after SIGTERM
_LOOK = 0.2  # seconds: Windows does not interrupt a wait


@dataclass(frozen=True, slots=True)
class Ready:
    """A server that answers: where its `server.json` lies, and its first lines for a person."""

    workspace: Path
    greeting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a server ended: its exit code, minus the signal's number where one killed it, and its last lines."""

    code: int
    last_words: tuple[str, ...]
    next_sequence: int | None = None
    """Where the next start goes on; None where it could not say so any more."""
    forced: bool = False
    """Whether it had to be made to end: it did not in time when it was asked to, or nobody would wait."""

    @property
    def how(self) -> str:
        """In a few words: `killed by SIGKILL`."""
        if self.code >= 0:
            return f"exit code {self.code}"
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-self.code).name}"
        return f"killed by signal {-self.code}"

    @property
    def words(self) -> str:
        """How it ended, and the last thing that it said, where it said any."""
        return f"{self.how}: {self.last_words[-1]}" if self.last_words else self.how


class OwnServer:
    """A running child. Its end is looked for with `poll`, from any thread."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        # -P: the folder where it is started is the app's, whose files must not be taken for our modules.
        program = [sys.executable, "-P", "-m", "hotswap_dev", "serve", ATTACHED, *words]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and the words that started this one
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if environ is None else dict(environ),
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            process_group=None if sys.platform == "win32" else 0,
        )
        self._messages: queue.SimpleQueue[wire.Json] = queue.SimpleQueue()
        self._last_words: collections.deque[str] = collections.deque(maxlen=_LAST_WORDS)
        self._next_sequence: int | None = None
        self._forced = False
        self._on_stderr: Callable[[bytes], None] = _show
        self._readers = [
            threading.Thread(target=read, args=(stream,), name=name, daemon=True)
            for read, stream, name in (
                (self._read_messages, self._process.stdout, "server-says"),
                (self._read_stderr, self._process.stderr, "server-stderr"),
            )
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ready(self, ask: Callable[[str], str]) -> Ready | int:
        """Wait until it answers; its exit code where it ended instead, having said why on this process's stderr.

        HotswapError where it was killed. `ask` is called for a key's password, with the key's name. After this its
        stderr is only logged and kept.
        """
        while True:
            try:
                message = self._messages.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if message is None:  # it says no more
                ended = self.end()
                if ended.code < 0:
                    raise HotswapError(f"the server ended before it answered ({ended.how})", "start it again")
                return ended.code
            match message:
                case {"event": "password", "name": str(name)}:
                    self.tell(password=ask(name))
                case {"event": "ready", "workspace": str(workspace), "greeting": [*greeting]}:
                    self._on_stderr = self._keep
                    return Ready(Path(workspace), tuple(map(str, greeting)))

    def tell(self, **message: wire.Json) -> None:
        """Say something to it; one that is gone hears nothing."""
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                stdin.write(wire.encode(message) + b"\n")
                stdin.flush()

    def poll(self) -> Ended | None:
        """How it ended; None while it runs."""
        code = self._process.poll()
        return None if code is None else self._ended(code)

    def end(self) -> Ended:
        """Have it end, in order if it can, and wait for that: usually well below a second, two seconds at most."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        for seconds, firmer in ((_PATIENCE, self._process.terminate), (_LAST_PATIENCE, self._process.kill)):
            try:
                self._process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                self._forced = True
                firmer()
        return self._ended(self._process.wait())

    def kill(self) -> None:
        """End it at once, in whatever it is; also while another call waits for its end. For a signal handler too."""
        if self._process.poll() is None:
            self._forced = True
            self._process.kill()

    def _ended(self, code: int) -> Ended:
        self._join()
        return Ended(code, tuple(self._last_words), self._next_sequence, self._forced)

    def _join(self) -> None:
        """What it wrote last is read; a program that it started may hold its pipes for longer."""
        for reader in self._readers:
            reader.join(timeout=0.5)

    def _read_messages(self, stdout: IO[bytes]) -> None:
        try:
            with contextlib.suppress(OSError, ValueError), stdout:
                for line in stdout:
                    match _message(line):
                        case {"event": "stopped", "next_sequence": int(sequence)}:
                            self._next_sequence = sequence
                        case {"event": str()} as message:
                            self._messages.put(message)
                        case _ if line.strip():  # a print of somebody's, in our interpreter or a hook of it
                            self._on_stderr(line)
        finally:
            self._messages.put(None)

    def _read_stderr(self, stderr: IO[bytes]) -> None:
        with stderr:
            while data := os.read(stderr.fileno(), 4096):
                self._on_stderr(data)

    def _keep(self, data: bytes) -> None:
        for line in data.decode(errors="backslashreplace").splitlines():
            text = shown(line, _LONGEST_LINE)
            self._last_words.append(text)
            _log.warning("the server wrote: %s", text)


@contextlib.contextmanager
def own_server(words: Sequence[str], environ: Mapping[str, str] | None = None) -> Iterator[OwnServer]:
    """A server that lives no longer than the block; `environ` is its environment where that is not this process's."""
    server = OwnServer(words, environ)
    try:
        yield server
    finally:
        server.end()


def _message(line: bytes) -> wire.Json:
    """What a line says; None for one that is no JSON."""
    try:
        return wire.decode(line)
    except ValueError:
        return None


def _show(data: bytes) -> None:
    """As if it had written to the terminal itself."""
    with contextlib.suppress(OSError):
        sys.stderr.flush()
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()
