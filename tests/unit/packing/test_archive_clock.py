"""A file whose stamp says that nothing changed, and the clock that stamps are made by (hardening E4, E13)."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hotswap_dev.packing import reading
from hotswap_dev.packing.archive import Packer
from hotswap_dev.packing.reading import Reader, are_past
from hotswap_dev.packing.tree import scan
from tests.unit.packing.trees import PAGE, extracted, grow

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no time that nobody can set")


FILES = {"index.html": PAGE, "assets/a.js": b"x" * 37, "assets/large.bin": b"y" * 1_500_000}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return grow(tmp_path / "dist", FILES)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "bundles"
    folder.mkdir()
    return folder


def rewrite_back_to_back(root: Path, out: Path, times: int) -> None:
    packer = Packer()
    file = root / "index.html"
    for number in range(times):
        file.write_bytes(b"page %06d" % number)
        found = scan(root)
        first = packer.pack(found, format="tar.gz", into=out)
        # Within the file clock's tick, so that size and every time may be those of the scan before.
        file.write_bytes(b"PAGE %06d" % number)
        second = packer.pack(scan(root), format="tar.gz", into=out)
        assert extracted(first.path.read_bytes())["index.html"] == b"page %06d" % number
        assert extracted(second.path.read_bytes())["index.html"] == b"PAGE %06d" % number
        first.path.unlink()
        second.path.unlink()


def test_E13_files_rewritten_back_to_back_are_never_taken_from_memory(dist: Path, out: Path) -> None:
    rewrite_back_to_back(dist, out, 15)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_E13_files_rewritten_two_thousand_times_are_never_taken_from_memory(tmp_path: Path) -> None:
    # Each of them waits for the file clock's tick, so that four folders at a time take a quarter of it.
    def rewrite(name: str) -> None:
        out = tmp_path / name / "bundles"
        out.mkdir(parents=True)
        rewrite_back_to_back(grow(tmp_path / name / "dist", FILES), out, 250)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(rewrite, "abcd")) == [None] * 4


def test_E13_a_write_within_the_file_clocks_tick_does_not_go_unseen(
    dist: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock that stamps files may stand still for 10 ms. Packing waits until it has surely moved on, so that
    # a write after the file was read leaves another stamp.
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    (dist / "index.html").write_bytes(b"new")
    found = scan(dist)
    newest = max(stamp[2] for stamp in found.files.values())
    for age_ns, expected in ((0, 0.02), (15_000_000, 0.005), (20_000_000, None), (-(10**12), None)):
        waited.clear()
        monkeypatch.setattr(time, "time_ns", lambda age_ns=age_ns: newest + age_ns)
        reading.await_clock(found)
        assert waited == ([] if expected is None else [pytest.approx(expected)])


def test_E13_nothing_is_read_before_the_file_clock_has_moved_on(
    dist: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_at: list[int] = []
    real = Reader.read

    def noted(self: Reader, path: str) -> bytes:
        read_at.append(time.time_ns())
        return real(self, path)

    monkeypatch.setattr(Reader, "read", noted)
    (dist / "index.html").write_bytes(b"new")
    found = scan(dist)
    Packer().pack(found, format="tar.gz", into=out)
    assert min(read_at) >= found.files["index.html"][2] + 20_000_000


@pytest.mark.parametrize(
    ("changed_ns", "age_ns", "past"),
    [
        (1_700_000_000_123_456_789, 19_999_999, False),
        (1_700_000_000_123_456_789, 20_000_000, True),
        (1_700_000_000_123_456_789, -1, False),
        (1_700_000_000_000_000_000, 20_000_000, False),  # whole seconds: FAT, HFS+
        (1_700_000_000_000_000_000, 2_000_000_000, True),
    ],
)
def test_E13_a_stamp_counts_once_its_clock_has_moved_on(changed_ns: int, age_ns: int, past: bool) -> None:
    old = (1, 1, 1, 1)
    new = (1, changed_ns, changed_ns, 1)
    assert are_past([old, new, old], changed_ns + age_ns) is past


def test_E4_E13_a_file_from_the_future_is_read_every_time(
    dist: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns() - 10**12  # the clock was set back after the build
    monkeypatch.setattr(time, "time_ns", lambda: now)
    read: list[str] = []
    real = Reader.read

    def noted(self: Reader, path: str) -> bytes:
        read.append(path)
        return real(self, path)

    monkeypatch.setattr(Reader, "read", noted)
    packer = Packer()
    for _ in range(2):
        read.clear()
        packer.pack(scan(dist), format="tar.gz", into=out)
        assert sorted(read) == ["assets/a.js", "index.html"]
