"""Files that are whole or not there, and the lock, where a system does it otherwise (hardening E6)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev.storage.workspace import (
    take_lock,
    write_atomically,
)
from tests.unit.storage.test_workspace import another_process, posix_modes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app" / ".hotswap-dev"


# Writing a file


@given(st.binary(max_size=200), st.binary(max_size=200))
@settings(max_examples=20)
def test_a_file_is_replaced_by_what_was_given(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes
) -> None:
    path = tmp_path_factory.mktemp("files") / "file"
    for data in (before, after):
        write_atomically(path, data)
        assert path.read_bytes() == data
        assert [one.name for one in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_E6_a_write_that_fails_leaves_what_was_there_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os if name == "fsync" else Path, name, fail)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@posix_modes
def test_a_private_file_is_private_even_where_a_kill_left_an_open_one_of_its_name(tmp_path: Path) -> None:
    left = tmp_path / f".tmp-{os.getpid()}-token"
    left.write_bytes(b"")
    left.chmod(0o666)
    write_atomically(tmp_path / "token", b"secret", mode=0o600)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="a symlink there takes a privilege")
def test_nothing_is_written_through_a_link_that_lies_where_the_temporary_file_goes(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"untouched")
    (tmp_path / f".tmp-{os.getpid()}-token").symlink_to(elsewhere)
    write_atomically(tmp_path / "token", b"secret", mode=0o600)
    assert elsewhere.read_bytes() == b"untouched"
    assert not (tmp_path / "token").is_symlink()


# Windows


WINDOWS = """
import sys, types
sys.modules["fcntl"] = None  # importing it raises ImportError, as there
locked = set()
msvcrt = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK = 2
def locking(descriptor, mode, count):
    import os
    assert mode == msvcrt.LK_NBLCK and count == 1
    assert os.lseek(descriptor, 0, os.SEEK_CUR) > 1000, "the byte that is locked lies behind the text"
    inode = os.fstat(descriptor).st_ino
    if inode in locked:
        raise PermissionError(13, "Permission denied")
    locked.add(inode)
msvcrt.locking = locking
sys.modules["msvcrt"] = msvcrt
import os, pathlib, contextlib, msgspec  # before the platform changes its name
from hotswap_dev import wire, errors
sys.platform = "win32"
from hotswap_dev.storage import workspace
path = pathlib.Path(sys.argv[1])
opened = workspace.open_workspace(path)
opened.secret()
try:
    workspace.open_workspace(path)
except errors.HotswapError as error:
    print(error.code, "pid" in error.message)
opened.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there the real thing is tested by all the others")
def test_without_fcntl_the_lock_of_windows_does_the_same(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WINDOWS, str(path)], capture_output=True, text=True, timeout=30
    )
    assert done.stderr == ""
    assert done.stdout == "workspace-in-use True\n"


def test_a_lock_is_waited_for_no_longer_than_was_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    clock = [0.0]

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    with another_process(path), (path / "lock").open("a+") as lock:
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(time, "sleep", wait)
        assert not take_lock(lock, 0.3)
        assert sum(waits) == pytest.approx(0.3, abs=0.03)
        assert not take_lock(lock, 0)
