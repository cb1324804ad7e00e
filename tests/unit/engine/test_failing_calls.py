"""The nth call to the system fails, for every n, while a release is published (hardening E6)."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import SigningKey, new_key
from hotswap_dev.packing.tree import scan
from tests.e2e.server_process import write_frontend
from tests.unit.engine.engines import bytes_of, demand_sound, offered, opened, publish

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES)
CALLS = ("open", "read", "write", "fsync", "fstat", "replace", "rename", "unlink", "scandir")
STATEMENTS = ("BEGIN IMMEDIATE", "INSERT INTO facts (fact) VALUES (?)", "COMMIT")


@dataclass
class Counted:
    """Counts calls, and fails the one with the number `nth`; of a COMMIT also after it was done."""

    nth: int
    number: int
    late: bool = False
    count: int = 0
    failed: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_due(self, name: str) -> bool:
        """Whether this very call is the one."""
        with self._lock:
            self.count += 1
            if self.count == self.nth:
                self.failed = name
            return self.count == self.nth

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """A call of `os` that fails when it is due."""

        def counted(*args: Any, **named: Any) -> Any:
            if self.is_due(name):
                raise OSError(self.number, os.strerror(self.number))
            return call(*args, **named)

        return counted


class Connection(sqlite3.Connection):
    """SQLite, whose statements to the journal count too. It does its own writing, behind Python's back."""

    calls: Counted | None = None

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        calls = type(self).calls
        if calls is None or sql not in STATEMENTS or not calls.is_due(sql):
            return super().execute(sql, *parameters)
        if calls.late:
            super().execute(sql, *parameters)
        raise sqlite3.OperationalError("disk I/O error")

    def executemany(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        calls = type(self).calls
        if calls is not None and sql in STATEMENTS and calls.is_due(sql):
            raise sqlite3.OperationalError("database or disk is full")
        return super().executemany(sql, *parameters)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return new_key()


@pytest.fixture(autouse=True)
def counted_database(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def counting(path: Any, **named: Any) -> sqlite3.Connection:
        if Path(path).name == "state.db":
            named["factory"] = Connection
        made: sqlite3.Connection = connect(path, **named)
        return made

    monkeypatch.setattr(sqlite3, "connect", counting)


@contextmanager
def failing(calls: Counted) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, calls.around(name, getattr(os, name)))
        patch.setattr(Connection, "calls", calls)
        yield


async def by_hand(engine: Engine, folder: Path) -> None:
    await publish(engine, folder)


async def settled(engine: Engine, folder: Path) -> None:
    await engine.publish_settled(scan(folder), changed_at=None)


@pytest.mark.parametrize("how", [by_hand, settled])
async def test_E6_whichever_call_fails_the_old_release_or_the_new_one_is_served_and_never_half(
    tmp_path: Path, key: SigningKey, how: Callable[[Engine, Path], Any]
) -> None:
    dist, bundles, places, nth = tmp_path / "dist", dict[int, str](), set[str](), 0
    async with opened(tmp_path, key) as engine:
        newest = await publish(engine, write_frontend(dist, "the first"))
    while True:
        nth += 1
        calls = Counted(nth, ERRORS[nth % 3])
        async with opened(tmp_path, key) as engine:
            # What the failure before this start left.
            demand_sound(engine)
            assert offered(engine) == newest
            write_frontend(dist, f"build {nth}")

            with failing(calls):
                try:
                    await how(engine, dist)
                except HotswapError as error:
                    assert error.hint
                    assert offered(engine) == newest

            now = offered(engine)
            assert now is not None
            assert bytes_of(engine, now)
            assert now.sequence >= newest.sequence
            assert engine.building is None
            note(bundles, engine)

            # The same server goes on, with the very same content.
            newest = await publish(engine, dist)
            assert newest.sequence > now.sequence
            assert offered(engine) == newest
            note(bundles, engine)
        if not calls.failed:
            break
        places.add(calls.failed)

    assert places >= {"open", "read", "write", "fsync", "replace", "scandir", "COMMIT"}
    assert nth > 20


def note(bundles: dict[int, str], engine: Engine) -> None:
    """No sequence ever means two bundles, over all failures and starts."""
    for sequence, release in engine.controls.releases.items():
        assert bundles.setdefault(sequence, release.bundle.hash) == release.bundle.hash


async def test_E6_what_the_journal_has_though_it_said_no_is_not_offered_without_its_bytes(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit reached the disk and its report did not: the number is used up, whatever a start makes of it."""
    dist = tmp_path / "dist"
    async with opened(tmp_path, key) as engine:
        await publish(engine, write_frontend(dist, "first"))
        write_frontend(dist, "reported as failed")
        # Of the three statements that append, the last.
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "calls", Counted(3, errno.EIO, late=True))
            with pytest.raises(HotswapError, match="could not be written"):
                await publish(engine, dist)

        assert sorted(engine.controls.releases) == [1]
        after = await publish(engine, write_frontend(dist, "next"))
        assert after.sequence == 3
    async with opened(tmp_path, key) as engine:
        assert sorted(engine.controls.releases) == [1, 2, 3]
        assert not engine.controls.has_bytes(engine.controls.releases[2])
        assert offered(engine) == after
        demand_sound(engine)


async def test_E6_whichever_call_fails_while_it_starts_it_is_a_sentence_or_a_start_and_the_next_start_is_whole(
    tmp_path: Path, key: SigningKey
) -> None:
    dist, places, nth = tmp_path / "dist", set[str](), 0
    async with opened(tmp_path, key) as engine:
        newest = await publish(engine, write_frontend(dist, "the first"))
        folder = engine.store.folder
    while True:
        nth += 1
        calls = Counted(nth, ERRORS[nth % 3])
        # What a killed server left: a start has something to sweep.
        (folder / ".tmp-1.tar.gz").write_bytes(b"half")
        (folder / f"{'a' * 64}.tar.gz").write_bytes(b"of no release")
        (tmp_path / "keys" / ".tmp-1-key").write_bytes(b"half")
        with contextlib.ExitStack() as stack:
            stack.enter_context(failing(calls))
            try:
                async with opened(tmp_path, key, floors=((nth, "--sequence-floor"),)) as engine:
                    stack.close()
                    assert offered(engine) == newest
                    bytes_of(engine, newest)
            except HotswapError as error:
                assert error.hint
        async with opened(tmp_path, key) as engine:
            assert offered(engine) == newest
            demand_sound(engine)
            assert len(list(folder.glob("*.tar.gz"))) == 1
        assert not (tmp_path / "keys" / ".tmp-1-key").exists()
        if not calls.failed:
            break
        places.add(calls.failed)

    assert places >= {"unlink", "COMMIT"}


async def test_E6_bundles_that_can_not_be_looked_at_are_not_taken_for_lost(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a bundle is gone is a fact for ever; that a disk did not answer once is none."""
    async with opened(tmp_path, key) as engine:
        newest = await publish(engine, write_frontend(tmp_path / "dist", "the first"))
    look = os.stat

    def failing_look(path: Any, **named: Any) -> os.stat_result:
        if str(path).endswith(".tar.gz"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return look(path, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", failing_look)
        with pytest.raises(HotswapError, match=r"tar\.gz can't be read: Input/output error") as caught:
            async with opened(tmp_path, key):
                pass
    assert caught.value.code == "workspace-not-readable"
    async with opened(tmp_path, key) as engine:
        assert offered(engine) == newest
        demand_sound(engine)
