"""Which client reported which sequence, one row for every change of it: what a release's way over time is drawn of.

A client says the same at a thousand checks in a row. To find the few that differ among two million of them would take
seconds and an index that every check pays for; to keep them apart costs a check one look into a dictionary, in the
recorder's thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from hotswap_dev.domain.facts import ClientForgotten, Fact
from hotswap_dev.domain.observations import CheckAnswered, Observation

MAX_REPORTS = 200_000
"""Rows; the oldest leave, but for the newest of each client."""

REPORTS_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, client TEXT NOT NULL, sequence TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS reports_by_client ON reports (client);
CREATE INDEX IF NOT EXISTS reports_by_sequence ON reports (sequence);
"""
"""Added to a history of any version: an older program leaves it alone. A sequence is a text: it may be above 2^63."""

NOWHERE = -1
"""What a client that was forgotten runs, as far as anybody knows."""

Point = tuple[str, int]
"""From when on, and how many ran a release then."""

# As the JSON has it: as a number of SQLite's, what is above 2^63 would be rounded. A row that somebody broke has none.
_SEQUENCE_OF = """
CASE WHEN json_valid(body) AND json_type(body, '$.sequence') = 'integer' THEN body -> '$.sequence' END
"""
_REPORTED = f"SELECT id, {_SEQUENCE_OF} FROM clients ORDER BY turn"  # noqa: S608
# What is told as of the newest check that is known: all of it was so then.
_CATCH_UP = f"""
INSERT INTO reports (at, client, sequence)
SELECT (SELECT last_seen FROM clients ORDER BY turn DESC LIMIT 1), id, sequence
FROM (SELECT id, turn, {_SEQUENCE_OF} AS sequence FROM clients) WHERE sequence IS NOT NULL AND sequence IS NOT
    (SELECT reports.sequence FROM reports WHERE client = id ORDER BY number DESC LIMIT 1)
ORDER BY turn
"""  # noqa: S608
_INSERT = """
INSERT INTO reports (at, client, sequence)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)
"""
_TRIM = """
DELETE FROM reports WHERE number <= (SELECT max(number) FROM reports) - ? AND (
    EXISTS (SELECT 1 FROM reports AS newer WHERE newer.client = reports.client AND newer.number > reports.number)
    OR NOT EXISTS (SELECT 1 FROM clients WHERE id = reports.client)
)
"""
# Of steps of one moment the last counts; of more points than are asked for, some are taken evenly, and both ends.
# SQLite does all of it, and lets answers go on meanwhile.
_RUNNING = """
WITH moves (number, at, step) AS (
    SELECT number, at, 1 FROM reports WHERE sequence = ?1
    UNION ALL
    SELECT gone.number, gone.at, -1 FROM reports AS came CROSS JOIN reports AS gone
    WHERE came.sequence = ?1 AND gone.number =
        (SELECT min(number) FROM reports WHERE client = came.client AND number > came.number)
), steps (number, at, running, next) AS (
    SELECT number, at, sum(step) OVER in_order, lead(at) OVER in_order FROM moves WINDOW in_order AS (ORDER BY number)
), points (at, running, place, last) AS (
    SELECT at, running, row_number() OVER (ORDER BY number) - 1, count(*) OVER () - 1 FROM steps WHERE next IS NOT at
)
SELECT at, running FROM points
WHERE last < ?2 OR (place * (?2 - 1) + last - 1) / last * last / (?2 - 1) = place
ORDER BY place
"""
_UNBROKEN = "SELECT count(*) = max(number) - min(number) + 1 FROM reports"
_OLDEST = "SELECT at FROM reports ORDER BY number LIMIT 1"
# What was trimmed has left a gap, and of what is older than that only a part is known.
_OLDEST_AFTER_A_GAP = """
SELECT at FROM reports WHERE NOT EXISTS (SELECT 1 FROM reports AS older WHERE older.number = reports.number - 1)
ORDER BY number DESC LIMIT 1
"""


def catch_up(connection: sqlite3.Connection) -> None:
    """Write one report for each client that is kept whose newest one is missing, or says something else.

    It is so where an older program, which knew no reports, wrote the history.
    """
    connection.execute(_CATCH_UP)


def reported(connection: sqlite3.Connection) -> dict[str, int]:
    """What each client that is kept reported last, whoever was seen longest ago first; broken rows are left out."""
    return {client: int(text) for client, text in connection.execute(_REPORTED) if text is not None}


def new_reports(
    events: Iterable[Observation | Fact], known: Mapping[str, int]
) -> tuple[list[tuple[datetime, str, str]], dict[str, int]]:
    """The rows that these events lead to, and what is known after them of the clients that they are about."""
    rows: list[tuple[datetime, str, str]] = []
    now: dict[str, int] = {}
    for event in events:
        if isinstance(event, CheckAnswered):
            client, sequence = event.client, event.sequence
            last = now.get(client) if client in now else known.get(client)
            if sequence is None or sequence == last:
                continue
        elif isinstance(event, ClientForgotten):
            client, sequence = event.client, NOWHERE
        else:
            continue
        now[client] = sequence
        rows.append((event.at, client, str(sequence)))
    return rows, now


def remember(known: dict[str, int], now: Mapping[str, int], most: int) -> None:
    """Take in what is known now; whoever's report changed longest ago leaves where there are more than `most`."""
    for client, sequence in now.items():
        known.pop(client, None)
        if sequence != NOWHERE:
            known[client] = sequence
    for client in list(islice(known, max(0, len(known) - most))):
        del known[client]


def write_reports(connection: sqlite3.Connection, rows: str) -> None:
    """Add rows, given as a JSON array."""
    connection.execute(_INSERT, (rows,))


def trim_reports(connection: sqlite3.Connection, most: int | None = None) -> None:
    """Let the oldest rows go where there are more than `most`, by default `MAX_REPORTS`.

    The newest of each client that is kept stays: it runs that until it says something else.
    """
    connection.execute(_TRIM, (MAX_REPORTS if most is None else most,))


def running_over_time(
    connection: sqlite3.Connection, sequence: int, most: int
) -> tuple[Sequence[Point], str | None]:
    """The steps of the number of clients that run a release, at most `most` (two or more) of them, evenly taken, and
    since when reports are kept whole: before that, not all is known.

    A client joins when it reports the release, and leaves when it reports anything else.
    """
    points = connection.execute(_RUNNING, (str(sequence), most)).fetchall()
    unbroken = connection.execute(_UNBROKEN).fetchone()[0]
    oldest = connection.execute(_OLDEST_AFTER_A_GAP if unbroken == 0 else _OLDEST).fetchone()
    return points, oldest[0] if oldest else None
