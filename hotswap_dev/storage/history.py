"""Observations, facts and clients on disk, written behind the answers' back.

`record` never waits: it appends to a bounded queue that one thread empties in batches. When the queue is full, or the
disk is, answers go on and `dropped` counts what was not recorded; nothing here may raise into an answer. A file that is
deleted or swapped while it is open is noticed and made anew.

Rows are numbered as they come. Nothing here goes by the clock, which may jump: what is oldest has the lowest number.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Unpack

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.domain.clients import MAX_CLIENTS, Client
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import Observation
from hotswap_dev.errors import HotswapError
from hotswap_dev.storage.database import open_database, readable_errors
from hotswap_dev.storage.history_reports import (
    REPORTS_SCHEMA,
    Point,
    catch_up,
    new_reports,
    remember,
    reported,
    running_over_time,
    trim_reports,
    write_reports,
)
from hotswap_dev.storage.history_search import SPANS_SCHEMA, Wanted, forget_spans, note_spans, search

__all__ = ["MAX_BYTES", "MAX_CLIENTS", "MAX_ROWS", "History"]

_log = logging.getLogger(__name__)

MAX_ROWS = 2_000_000
MAX_BYTES = 1024**3
_MAX_QUEUE = 50_000
_BATCH = 500
_PRUNED_AT_ONCE = 5_000
_CLIENTS_BETWEEN_COUNTS = 2_000
_RETRY_SECONDS = 5.0
_GATHER_SECONDS = 0.05
_FORMAT = 2
_SCHEMA = """
CREATE TABLE observations (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, event TEXT NOT NULL,
    client TEXT, reason TEXT, status INTEGER, body TEXT NOT NULL
) STRICT;
CREATE INDEX observations_by_client ON observations (client, number) WHERE client IS NOT NULL;
CREATE INDEX observations_by_reason ON observations (reason, number) WHERE reason IS NOT NULL;
CREATE INDEX observations_by_status ON observations (status, number) WHERE status IS NOT NULL;
CREATE INDEX observations_by_time ON observations (rtrim(at, 'Z'));
CREATE INDEX observations_but_checks ON observations (event, number) WHERE event <> 'check-answered';
CREATE TABLE clients (
    id TEXT PRIMARY KEY, last_seen TEXT NOT NULL, turn INTEGER NOT NULL, body TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""
# One statement for a whole batch: executemany takes the interpreter's lock once a row, which answers would feel
# (hardening F).
_INSERT = """
INSERT INTO observations (at, event, client, reason, status, body)
SELECT value ->> 'at', value ->> 'event', value ->> 'client', value ->> 'reason',
       -- A completion's is a word.
       CASE value ->> 'event' WHEN 'update-reported' THEN NULL ELSE value ->> 'status' END, value
FROM json_each(?)
"""
# A client's turn is the order in which clients were seen last, by the rows' numbers: it rises whatever the clock does.
# The last of a batch gets the batch's last number, so that no later batch begins below it.
_UPSERT = """
INSERT INTO clients (id, last_seen, turn, body)
SELECT value ->> 'id', value ->> 'last_seen',
       (SELECT coalesce(max(number), 0) FROM observations) + key + 1 - json_array_length(?1), value
FROM json_each(?1) WHERE true
ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen, turn = excluded.turn, body = excluded.body
"""
_FORGET = "DELETE FROM clients WHERE id IN (SELECT value FROM json_each(?))"
_SEEN_LAST = "SELECT body FROM clients ORDER BY turn DESC LIMIT ?"
_TRIM = "DELETE FROM clients WHERE turn <= (SELECT turn FROM clients ORDER BY turn DESC LIMIT 1 OFFSET ?)"


class _Forget(Struct, frozen=True):
    client: str


_Entry = tuple[Observation | Fact | _Forget, Client | None]


class History:
    """The recorder and what it recorded.

    `on_trouble` hears, in the writer's thread, why recording stopped, and None when it goes on. `dropped` counts
    what was not recorded: the queue was full, the row could not be encoded, or the disk refused it to the end.
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
        self._reading = threading.Lock()
        self._connection = self._open()
        self._reader = self._open_reader()
        self._readers = ThreadPoolExecutor(1, "history-reading")
        self._file = _identity(path)
        self._writer = threading.Thread(target=self._write_until_closed, name="history", daemon=True)
        self._writer.start()

    @property
    def dropped(self) -> int:
        """How many were not recorded."""
        return self._overflowed + self._lost

    @property
    def readers(self) -> Executor:
        """One thread, in which to read: some questions take a second, and hold up nothing but the next such one."""
        return self._readers

    def record(self, event: Observation | Fact, client: Client | None = None) -> None:
        """Take an observation, and the client as it is after it; or a fact. Never waits, never raises."""
        if len(self._queue) >= _MAX_QUEUE:
            self._overflowed += 1
            return
        self._queue.append((event, client))
        if not self._filled.is_set():
            self._filled.set()

    def forget(self, client: str) -> None:
        """Keep this client no longer, until it is recorded again; what was observed of it stays. Never waits."""
        # Past the queue's limit: it would come back at the next start.
        self._queue.append((_Forget(client), None))
        self._filled.set()

    def clients(self, limit: int) -> list[Client]:
        """The clients seen last, at most `limit`; a row that can't be read is left out."""
        with self._reading, readable_errors(self._path):
            rows = self._reader.execute(_SEEN_LAST, (limit,)).fetchall()
        found = (_client(body) for (body,) in rows)
        return [client for client in found if client is not None]

    def checks(self, **wanted: Unpack[Wanted]) -> list[Mapping[str, Any]]:
        """What was recorded, newest first, each with its `number`. Blocks, for a second at most."""
        rows: list[Mapping[str, Any]] = wire.decode(b"[%b]" % b",".join(self.checks_as_json(**wanted)))
        return rows

    def checks_as_json(self, **wanted: Unpack[Wanted]) -> Sequence[bytes]:
        """The same as JSON objects with commas between, some hundreds to a piece; there is one between two, too."""
        with self._reading, readable_errors(self._path):
            return search(self._reader, wanted)

    def running(self, sequence: int, most: int) -> tuple[Sequence[Point], str | None]:
        """How many clients ran a release over time: see `running_over_time`. Blocks, for a second at most."""
        with self._reading, readable_errors(self._path):
            return running_over_time(self._reader, sequence, most)

    def close(self) -> None:
        """Write what is queued and let the file go; what the disk refuses then is dropped, counted and told."""
        self._closing.set()
        self._filled.set()
        self._writer.join(timeout=5)
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._reader.interrupt()
        self._readers.shutdown()
        self._reader.close()
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = open_database(self._path, version=_FORMAT, schema=_SCHEMA, synchronous="NORMAL")
        try:
            with readable_errors(self._path):
                connection.executescript(SPANS_SCHEMA + REPORTS_SCHEMA)
                note_spans(connection)
                catch_up(connection)
                self._reported = reported(connection)  # the writer's thread's own
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        with readable_errors(self._path):
            return sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5)

    def _write_until_closed(self) -> None:
        while not (self._closing.is_set() and not self._queue):
            self._filled.wait()
            # A moment's gathering makes batches of what would be single rows under load.
            self._closing.wait(_GATHER_SECONDS)
            self._filled.clear()
            # Only what is there now: what comes meanwhile is gathered first, since a transaction for a few rows costs
            # almost as much as one for hundreds, and each takes the interpreter from the answers several times.
            left = len(self._queue)
            while left > 0:
                batch = [self._queue[index] for index in range(min(_BATCH, left))]
                if self._write(batch):
                    left -= len(batch)
                elif self._closing.wait(_RETRY_SECONDS):
                    self._give_up()
                    return
                else:
                    # A part of a batch that was halved may be written, and off the queue.
                    left = min(left, len(self._queue))

    def _give_up(self) -> None:
        """Count and tell what is still queued: nobody will write it."""
        lost = 0
        while self._queue:
            event, _ = self._queue.popleft()
            lost += not isinstance(event, _Forget)
        self._lost += lost
        if lost:
            # It is in trouble already, and this is no repetition of that.
            self._troubled = False
            self._tell(f"{self._path.name} could not be written to the end: {lost} observations are lost")

    def _write(self, batch: list[_Entry]) -> bool:
        """Write the head of the queue and take it off; False where the disk refused, and then it stays queued.

        Whatever is raised, this thread lives: it is the only one there is (hardening C4).
        """
        try:
            self._demand_same_file()
            lost = self._store(batch)
        except Exception as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            if _of_the_disk(error):
                self._tell(f"{self._path.name} could not be written: {error}")
                return False
            # A row is at fault, and would be at every attempt: find it, and write the others.
            if len(batch) > 1:
                half = len(batch) // 2
                return self._write(batch[:half]) and self._write(batch[half:])
            _log.warning("a row could not be recorded: %r", error)
            lost = 1
        for _ in batch:
            self._queue.popleft()
        self.recorded += sum(not isinstance(event, _Forget) for event, _ in batch) - lost
        self._lost += lost
        try:
            self._prune(len(batch))
        except Exception as error:
            self._tell(f"{self._path.name} could not be pruned: {error}")
        else:
            self._tell(None)
        return True

    def _store(self, batch: list[_Entry]) -> int:
        """Write a batch in one transaction. Returns how many rows could not be encoded."""
        events: list[Observation | Fact] = []
        seen: dict[str, Client] = {}
        forgotten: list[str] = []
        for event, client in batch:
            if isinstance(event, _Forget):
                forgotten.append(event.client)
                seen.pop(event.client, None)
                continue
            events.append(event)
            if client is not None:
                seen.pop(client.id, None)  # in the order in which they were seen last
                seen[client.id] = client
        rows, lost = _encodable(events)
        clients, _ = _encodable(list(seen.values()))
        changed, now = new_reports(events, self._reported)
        self._connection.execute("BEGIN IMMEDIATE")
        written = self._connection.execute(_INSERT, (rows,))
        if written.rowcount > 0 and written.lastrowid is not None:
            note_spans(self._connection, written.lastrowid - written.rowcount + 1)
        if forgotten:
            self._connection.execute(_FORGET, (_encodable(forgotten)[0],))
        self._connection.execute(_UPSERT, (clients,))
        if changed:
            write_reports(self._connection, _encodable(changed)[0])
        self._connection.execute("COMMIT")
        remember(self._reported, now, MAX_CLIENTS)
        return lost

    def _demand_same_file(self) -> None:
        """Open the file anew where somebody deleted or swapped it: what is written to the old one nobody could find."""
        if _identity(self._path) == self._file:
            return
        self._tell(f"{self._path.name} was deleted while it was written; what it held is gone")
        self._connection.close()
        with self._reading:
            self._reader.close()
            for suffix in ("-wal", "-shm"):
                # SQLite would read the deleted file's log into the new one.
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._connection = self._open()
            self._reader = self._open_reader()
            self._file = _identity(self._path)

    def _tell(self, trouble: str | None) -> None:
        if bool(trouble) == self._troubled:
            return
        self._troubled = bool(trouble)
        try:
            self.on_trouble(trouble)
        except Exception:
            _log.exception("the recorder's trouble could not be told: %s", trouble)

    def _prune(self, entries: int) -> None:
        self._uncounted += entries
        if self._uncounted >= _CLIENTS_BETWEEN_COUNTS:
            self._uncounted = 0
            trim_reports(self._connection)
            if self._connection.execute("SELECT count(*) FROM clients").fetchone()[0] > MAX_CLIENTS:
                self._connection.execute(_TRIM, (MAX_CLIENTS,))
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
            forget_spans(self._connection, oldest + _PRUNED_AT_ONCE)
            # Where every check reports something new, they must not push the checks out.
            trim_reports(self._connection, (newest - oldest) // 2)


def _of_the_disk(error: Exception) -> bool:
    """Whether it may pass by itself, as a full disk or a lock does; else a row is at fault."""
    if isinstance(error, sqlite3.Error):
        return not isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)
    return isinstance(error, OSError | HotswapError)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to; None where it leads to none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _encodable(values: Sequence[object]) -> tuple[str, int]:
    """The values as one JSON array, and how many of them could not be written in it."""
    try:
        return wire.encode(values).decode(), 0
    except (UnicodeError, ValueError, TypeError, OverflowError):
        texts = [text for text in map(_encoded, values) if text is not None]
        return f"[{','.join(texts)}]", len(values) - len(texts)


def _encoded(value: object) -> str | None:
    try:
        return wire.encode(value).decode()
    except (UnicodeError, ValueError, TypeError, OverflowError):
        return None


def _client(body: str) -> Client | None:
    try:
        return wire.decode_client(body)
    except ValueError:
        return None
