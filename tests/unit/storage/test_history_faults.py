"""The recorder outlives whatever happens to it, and says what it lost (hardening C4, C7, C8, E4, E5)."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.errors import HotswapError
from hotswap_dev.storage import history as history_module
from hotswap_dev.storage.history import History
from tests.unit.making import NOW, an_answered_check
from tests.unit.storage.recorded import PATIENCE, Troubles, seen_by, settled, stored, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with contextlib.closing(History(path)) as opened:
        yield opened


# What can't be recorded


def test_C4_what_can_not_be_encoded_is_dropped_and_counted_and_the_rest_is_stored(path: Path) -> None:
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


def test_C4_a_row_that_the_database_refuses_does_not_hold_up_the_others(path: Path) -> None:
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


def test_E5_a_full_disk_is_said_once_and_what_is_queued_is_written_when_there_is_space_again(
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


def test_E5_what_a_full_disk_refuses_to_the_end_is_counted_and_told_once(path: Path) -> None:
    troubles = Troubles()
    history = History(path, troubles)
    Disk(history).fill()
    for sequence in range(500):
        history.record(an_answered_check(sequence=sequence))
    history.forget("phone")
    history.close()

    assert history.recorded == len(stored(path))
    assert history.recorded + history.dropped == 500
    told = [trouble for trouble in troubles.heard if trouble and "are lost" in trouble]
    assert told == [f"history.db could not be written to the end: {history.dropped} observations are lost"]
    assert troubles.heard[-1:] == told


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


def test_C8_of_more_rows_than_the_limit_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MAX_ROWS", 1_000)
    monkeypatch.setattr(history_module, "_PRUNED_AT_ONCE", 600)
    with contextlib.closing(History(path)) as history:
        for sequence in range(3_000):
            history.record(an_answered_check(sequence=sequence))
    sequences = [check["sequence"] for check in stored(path)]
    assert sequences == list(range(sequences[0], 3_000))
    assert 400 <= len(sequences) <= 1_000


def test_C8_of_more_bytes_than_the_limit_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        newer.execute("PRAGMA user_version=99")
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


# What happens to its file


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open file")
@pytest.mark.parametrize("also", [(), ("-wal", "-shm")])
def test_E5_a_history_that_is_deleted_while_it_is_written_is_made_anew_and_that_is_said(
    path: Path, also: tuple[str, ...]
) -> None:
    troubles = Troubles()
    with contextlib.closing(History(path, troubles)) as history:
        history.record(an_answered_check(sequence=1))
        settled(history, 1)
        for name in (path, *(path.with_name(path.name + suffix) for suffix in also)):
            name.unlink()
        history.record(an_answered_check(sequence=2), seen_by("phone"))
        trouble, recovery = troubles.wait_for(2)
        assert trouble is not None
        assert "history.db was deleted" in trouble
        assert recovery is None
        settled(history, 2)
        history.record(an_answered_check(sequence=3))
        settled(history, 3)
        assert [check["sequence"] for check in history.checks(limit=10)] == [3, 2]
        assert troubles.heard == [trouble, None]
        assert history.dropped == 0
    assert [check["sequence"] for check in stored(path)] == [2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open folder")
def test_E5_where_no_new_file_can_be_made_it_tries_again_until_it_can(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_RETRY_SECONDS", 0.01)
    troubles = Troubles()
    with contextlib.closing(History(path, troubles)) as history:
        path.parent.rename(path.parent.with_name("elsewhere"))
        history.record(an_answered_check(sequence=1))
        troubles.wait_for(1)
        path.parent.mkdir()
        assert troubles.wait_for(2)[1] is None
        settled(history, 1)
        assert len(troubles.heard) == 2
        assert history.dropped == 0
    assert [check["sequence"] for check in stored(path)] == [1]


# What is thrown in it


@pytest.mark.parametrize("bug", [RuntimeError("a bug"), AttributeError("no such thing"), MemoryError()])
def test_C4_whatever_a_row_makes_it_throw_the_others_are_recorded(
    path: Path, monkeypatch: pytest.MonkeyPatch, bug: Exception
) -> None:
    encode = history_module._encodable

    def failing(values: Any) -> Any:
        if any(getattr(value, "sequence", None) == 3 for value in values):
            raise bug
        return encode(values)

    monkeypatch.setattr(history_module, "_encodable", failing)
    with contextlib.closing(History(path)) as history:
        for sequence in range(6):
            history.record(an_answered_check(sequence=sequence), seen_by("phone"))
        settled(history, 6)
        assert (history.recorded, history.dropped) == (5, 1)
        assert history._writer.is_alive()
    assert [check["sequence"] for check in stored(path)] == [0, 1, 2, 4, 5]


def test_C4_a_listener_that_throws_when_it_hears_of_a_trouble_stops_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_RETRY_SECONDS", 0.01)
    heard: list[str | None] = []

    def listener(trouble: str | None) -> None:
        heard.append(trouble)
        raise RuntimeError("the loop is closed")

    with contextlib.closing(History(path, listener)) as history:
        disk = Disk(history)
        disk.fill()
        for sequence in range(500):
            history.record(an_answered_check(sequence=sequence))
        until(lambda: bool(heard))
        disk.free()
        settled(history, 500)
        until(lambda: len(heard) == 2)
        assert heard[1] is None
    assert len(stored(path)) == 500


# What the clock does


def test_E4_a_clock_that_jumps_by_ten_years_prunes_nothing_and_reorders_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "MAX_CLIENTS", 5)
    monkeypatch.setattr(history_module, "_CLIENTS_BETWEEN_COUNTS", 1)
    decade = timedelta(days=3650)
    with contextlib.closing(History(path)) as history:
        for number, at in enumerate((NOW, NOW + decade, NOW - decade, NOW)):
            history.record(an_answered_check("phone", sequence=number, at=at))
        for number in range(10):
            at = NOW + (decade if number < 5 else -decade)
            history.record(an_answered_check(f"phone-{number}", at=at), seen_by(f"phone-{number}", at))
            settled(history, 5 + number)
    assert [check["sequence"] for check in stored(path)][:4] == [0, 1, 2, 3]
    with contextlib.closing(History(path)) as history:
        # Those that came last, not those whose clock was ahead.
        assert [client.id for client in history.clients(10)] == [
            f"phone-{number}" for number in (9, 8, 7, 6, 5)
        ]


# How much memory it takes


def test_C7_a_hundred_thousand_clients_that_nobody_writes_down_leave_a_bounded_queue(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_MAX_QUEUE", 5_000)
    hold = threading.Event()
    write = History._write

    def held(self: History, batch: list[Any]) -> bool:
        assert hold.wait(PATIENCE)
        return write(self, batch)

    monkeypatch.setattr(History, "_write", held)
    check = an_answered_check()
    with contextlib.closing(History(path)) as history:
        for number in range(100_000):
            history.record(check, seen_by(f"phone-{number}") if number < 5_000 else None)
        assert len(history._queue) <= 5_000
        assert history.dropped == 95_000
        hold.set()
        settled(history, 100_000)
        assert not history._queue
