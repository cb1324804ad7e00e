"""Archives of other tools, and those that a client would drop files from or refuse (hardening E15)."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hotswap_dev.packing.tar_header import entry_header
from hotswap_dev.packing.verify import BundleBroken, verify_archive
from tests.unit.packing.test_verify import listed
from tests.unit.packing.trees import PAGE, grow


def made_by_tarfile(path: Path, entries: list[tarfile.TarInfo], form: int = tarfile.GNU_FORMAT) -> Path:
    with tarfile.open(path, "w:gz", format=form) as tar:
        for entry in entries:
            tar.addfile(entry, io.BytesIO(bytes(entry.size)))
    return path


def an_entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, link
    return entry


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (an_entry("link", tarfile.SYMTYPE, link="index.html"), "a symbolic link"),
        (an_entry("link", tarfile.LNKTYPE, link="index.html"), "a hard link"),
        (an_entry("fifo", tarfile.FIFOTYPE), "a fifo"),
        (an_entry("device", tarfile.CHRTYPE), "a device"),
        (an_entry("/tmp/evil"), "absolute path in archive: /tmp/evil"),
        (an_entry("../evil"), "unsafe path component in archive: ../evil"),
        (an_entry("a/../../evil"), "unsafe path component in archive: a/../../evil"),
        (an_entry("../evil", tarfile.DIRTYPE), "unsafe path component in archive: ../evil"),
        (an_entry("x" * 200 + "/../../evil"), "unsafe path component"),
        (an_entry(os.fsdecode(b"caf\xe9")), "no UTF-8"),
        (an_entry("index.html"), "twice"),
        (an_entry("./index.html"), "twice"),
    ],
)
def test_an_entry_that_clients_drop_or_refuse_breaks_a_bundle(
    tmp_path: Path, entry: tarfile.TarInfo, says: str
) -> None:
    path = made_by_tarfile(tmp_path / "b.tar.gz", [an_entry("index.html", size=3), entry])
    with pytest.raises(BundleBroken) as error:
        verify_archive(path, "tar.gz")
    assert says in error.value.message


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (entry_header("a", 0), "end is missing"),
        (entry_header("a", 0) + bytes(512), "within an entry"),
        (entry_header("a", 5) + b"12345", "within an entry"),
        (entry_header("a", 5000), "within an entry"),
        (entry_header("a", 0)[:300], "within an entry"),
        (entry_header("a", 0) + bytes(1024) + entry_header("b", 0), "behind its end"),
        (entry_header("a", 0) + bytes(512) + entry_header("b", 0) + bytes(1024), "between its entries"),
        (entry_header("a", 0).replace(b"0000644", b"0000645") + bytes(1024), "wrong checksum"),
        (entry_header("a", 0).replace(b"00000000000", b"0000000000x") + bytes(1024), "wrong checksum"),
        (entry_header("y" * 101, 0)[:1024] + bytes(1024), "behind its end"),
    ],
)
def test_a_stream_that_is_no_whole_tar_breaks_a_bundle(tmp_path: Path, stream: bytes, says: str) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(stream, mtime=0))
    if says == "behind its end" and stream.endswith(bytes(1024)):
        with pytest.raises(BundleBroken):
            verify_archive(path, "tar.gz", listed({"y" * 101: b""}))
        return
    with pytest.raises(BundleBroken) as error:
        verify_archive(path, "tar.gz")
    assert says in error.value.message


FOREIGN = {
    "index.html": PAGE,
    "assets/deep/a.js": b"x" * 3000,
    "n" * 150 + ".js": b"1",
    "/".join(["d" * 90] * 3): b"2",
    "é/日本.css": b"3",
    "empty": b"",
}


def by_tarfile(form: int) -> Callable[[Path, Path], None]:
    def make(root: Path, into: Path) -> None:
        with tarfile.open(into, "w:gz", format=form) as tar:
            tar.add(root, ".")

    return make


def by_program(*command: str) -> Callable[[Path, Path], None]:
    def make(root: Path, into: Path) -> None:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        utf8 = {**os.environ, "LC_ALL": "C.UTF-8"}
        subprocess.run([*command, os.fspath(into), "-C", os.fspath(root), "."], check=True, env=utf8)

    return make


@pytest.mark.skipif(os.name == "nt", reason="needs names that Windows does not hold")
@pytest.mark.parametrize(
    "make",
    [
        by_tarfile(tarfile.GNU_FORMAT),
        by_tarfile(tarfile.PAX_FORMAT),
        by_program("tar", "--format=gnu", "-czf"),
        by_program("tar", "--format=posix", "-czf"),
        by_program("bsdtar", "-czf"),
        by_program("bsdtar", "--format", "gnutar", "-czf"),
    ],
    ids=["tarfile-gnu", "tarfile-pax", "tar-gnu", "tar-posix", "bsdtar", "bsdtar-gnu"],
)
def test_an_archive_of_another_tool_is_read_too(tmp_path: Path, make: Callable[[Path, Path], None]) -> None:
    make(grow(tmp_path / "dist", FOREIGN), tmp_path / "b.tar.gz")
    assert sorted(verify_archive(tmp_path / "b.tar.gz", "tar.gz")) == sorted(listed(FOREIGN))


def test_ustar_prefixes_are_read(tmp_path: Path) -> None:
    name = "d" * 90 + "/" + "e" * 90 + "/x.js"
    path = made_by_tarfile(tmp_path / "b.tar.gz", [an_entry(name, size=3)], tarfile.USTAR_FORMAT)
    assert verify_archive(path, "tar.gz") == listed({name: bytes(3)})


class TestAZip:
    def made(self, path: Path, *entries: zipfile.ZipInfo) -> Path:
        with zipfile.ZipFile(path, "w") as zipped:
            for entry in entries:
                zipped.writestr(entry, b"content")
        return path

    def test_of_another_tool_is_read_too(self, tmp_path: Path) -> None:
        folder = zipfile.ZipInfo("a/")
        path = self.made(tmp_path / "b.zip", zipfile.ZipInfo("index.html"), zipfile.ZipInfo("a/é.js"))
        with zipfile.ZipFile(path, "a") as zipped:
            zipped.writestr(folder, b"")
        assert verify_archive(path, "zip") == listed({"index.html": b"content", "a/é.js": b"content"})

    @pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
    def test_with_a_path_that_clients_refuse_is_broken(self, tmp_path: Path, name: str) -> None:
        path = self.made(tmp_path / "b.zip", zipfile.ZipInfo(name))
        with pytest.raises(BundleBroken):
            verify_archive(path, "zip")

    def test_with_a_link_is_broken(self, tmp_path: Path) -> None:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        with pytest.raises(BundleBroken) as error:
            verify_archive(self.made(tmp_path / "b.zip", link), "zip")
        assert "link" in error.value.message

    @pytest.mark.parametrize(("before", "behind"), [(b"x", b""), (b"", b"x"), (b"", bytes(30))])
    def test_with_something_around_it_is_broken(self, tmp_path: Path, before: bytes, behind: bytes) -> None:
        path = self.made(tmp_path / "b.zip", zipfile.ZipInfo("index.html"))
        path.write_bytes(before + path.read_bytes() + behind)
        with pytest.raises(BundleBroken):
            verify_archive(path, "zip")

    @pytest.mark.parametrize("content", [b"", b"PK", PAGE, gzip.compress(PAGE, mtime=0)])
    def test_that_is_none_is_broken(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(BundleBroken):
            verify_archive(tmp_path / "b.zip", "zip")
