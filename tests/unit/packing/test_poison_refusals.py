"""What stands in the way of a bad bundle: a fault without effect, a broken original, a full disk, too little memory."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from hotswap_dev.domain.faults.bundle import BundleFault, CrashOnLoad, NoIndex, SecondGzipMember, Symlinks
from hotswap_dev.domain.model import Format
from hotswap_dev.errors import BuildRefused, HotswapError
from hotswap_dev.packing import poison
from hotswap_dev.packing.output import NotWritten
from hotswap_dev.packing.poison import make_poisoned
from hotswap_dev.packing.signing import SignatureBroken, verify
from hotswap_dev.packing.stopping import PackingStopped
from hotswap_dev.packing.verify import BundleBroken
from tests.unit.packing.poisoned import TREE, packed, poisoned
from tests.unit.packing.signatures import AT, KEY


@pytest.mark.parametrize("fault", [SecondGzipMember(), Symlinks()], ids=lambda fault: fault.name)
def test_a_fault_that_would_change_nothing_is_refused_with_another_one_to_take(
    fault: BundleFault, tmp_path: Path
) -> None:
    with pytest.raises(HotswapError, match="no file beside index.html") as refused:
        poisoned(fault, tmp_path, {"index.html": b"alone"})

    assert refused.value.code == "nothing-to-poison"
    assert "no-index" in refused.value.hint


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("damage", ["a byte changed", "cut short", "gone"])
@pytest.mark.parametrize("format", ["tar.gz", "zip"])
def test_E15_a_healthy_archive_that_is_no_longer_what_was_packed_poisons_nothing(
    damage: str,
    format: Format,  # noqa: A002
    tmp_path: Path,
) -> None:
    healthy, bundle = packed(tmp_path, TREE, format)
    content = healthy.read_bytes()
    if damage == "gone":
        healthy.unlink()
    else:
        healthy.write_bytes(content[:-9] if damage == "cut short" else content[:50] + b"?" + content[51:])
    (tmp_path / "store").mkdir()

    with pytest.raises(BundleBroken, match=r"not those that were written|can't be read"):
        make_poisoned(NoIndex(), healthy, bundle, KEY, tmp_path / "store", at=AT)

    assert left_in(tmp_path / "store") == []


def test_one_that_nobody_wants_any_more_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    healthy, bundle = packed(tmp_path)
    (tmp_path / "store").mkdir()
    stop = threading.Event()
    stop.set()

    with pytest.raises(PackingStopped):
        make_poisoned(NoIndex(), healthy, bundle, KEY, tmp_path / "store", at=AT, stop=stop)

    assert left_in(tmp_path / "store") == []


class Asked(threading.Event):
    """Wanted for so many questions, and no longer; it notes how large the unfinished file was at each."""

    def __init__(self, store: Path, questions: int) -> None:
        super().__init__()
        self.store = store
        self.questions = questions
        self.sizes: list[int] = []

    def is_set(self) -> bool:
        self.sizes.append(sum(path.stat().st_size for path in self.store.iterdir()))
        return len(self.sizes) > self.questions


@pytest.mark.parametrize("fault", [CrashOnLoad(), SecondGzipMember()], ids=lambda fault: fault.name)
def test_E16_it_is_asked_between_the_blocks_whether_it_is_still_wanted_and_leaves_nothing_if_not(
    fault: BundleFault, tmp_path: Path
) -> None:
    healthy, bundle = packed(tmp_path, {**TREE, "video.bin": Random(2).randbytes(2 << 20)})
    (tmp_path / "store").mkdir()
    to_the_end = Asked(tmp_path / "store", 1_000_000)
    made = make_poisoned(fault, healthy, bundle, KEY, tmp_path / "store", at=AT, stop=to_the_end)
    made.path.unlink()

    for questions in range(len(to_the_end.sizes)):
        stop = Asked(tmp_path / "store", questions)
        with pytest.raises(PackingStopped):
            make_poisoned(fault, healthy, bundle, KEY, tmp_path / "store", at=AT, stop=stop)
        assert left_in(tmp_path / "store") == []

    steps = [0, *sorted(set(to_the_end.sizes))]
    assert steps[-1] == made.bundle.size
    assert max(after - before for before, after in itertools.pairwise(steps)) < 1 << 20


def test_E15_a_disk_that_gives_back_other_bytes_is_noticed_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, bundle = packed(tmp_path)
    (tmp_path / "store").mkdir()

    def change(source: Path, signature: str, public_key: str, **named: Any) -> None:
        source.write_bytes(b"?" + source.read_bytes()[1:])
        verify(source, signature, public_key, **named)

    monkeypatch.setattr(poison, "verify", change)
    with pytest.raises(SignatureBroken, match="not those that key"):
        make_poisoned(NoIndex(), healthy, bundle, KEY, tmp_path / "store", at=AT)

    assert left_in(tmp_path / "store") == []


def test_B10_one_that_no_client_would_download_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    healthy, bundle = packed(tmp_path)
    (tmp_path / "store").mkdir()

    with pytest.raises(BuildRefused, match="larger than"):
        make_poisoned(NoIndex(), healthy, bundle, KEY, tmp_path / "store", at=AT, limit=300)

    assert left_in(tmp_path / "store") == []


@pytest.mark.parametrize("nth", [1, 3])
def test_E6_a_full_disk_is_said_and_leaves_nothing(
    nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, bundle = packed(tmp_path)
    (tmp_path / "store").mkdir()
    writes = 0
    really_write = os.write

    def write(handle: int, data: Any) -> int:
        nonlocal writes
        writes += 1
        if writes >= nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return really_write(handle, data)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(NotWritten) as refused:
        make_poisoned(NoIndex(), healthy, bundle, KEY, tmp_path / "store", at=AT)

    assert refused.value.code == "disk-full"
    assert left_in(tmp_path / "store") == []


POISONING = """
import sys
from pathlib import Path
from hotswap_dev import wire
from hotswap_dev.domain.faults.bundle import CrashOnLoad, SecondGzipMember
from hotswap_dev.domain.model import Bundle
from hotswap_dev.packing.poison import make_poisoned
from tests.unit.packing.signatures import AT, KEY
import msgspec

healthy, bundle = Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Bundle)
for fault in (CrashOnLoad(), SecondGzipMember()):
    assert make_poisoned(fault, healthy, bundle, KEY, healthy.parent, at=AT).bundle.size > 150 << 20
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_B10_memory_does_not_grow_with_the_bundle(tmp_path: Path) -> None:
    chance = Random(3)
    files = {"index.html": b"<p>", "small.js": b"1", "video.bin": chance.randbytes(80 << 20) * 2}
    healthy, bundle = packed(tmp_path, files)

    command = [sys.executable, "-c", POISONING, str(healthy), msgspec.json.encode(bundle).decode()]
    done = subprocess.run(command, capture_output=True, check=True, text=True)

    assert int(done.stdout) < 100_000, "kB, of which the imports alone take half"
