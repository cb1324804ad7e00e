"""What is packed is what the scan saw, also while someone writes, swaps and links (hardening B3, E12, E13)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hotswap_dev.domain.model import Format
from hotswap_dev.errors import BuildRefused
from hotswap_dev.packing import reading
from hotswap_dev.packing.archive import Packer, TreeMoved
from hotswap_dev.packing.grouping import LARGEST
from hotswap_dev.packing.reading import PIECE, Reader
from hotswap_dev.packing.tree import scan, unchanged
from tests.unit.packing.trees import PAGE, extracted, grow

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX links and fifos")

SECRET = b"the secret that must stay where it is"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    grow(tmp_path / "outside", {"a.js": SECRET, "large.bin": SECRET * 40_000})
    return grow(
        tmp_path / "dist",
        {
            "index.html": PAGE,
            "assets/a.js": b"x" * len(SECRET),
            "assets/large.bin": b"y" * len(SECRET) * 40_000,
        },
    )


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "bundles"
    folder.mkdir()
    return folder


def write(dist: Path) -> None:
    (dist / "assets" / "a.js").write_bytes(b"z" * len(SECRET))


def grow_longer(dist: Path) -> None:
    with (dist / "assets" / "large.bin").open("ab") as file:
        file.write(b"more")


def cut(dist: Path) -> None:
    os.truncate(dist / "assets" / "large.bin", PIECE)


def remove(dist: Path) -> None:
    (dist / "assets" / "a.js").unlink()


def replace_by_link_outside(dist: Path) -> None:
    (dist / "assets" / "a.js").unlink()
    (dist / "assets" / "a.js").symlink_to(dist.parent / "outside" / "a.js")


def replace_folder_by_link_outside(dist: Path) -> None:
    (dist / "assets").rename(dist / "old")
    (dist / "assets").symlink_to(dist.parent / "outside")


def replace_by_folder(dist: Path) -> None:
    (dist / "assets" / "a.js").unlink()
    (dist / "assets" / "a.js").mkdir()


def replace_by_fifo(dist: Path) -> None:
    (dist / "assets" / "a.js").unlink()
    os.mkfifo(dist / "assets" / "a.js")


def replace_root(dist: Path) -> None:
    dist.rename(dist.parent / "old")
    grow(dist, {"index.html": PAGE, "assets/a.js": SECRET, "assets/large.bin": b""})


def remove_root(dist: Path) -> None:
    dist.rename(dist.parent / "old")


MOVES = [
    write,
    grow_longer,
    cut,
    remove,
    replace_by_link_outside,
    replace_folder_by_link_outside,
    replace_by_folder,
    replace_by_fifo,
    replace_root,
    remove_root,
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("by_folder", [True, False], ids=["openat", "by path"])
@pytest.mark.parametrize("format", ["tar.gz", "zip"])
@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_E12_a_tree_that_moved_since_the_scan_is_noticed_and_nothing_left(
    dist: Path,
    out: Path,
    move: Callable[[Path], None],
    format: Format,  # noqa: A002
    by_folder: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_BY_FOLDER", by_folder)
    found = scan(dist)
    move(dist)
    with pytest.raises(TreeMoved):
        Packer().pack(found, format=format, into=out)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("by_folder", [True, False], ids=["openat", "by path"])
def test_B3_a_folder_that_was_a_link_while_it_was_scanned_is_not_entered(
    dist: Path, out: Path, by_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Swapped between being seen as a folder and being listed: the stamps are then true, of files outside.
    monkeypatch.setattr(reading, "_BY_FOLDER", by_folder)
    replace_folder_by_link_outside(dist)
    outside = {f"assets/{path}": stamp for path, stamp in scan(dist.parent / "outside").files.items()}
    found = scan(dist)
    fooled = replace(found, files={**outside, "index.html": found.files["index.html"]}, problems=())
    with pytest.raises(TreeMoved):
        Packer().pack(fooled, format="tar.gz", into=out)
    assert list(out.iterdir()) == []


def test_B3_a_file_that_became_a_link_is_not_followed_though_its_stamp_is_right(
    dist: Path, out: Path
) -> None:
    found = scan(dist)
    replace_by_link_outside(dist)
    stamp = scan(dist.parent / "outside").files["a.js"]
    with pytest.raises(TreeMoved):
        Packer().pack(replace(found, files={**found.files, "assets/a.js": stamp}), format="tar.gz", into=out)


def test_where_folders_cant_be_opened_the_same_is_packed(
    dist: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = scan(dist)
    first = Packer().pack(found, format="tar.gz", into=out)
    monkeypatch.setattr(reading, "_BY_FOLDER", False)
    assert Packer().pack(found, format="tar.gz", into=out).sha256 == first.sha256


WITHOUT_WHAT_WINDOWS_LACKS = """
import os, sys
for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "fork", "pread", "geteuid"):
    delattr(os, name)
