"""Opening the two SQLite files: the same checks and the same sentences for both."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from hotswap_dev.errors import HotswapError


def open_database(
    path: Path, *, version: int, schema: str, synchronous: Literal["FULL", "NORMAL"]
) -> sqlite3.Connection:
    """Open or make a database in WAL mode; HotswapError if it is newer than `version`, broken or not writable.

    `synchronous` is FULL where an acknowledged row must outlive a power cut, NORMAL where a crash of the program is
    all that must not lose it (hardening E2). The connection may be used from any thread, by one at a time.
    """
    with readable_errors(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found > version:
                raise HotswapError(
                    f"{path} was written by a newer hotswap-dev (its format is {found}, this version reads {version})",
                    "update hotswap-dev, or start with another --workspace",
                    code="newer-format",
                )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute("PRAGMA journal_size_limit=8388608")
            if found < version:
                connection.executescript(f"BEGIN;{schema};PRAGMA user_version={version};COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection


@contextlib.contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about `path` into sentences with a way out."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        name = getattr(error, "sqlite_errorname", "")
        if "FULL" in name or "disk is full" in text or "disk I/O" in text:
            raise HotswapError(
                f"{path} could not be written: {text}", "free some space on that disk", code="disk-full"
            ) from None
        if "READONLY" in name or "CANTOPEN" in name:
            raise HotswapError(
                f"{path} could not be written: {text}",
                "make the workspace writable, or give another with --workspace",
                code="workspace-not-writable",
            ) from None
        if "BUSY" in name or "LOCKED" in name:
            raise HotswapError(
                f"{path} could not be used: {text}",
                "another program has it open for writing: close that one and try again",
                code="database-busy",
            ) from None
        raise HotswapError(
            f"{path} could not be used: {text}", "move it away to start without it", code="database-broken"
        ) from None
