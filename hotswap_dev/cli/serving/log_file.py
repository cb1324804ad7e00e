"""What libraries say: in a file of the workspace, capped, and never on the terminal (hardening C6)."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from io import TextIOWrapper
from pathlib import Path

_LOG_BYTES = 1_000_000


def log_to(path: Path) -> None:
    """From now on all that is logged, and warnings, go to `path` and one older file beside it.

    Any number of processes may log to one file, as the dashboards of one workspace do. It is this user's alone.
    """
    handler = _CappedFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # A log that can't be written must not be told on the terminal, line after line.
    logging.raiseExceptions = False


class _CappedFile(logging.FileHandler):
    """A log that is copied aside and emptied when it has grown too long.

    It is not renamed, as logging's own rotation does: another process would go on writing into the old file, and
    a third would rename the new one over it. What is appended to an emptied file begins at its start, whoever appends.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", delay=True)

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        # A disk that is full, or a log that somebody has taken away, costs nobody more than the log.
        with contextlib.suppress(OSError, ValueError):
            if self.stream is not None and os.fstat(self.stream.fileno()).st_size > _LOG_BYTES:
                self._start_over(self.stream)

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=_private)

    def _start_over(self, stream: TextIOWrapper) -> None:
        older = f"{self.baseFilename}.1"
        with Path(self.baseFilename).open("rb") as full, open(older, "wb", opener=_private) as kept:
            shutil.copyfileobj(full, kept)
        stream.truncate(0)


def _private(path: str, flags: int) -> int:
    """Open a file that only this user may read; one that is there already and was open to others, too."""
    descriptor = os.open(path, flags, 0o600)
    if hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o600)
    return descriptor
