"""How rows are found: rightly whatever the clock did, and without reading all of them."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.observations import Noticed
from hotswap_dev.storage import history as history_module
from hotswap_dev.storage import history_search
from hotswap_dev.storage.history import History
from tests.unit.making import NOW, an_answered_check
from tests.unit.storage.recorded import settled

DECADE = timedelta(days=3650)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


# Times

moments = st.one_of(
    st.integers(0, 3_000_000).map(lambda us: NOW + timedelta(microseconds=us)),
    st.integers(0, 4).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.sampled_from([NOW - DECADE, NOW + DECADE]),
)


@pytest.mark.parametrize("few", [0, 2_000])
@settings(max_examples=25, deadline=None)
@given(st.lists(moments, min_size=1, max_size=6), st.none() | moments, st.none() | moments)
def test_E4_since_and_until_mean_times_whatever_the_clock_did_between(
    tmp_path_factory: pytest.TempPathFactory,
    few: int,
    times: list[datetime],
    since: datetime | None,
    until: datetime | None,
) -> None:
    """`since` is meant itself, `until` is not, to the microsecond; the newest is the one that came last."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.closing(History(tmp_path_factory.mktemp("history") / "history.db")) as history,
    ):
        patch.setattr(history_search, "_FEW", few)
        for at in times:
            history.record(an_answered_check(at=at))
        settled(history, len(times))
        found = history.checks(
            limit=100,
            since=None if since is None else wire.stored_time(since),
            until=None if until is None else wire.stored_time(until),
        )
    assert [row["at"] for row in found] == [
        wire.stored_time(at)
        for at in reversed(times)
        if (since is None or at >= since) and (until is None or at < until)
    ]


