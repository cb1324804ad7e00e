"""The signals that end a server or a dashboard, and the exit code that says which it was."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "SIGBREAK": 143}
"""By the signal's name, as a shell has it: 128 and its number. SIGBREAK is Windows' Ctrl-Break."""


@contextlib.contextmanager
def on_ending_signals(ended: Callable[[int], object]) -> Iterator[None]:
    """While the block runs, call `ended` with the exit code for each signal that says that this shall end.

    It is called in the main thread, between any two instructions. Under `nohup`, which has SIGHUP ignored from the
    start, it stays ignored: whoever ignored it wants this to outlive the terminal.
    """
    before: dict[int, Any] = {}
    try:
        for name, code in EXIT_CODES.items():
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                continue
            before[number] = signal.signal(number, _told(ended, code))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(ended: Callable[[int], object], code: int) -> Callable[[int, object], None]:
    def handle(_number: int, _frame: object) -> None:
        ended(code)

    return handle
