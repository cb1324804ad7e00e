"""Finding rows of the history: whatever is asked for, two million rows must not all be read.

Every filter has an index, and SQLite, which keeps no statistics here, would pick one by its shape. The one that leaves
the fewest rows leads; the others are checked on what it finds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

_FEW = 2_000
"""Rows that are sorted without a thought; of more, the newest are read until enough match."""

_SINCE = "rtrim(at, 'Z') >= rtrim(?, 'Z')"
# Times are compared without their Z: whole seconds have no fraction, and Z is above the dot of those that have one.
_LAST_BEFORE = """
SELECT number FROM observations WHERE rtrim(at, 'Z') < rtrim(?, 'Z') ORDER BY rtrim(at, 'Z') DESC, number DESC LIMIT 1
"""
_CHECKS = "check-answered"


def search(
    connection: sqlite3.Connection,
    *,
    events: Sequence[str],
    equal: Mapping[str, Any],
    since: str | None,
    until: str | None = None,
    before: int | None,
    limit: int,
) -> list[tuple[int, str]]:
    """(number, body) of the newest rows of these events that have these values, at most `limit`, newest first.

    `equal` maps client, reason and status to what they must be, None where it does not matter. `since` and `until` are
    times as they are stored, of which the second is no longer meant, `before` a number.
    sqlite3.Error as SQLite raises it.
    """
    if until is not None:
        # Rows are numbered as they happened: a time is found once, and from there on it is a number like any other.
        last = connection.execute(_LAST_BEFORE, (until,)).fetchone()
        if last is None:
            return []
        before = last[0] + 1 if before is None else min(before, last[0] + 1)
    # A plus before a column keeps SQLite from leading with its index.
    filters: list[tuple[str, tuple[Any, ...]]] = [
        *((f"{name} = ?", (value,)) for name, value in equal.items() if value is not None),
        *([(_SINCE, (since,))] if since is not None else []),
    ]
    if _CHECKS not in events:
        marks = ", ".join("?" for _ in events)
        filters.append((f"event <> '{_CHECKS}' AND event IN ({marks})", tuple(events)))
    counted = [(_count(connection, text, values), index) for index, (text, values) in enumerate(filters)]
    rarest = min(counted, default=(_FEW, -1))
    few = rarest[0] < _FEW
    texts: list[str] = []
    values: list[Any] = []
    for index, (text, given) in enumerate(filters):
        # Of many rows since a time the index of times has no use: it is not in the rows' order.
        leads = index == rarest[1] and (few or text != _SINCE)
        texts.append(text if leads else "+" + text)
        values += given
    if _CHECKS in events:
        texts.append(f"event IN ({', '.join('?' for _ in events)})")
        values += events
    if before is not None:
        texts.append("number < ?")
        values.append(before)
    # Where few are left, the index finds them in its own order and they are sorted; else the newest rows come first.
    order = "+number" if few else "number"
    statement = (
        f"SELECT number, body FROM observations WHERE {' AND '.join(texts)} ORDER BY {order} DESC LIMIT ?"  # noqa: S608
    )
    return connection.execute(statement, (*values, limit)).fetchall()


def _count(connection: sqlite3.Connection, text: str, values: tuple[Any, ...]) -> int:
    """How many rows pass one filter, counted up to `_FEW`."""
    counting = f"SELECT count(*) FROM (SELECT 1 FROM observations WHERE {text} LIMIT {_FEW})"  # noqa: S608
    return int(connection.execute(counting, values).fetchone()[0])
