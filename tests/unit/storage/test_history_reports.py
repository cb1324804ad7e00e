"""What clients reported, kept apart from their checks: one row for every change."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hotswap_dev import wire
from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.facts import ClientForgotten
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.storage import history as history_module
from hotswap_dev.storage import history_reports
from hotswap_dev.storage.history import History
from tests.unit.making import NOW, an_answered_check
from tests.unit.storage.recorded import seen_by, settled, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def record(history: History, *said: tuple[str, int | None]) -> None:
    for client, sequence in said:
        seen = an_answered_check(client, sequence=sequence)
        history.record(seen, seen_by(client))


def written(path: Path) -> list[tuple[str, str]]:
    """Client and sequence of every row, oldest first."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT client, sequence FROM reports ORDER BY number").fetchall()


def test_a_client_that_says_the_same_again_is_one_row(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        record(
            history, ("anna", 1), ("anna", 1), ("ben", 1), ("anna", 1), ("anna", 2), ("anna", 2), ("anna", 1)
        )

    assert written(path) == [("anna", "1"), ("ben", "1"), ("anna", "2"), ("anna", "1")]


def test_a_check_that_could_not_be_read_reports_nothing(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        record(history, ("anna", 1), ("anna", None), ("anna", 1))

    assert written(path) == [("anna", "1")]


def test_what_was_reported_before_a_restart_is_known_after_it(path: Path) -> None:
    for _ in range(2):
        with contextlib.closing(History(path)) as history:
            seen = an_answered_check("anna", sequence=1)
            history.record(seen, _client_at(seen))

    assert written(path) == [("anna", "1")]


def test_the_reports_of_a_release_begin_with_its_first_and_are_of_whoever_ran_it(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        record(history, ("anna", 1), ("ben", 1), ("anna", 2), ("cleo", 3), ("anna", 3), ("ben", 3))
        settled(history, 6)

        reports, since = history.reports(2)

    assert [(client, sequence) for _, client, sequence in reports] == [("anna", 2), ("anna", 3)]
    assert since == reports[0][0] == wire.stored_time(NOW)


def test_a_sequence_beyond_what_a_database_holds_as_a_number_is_one_like_any_other(path: Path) -> None:
    highest = 2**64 - 1
    with contextlib.closing(History(path)) as history:
        record(history, ("anna", highest))
        settled(history, 1)

        assert [sequence for _, _, sequence in history.reports(highest)[0]] == [highest]
    with contextlib.closing(History(path)):
        pass  # what each client reported last is read again at a start


def test_nobody_reported_anything_yet(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        assert history.reports(1) == ([], None)


def test_a_client_that_is_forgotten_leaves_what_it_ran(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        record(history, ("anna", 1))
        history.forget("anna")
        history.record(ClientForgotten(at=NOW + timedelta(seconds=1), client="anna"))
        record(history, ("anna", 1))
        settled(history, 3)

        assert [sequence for _, _, sequence in history.reports(1)[0]] == [1, history_reports.NOWHERE, 1]


def test_a_row_that_can_not_be_written_loses_no_report_of_another(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        record(history, ("anna", 1), ("\udcff", 1), ("ben", 1))

    assert written(path) == [("anna", "1"), ("ben", "1")]


def test_C8_of_more_reports_than_are_kept_the_oldest_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_reports, "MAX_REPORTS", 10)
    with contextlib.closing(History(path)) as history:
        for sequence in range(history_module._CLIENTS_BETWEEN_COUNTS * 2):
            history.record(an_answered_check("anna", sequence=sequence))
        settled(history, history_module._CLIENTS_BETWEEN_COUNTS * 2)
        until(lambda: len(written(path)) < history_module._CLIENTS_BETWEEN_COUNTS)
        newest = written(path)[-1]

    assert newest == ("anna", str(history_module._CLIENTS_BETWEEN_COUNTS * 2 - 1))


def test_C7_of_more_clients_than_are_kept_whoever_changed_longest_ago_is_forgotten() -> None:
    known = {"anna": 1, "ben": 1, "cleo": 1}

    history_reports.remember(known, {"anna": 2, "dora": 1}, most=3)

    assert known == {"cleo": 1, "anna": 2, "dora": 1}


def test_a_history_from_before_reports_were_kept_gets_them(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        seen = an_answered_check("anna", sequence=1)
        history.record(seen, _client_at(seen))
    with contextlib.closing(sqlite3.connect(path)) as older:
        older.execute("DROP TABLE reports")

    with contextlib.closing(History(path)) as history:
        record(history, ("anna", 1), ("anna", 2))
        settled(history, 2)

        assert [sequence for _, _, sequence in history.reports(2)[0]] == [2]
        assert len(history.checks(limit=10)) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open file")
def test_a_history_that_is_deleted_while_it_is_open_begins_its_reports_anew(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        record(history, ("anna", 1))
        settled(history, 1)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        record(history, ("anna", 1))
        settled(history, 2)

    assert written(path) == [("anna", "1")]


def _client_at(seen: CheckAnswered) -> Client:
    client = advance(None, seen)
    assert client is not None
    return client
