"""What clients reported, kept apart from their checks: one row for every change."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.facts import ClientForgotten
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.errors import HotswapError
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


def say(history: History, client: str, sequence: int | None, at: datetime = NOW) -> None:
    """A check and the client as it is after it."""
    seen = an_answered_check(client, sequence=sequence, at=at)
    made = _client_at(seen)
    history.record(seen, made)


def when(second: int) -> str:
    return wire.stored_time(NOW + timedelta(seconds=second))


def steps(history: History, sequence: int) -> list[int]:
    return [count for _, count in history.running(sequence, 100)[0]]


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


def test_a_sequence_beyond_what_a_database_holds_as_a_number_is_one_like_any_other(path: Path) -> None:
    highest = 2**64 - 1
    with contextlib.closing(History(path)) as history:
        say(history, "anna", highest)
        settled(history, 1)

        assert steps(history, highest) == [1]
    for _ in range(2):
        with contextlib.closing(History(path)) as history:  # what each reported last is read again at a start
            say(history, "anna", highest)

    assert written(path) == [("anna", str(highest))]


def test_nobody_reported_anything_yet(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        assert history.running(1, 10) == ([], None)


def test_a_client_that_is_forgotten_leaves_what_it_ran(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        record(history, ("anna", 1))
        history.forget("anna")
        history.record(ClientForgotten(at=NOW + timedelta(seconds=1), client="anna"))
        record(history, ("anna", 1))
        settled(history, 3)

        assert written(path) == [("anna", "1"), ("anna", str(history_reports.NOWHERE)), ("anna", "1")]


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


def test_who_runs_what_is_known_of_a_history_from_before_reports_were_kept(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for second, client in enumerate(("anna", "ben", "cleo")):
            say(history, client, 1, NOW + timedelta(seconds=second))
    with contextlib.closing(sqlite3.connect(path)) as older:
        older.execute("DROP TABLE reports")

    with contextlib.closing(History(path)) as history:
        for client in ("anna", "ben", "cleo", "anna"):
            say(history, client, 1, NOW + timedelta(seconds=10))
        settled(history, 4)
        # As of the newest check that is known: all three ran it then.
        assert history.running(1, 10) == ([(when(2), 3)], when(2))

        say(history, "anna", 2, NOW + timedelta(seconds=20))
        settled(history, 5)
        assert history.running(1, 10)[0] == [(when(2), 3), (when(20), 2)]
        assert history.running(2, 10)[0] == [(when(20), 1)]


def test_what_changed_while_an_older_program_wrote_the_history_is_one_report(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for client in ("anna", "ben", "cleo"):
            say(history, client, 1)
        say(history, "cleo", None)
    with contextlib.closing(sqlite3.connect(path)) as older:
        older.execute("DELETE FROM reports WHERE client = 'ben'")
        older.execute("UPDATE reports SET sequence = 7 WHERE client = 'anna'")
        older.commit()

    for _ in range(2):
        with contextlib.closing(History(path)):
            pass

    assert written(path) == [("anna", "7"), ("cleo", "1"), ("anna", "1"), ("ben", "1")]


@pytest.mark.parametrize(
    "body", ["{broken", "[]", "", '{"sequence":"later"}', '{"sequence":1.5}', '{"sequence":null}']
)
def test_a_client_whose_row_is_broken_keeps_no_server_from_starting(path: Path, body: str) -> None:
    with contextlib.closing(History(path)) as history:
        for client in ("anna", "ben"):
            say(history, client, 1)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE clients SET body = ? WHERE id = 'anna'", (body,))
        connection.commit()

    with contextlib.closing(History(path)) as history:
        assert [client.id for client in history.clients(10)] == ["ben"]
        say(history, "ben", 1)

    assert written(path) == [("anna", "1"), ("ben", "1")]


def test_clients_that_can_not_be_read_at_all_name_their_file(path: Path) -> None:
    with contextlib.closing(History(path)):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE clients")

    with pytest.raises(HotswapError, match=r"history\.db could not be used"):
        History(path)


def test_C8_however_many_reports_come_the_newest_of_each_client_that_is_kept_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_reports, "MAX_REPORTS", 10)
    monkeypatch.setattr(history_module, "_CLIENTS_BETWEEN_COUNTS", 100)
    with contextlib.closing(History(path)) as history:
        for client in ("anna", "ben", "cleo", "gone"):
            say(history, client, 5)
        history.forget("gone")
        for number in range(600):
            say(history, "restless", 6 + number % 2, NOW + timedelta(seconds=number))
        for client in ("anna", "ben", "cleo"):
            say(history, client, 5)
        settled(history, 607)
        until(lambda: len(written(path)) < 300)

        points, since = history.running(5, 10)

    assert [(client, sequence) for client, sequence in written(path) if client != "restless"] == [
        ("anna", "5"),
        ("ben", "5"),
        ("cleo", "5"),
    ]
    assert points == [(when(0), 3)]
    # Of what was before, only a part is known.
    assert since is not None
    assert since > when(1)


def running(reports: Iterable[tuple[str, str, int]], sequence: int, most: int) -> list[tuple[str, int]]:
    """How many run a release after each report, by going through them one by one; and so many of the steps."""
    at_it: set[str] = set()
    found: list[tuple[str, int]] = []
    for at, client, reported in reports:
        if (reported == sequence) == (client in at_it):
            continue
        at_it ^= {client}
        if found and found[-1][0] == at:
            found.pop()
        found.append((at, len(at_it)))
    if len(found) <= most:
        return found
    return [found[index * (len(found) - 1) // (most - 1)] for index in range(most)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abcd"), st.integers(1, 3)), max_size=40),
    st.integers(2, 9),
)
def test_clients_join_with_their_report_and_leave_with_the_next_other_one(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[int, str, int]], most: int
) -> None:
    reports = []
    second = 0
    for later, client, sequence in said:
        second += later
        reports.append((when(second), client, sequence))
    with contextlib.closing(History(tmp_path_factory.mktemp("history") / "history.db")) as history:
        for at, client, sequence in reports:
            history.record(an_answered_check(client, at=datetime.fromisoformat(at), sequence=sequence))
        settled(history, len(reports))
        for sequence in (1, 2, 3, 4):
            points, since = history.running(sequence, most)

            assert points == running(reports, sequence, most)
            assert since == (reports[0][0] if reports else None)


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
