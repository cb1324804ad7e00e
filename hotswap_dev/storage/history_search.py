"""Finding rows of the history: whatever is asked for, two million rows must not all be read.

Every filter has an index, and SQLite, which keeps no statistics here, would pick one by its shape. The one that leaves
the fewest rows leads; the others are checked on what it finds. Where none leaves few, the newest rows are read until
enough match, and only where rows of the time that is meant can be: rows are numbered as they came, but a clock may
jump, so the earliest and the latest time of every thousand numbers are kept beside them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Required, TypedDict

SPANS_SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    span INTEGER PRIMARY KEY, earliest TEXT NOT NULL, latest TEXT NOT NULL
) STRICT;
"""
"""Added to a history of any version: an older program leaves it alone. A span is 1,024 numbers, its times have no Z."""

_FEW = 2_000
"""Rows that are sorted without a thought; of more, the newest are read until enough match."""

_BITS = 10
_CHECKS = "check-answered"
# Times are compared without their Z: whole seconds have no fraction, and Z is above the dot of those that have one.
_SINCE = "rtrim(at, 'Z') >= rtrim(?, 'Z')"
_UNTIL = "rtrim(at, 'Z') < rtrim(?, 'Z')"
_NOTE = f"""
INSERT INTO spans (span, earliest, latest)
SELECT number >> {_BITS}, min(rtrim(at, 'Z')), max(rtrim(at, 'Z')) FROM observations WHERE number >= ?
GROUP BY number >> {_BITS}
ON CONFLICT (span) DO UPDATE SET
    earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)
    WHERE excluded.earliest < earliest OR excluded.latest > latest
"""  # noqa: S608
_NOTED = f"SELECT coalesce(max(span), 0) << {_BITS} FROM spans"  # noqa: S608
_FORGET = f"DELETE FROM spans WHERE span < ? >> {_BITS}"  # noqa: S608
_NUMBERS = f"""
SELECT min(span) << {_BITS}, (max(span) + 1) << {_BITS} FROM spans
WHERE latest >= rtrim(?, 'Z') AND earliest < rtrim(?, 'Z')
"""  # noqa: S608
_ALWAYS, _NEVER = "", "~"
"""Below and above every time."""

_ROWS_IN_A_PIECE = 250
# Rows as JSON by SQLite, which lets answers go on meanwhile. What somebody broke by hand is left out.
_AS_JSON = """
SELECT CAST('{{"number":' || number || ',' || substr(json(body), 2) AS BLOB) FROM ({})
WHERE CASE WHEN json_valid(body) THEN json_type(body, '$.event') END = 'text'
"""


class Wanted(TypedDict, total=False):
    """What is asked of the history. `client`, `reason` and `status` are those of the event, where it has one."""

    limit: Required[int]
    before: int | None
    """A number; those below it are meant."""
    since: str | None
    until: str | None
    """Times as they are stored; the second is no longer meant itself."""
    client: str | None
    reason: str | None
    status: int | None
    events: tuple[str, ...]
    """Their names; checks alone where none are given."""


def search(connection: sqlite3.Connection, wanted: Wanted) -> list[bytes]:
    """The rows that are wanted, newest first, each with its `number`: JSON objects with commas between, some hundreds
    to a piece. sqlite3.Error as it is raised.
    """
    events = wanted.get("events", (_CHECKS,))
    before, since, until = wanted.get("before"), wanted.get("since"), wanted.get("until")
    equal = {name: wanted.get(name) for name in ("client", "reason", "status")}
    # A plus before a column keeps SQLite from leading with its index.
    filters: list[tuple[tuple[str, ...], tuple[Any, ...]]] = [
        *(((f"{name} = ?",), (value,)) for name, value in equal.items() if value is not None),
    ]
    times = [(text, time) for text, time in ((_SINCE, since), (_UNTIL, until)) if time is not None]
    if times:
        filters.append((tuple(text for text, _ in times), tuple(time for _, time in times)))
    if _CHECKS not in events:
        marks = ", ".join("?" for _ in events)
        filters.append(((f"event <> '{_CHECKS}'", f"event IN ({marks})"), tuple(events)))
    counted = [(_count(connection, texts, given), index) for index, (texts, given) in enumerate(filters)]
    rarest = min(counted, default=(_FEW, -1))
    few = rarest[0] < _FEW
    conditions: list[str] = []
    values: list[Any] = []
    for index, (texts, given) in enumerate(filters):
        # Of many rows of a time the index of times has no use: it is not in the rows' order.
        leads = index == rarest[1] and (few or texts[0] not in (_SINCE, _UNTIL))
        conditions += texts if leads else [f"+{text}" for text in texts]
        values += given
    if _CHECKS in events:
        conditions.append(f"event IN ({', '.join('?' for _ in events)})")
        values += events
    if before is not None:
        conditions.append("number < ?")
        values.append(before)
    if times and not few:
        bounds = connection.execute(
            _NUMBERS, (_ALWAYS if since is None else since, _NEVER if until is None else until)
        ).fetchone()
        if bounds[0] is None:
            return []
        conditions += ["number >= ?", "number < ?"]
        values += bounds
    # Where few are left, the index finds them in its own order and they are sorted; else the newest rows come first.
    order = "+number" if few else "number"
    statement = f"SELECT number, body FROM observations WHERE {' AND '.join(conditions)} ORDER BY {order} DESC LIMIT ?"  # noqa: S608
    found = connection.execute(_AS_JSON.format(statement), (*values, wanted["limit"]))
    return list(iter(lambda: b",".join(row for (row,) in found.fetchmany(_ROWS_IN_A_PIECE)), b""))


def note_spans(connection: sqlite3.Connection, first: int | None = None) -> None:
    """Note the times of the rows from this number on; by default of those that an older program left unnoted."""
    connection.execute(_NOTE, (connection.execute(_NOTED).fetchone()[0] if first is None else first,))


def forget_spans(connection: sqlite3.Connection, below: int) -> None:
    """Let the times of numbers go whose rows, all below this one, are gone."""
    connection.execute(_FORGET, (below,))


def _count(connection: sqlite3.Connection, texts: Sequence[str], values: tuple[Any, ...]) -> int:
    """How many rows pass one filter, counted up to `_FEW`."""
    counting = f"SELECT count(*) FROM (SELECT 1 FROM observations WHERE {' AND '.join(texts)} LIMIT {_FEW})"  # noqa: S608
    return int(connection.execute(counting, values).fetchone()[0])
