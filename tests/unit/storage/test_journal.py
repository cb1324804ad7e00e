"""What was acknowledged is there; what was not is not, and nothing is ever half there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotswap_dev.domain.controls import replay
from hotswap_dev.domain.facts import ChannelCreated, Fact
from hotswap_dev.errors import HotswapError
from hotswap_dev.storage.history import History
from hotswap_dev.storage.journal import Journal
from tests.unit.making import NOW, a_release, added, histories


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as opened:
        yield opened


def reopened(path: Path) -> list[Fact]:
    """What a next start would find."""
    with closing(Journal(path)) as opened:
        return opened.replay()


def fill(journal: Journal) -> None:
    """Let the disk be full at what the file takes now."""
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count={pages}")


def free(journal: Journal) -> None:
    """Space is back."""
    journal._connection.execute("PRAGMA max_page_count=1000000")


def test_a_new_journal_holds_nothing(journal: Journal) -> None:
    assert journal.replay() == []


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(histories(8), max_size=4))
def test_what_was_appended_is_replayed_in_its_order(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Fact]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "state.db"
    facts = [fact for batch in batches for fact in batch]
    with closing(Journal(path)) as journal:
        for batch in batches:
            journal.append(batch)
        assert journal.replay() == facts
    assert reopened(path) == facts


def test_what_is_appended_is_on_disk_for_another_reader_at_once(path: Path, journal: Journal) -> None:
    facts = added(a_release(1))
    journal.append(facts)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM facts").fetchone() == (1,)


def test_E2_it_is_synced_in_full_since_a_client_may_have_seen_the_number(journal: Journal) -> None:
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_facts_are_appended_all_or_none(path: Path, journal: Journal) -> None:
    journal.append(added(a_release(1)))
    unencodable = ChannelCreated(at=NOW, channel="\udcff")
    with pytest.raises(UnicodeEncodeError):
        journal.append([*added(a_release(2)), unencodable, *added(a_release(3))])
    assert journal.replay() == added(a_release(1))
    journal.append(added(a_release(2)))
    assert reopened(path) == added(a_release(1), a_release(2))


def test_E5_a_full_disk_takes_nothing_of_a_batch_and_leaves_what_was_there(
    path: Path, journal: Journal
) -> None:
    before = added(a_release(1))
    journal.append(before)
    fill(journal)
    with pytest.raises(HotswapError) as caught:
        journal.append(added(*(a_release(sequence) for sequence in range(2, 200))))
    assert caught.value.code == "disk-full"
    assert journal.replay() == before
    assert reopened(path) == before


def test_E5_once_there_is_space_again_the_same_journal_goes_on(path: Path, journal: Journal) -> None:
    fill(journal)
    many = added(*(a_release(sequence) for sequence in range(1, 200)))
    with pytest.raises(HotswapError):
        journal.append(many)
    free(journal)
    journal.append(many)
    assert reopened(path) == many
    assert replay(reopened(path)).last_sequence == 199


def test_a_fact_of_a_newer_version_stops_the_replay_with_a_sentence(path: Path, journal: Journal) -> None:
    journal.append(added(a_release(1)))
    journal._connection.execute('INSERT INTO facts (fact) VALUES (\'{"event": "rollout-set"}\')')
    with pytest.raises(HotswapError, match="'rollout-set'") as caught:
        journal.replay()
    assert caught.value.code == "unknown-fact"


def test_a_journal_in_a_newer_format_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version=2")
    with pytest.raises(HotswapError, match="newer hotswap-dev") as caught:
        Journal(path)
    assert caught.value.code == "newer-format"


def test_a_closed_journal_is_one_file(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.append(added(a_release(1)))
    assert [one.name for one in path.parent.iterdir()] == ["state.db"]


def a_journal_and_its_log(folder: Path, facts: list[Fact]) -> tuple[bytes, bytes]:
    """state.db and its write-ahead log, as a power cut finds them after each fact was appended by itself."""
    folder.mkdir()
    with closing(Journal(folder / "state.db")) as journal:
        for fact in facts:
            journal.append([fact])
        return (folder / "state.db").read_bytes(), (folder / "state.db-wal").read_bytes()


def after_power_cut(folder: Path, main: bytes, log: bytes) -> list[Fact]:
    """What is replayed from these files; the database must be sound."""
    folder.mkdir()
    (folder / "state.db").write_bytes(main)
    (folder / "state.db-wal").write_bytes(log)
    facts = reopened(folder / "state.db")
    with closing(sqlite3.connect(folder / "state.db")) as looked:
        assert looked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return facts


def test_E2_every_cut_of_the_write_ahead_log_leaves_a_beginning_of_the_journal(tmp_path: Path) -> None:
    """A power cut may leave any part of the log: frames are 24 + page bytes behind a header of 32."""
    facts = added(*(a_release(sequence) for sequence in range(1, 7)))
    main, log = a_journal_and_its_log(tmp_path / "whole", facts)
    frame = 24 + int.from_bytes(log[8:12], "big")
    found = []
    for end in range(32, len(log) + 1, frame):
        replayed = after_power_cut(tmp_path / str(end), main, log[:end])
        assert replayed == facts[: len(replayed)]
        assert replay(replayed).last_sequence == len(replayed)
        found.append(len(replayed))
        # What comes next is appended to what is there, and nothing of the lost part comes back.
        with closing(Journal(tmp_path / str(end) / "state.db")) as journal:
            journal.append(added(a_release(100)))
        assert reopened(tmp_path / str(end) / "state.db") == [*replayed, *added(a_release(100))]
    # Without its first frames there is no schema, and what was acknowledged then was nothing.
    assert found == sorted(found)
    assert found[0] == 0
    assert found[-1] == len(facts)
    assert len(set(found)) == len(facts) + 1


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_E2_a_log_that_is_torn_or_holds_rubbish_anywhere_leaves_a_beginning_too(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    facts = added(*(a_release(sequence) for sequence in range(1, 5)))
    folder = tmp_path_factory.mktemp("torn")
    main, log = a_journal_and_its_log(folder / "whole", facts)
    end = data.draw(st.integers(0, len(log)), "cut within a frame")
    rubbish = data.draw(st.binary(max_size=64), "what a sector held before")

    replayed = after_power_cut(folder / "cut", main, log[:end] + rubbish)

    assert replayed == facts[: len(replayed)]


def test_E2_state_and_history_are_two_files_of_which_only_the_state_waits_for_the_disk(
    tmp_path: Path,
) -> None:
    with (
        closing(Journal(tmp_path / "state.db")) as journal,
        closing(History(tmp_path / "history.db")) as history,
    ):
        modes = [one._connection.execute("PRAGMA synchronous").fetchone()[0] for one in (journal, history)]
    assert modes == [2, 1]


def test_E6_a_statement_that_fails_leaves_no_transaction_open(path: Path, journal: Journal) -> None:
    """Of each statement once: also when it was done, and only its report was lost."""

    class Failing:
        def __init__(self, statement: str) -> None:
            self.statement, self.connection = statement, journal._connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        def execute(self, sql: str) -> sqlite3.Cursor:
            done = self.connection.execute(sql)
            if sql == self.statement:
                raise sqlite3.OperationalError("disk I/O error")
            return done

    real = journal._connection
    for sequence, statement in enumerate(("BEGIN IMMEDIATE", "COMMIT"), start=1):
        journal._connection = Failing(statement)  # type: ignore[assignment]
        with pytest.raises(HotswapError) as caught:
            journal.append(added(a_release(sequence)))
        journal._connection = real
        assert caught.value.code == "disk-full"
    journal.append(added(a_release(3)))
    # The commit that was done is there, whatever was said of it.
    assert reopened(path) == added(a_release(2), a_release(3))
