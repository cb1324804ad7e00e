"""The mark that only rises, and what a key's home is after a disk that fails and after a kill (hardening E1, E6)."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.storage import keys
from hotswap_dev.storage.keys import KeyHome
from tests.unit.storage.test_keys import names_in

# The highest sequence


def test_nothing_published_is_zero(home: KeyHome) -> None:
    assert home.high_water() == 0
    assert not home.folder.exists()


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8))
def test_the_mark_only_ever_rises_and_outlives_its_process(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("home")
    for count, sequence in enumerate(sequences, start=1):
        assert KeyHome(folder).raise_high_water(sequence) == max(sequences[:count])
        assert KeyHome(folder).high_water() == max(sequences[:count])


def test_many_who_raise_it_at_once_end_at_the_highest(home: KeyHome) -> None:
    together = threading.Barrier(8)

    def publish(first: int) -> None:
        together.wait(10)
        seen = 0
        for sequence in range(first, 41, 8):
            mark = home.raise_high_water(sequence)
            assert mark >= max(sequence, seen)
            seen = mark

    with ThreadPoolExecutor(8) as threads:
        for result in [threads.submit(publish, first) for first in range(1, 9)]:
            result.result(30)
    assert home.high_water() == 40
    assert names_in(home.folder) == {"high-water"}


@pytest.mark.parametrize("sequence", [-1, 2**64])
def test_a_sequence_that_no_client_can_hold_is_a_bug_of_the_caller(home: KeyHome, sequence: int) -> None:
    with pytest.raises(ValueError, match="between 0 and"):
        home.raise_high_water(sequence)


@pytest.mark.parametrize(
    "content", [b"", b"forty", b"-1", b"1_000", b"1 2", "٣".encode(), b"18446744073709551616"]
)
def test_an_edited_mark_is_never_guessed(home: KeyHome, content: bytes) -> None:
    home.folder.mkdir(parents=True)
    home.high_water_path.write_bytes(content)
    for ask in (home.high_water, lambda: home.raise_high_water(7)):
        with pytest.raises(HotswapError) as caught:
            ask()
        assert caught.value.code == "high-water-damaged"
        assert "--sequence-floor" in caught.value.hint
    assert home.high_water_path.read_bytes() == content


# What goes wrong while writing


def test_who_waits_in_vain_for_another_process_is_told(
    home: KeyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_PATIENCE", 0.05)
    home.raise_high_water(1)
    with (
        home._locked(),
        pytest.raises(HotswapError, match="another process has held") as caught,
    ):
        KeyHome(home.folder).raise_high_water(2)
    assert caught.value.code == "key-home-busy"
    assert home.raise_high_water(2) == 2


def test_E7_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    home = KeyHome(tmp_path / "file" / "app")
    with pytest.raises(HotswapError, match=r"can't write .*Not a directory|can't write .*exists") as caught:
        home.replace_key("x")
    assert caught.value.code == "key-home-not-writable"
    assert "--workspace" in caught.value.hint


CALLS = ("open", "fsync", "replace", "rename", "link", "mkdir")


def replace_the_key(home: KeyHome) -> tuple[str, str]:
    home.replace_key("new\n")
    return home.key_path.read_text(), (home.folder / "key.old-1").read_text()


def raise_the_mark(home: KeyHome) -> int:
    return home.raise_high_water(8)


class FailAt:
    """Lets os calls pass until the one with this number, which finds the disk full."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.hit = False

    def around(self, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **options: object) -> object:
            self.left -= 1
            if self.left == 0:
                self.hit = True
                raise OSError(errno.ENOSPC, "No space left on device")
            return call(*arguments, **options)

        return wrapped


@pytest.mark.parametrize(("act", "done"), [(replace_the_key, ("new\n", "old\n")), (raise_the_mark, 8)])
def test_E6_a_full_disk_at_any_moment_leaves_old_or_new_and_no_rubbish(
    tmp_path: Path, act: Callable[[KeyHome], object], done: object
) -> None:
    for number in range(1, 100):
        home = KeyHome(tmp_path / str(number))
        home.replace_key("old\n")
        home.raise_high_water(7)
        failing = FailAt(number)
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, failing.around(getattr(os, name)))
            try:
                act(home)
            except HotswapError as error:
                assert "No space left on device" in error.message
        assert home.key_path.read_text() in ("old\n", "new\n")
        assert home.high_water() in (7, 8)
        assert names_in(home.folder) <= {"key", "key.old-1", "high-water"}
        assert act(home) == done
        if not failing.hit:
            break
    else:
        pytest.fail("the calls never ended")
    assert number > 4


KILLED_AT = """
import os, sys
from pathlib import Path
from hotswap_dev.storage.keys import KeyHome

folder, left = sys.argv[1], int(sys.argv[2])

def die_at(event, arguments):
    global left
    if event in ("open", "os.rename", "os.link", "os.remove") and folder in str(arguments):
        left -= 1
        if left == 0:
            os._exit(9)

sys.addaudithook(die_at)
home = KeyHome(Path(folder))
home.replace_key("new\\n")
print("replaced", flush=True)
home.raise_high_water(8)
print("raised", flush=True)
"""


@pytest.mark.processes
def test_E1_a_kill_at_any_moment_leaves_old_or_new_and_the_next_start_sweeps(tmp_path: Path) -> None:
    for number in range(1, 100):
        home = KeyHome(tmp_path / f"home-{number}-")
        home.replace_key("old\n")
        home.raise_high_water(7)
        command = [sys.executable, "-c", KILLED_AT, str(home.folder), str(number)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        said = done.stdout.split()
        assert home.key_path.read_text() in (["new\n"] if "replaced" in said else ["old\n", "new\n"])
        assert home.high_water() in ([8] if "raised" in said else [7, 8])
        home.sweep()
        assert names_in(home.folder) <= {"key", "key.old-1", "high-water"}
        home.replace_key("new\n")
        assert (home.folder / "key.old-1").read_text() == "old\n"
        assert home.raise_high_water(8) == 8
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr
    else:
        pytest.fail("the calls never ended")
    assert number > 8


def test_a_sweep_takes_half_written_files_of_ours_and_nothing_else(home: KeyHome) -> None:
    assert home.sweep() == []
    assert not home.folder.exists()
    home.replace_key("one\n")
    home.replace_key("two\n")
    for name in (".tmp-1-key", ".tmp-2-key.old-1", ".tmp-3-high-water", ".tmp-4-server.json", "notes"):
        (home.folder / name).write_text("half")
    assert home.sweep() == [".tmp-1-key", ".tmp-2-key.old-1", ".tmp-3-high-water"]
    assert names_in(home.folder) == {"key", "key.old-1", ".tmp-4-server.json", "notes"}
