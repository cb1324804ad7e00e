"""A second process that puts the terminal in order should the dashboard's be killed, which leaves it no time to.

It is a clone that does nothing but wait for the end of a pipe: own server or not, it is there, and it outlives a server
that was killed with the dashboard. Windows' console is the system's business.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Never

from hotswap_dev.cli.full_screen.terminal import KeptTerminal, keep_terminal

_OPEN, _ASKING, _CLOSED = b"o", b"a", b"c"
_DEAF_TO = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTTOU")
"""SIGTTOU, since the terminal would stop a background process that sets its modes; the rest are the dashboard's."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What the second process is told. Without one (no terminal, no `fork`) it is told to nobody."""

    pipe: int | None

    def screen_opens(self) -> None:
        """From now on the terminal is not as it was."""
        self._tell(_OPEN)

    def screen_closed(self) -> None:
        """The terminal is as it was."""
        self._tell(_CLOSED)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While the block runs, what is typed is not shown."""
        self._tell(_ASKING)
        try:
            yield
        finally:
            self._tell(_CLOSED)

    def _tell(self, what: bytes) -> None:
        if self.pipe is not None:
            with contextlib.suppress(OSError):  # somebody has ended it
                os.write(self.pipe, what)


@contextlib.contextmanager
def guarded() -> Iterator[Guard]:
    """A guard of this process's terminal while the block runs; to be opened before there are threads."""
    terminal = None if sys.platform == "win32" else keep_terminal()
    if sys.platform == "win32" or terminal is None:
        yield Guard(None)
        return
    sys.stdout.flush()
    sys.stderr.flush()
    heard, told = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(told)
        _stand_guard(terminal, heard)
    os.close(heard)
    os.close(terminal.descriptor)
    try:
        yield Guard(told)
    finally:
        os.close(told)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, 0)


def _stand_guard(terminal: KeptTerminal, heard: int) -> Never:
    """Wait until the other process is gone, and mend what it left. Not a line of the program's own end is run here."""
    try:
        os.setpgid(0, 0)  # a Ctrl-C, or a `kill` of the foreground, is not for this one
        for name in _DEAF_TO:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        last = _CLOSED
        while word := os.read(heard, 1):
            last = word
        if last == _OPEN:
            terminal.restore()
        elif last == _ASKING:
            terminal.restore_echo()
    finally:
        os._exit(0)
