"""The journal of facts: the one thing that a workspace can't lose (design §9).

A number that a client may see is in here before anything says it. Rows are only ever added.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hotswap_dev import wire
from hotswap_dev.domain.facts import Fact
from hotswap_dev.storage.database import open_database, readable_errors

_FORMAT = 1
_SCHEMA = "CREATE TABLE facts (number INTEGER PRIMARY KEY, fact TEXT NOT NULL) STRICT"


class Journal:
    """Facts on disk, in their order. One writer; the engine's lock sees to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_database(path, version=_FORMAT, schema=_SCHEMA, synchronous="FULL")
        # In kB: pages that were only added to are never read again in this run.
        self._connection.execute("PRAGMA cache_size=-256")

    def replay(self) -> list[Fact]:
        """Every fact so far, oldest first; HotswapError for one that this version can't read."""
        with readable_errors(self._path):
            return [
                wire.decode_fact(text)
                for (text,) in self._connection.execute("SELECT fact FROM facts ORDER BY number")
            ]

    def append(self, facts: Sequence[Fact]) -> None:
        """Add facts, all or none; when this returns they outlive kill -9 and a power cut. Blocks for the disk."""
        with readable_errors(self._path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(
                    "INSERT INTO facts (fact) VALUES (?)", [(wire.encode(fact).decode(),) for fact in facts]
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Fold the write-ahead log into the file and let it go."""
        self._connection.close()