os.supports_dir_fd = set()
sys.modules.update(dict.fromkeys(("fcntl", "resource", "pwd", "grp")))
from pathlib import Path
from hotswap_dev.packing.archive import Packer
from hotswap_dev.packing.tree import scan
packer = Packer()
packed = packer.pack(scan(Path(sys.argv[1])), format="tar.gz", into=Path(sys.argv[2]))
packer.verify(packed)
print(packed.sha256)
"""


def test_a_system_without_what_windows_lacks_packs_the_same(dist: Path, out: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_WHAT_WINDOWS_LACKS, dist, out],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == Packer().pack(scan(dist), format="tar.gz", into=out).sha256


def test_E12_a_change_between_the_pieces_of_a_large_file_is_noticed(dist: Path) -> None:
    found = scan(dist)
    reading.await_clock(found)
    with Reader(found) as reader:
        pieces = reader.pieces("assets/large.bin")
        assert len(next(pieces)) == PIECE
        with (dist / "assets" / "large.bin").open("r+b") as file:
            file.write(b"changed")
        with pytest.raises(TreeMoved):
            list(pieces)


def test_B5_a_file_without_permission_is_named(
    dist: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = scan(dist)
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a.js":
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BuildRefused) as refusal:
        Packer().pack(found, format="tar.gz", into=out)
    assert (refusal.value.code, refusal.value.path) == ("unreadable", "assets/a.js")
    assert list(out.iterdir()) == []


def test_no_folder_stays_open(dist: Path, out: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    grow(dist, {f"{number}/{number}/x.js": b"" for number in range(100)})
    before = len(os.listdir("/proc/self/fd"))
    for move in (write, replace_folder_by_link_outside):
        found = scan(dist)
        Packer().pack(found, format="tar.gz", into=out)
        move(dist)
        with pytest.raises(TreeMoved):
            Packer().pack(found, format="tar.gz", into=out)
    assert len(os.listdir("/proc/self/fd")) == before


@contextmanager
def meanwhile(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` in a thread until the block ends; it is told by the event."""
    done = threading.Event()
    thread = threading.Thread(target=work, args=(done,))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("by_folder", [True, False], ids=["openat", "by path"])
def test_B3_no_secret_gets_into_a_bundle_while_files_and_folders_flip_to_links(
    dist: Path, out: Path, by_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BY_FOLDER", by_folder)
    outside = dist.parent / "outside"
    flips = 0

    def flip(done: threading.Event) -> None:
        nonlocal flips
        file, folder = dist / "assets" / "a.js", dist / "assets"
        while not done.is_set():
            flips += 1
            os.symlink(outside / "a.js", dist / "link")
            os.replace(dist / "link", file)
            (dist / "new").write_bytes(b"x" * len(SECRET))
            os.replace(dist / "new", file)
            os.rename(folder, dist / "kept")
            os.symlink(outside, folder)
            os.unlink(folder)
            os.rename(dist / "kept", folder)

    packed = moved = 0
    until = time.monotonic() + 20
    packer = Packer()
    with meanwhile(flip):
        while (packed + moved < 60 or flips < 100) and time.monotonic() < until:
            try:
                bundle = packer.pack(scan(dist), format="tar.gz", into=out)
            except (TreeMoved, BuildRefused):
                moved += 1
                continue
            packed += 1
            assert not any(SECRET in content for content in extracted(bundle.path.read_bytes()).values())
            bundle.path.unlink()
    assert packed + moved >= 60
    assert moved
    assert list(out.iterdir()) == []


def test_E12_what_is_published_existed_at_one_moment_while_a_build_rewrites_in_place(
    tmp_path: Path, out: Path
) -> None:
    # Each build rewrites the files in order, in place, each twice as long as one write. So at any moment the
    # files up to one are of this build, that one may be unfinished, and the rest are of the build before.
    names = [f"{number:02}.js" for number in range(12)]

    def content(build: int, name: str) -> bytes:
        return f"{name} of build {build}\n".encode() * 400

    root = grow(tmp_path / "dist", {"index.html": PAGE, **{name: content(0, name) for name in names}})

    def build_again_and_again(done: threading.Event) -> None:
        build = 0
        while not done.wait(0.05):
            build += 1
            for name in names:
                whole = content(build, name)
                with (root / name).open("wb", buffering=0) as file:
                    file.write(whole[: len(whole) // 2])
                    file.write(whole[len(whole) // 2 :])

    def is_one_moment(files: dict[str, bytes]) -> bool:
        first = files[names[0]]
        newest = int(first.split(b"build ")[1].split(b"\n")[0]) if first.startswith(b"00.js") else None
        for build in {newest} if newest is not None else range(200):
            for at in range(len(names) + 1):
                finished = all(files[name] == content(build, name) for name in names[:at])
                older = all(files[name] == content(build - 1, name) for name in names[at + 1 :])
                writing = at == len(names) or content(build, names[at]).startswith(files[names[at]])
                if finished and older and writing:
                    return True
        return False

    packer = Packer()
    published = moved = 0
    until = time.monotonic() + 20
    with meanwhile(build_again_and_again):
        while (published < 10 or not moved) and time.monotonic() < until:
            before = scan(root)
            try:
                bundle = packer.pack(before, format="tar.gz", into=out)
            except TreeMoved:
                moved += 1
                continue
            if not unchanged(before, scan(root)):
                moved += 1
                continue
            published += 1
            assert is_one_moment(extracted(bundle.path.read_bytes()))
    assert published >= 10
    assert moved


def test_pieces_are_larger_files_in_order(dist: Path) -> None:
    content = (dist / "assets" / "large.bin").read_bytes()
    assert len(content) > LARGEST
    with Reader(scan(dist)) as reader:
        pieces = list(reader.pieces("assets/large.bin"))
        assert b"".join(pieces) == content
        assert [reader.piece("assets/large.bin", at) for at in range(0, len(content), PIECE)] == pieces
