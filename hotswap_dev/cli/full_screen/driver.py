"""Textual's driver for a terminal, mended for a dashboard that is stopped and continued.

Mouse reports in pixels (1016) are asked for by `LinuxDriver._enable_mouse_pixels` and ended by nobody: Ctrl-Z would
leave the shell with them. After the program has ended `terminal.calm` does it.

Signals it handles between two turns of the loop: where one comes in the middle of a write, Textual's handler would
write too, and wait for ever for the lock of the queue that the interrupted write holds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from textual.drivers.linux_driver import LinuxDriver


class CalmDriver(LinuxDriver):
    """Leaves no mode on, however often and whenever it is stopped and continued."""

    def start_application_mode(self) -> None:
        """Take the terminal, also after a SIGSTOP: nobody is told of one, so the thread that reads the keys still runs.

        A second one beside it would take its keys, and it would wait for them in a `read` that nothing ends.
        """
        if self._key_thread is not None and self._key_thread.is_alive():
            self.disable_input()
        super().start_application_mode()  # type: ignore[no-untyped-call] # Textual says nothing of it

    def stop_application_mode(self) -> None:
        """Give the terminal back, mouse reports in pixels first."""
        self.write("\x1b[?1016l")
        super().stop_application_mode()

    def _sigtstp_application(self, *_: object) -> None:
        self._in_its_turn(super()._sigtstp_application)

    def _sigcont_application(self, *_: object) -> None:
        self._in_its_turn(super()._sigcont_application)

    def _in_its_turn(self, handle: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the terminal has been given back
            self._loop.call_soon_threadsafe(handle)
