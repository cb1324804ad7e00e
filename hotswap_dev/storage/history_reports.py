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
from hotswap_dev.domain.running import Report

MAX_REPORTS = 200_000
"""Rows; the oldest leave."""

REPORTS_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, client TEXT NOT NULL, sequence TEXT NOT NULL
) STRICT
"""
"""Added to a history of any version: an older program leaves it alone. A sequence is a text: it may be above 2^63.

There is no index: rows are so few that reading all of them takes less than a person notices.
"""

NOWHERE = -1
"""What a client that was forgotten runs, as far as anybody knows."""

_REPORTED = "SELECT id, body ->> 'sequence' FROM clients ORDER BY turn"
_INSERT = """
INSERT INTO reports (at, client, sequence)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)
"""
_TRIM = "DELETE FROM reports WHERE number <= (SELECT max(number) FROM reports) - ?"
_OF_A_RELEASE = """
SELECT at, client, sequence FROM reports
WHERE number >= (SELECT min(number) FROM reports WHERE sequence = ?1)
  AND client IN (SELECT client FROM reports WHERE sequence = ?1)
ORDER BY number
"""
_OLDEST = "SELECT at FROM reports ORDER BY number LIMIT 1"


def reported(connection: sqlite3.Connection) -> dict[str, int]:
    """What each client that is kept reported last, whoever was seen longest ago first."""
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
    """Let the oldest rows go where there are more than `most`, by default `MAX_REPORTS`."""
    connection.execute(_TRIM, (MAX_REPORTS if most is None else most,))


def reports_of(connection: sqlite3.Connection, sequence: int) -> tuple[Sequence[Report], str | None]:
    """Every report, since the first one of `sequence`, of whoever reported it; and since when reports are kept."""
    rows = connection.execute(_OF_A_RELEASE, (str(sequence),)).fetchall()
    oldest = connection.execute(_OLDEST).fetchone()
    return [(at, client, int(text)) for at, client, text in rows], oldest[0] if oldest else None
