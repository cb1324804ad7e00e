"""The recorder takes everything, waits for nothing, and says what it lost."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.observations import CheckAnswered, Noticed
from hotswap_dev.errors import HotswapError
from hotswap_dev.storage import history as history_module
from hotswap_dev.storage.history import History
from tests.unit.making import NOW, an_answered_check

PATIENCE = 10  # seconds that a test waits before it fails


class Troubles:
    """What the recorder said of its troubles, and a way to wait for it."""

    def __init__(self) -> None:
        self.heard: list[str | None] = []
        self._changed = threading.Condition()

    def __call__(self, trouble: str | None) -> None:
        with self._changed:
            self.heard.append(trouble)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[str | None]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, PATIENCE)
            return self.heard


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with contextlib.closing(History(path)) as opened:
        yield opened


def settled(history: History, count: int) -> None:
    """Wait until so many were recorded or dropped."""
    until(lambda: history.recorded + history.dropped >= count)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    poll = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        poll.wait(0.002)


def stored(path: Path, *, events: tuple[str, ...] = ("check-answered",)) -> list[Any]:
    """What a next start would find, oldest first."""
    with contextlib.closing(History(path)) as reopened:
        return [dict(row) for row in reversed(reopened.checks(limit=100_000, events=events))]


def seen_by(client: str, at: datetime = NOW) -> Client:
    made = advance(None, an_answered_check(client, at=at))
    assert made is not None
    return made


# What is recorded


def test_what_was_recorded_is_found_newest_first_as_it_was_told(history: History) -> None:
    for sequence in range(3):
        history.record(an_answered_check(sequence=sequence))
    settled(history, 3)
    found = history.checks(limit=10)
    assert [check["sequence"] for check in found] == [2, 1, 0]
    assert [check["number"] for check in found] == [3, 2, 1]
    assert {name: value for name, value in found[0].items() if name != "number"} == wire.decode(
        wire.encode(an_answered_check(sequence=2))
    )


def test_closing_writes_all_that_is_queued(path: Path) -> None:
    count = 3 * history_module._BATCH + 7
    with contextlib.closing(History(path)) as history:
        for sequence in range(count):
            history.record(an_answered_check(sequence=sequence))
    assert [check["sequence"] for check in stored(path)] == list(range(count))


def test_a_batch_is_written_in_one_statement(history: History) -> None:
    statements: list[str] = []
    history._connection.set_trace_callback(statements.append)
    for sequence in range(100):
        history.record(an_answered_check(sequence=sequence))
    settled(history, 100)
    history._connection.set_trace_callback(None)
    assert sum("INSERT INTO observations" in text for text in statements) < 20


def test_recording_goes_on_where_an_earlier_run_ended(path: Path) -> None:
    for sequence in range(2):
        with contextlib.closing(History(path)) as history:
            history.record(an_answered_check(sequence=sequence))
    assert [check["number"] for check in stored(path)] == [1, 2]


def test_events_of_other_kinds_are_kept_and_not_mixed_with_checks(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        history.record(Noticed(at=NOW, level="warning", code="x", message="m"))
        history.record(an_answered_check())
    assert len(stored(path)) == 1
    both = stored(path, events=("check-answered", "notice"))
    assert [event["event"] for event in both] == ["notice", "check-answered"]


def test_sequences_above_what_sqlite_counts_to_are_kept_exactly(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        history.record(an_answered_check(sequence=2**64 - 1))
    assert stored(path)[0]["sequence"] == 2**64 - 1


# What is asked


@pytest.fixture
def asked(history: History) -> History:
    """Twelve checks: of two clients, with two reasons and statuses, one a minute."""
    for minute in range(12):
        history.record(
            an_answered_check(
                "phone" if minute % 2 else "desk",
                at=NOW + timedelta(minutes=minute),
                sequence=minute,
                reason="newer-release" if minute % 3 == 0 else "up-to-date",
                status=200 if minute % 3 == 0 else 204,
            )
        )
    settled(history, 12)
    return history


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"client": "phone"}, [11, 9, 7, 5, 3, 1]),
        ({"reason": "newer-release"}, [9, 6, 3, 0]),
        ({"status": 204, "client": "desk"}, [10, 8, 4, 2]),
        ({"since": "2026-07-01T12:10:00Z"}, [11, 10]),
        ({"before": 3}, [1, 0]),
        ({"limit": 2}, [11, 10]),
        ({"limit": 0}, []),
        ({"before": 11, "client": "phone", "limit": 2}, [9, 7]),
        ({"client": "nobody"}, []),
        ({"client": "phone' OR 1=1 --"}, []),
    ],
)
def test_checks_are_found_by_what_they_have_in_common(
    asked: History, filters: dict[str, Any], expected: list[int]
) -> None:
    found = asked.checks(**{"limit": 100, **filters})
    assert [check["sequence"] for check in found] == expected


def test_the_pages_of_a_long_history_follow_each_other_without_a_gap(asked: History) -> None:
    pages: list[int] = []
    before: int | None = None
    while page := asked.checks(limit=5, before=before):
        pages += [check["sequence"] for check in page]
        before = page[-1]["number"]
    assert pages == list(range(11, -1, -1))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.integers(0, 3_000_000).map(lambda us: NOW + timedelta(microseconds=us)), min_size=1, max_size=6
    ),
    st.one_of(st.just(NOW), st.integers(0, 3).map(lambda seconds: NOW + timedelta(seconds=seconds))),
)
def test_since_means_since_to_the_microsecond(
    tmp_path_factory: pytest.TempPathFactory, times: list[datetime], since: datetime
) -> None:
    with contextlib.closing(History(tmp_path_factory.mktemp("history") / "history.db")) as history:
        for at in times:
            history.record(an_answered_check(at=at))
        settled(history, len(times))
        found = history.checks(limit=100, since=wire.stored_time(since))
    assert len(found) == sum(at >= since for at in times)


# Clients


def test_clients_are_kept_as_they_are_now_the_last_seen_first(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for minute, name in enumerate(("desk", "phone", "desk")):
            at = NOW + timedelta(minutes=minute)
            history.record(an_answered_check(name, at=at), seen_by(name, at))
    with contextlib.closing(History(path)) as history:
        assert [(client.id, client.last_seen) for client in history.clients(10)] == [
            ("desk", NOW + timedelta(minutes=2)),
            ("phone", NOW + timedelta(minutes=1)),
        ]
        assert [client.id for client in history.clients(1)] == ["desk"]


def test_the_last_seen_is_the_last_seen_within_a_second_too(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for name, micro in (("first", 0), ("second", 5)):
            at = NOW + timedelta(microseconds=micro)
            history.record(an_answered_check(name, at=at), seen_by(name, at))
        settled(history, 2)
        assert [client.id for client in history.clients(10)] == ["second", "first"]


def test_no_more_clients_are_kept_than_are_numbered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MAX_CLIENTS", 50)
    with contextlib.closing(History(path)) as history:
        for number in range(2_000):
            at = NOW + timedelta(seconds=number)
            history.record(an_answered_check(f"phone-{number}", at=at), seen_by(f"phone-{number}", at))
    with contextlib.closing(History(path)) as history:
        kept = [client.id for client in history.clients(10_000)]
    assert kept[:50] == [f"phone-{number}" for number in range(1_999, 1_949, -1)]
    assert len(kept) <= 50 + history_module._BATCH


# What can't be recorded


def test_what_can_not_be_encoded_is_dropped_and_counted_and_the_rest_is_stored(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        history.record(an_answered_check(sequence=1))
        history.record(an_answered_check("\udcff", sequence=2), seen_by("\udcff"))
        history.record(an_answered_check(sequence=3), seen_by("phone"))
        settled(history, 3)
        assert (history.recorded, history.dropped) == (2, 1)
        history.record(an_answered_check(sequence=4))
    assert [check["sequence"] for check in stored(path)] == [1, 3, 4]
    with contextlib.closing(History(path)) as history:
        assert [client.id for client in history.clients(10)] == ["phone"]


def test_a_row_that_the_database_refuses_does_not_hold_up_the_others(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        history.record(an_answered_check(sequence=1))
        history.record(an_answered_check(sequence=2, status="no number"))
        history.record(an_answered_check(sequence=3))
        settled(history, 3)
        assert (history.recorded, history.dropped) == (2, 1)
    assert [check["sequence"] for check in stored(path)] == [1, 3]


def test_a_queue_that_is_full_drops_and_counts_and_never_waits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_MAX_QUEUE", 10)
    hold = threading.Event()
    write = History._write

    def held(self: History, batch: list[Any]) -> bool:
        assert hold.wait(PATIENCE)
        return write(self, batch)

    monkeypatch.setattr(History, "_write", held)
    with contextlib.closing(History(path)) as history:
        for sequence in range(25):
            history.record(an_answered_check(sequence=sequence))
        assert history.dropped == 15
        hold.set()
    assert [check["sequence"] for check in stored(path)] == list(range(10))


class Disk:
    """How much space the history has."""

    def __init__(self, history: History) -> None:
        self._history = history

    def fill(self) -> None:
        pages = self._history._connection.execute("PRAGMA page_count").fetchone()[0]
        self._history._connection.execute(f"PRAGMA max_page_count={pages}")

    def free(self) -> None:
        self._history._connection.execute("PRAGMA max_page_count=1000000")


def test_a_full_disk_is_said_once_and_what_is_queued_is_written_when_there_is_space_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_RETRY_SECONDS", 0.01)
    troubles = Troubles()
    with contextlib.closing(History(path, troubles)) as history:
        disk = Disk(history)
        disk.fill()
        for sequence in range(500):
            history.record(an_answered_check(sequence=sequence))
        (trouble,) = troubles.wait_for(1)
        assert trouble is not None
        assert "history.db could not be written: database or disk is full" in trouble
        # Several more attempts fail before there is space; none of them is news.
        attempts = count_attempts(history, monkeypatch)
        until(lambda: len(attempts) >= 3)
        assert troubles.heard == [trouble]
        disk.free()
        assert troubles.wait_for(2) == [trouble, None]
        assert history.dropped == 0
    assert [check["sequence"] for check in stored(path)] == list(range(500))


def count_attempts(history: History, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    attempts: list[None] = []
    tell = history._tell

    def counting(trouble: str | None) -> None:
        attempts.append(None)
        tell(trouble)

    monkeypatch.setattr(history, "_tell", counting)
    return attempts


def test_a_disk_that_fills_up_while_old_rows_are_removed_records_nothing_twice(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_RETRY_SECONDS", 0.01)
    prune = History._prune
    failures = [sqlite3.OperationalError("database or disk is full")] * 2

    def failing(self: History, *rest: Any) -> None:
        if failures:
            raise failures.pop()
        prune(self, *rest)

    monkeypatch.setattr(History, "_prune", failing)
    with contextlib.closing(History(path)) as history:
        for sequence in range(5):
            history.record(an_answered_check(sequence=sequence))
            settled(history, sequence + 1)
        assert history.recorded == 5
    assert [check["sequence"] for check in stored(path)] == list(range(5))


def test_closing_with_a_full_disk_does_not_wait_for_space(path: Path) -> None:
    troubles = Troubles()
    history = History(path, troubles)
    Disk(history).fill()
    for sequence in range(500):
        history.record(an_answered_check(sequence=sequence))
    troubles.wait_for(1)
    history.close()
    assert not history._writer.is_alive()
    assert len(stored(path)) < 500


@given(st.lists(st.text(st.characters(), max_size=5), max_size=4))
@settings(max_examples=20, deadline=None)
def test_record_never_raises_whatever_it_is_given(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    with contextlib.closing(History(tmp_path_factory.mktemp("history") / "history.db")) as history:
        for name in names:
            history.record(an_answered_check(name, path=name))
        settled(history, len(names))
        assert history.dropped == sum(
            any("\ud800" <= letter <= "\udfff" for letter in name) for name in names
        )


def test_recording_after_it_was_closed_is_harmless(path: Path) -> None:
    history = History(path)
    history.close()
    history.record(an_answered_check())


# How much is kept


def test_of_more_rows_than_the_limit_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MAX_ROWS", 1_000)
    monkeypatch.setattr(history_module, "_PRUNED_AT_ONCE", 600)
    with contextlib.closing(History(path)) as history:
        for sequence in range(3_000):
            history.record(an_answered_check(sequence=sequence))
    sequences = [check["sequence"] for check in stored(path)]
    assert sequences == list(range(sequences[0], 3_000))
    assert 400 <= len(sequences) <= 1_000


def test_of_more_bytes_than_the_limit_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MAX_BYTES", 500_000)
    monkeypatch.setattr(history_module, "_PRUNED_AT_ONCE", 600)
    with contextlib.closing(History(path)) as history:
        for sequence in range(6_000):
            history.record(an_answered_check(sequence=sequence))
    sequences = [check["sequence"] for check in stored(path)]
    assert sequences == list(range(sequences[0], 6_000))
    assert sequences[0] > 0
    files = sum(one.stat().st_size for one in path.parent.iterdir())
    assert files < 2 * 500_000


# What is broken


def test_a_history_of_a_newer_version_is_refused(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version=2")
    with pytest.raises(HotswapError) as caught:
        History(path)
    assert caught.value.code == "newer-format"


def test_reading_a_broken_history_says_which_file_it_is(history: History, path: Path) -> None:
    history._connection.execute("DROP TABLE observations")
    with pytest.raises(HotswapError, match=r"history\.db could not be used"):
        history.checks(limit=1)


def test_what_is_recorded_is_what_an_observer_saw(history: History) -> None:
    seen: CheckAnswered = an_answered_check("[/nope]\u4e2d", args={"channel": "x", "current": 2**63})
    history.record(seen)
    settled(history, 1)
    (found,) = history.checks(limit=1)
    assert found["client"] == "[/nope]\u4e2d"
    assert found["args"] == {"channel": "x", "current": 2**63}
