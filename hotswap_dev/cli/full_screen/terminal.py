"""The terminal that a dashboard takes over: whether there is one, how it was, and how it becomes so again.

Textual gives back what it took when it ends in order, and forgets what terminals with newer protocols let it switch on;
when its process is killed it gives back nothing. What it switches on is in `textual/drivers/linux_driver.py`
(`start_application_mode`, `_enable_mouse_pixels`, `process_message`) and `textual/app.py` (`_begin_update`,
`_set_pointer_shape`); a test follows every mode.

Nothing here needs termios to be there: Windows' console is given back by Textual, and a killed process's by Windows.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hotswap_dev.domain.text import shown

_LONGEST_LINE = 500

CALM = (
    "\x1b[?2026l"  # what is being held back until a picture is whole
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse reports of every form
    "\x1b[?1004l\x1b[?2004l\x1b[?2048l"  # reports of focus, of pastes, of a new size
    "\x1b]22;\a"  # the pointer's shape
    "\x1b[?7h\x1b[?25h\x1b[0m"  # lines wrap, the cursor shows, no colour
)
"""Ends every mode that reports or hides something. On a terminal that is calm it changes nothing."""

LEAVE = (
    "\x18\x1b\\"  # the writer may have been killed within a sequence: CAN and ST end any
    "\x1b[<u"  # kitty's keys; before the alternate screen is left, which has a stack of them of its own
    "\x1b[?1049l" + CALM
)
"""What brings a terminal back whose full screen program was killed."""


def is_terminal(environ: Mapping[str, str]) -> bool:
    """Whether a full screen can be shown: a person types, reads, and has a terminal that can be drawn on.

    stderr too, since that is what Textual draws on (facts 6); `2>errors.txt` would be filled with pictures.
    """
    return environ.get("TERM") != "dumb" and all(
        stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)
    )


@dataclass(frozen=True, slots=True)
class KeptTerminal:
    """A terminal and how it was when it was looked at."""

    descriptor: int
    attributes: list[Any]

    def restore(self) -> None:
        """Take it back from a full screen program that was killed.

        In a background process SIGTTOU must be ignored, or this stops it. The line modes are put back only where they
        are still a full screen's: a shell whose prompt stands already has its own. Never raises: a terminal that is
        gone needs nothing.
        """
        import termios

        with contextlib.suppress(OSError, termios.error):
            if _takes_no_interrupts(self.descriptor):
                termios.tcsetattr(self.descriptor, termios.TCSANOW, self.attributes)
        with contextlib.suppress(OSError):
            os.write(self.descriptor, LEAVE.encode())

    def restore_echo(self) -> None:
        """Take it back from a program that was killed while it asked for a password; nothing else was changed then.

        The line modes are put back only where they are still such a question's: a whole line is read, and not shown. A
        shell whose prompt stands already reads key by key. Never raises.
        """
        import termios

        with contextlib.suppress(OSError, termios.error):
            local_modes = termios.tcgetattr(self.descriptor)[3]
            if local_modes & termios.ICANON and not local_modes & termios.ECHO:
                termios.tcsetattr(self.descriptor, termios.TCSANOW, self.attributes)


def keep_terminal() -> KeptTerminal | None:
    """The terminal of this process as it is now; None where there is none, or no termios."""
    try:
        import termios
    except ImportError:
        return None
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        attributes = termios.tcgetattr(descriptor)
    except (OSError, termios.error):
        os.close(descriptor)
        return None
    return KeptTerminal(descriptor, attributes)


def _takes_no_interrupts(descriptor: int) -> bool:
    """Whether Ctrl-C is a key there: a full screen program's mode, and no shell's prompt has it."""
    import termios

    local_modes = termios.tcgetattr(descriptor)[3]
    return not local_modes & termios.ISIG


@contextlib.contextmanager
def only_drawn_on(log: logging.Logger) -> Iterator[None]:
    """While the block runs, nothing reaches the terminal but what Textual draws (hardening C6).

    Textual draws through `sys.__stderr__` and measures through `sys.__stdout__`: both become files of their own on
    the terminal. What anybody else writes to the descriptors 1 and 2 is a line for `log`: stray prints, an extension's
    complaint, a child's output. On Windows the console's own handles are those of the descriptors, and Textual's own
    capture of prints has to do.
    """
    if sys.platform == "win32":
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    reader = threading.Thread(target=_log_lines, args=(reading, log), name="stray", daemon=True)
    reader.start()
    try:
        with _moved(1, "__stdout__", writing), _moved(2, "__stderr__", writing):
            yield
    finally:
        os.close(writing)
        # A program that was started from here may still hold the other end.
        reader.join(timeout=0.2)


@contextlib.contextmanager
def _moved(number: int, name: str, elsewhere: int) -> Iterator[None]:
    """`sys.NAME` on a descriptor of its own, and the descriptor `number` leading elsewhere."""
    kept = os.dup(number)
    before = getattr(sys, name)
    stream = os.fdopen(kept, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    os.dup2(elsewhere, number)
    setattr(sys, name, stream)
    try:
        yield
    finally:
        setattr(sys, name, before)
        with contextlib.suppress(OSError):  # a terminal that is gone takes nothing any more
            stream.close()
        os.dup2(kept, number)
        os.close(kept)


def _log_lines(descriptor: int, log: logging.Logger) -> None:
    with os.fdopen(descriptor, encoding="utf-8", errors="backslashreplace") as stray:
        for line in stray:
            log.warning("written past the screen: %s", shown(line.rstrip(), _LONGEST_LINE))


def when_hung_up(then: Callable[[], None], descriptor: int = 0) -> None:
    """Call `then`, from another thread, when the terminal is closed.

    The signal for that reaches the terminal's first process only, and a shell may keep it for itself.
    """
    if sys.platform == "win32" or not hasattr(select, "poll"):
        return
    watched = select.poll()
    watched.register(os.dup(descriptor), 0)  # no more than what is always told: POLLHUP, POLLERR

    def wait() -> None:
        if any(told & select.POLLHUP for _, told in watched.poll()):
            then()

    threading.Thread(target=wait, name="hangup", daemon=True).start()


def calm() -> None:
    """Switch off what Textual forgets, after it has ended; it has drawn on stderr."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(CALM)
        sys.stderr.flush()
