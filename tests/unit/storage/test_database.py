"""Opening a database: each way that it can fail has its own sentence and its own way out."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from hotswap_dev.errors import HotswapError
from hotswap_dev.storage.database import open_database, readable_errors

LOG_LIMIT = 8 * 2**20
SCHEMA = "CREATE TABLE things (number INTEGER PRIMARY KEY)"


def opened(
    path: Path, *, version: int = 1, schema: str = SCHEMA, synchronous: Literal["FULL", "NORMAL"] = "FULL"
) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(open_database(path, version=version, schema=schema, synchronous=synchronous))


def refused(path: Path) -> HotswapError:
    """Why the database can't be opened."""
    with pytest.raises(HotswapError) as caught, opened(path):
        pass
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def test_a_new_database_has_the_schema_and_its_version(path: Path) -> None:
    with opened(path, version=3) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (0,)


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
def test_E2_it_writes_ahead_and_syncs_as_it_was_told(
    path: Path, synchronous: Literal["FULL", "NORMAL"], level: int
) -> None:
    with opened(path, synchronous=synchronous) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (level,)


def test_C8_a_log_that_grew_shrinks_to_its_limit(path: Path) -> None:
    with opened(path, schema="CREATE TABLE things (body BLOB)") as connection:
        log = path.with_name(f"{path.name}-wal")
        connection.execute("INSERT INTO things VALUES (zeroblob(12000000))")
        assert log.stat().st_size > LOG_LIMIT

        # What is in it is in the database now, so the next row begins it anew.
        connection.execute("INSERT INTO things VALUES (zeroblob(1))")

        assert log.stat().st_size <= LOG_LIMIT


def test_C8_every_database_has_a_limit_for_its_log(path: Path) -> None:
    with opened(path) as connection:
        assert connection.execute("PRAGMA journal_size_limit").fetchone() == (LOG_LIMIT,)


def test_opening_again_keeps_what_is_in_it(path: Path) -> None:
    with opened(path) as connection:
        connection.execute("INSERT INTO things VALUES (7)")
    with opened(path) as connection:
        assert connection.execute("SELECT number FROM things").fetchall() == [(7,)]


def test_a_database_of_a_newer_version_is_left_alone(path: Path) -> None:
    with opened(path, version=2):
        pass
    before = path.read_bytes()
    error = refused(path)
    assert error.code == "newer-format"
    assert "(its format is 2, this version reads 1)" in error.message
    assert path.read_bytes() == before


def test_a_schema_that_fails_half_way_leaves_nothing_of_it(path: Path) -> None:
    with pytest.raises(HotswapError), opened(path, schema=f"{SCHEMA}; CREATE TABLE things (again)"):
        pass
    with opened(path) as connection:
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (0,)


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    error = refused(path)
    assert error.code == "database-broken"
    assert "move it away" in error.hint


def test_a_folder_where_the_database_should_be_can_not_be_written(path: Path) -> None:
    path.mkdir()
    assert refused(path).code == "workspace-not-writable"


@pytest.fixture
def full(path: Path) -> Iterator[sqlite3.Connection]:
    with opened(path) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
        yield connection


def test_a_full_disk_asks_for_space(path: Path, full: sqlite3.Connection) -> None:
    with pytest.raises(HotswapError, match="could not be written") as caught, readable_errors(path):
        full.executemany("INSERT INTO things VALUES (?)", [(number,) for number in range(10_000)])
    assert caught.value.code == "disk-full"
    assert "space" in caught.value.hint


def test_a_database_that_another_program_holds_must_not_be_moved_away(path: Path) -> None:
    with opened(path) as ours, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as theirs:
        theirs.execute("BEGIN IMMEDIATE")
        ours.execute("PRAGMA busy_timeout=0")
        with pytest.raises(HotswapError) as caught, readable_errors(path):
            ours.execute("BEGIN IMMEDIATE")
        theirs.execute("ROLLBACK")
    assert caught.value.code == "database-busy"
    assert "move" not in caught.value.hint


def test_any_other_error_passes_as_it_is(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), readable_errors(path):
        raise ZeroDivisionError
