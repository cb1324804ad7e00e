"""A listening socket for when a process has no files left (hardening D2)."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
from collections.abc import Callable

_log = logging.getLogger(__name__)

_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener(socket.socket):
    """A listening socket that asyncio may ask for connections even when no files are left for one.

    `make_room` closes a connection for the reason that it is told; False where there was none to close.

    asyncio then logs a traceback per try, and tries more often each second (cpython#151615). Here a connection is
    closed instead, and asked again in the loop's next turn. Where there is none to close, the newcomer is taken with a
    file that was kept for that, and hung up on: left alone it would keep the loop busy.
    """

    def __init__(self, opened: socket.socket, make_room: Callable[[str], bool]) -> None:
        super().__init__(opened.family, opened.type, opened.proto, fileno=opened.detach())
        self.setblocking(False)
        self._make_room = make_room
        self._quiet = False
        self._reserve = self._kept_file()

    def accept(self) -> tuple[socket.socket, object]:
        """As `socket.accept`; BlockingIOError where there is no file for it now, or nobody is to be taken any more."""
        if self._quiet:
            raise BlockingIOError(errno.EAGAIN, "nobody is taken any more")
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _OUT_OF_FILES:
                raise
            if not self._make_room("no files are left"):
                self._hang_up_on_the_next()
            raise BlockingIOError(errno.EAGAIN, "no files are left") from None

    def take_nobody(self) -> None:
        """Accept no one from now on; who comes still waits, and is reset when this is closed."""
        self._quiet = True

    def close(self) -> None:
        """As `socket.close`."""
        if self._reserve is not None:
            self._reserve.close()
        super().close()

    def _hang_up_on_the_next(self) -> None:
        if self._reserve is not None:
            self._reserve.close()
        with contextlib.suppress(OSError):
            super().accept()[0].close()
        _log.warning("no files are left, and no connection to close: a newcomer was hung up on")
        self._reserve = self._kept_file()

    def _kept_file(self) -> socket.socket | None:
        try:
            return socket.socket(self.family, self.type)
        except OSError:
            return None
