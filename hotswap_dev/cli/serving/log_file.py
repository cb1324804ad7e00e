"""What libraries say: in a file of the workspace, capped, and never on the terminal (hardening C6)."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

_LOG_BYTES = 1_000_000


def log_to(path: Path) -> None:
    """From now on all that is logged, and warnings, go to `path` and one older file beside it."""
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # A log that can't be written must not be told on the terminal, line after line.
    logging.raiseExceptions = False
