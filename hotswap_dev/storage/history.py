"""Observations and clients on disk, written behind the answers' back.

`record` never waits: it appends to a bounded queue that one thread empties in batches. When the queue is full, or the
disk is, answers go on and `dropped` counts what was not recorded; nothing here may raise into an answer.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hotswap_dev import wire
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.observations import Observation
from hotswap_dev.storage.database import open_database, readable_errors

MAX_ROWS = 2_000_000
MAX_BYTES = 1024**3
MAX_CLIENTS = 10_000
_MAX_QUEUE = 50_000
_BATCH = 500
_PRUNED_AT_ONCE = 5_000
_CLIENTS_BETWEEN_COUNTS = 500
_RETRY_SECONDS = 5.0
_GATHER_SECONDS = 0.02
_FORMAT = 1
_SCHEMA = """
CREATE TABLE observations (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, event TEXT NOT NULL,
    client TEXT, reason TEXT, status INTEGER, body TEXT NOT NULL
) STRICT;
CREATE INDEX observations_by_client ON observations (client, number) WHERE client IS NOT NULL;
CREATE TABLE clients (id TEXT PRIMARY KEY, last_seen TEXT NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID
"""
# One statement for a whole batch: executemany takes the interpreter's lock once a row, which answers would feel
# (hardening F).
_INSERT = """
INSERT INTO observations (at, event, client, reason, status, body)
SELECT value ->> 'at', value ->> 'event', value ->> 'client', value ->> 'reason', value ->> 'status', value
FROM json_each(?)
"""
_UPSERT = """
INSERT INTO clients (id, last_seen, body)
SELECT value ->> 'id', value ->> 'last_seen', value FROM json_each(?) WHERE true
ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen, body = excluded.body
"""
# Times are compared without their Z: whole seconds have no fraction, and Z is above the dot of those that have one.
_SEEN_LAST = "SELECT body FROM clients ORDER BY rtrim(last_seen, 'Z') DESC LIMIT ?"
_FORGET = (
    "DELETE FROM clients WHERE id NOT IN (SELECT id FROM clients ORDER BY rtrim(last_seen, 'Z') DESC LIMIT ?)"
)

_Entry = tuple[Observation, Client | None]


class History:
    """The recorder and what it recorded.

    `on_trouble` hears, in the writer's thread, why recording stopped, and None when it goes on. `dropped` counts
    what was not recorded: the queue was full, or the row could not be encoded.
    """

    def __init__(self, path: Path, on_trouble: Callable[[str | None], None] = lambda _: None) -> None:
        self._path = path
        self.on_trouble = on_trouble
        self._queue: deque[_Entry] = deque()
        self._filled = threading.Event()
        self._closing = threading.Event()
        self._troubled = False
        self._overflowed = 0  # by `record`
        self._lost = 0  # by the writer's thread: `+=` of two threads on one number loses some
        self._uncounted = _CLIENTS_BETWEEN_COUNTS
        self.recorded = 0
        self._connection = open_database(path, version=_FORMAT, schema=_SCHEMA, synchronous="NORMAL")
        self._reader = self._open_reader()
        self._reading = threading.Lock()
        self._writer = threading.Thread(target=self._write_until_closed, name="history", daemon=True)
        self._writer.start()

    @property
    def dropped(self) -> int:
        """How many were not recorded."""
        return self._overflowed + self._lost

    def record(self, observation: Observation, client: Client | None = None) -> None:
        """Take an observation, and the client as it is after it. Never waits, never raises."""
        if len(self._queue) >= _MAX_QUEUE:
            self._overflowed += 1
            return
        self._queue.append((observation, client))
        if not self._filled.is_set():
            self._filled.set()

    def clients(self, limit: int) -> list[Client]:
        """The clients seen last, at most `limit`; a row that can't be read is left out."""
        found = (_client(body) for (body,) in self._read(_SEEN_LAST, (limit,)))
        return [client for client in found if client is not None]

    def checks(
        self,
        *,
        limit: int,
        before: int | None = None,
        since: str | None = None,
        client: str | None = None,
        reason: str | None = None,
        status: int | None = None,
        events: tuple[str, ...] = ("check-answered",),
    ) -> list[Mapping[str, Any]]:
        """What was recorded, newest first, each with its `number`. `before` is a number, `since` RFC 3339."""
        marks = ", ".join("?" for _ in events)
        conditions: list[tuple[str, Any]] = [
            ("number < ?", before),
            ("rtrim(at, 'Z') >= rtrim(?, 'Z')", since),
            ("client = ?", client),
            ("reason = ?", reason),
            ("status = ?", status),
        ]
        given = [(text, value) for text, value in conditions if value is not None]
        where = " AND ".join([f"event IN ({marks})", *(text for text, _ in given)])
        rows = self._read(
            f"SELECT number, body FROM observations WHERE {where} ORDER BY number DESC LIMIT ?",  # noqa: S608
            (*events, *(value for _, value in given), limit),
        )
        return [{"number": number, **wire.decode(body)} for number, body in rows]

    def close(self) -> None:
        """Write what is queued and let the file go."""
        self._closing.set()
        self._filled.set()
        self._writer.join(timeout=5)
        self._reader.close()
        self._connection.close()

    def _open_reader(self) -> sqlite3.Connection:
        with readable_errors(self._path):
            return sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5)

    def _read(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        with self._reading, readable_errors(self._path):
            return self._reader.execute(statement, values).fetchall()

    def _write_until_closed(self) -> None:
        while not (self._closing.is_set() and not self._queue):
            self._filled.wait()
            # A moment's gathering makes batches of what would be single rows under load.
            self._closing.wait(_GATHER_SECONDS)
            self._filled.clear()
            while self._queue:
                if not self._write(
                    [self._queue[index] for index in range(min(_BATCH, len(self._queue)))]
                ) and (self._closing.wait(_RETRY_SECONDS)):
                    return

    def _write(self, batch: list[_Entry]) -> bool:
        """Write the head of the queue and take it off; False where the disk refused, and then it stays queued."""
        observations, lost = _encodable([observation for observation, _ in batch])
        seen = {client.id: client for _, client in batch if client}
        clients, _ = _encodable(list(seen.values()))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_INSERT, (observations,))
            self._connection.execute(_UPSERT, (clients,))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if not isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
                self._tell(f"{self._path.name} could not be written: {error}")
                return False
            # A row is at fault, and would be at every attempt: find it, and write the others (hardening C4).
            if len(batch) > 1:
                half = len(batch) // 2
                return self._write(batch[:half]) and self._write(batch[half:])
            lost = 1
        for _ in batch:
            self._queue.popleft()
        self.recorded += len(batch) - lost
        self._lost += lost
        try:
            self._prune(len(seen))
        except sqlite3.Error as error:
            self._tell(f"{self._path.name} could not be pruned: {error}")
        else:
            self._tell(None)
        return True

    def _tell(self, trouble: str | None) -> None:
        if bool(trouble) != self._troubled:
            self._troubled = bool(trouble)
            self.on_trouble(trouble)

    def _prune(self, clients: int) -> None:
        self._uncounted += clients
        if self._uncounted >= _CLIENTS_BETWEEN_COUNTS:
            self._uncounted = 0
            if self._connection.execute("SELECT count(*) FROM clients").fetchone()[0] > MAX_CLIENTS:
                self._connection.execute(_FORGET, (MAX_CLIENTS,))
        oldest, newest = self._connection.execute(
            # Two selects: SQLite finds one min or max by the key, and both at once only by reading all rows.
            "SELECT coalesce((SELECT min(number) FROM observations), 0),"
            " coalesce((SELECT max(number) FROM observations), 0)"
        ).fetchone()
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        if newest - oldest >= MAX_ROWS or (pages - free) * size > MAX_BYTES:
            self._connection.execute("DELETE FROM observations WHERE number < ?", (oldest + _PRUNED_AT_ONCE,))


def _encodable(values: Sequence[Observation | Client]) -> tuple[str, int]:
    """The values as one JSON array, and how many of them could not be written in it."""
    try:
        return wire.encode(values).decode(), 0
    except (UnicodeError, ValueError, TypeError, OverflowError):
        texts = [text for text in map(_encoded, values) if text is not None]
        return f"[{','.join(texts)}]", len(values) - len(texts)


def _encoded(value: Observation | Client) -> str | None:
    try:
        return wire.encode(value).decode()
    except (UnicodeError, ValueError, TypeError, OverflowError):
        return None


def _client(body: str) -> Client | None:
    try:
        return wire.decode_client(body)
    except ValueError:
        return None
