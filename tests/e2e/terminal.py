"""A terminal as a person has it: a shell's place in it, a program in the foreground, keys, a screen, and its closing.

The program is a job of a small shell, as in real life: the shell is the session's leader and stays when the job ends,
so that the terminal can be looked at as the job left it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

from tests.e2e.own_time import OwnTime
from tests.e2e.server_process import clean_environment

PATIENCE = 20.0

_SHELL = """
import fcntl, json, os, signal, subprocess, sys, termios
report, hold, words = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN if os.environ.get("SHELL_STAYS") else signal.SIG_DFL)
def foreground():
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
job = subprocess.Popen(words, preexec_fn=foreground, close_fds=True)
os.write(report, json.dumps({"pid": job.pid}).encode() + b"\\n")
code = job.wait()
os.tcsetpgrp(0, os.getpgrp())
os.write(report, json.dumps({"code": code}).encode() + b"\\n")
os.read(hold, 1)
"""

_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_KEYS = re.compile(rb"\x1b\[([><])\d*u")
_SCREENS = re.compile(rb"(\x1b\[\?1049[hl])")
_UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-z]|\x1b\[\?[0-9;]*\$p")
_UNFINISHED = re.compile(rb"\x1b(\[[0-9;?<>=$]*)?$")
_NORMAL = frozenset({7, 25})  # lines wrap, the cursor shows

_ANSWERS = {
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",  # synchronized output: known, off
    b"\x1b[?2048$p": b"\x1b[?2048;2$y",  # reports of a new size: known, off
}


class Terminal:
    """A program in a terminal of its own. It answers as a modern one does, so that all of its modes are used."""

    def __init__(
        self,
        *words: str | Path,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        columns: int = 100,
        lines: int = 30,
        shell_stays: bool = False,
        tostop: bool = False,
    ) -> None:
        import fcntl
        import pty
        import termios

        self._main, self._alternate = pyte.Screen(columns, lines), pyte.Screen(columns, lines)
        self.screen = self._main
        self._stream = pyte.ByteStream(self.screen)
        self._rest = b""
        self._lock = threading.Lock()
        self.written = bytearray()
        self._modes = set(_NORMAL)
        self._pushed_keys = 0
        self._scanned = 0
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if tostop:  # who is not in the foreground is stopped when it writes
            modes = self.line_modes()
            modes[3] |= termios.TOSTOP
            termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.modes_before = self.line_modes()
        report, told = os.pipe()
        held, self._hold = os.pipe()
        self._shell = subprocess.Popen(
            [sys.executable, "-c", _SHELL, str(told), str(held), *map(str, words)],
            cwd=cwd,
            env={
                **clean_environment(cwd),
                "TERM": "xterm-256color",
                "SHELL_STAYS": "1" if shell_stays else "",
                **(environ or {}),
            },
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            pass_fds=(told, held),
        )
        for descriptor in (slave, told, held):
            os.close(descriptor)
        self._report = os.fdopen(report)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.pid: int = json.loads(self._report.readline())["pid"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._shell.poll() is None and not self._ended():
                os.kill(self.pid, signal.SIGKILL)
        os.close(self._hold)
        self._shell.kill()
        self._shell.wait(PATIENCE)
        self.close()
        self._report.close()
        self._reader.join(PATIENCE)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def close(self) -> None:
        """Close the window."""
        if self._master >= 0:
            master, self._master = self._master, -1
            self._reader.join(PATIENCE)
            os.close(master)

    def lines(self) -> list[str]:
        """The screen as it is shown now."""
        with self._lock:
            return [line.rstrip() for line in self.screen.display]

    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines())

    def unwrapped(self) -> str:
        """All that was written, without colours, spaces and line ends: a terminal breaks lines where it likes."""
        with self._lock:
            text = self.written.decode()
        return "".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\]22;\a", "", text).split())

    def wait_for(self, text: str) -> str:
        """Wait until a text is on the screen; the screen."""
        self.wait_until(lambda: text in self.text(), lambda: f"no {text!r} on the screen:\n{self.text()}")
        return self.text()

    def wait_until(self, condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
        """Wait for a condition; AssertionError with what `otherwise` says if it does not come about."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, otherwise()
            assert self._shell.poll() is None or condition(), otherwise()
            select.select([], [], [], 0.02)

    def wait_for_dashboard(self) -> str:
        """Wait until a full screen shows something and has switched on all that it does; the screen."""
        self.wait_until(
            lambda: (
                self.screen is self._alternate and 1016 in self.modes_left() and bool(self.text().strip())
            ),
            lambda: f"no dashboard:\n{self.text()}",
        )
        return self.text()

    def exit_code(self, within: float = PATIENCE) -> int:
        """Wait for the program's end; minus the signal's number where one killed it. `within` is in its own time."""
        own = OwnTime(self.pid)
        while not select.select([self._report], [], [], 0.02)[0]:
            assert own.seconds() < within, f"still running after {within} s:\n{self.text()}"
        code: int = json.loads(self._report.readline())["code"]
        return code

    def line_modes(self) -> list[Any]:
        """What `stty -a` shows, as termios has it."""
        import termios

        return termios.tcgetattr(self._master)

    def modes_left(self) -> set[int]:
        """The modes that differ from a terminal that nobody has touched: 25 is a hidden cursor, 1000 a mouse report."""
        return self._modes_now() ^ _NORMAL

    def keys_left(self) -> int:
        """How often kitty's keys were asked for and not given back."""
        self._modes_now()
        return self._pushed_keys

    def modes_used(self) -> set[int]:
        """Every mode that was ever switched on or off."""
        with self._lock:
            data = bytes(self.written)
        return {int(one) for found in _MODE.finditer(data) for one in found[1].split(b";")}

    def _modes_now(self) -> set[int]:
        with self._lock:
            data = bytes(self.written)
        self._modes, self._pushed_keys = set(_NORMAL), 0
        for found in _MODE.finditer(data):
            for mode in found[1].split(b";"):
                (self._modes.add if found[2] == b"h" else self._modes.discard)(int(mode))
        for found in _KEYS.finditer(data):
            # One more pop than pushes leaves a terminal as it is.
            self._pushed_keys = max(0, self._pushed_keys + (1 if found[1] == b">" else -1))
        return self._modes

    def _ended(self) -> bool:
        return bool(select.select([self._report], [], [], 0)[0])

    def _read(self) -> None:
        while (master := self._master) >= 0:
            try:
                if not select.select([master], [], [], 0.05)[0]:
                    continue
                data = os.read(master, 1 << 16)
            except OSError:  # nobody has the other end any more
                return
            with self._lock:
                self.written += data
                self._draw(data)
            for question, answer in _ANSWERS.items():
                if question in data:
                    with contextlib.suppress(OSError):
                        os.write(master, answer)

    def _draw(self, data: bytes) -> None:
        """pyte has no alternate screen, and takes what it does not know, such as kitty's keys, for text."""
        data = self._rest + data
        cut = _UNFINISHED.search(data)
        data, self._rest = (data[: cut.start()], data[cut.start() :]) if cut else (data, b"")
        for part in _SCREENS.split(_UNKNOWN.sub(b"", data)):
            if part in (b"\x1b[?1049h", b"\x1b[?1049l"):
                self.screen = self._alternate if part.endswith(b"h") else self._main
                self._stream = pyte.ByteStream(self.screen)
            else:
                self._stream.feed(part)


def assert_as_before(terminal: Terminal) -> None:
    """The terminal is what it was: shown cursor, no reports, the same line modes."""
    terminal.wait_until(lambda: not terminal.modes_left(), lambda: f"modes left on: {terminal.modes_left()}")
    assert terminal.keys_left() == 0
    assert terminal.line_modes() == terminal.modes_before


def hotswap_dev(*words: str | Path) -> Sequence[str]:
    """The program's command line."""
    return [sys.executable, "-m", "hotswap_dev", *map(str, words)]


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that have not ended; AssertionError if there is none."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    children = [int(one) for one in found.stdout.split()]
    assert children
    return children


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()[:1] not in ("", "Z")


def wait_for_the_end_of(pid: int, within: float = 2.0) -> None:
    """Wait until a process that is not ours is gone; AssertionError if it is not in time, by its own time."""
    own = OwnTime(pid)
    while is_alive(pid):
        assert own.seconds() < within, f"process {pid} still runs after {within} s"
        select.select([], [], [], 0.01)