@pytest.fixture(scope="module")
def a_long_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Ten thousand checks, one a second; every 700 of them the clock is set back by ten minutes."""
    with contextlib.closing(History(tmp_path_factory.mktemp("long") / "history.db")) as history:
        for number in range(10_000):
            at = NOW + timedelta(seconds=number - number // 700 * 600)
            history.record(an_answered_check("phone" if number % 2 else "desk", at=at, sequence=number))
        settled(history, 10_000)
        assert history.dropped == 0
        yield history


def test_E4_no_row_of_a_time_is_missed_where_the_clock_was_set_back(a_long_one: History) -> None:
    rows = a_long_one.checks(limit=10_000)
    assert [row["number"] for row in rows] == list(range(10_000, 0, -1))
    chosen = random.Random(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_search, "_FEW", 10)
        for _ in range(30):
            begin = chosen.randrange(-500, 2_500)
            since, until = (
                wire.stored_time(NOW + timedelta(seconds=second))
                for second in (begin, begin + chosen.choice((1, 300, 3_000)))
            )
            found = a_long_one.checks(limit=10_000, since=since, until=until, client="phone")
            assert [row["number"] for row in found] == [
                row["number"]
                for row in rows
                if row["client"] == "phone" and since.rstrip("Z") <= row["at"].rstrip("Z") < until.rstrip("Z")
            ]


def work(history: History, **wanted: Any) -> int:
    """How many hundreds of instructions the database takes to answer."""
    turns = [0]

    def turn() -> int:
        turns[0] += 1
        return 0

    history._reader.set_progress_handler(turn, 100)
    history.checks(**wanted)
    history._reader.set_progress_handler(None, 0)
    return turns[0]


@pytest.mark.parametrize("few", [10, 2_000])
def test_of_a_time_in_the_past_no_row_before_or_after_it_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(history_search, "_FEW", few)
    with contextlib.closing(History(path)) as history:
        for number in range(20_000):
            client = "desk" if number < 4_000 else "phone"
            history.record(an_answered_check(client, at=NOW + timedelta(seconds=number)))
        settled(history, 20_000)
        since, until = (wire.stored_time(NOW + timedelta(seconds=second)) for second in (9_000, 9_050))

        one_window = work(history, limit=1_000, since=since, until=until)
        nothing_there = work(history, limit=1_000, since=since, until=until, client="desk")

    assert one_window < 250
    assert nothing_there < 250


def test_a_history_from_before_times_were_noted_is_searched_like_any_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_search, "_FEW", 0)
    with contextlib.closing(History(path)) as history:
        for number in range(1_500):
            history.record(an_answered_check(at=NOW + timedelta(seconds=number)))
    for forget in (
        "DROP TABLE spans",
        "DELETE FROM spans WHERE span = 1",
        # An older program wrote on: of the last span not all is noted.
        "UPDATE spans SET latest = earliest WHERE span = 1",
    ):
        with contextlib.closing(sqlite3.connect(path)) as older:
            older.execute(forget)
            older.commit()
        with contextlib.closing(History(path)) as history:
            found = history.checks(limit=10_000, since=wire.stored_time(NOW + timedelta(seconds=1_000)))
            assert len(found) == 500, forget


def test_C8_the_times_of_rows_that_are_gone_are_kept_no_longer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "MAX_ROWS", 2_000)
    monkeypatch.setattr(history_module, "_PRUNED_AT_ONCE", 600)
    with contextlib.closing(History(path)) as history:
        for _ in range(6_000):
            history.record(an_answered_check())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (oldest,) = connection.execute("SELECT min(number) FROM observations").fetchone()
        spans = [span for (span,) in connection.execute("SELECT span FROM spans ORDER BY span")]
    assert oldest > 3_000
    assert spans == list(range(oldest // 1024, 6_000 // 1024 + 1))


def test_a_row_that_somebody_broke_is_left_out(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for sequence in range(4):
            history.record(an_answered_check(sequence=sequence))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for number, body in enumerate(("{broken", "[]", "{}"), 1):
            connection.execute("UPDATE observations SET body = ? WHERE number = ?", (body, number))
        connection.commit()
    with contextlib.closing(History(path)) as history:
        assert [row["sequence"] for row in history.checks(limit=10)] == [3]


# What leads


@pytest.fixture(scope="module")
def a_dozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[History, list[Any]]]:
    """Checks and notices, one a minute, and what was stored of them, oldest first."""
    with contextlib.closing(History(tmp_path_factory.mktemp("dozen") / "history.db")) as history:
        for minute in range(12):
            # For three of them, the clock was an hour ahead.
            at = NOW + timedelta(minutes=minute + 60 * (minute in (4, 5, 9)))
            offered = minute % 3 == 0
            history.record(
                an_answered_check(
                    "phone" if minute % 2 else "desk",
                    at=at,
                    reason="newer-release" if offered else "up-to-date",
                    status=200 if offered else 204,
                )
                if minute % 4
                else Noticed(at=at, level="info", code="x", message="m")
            )
        settled(history, 12)
        rows = history.checks(limit=100, events=("check-answered", "notice"))
        yield history, [dict(row) for row in reversed(rows)]


@pytest.mark.parametrize("few", [0, 3, 100])
@settings(max_examples=30, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "client": st.sampled_from(["phone", "desk", "nobody"]),
            "reason": st.sampled_from(["newer-release", "up-to-date", "pinned"]),
            "status": st.sampled_from([200, 204, 400]),
            "since": st.integers(-1, 13).map(
                lambda minute: wire.stored_time(NOW + timedelta(minutes=minute))
            ),
            "until": st.integers(-1, 13).map(
                lambda minute: wire.stored_time(NOW + timedelta(minutes=minute))
            ),
            "before": st.integers(0, 14),
            "limit": st.integers(0, 14),
            "events": st.sampled_from(
                [
                    ("check-answered",),
                    ("notice",),
                    ("check-answered", "notice"),
                    ("notice", "channel-created"),
                ]
            ),
        },
    )
)
def test_whichever_filter_leads_the_same_rows_are_found(
    a_dozen: tuple[History, list[Any]], few: int, filters: dict[str, Any]
) -> None:
    asked, rows = a_dozen
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_search, "_FEW", few)
        found = [row["number"] for row in asked.checks(**{"limit": 100, **filters})]
    events = filters.get("events", ("check-answered",))
    expected = [
        row["number"]
        for row in reversed(rows)
        if row["event"] in events
        and all(row.get(name) == filters[name] for name in ("client", "reason", "status") if name in filters)
        and row["at"].rstrip("Z") >= filters.get("since", "").rstrip("Z")
        and row["at"].rstrip("Z") < filters.get("until", "~").rstrip("Z")
        and row["number"] < filters.get("before", 100)
    ]
    assert found == expected[: filters.get("limit", 100)]


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"client": "phone"}, "observations_by_client"),
        ({"reason": "bad-request"}, "observations_by_reason"),
        ({"status": 400}, "observations_by_status"),
        ({"since": "2030-01-01T00:00:00Z"}, "observations_by_time"),
        ({"reason": "up-to-date", "client": "rare"}, "observations_by_client"),
        ({"client": "phone", "status": 500}, "observations_by_status"),
        ({"events": ("notice",)}, "observations_but_checks"),
    ],
)
def test_the_rarest_thing_that_is_asked_for_leads(
    path: Path, monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any], index: str
) -> None:
    """Of two million rows, those that come to nothing are never read."""
    monkeypatch.setattr(history_search, "_FEW", 20)
    with contextlib.closing(History(path)) as history:
        for number in range(100):
            history.record(an_answered_check("phone" if number else "rare"))
        settled(history, 100)
        statements: list[str] = []
        history._reader.set_trace_callback(statements.append)
        history.checks(limit=10, **filters)
        history._reader.set_trace_callback(None)
        plan = history._reader.execute(f"EXPLAIN QUERY PLAN {statements[-1]}").fetchall()
    assert any(index in step[3] for step in plan), plan
