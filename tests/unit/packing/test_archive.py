from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev.domain.model import Format
from hotswap_dev.errors import BuildRefused
from hotswap_dev.packing import archive, reading
from hotswap_dev.packing.archive import Packed, Packer, PackingStopped
from hotswap_dev.packing.grouping import LARGEST
from hotswap_dev.packing.tree import scan
from hotswap_dev.packing.verify import verify_archive
from tests.unit.packing.trees import PAGE, extracted, grow, only_member

FORMATS: tuple[Format, ...] = ("tar.gz", "zip")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "bundles"
    folder.mkdir()
    return folder


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """40 files, 1 MB, none larger than a group."""
    chance = Random(3)
    files = {f"assets/{number}.js": chance.randbytes(chance.randrange(50_000)) for number in range(40)}
    return grow(tmp_path / "dist", {"index.html": PAGE, "empty.txt": b"", **files})


def pack(packer: Packer, root: Path, into: Path, format: Format = "tar.gz") -> Packed:  # noqa: A002
    packed = packer.pack(scan(root), format=format, into=into)
    packer.verify(packed)
    return packed


class TestABundle:
    def test_holds_every_file_once_in_the_order_of_paths(self, dist: Path, out: Path) -> None:
        packed = pack(Packer(), dist, out)
        found = extracted(packed.path.read_bytes())
        assert list(found) == sorted(found)
        assert found == {path: (dist / path).read_bytes() for path in scan(dist).files}

    def test_is_described_truly(self, dist: Path, out: Path) -> None:
        packed = pack(Packer(), dist, out)
        content = packed.path.read_bytes()
        assert packed.size == len(content)
        assert packed.sha256 == hashlib.sha256(content).hexdigest()
        assert packed.files == tuple(
            (path, (dist / path).stat().st_size, hashlib.sha256((dist / path).read_bytes()).digest())
            for path in scan(dist).files
        )
        assert sum(segment.size for segment in packed.segments) < packed.size
        assert packed.path.parent == out
        assert packed.path.name.startswith(".tmp-")

    @pytest.mark.parametrize("format", FORMATS)
    def test_B9_has_the_same_bytes_wherever_and_whenever_it_was_packed(
        self,
        dist: Path,
        out: Path,
        tmp_path: Path,
        format: Format,  # noqa: A002
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        first = pack(Packer(), dist, out, format)
        for path in dist.rglob("*"):
            os.utime(path, (1, 1))
            path.chmod(0o700)
        dist.rename(tmp_path / "elsewhere")
        monkeypatch.chdir(tmp_path)
        second = pack(Packer(), Path("elsewhere"), out, format)
        assert (second.sha256, second.tree) == (first.sha256, first.tree)

    def test_has_one_tree_hash_in_both_formats(self, dist: Path, out: Path) -> None:
        tar, zipped = (pack(Packer(), dist, out, format) for format in FORMATS)  # noqa: A001
        assert tar.tree == zipped.tree
        assert tar.files == zipped.files
        assert tar.sha256 != zipped.sha256

    @pytest.mark.parametrize("change", ["content", "name", "add", "swap"])
    def test_has_another_tree_hash_after_any_change(self, dist: Path, out: Path, change: str) -> None:
        before = pack(Packer(), dist, out)
        a, b = dist / "assets" / "1.js", dist / "assets" / "2.js"
        if change == "content":
            a.write_bytes(a.read_bytes()[:-1] + b"\0")
        elif change == "name":
            a.rename(dist / "assets" / "100.js")
        elif change == "add":
            (dist / "new").touch()
        else:
            one, other = a.read_bytes(), b.read_bytes()
            a.write_bytes(other)
            b.write_bytes(one)
        assert pack(Packer(), dist, out).tree != before.tree

    def test_B4_has_hard_links_as_files(self, dist: Path, out: Path) -> None:
        for format in FORMATS:  # noqa: A001
            (dist / "twin.html").unlink(missing_ok=True)
            os.link(dist / "index.html", dist / "twin.html")
            packed = pack(Packer(), dist, out, format)
            if format == "tar.gz":
                found = extracted(packed.path.read_bytes())
                assert found["twin.html"] == found["index.html"] == PAGE
            else:
                with zipfile.ZipFile(packed.path) as zipped:
                    assert zipped.read("twin.html") == PAGE

    def test_B3_has_links_into_the_folder_as_files(self, dist: Path, out: Path) -> None:
        (dist / "link.html").symlink_to("index.html")
        (dist / "assets" / "up.html").symlink_to("../link.html")
        found = extracted(pack(Packer(), dist, out).path.read_bytes())
        assert found["link.html"] == found["assets/up.html"] == PAGE

    def test_B9_is_a_zip_whose_times_modes_and_system_are_fixed(self, dist: Path, out: Path) -> None:
        packed = pack(Packer(), dist, out, "zip")
        with zipfile.ZipFile(packed.path) as zipped:
            assert zipped.testzip() is None
            assert {info.date_time for info in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert {info.external_attr >> 16 for info in zipped.infolist()} == {0o100644}
            assert {info.create_system for info in zipped.infolist()} == {3}
            assert {name: zipped.read(name) for name in zipped.namelist()} == {
                path: (dist / path).read_bytes() for path in scan(dist).files
            }

    def test_with_a_file_larger_than_a_group_is_whole(self, dist: Path, out: Path) -> None:
        chance = Random(1)
        for size in (LARGEST - 512, LARGEST - 511, LARGEST, LARGEST + 1, 2 * LARGEST, 2 * LARGEST + 77):
            (dist / "large.bin").write_bytes(chance.randbytes(size))
            packed = pack(Packer(), dist, out)
            assert extracted(packed.path.read_bytes())["large.bin"] == (dist / "large.bin").read_bytes()


class TestTheSecondPack:
    def test_of_an_unchanged_tree_deflates_nothing(self, dist: Path, out: Path) -> None:
        packer = Packer()
        first, second = pack(packer, dist, out), pack(packer, dist, out)
        assert first.changed == len(first.files)
        assert (second.changed, second.reused) == (0, len(second.segments))
        assert second.sha256 == first.sha256

    def test_of_an_unchanged_tree_reads_nothing(
        self, dist: Path, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        packer = Packer()
        pack(packer, dist, out)
        monkeypatch.setattr(archive, "Reader", None)
        assert pack(packer, dist, out).changed == 0

    def test_after_one_change_deflates_one_group(self, dist: Path, out: Path) -> None:
        packer = Packer()
        first = pack(packer, dist, out)
        (dist / "assets" / "20.js").write_bytes(b"changed")
        second = pack(packer, dist, out)
        assert second.changed == 1
        assert len(first.segments) >= 4
        assert second.reused >= len(second.segments) - 2
        assert second.sha256 == pack(Packer(), dist, out).sha256

    def test_after_a_build_that_rewrote_the_same_contents_deflates_nothing(
        self, dist: Path, out: Path
    ) -> None:
        packer = Packer()
        first = pack(packer, dist, out)
        for path in scan(dist).files:
            content = (dist / path).read_bytes()
            (dist / path).unlink()
            (dist / path).write_bytes(content)
        second = pack(packer, dist, out)
        assert (second.changed, second.reused) == (0, len(second.segments))
        assert second.sha256 == first.sha256

    def test_after_a_change_was_taken_back_deflates_nothing(self, dist: Path, out: Path) -> None:
        packer = Packer()
        before = (dist / "assets" / "3.js").read_bytes()
        pack(packer, dist, out)
        (dist / "assets" / "3.js").write_bytes(b"changed")
        pack(packer, dist, out)
        (dist / "assets" / "3.js").write_bytes(before)
        third = pack(packer, dist, out)
        assert (third.changed, third.reused) == (1, len(third.segments))

    def test_counts_what_came_went_and_changed(self, dist: Path, out: Path) -> None:
        for format in FORMATS:  # noqa: A001
            packer = Packer()
            pack(packer, dist, out, format)
            (dist / "assets" / "1.js").write_bytes(f"changed {format}".encode())
            (dist / f"new-{format}.js").touch()
            (dist / "assets" / f"{10 + len(format)}.js").unlink()
            assert pack(packer, dist, out, format).changed == 3

    def test_of_another_folder_is_right_too(self, dist: Path, out: Path, tmp_path: Path) -> None:
        packer = Packer()
        pack(packer, dist, out)
        other = grow(tmp_path / "other", {"index.html": b"other page"})
        packed = pack(packer, other, out)
        assert extracted(packed.path.read_bytes()) == {"index.html": b"other page"}

    def test_is_right_when_the_memory_is_full(self, dist: Path, out: Path) -> None:
        packer = Packer(memory=300_000)
        pack(packer, dist, out)
        second = pack(packer, dist, out)
        assert 0 < second.reused < len(second.segments)
        assert second.sha256 == pack(Packer(), dist, out).sha256

    def test_reuses_a_large_file(self, dist: Path, out: Path) -> None:
        (dist / "large.bin").write_bytes(Random(1).randbytes(3 * LARGEST))
        packer = Packer()
        pack(packer, dist, out)
        (dist / "index.html").write_bytes(b"changed")
        second = pack(packer, dist, out)
        assert second.reused == len(second.segments) - 1

    def test_E13_reads_everything_once_in_a_while(
        self, dist: Path, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archive, "_DISTRUST_EVERY", 3)
        read: list[str] = []
        real = reading.Reader.read

        def counted(self: reading.Reader, path: str) -> bytes:
            read.append(path)
            return real(self, path)

        monkeypatch.setattr(reading.Reader, "read", counted)
        packer = Packer()
        for count in (42, 0, 42, 0):
            read.clear()
            pack(packer, dist, out)
            assert len(read) == count


@pytest.mark.skipif(os.name == "nt", reason="Windows has no time that nobody can set")
def test_E13_a_file_whose_size_and_mtime_were_restored_is_read_again(dist: Path, out: Path) -> None:
    packer = Packer()
    file = dist / "index.html"
    for number in range(15):
        file.write_bytes(b"page %04d" % number)
        os.utime(file, ns=(1_000, 1_000))
        found = extracted(pack(packer, dist, out).path.read_bytes())
        assert found["index.html"] == b"page %04d" % number


class TestABuildIsRefused:
    def refused(self, root: Path, out: Path, code: str, packer: Packer | None = None) -> BuildRefused:
        errors = []
        for format in FORMATS:  # noqa: A001
            with pytest.raises(BuildRefused) as refusal:
                (packer or Packer()).pack(scan(root), format=format, into=out)
            assert refusal.value.code == code
            assert refusal.value.hint
            assert list(out.iterdir()) == []
            errors.append(refusal.value)
        return errors[0]

    def test_B11_without_an_index(self, tmp_path: Path, out: Path) -> None:
        assert "no index.html" in self.refused(grow(tmp_path / "a", {"a.js": b""}), out, "no-index").message
        assert "empty" in self.refused(grow(tmp_path / "b", {}), out, "no-index").message

    def test_with_a_problem_in_the_tree(self, dist: Path, out: Path) -> None:
        (dist / "link").symlink_to(out)
        refusal = self.refused(dist, out, "symlink-outside")
        assert refusal.path == "link"

    @pytest.mark.parametrize(
        "content",
        [
            b"untrusted comment: minisign encrypted secret key\nRWRTY0IyDyefh\n",
            b"untrusted comment: rsign encrypted secret key\nRWRTY0IyDyefh\n",
            b"untrusted comment: mine\r\nRWQAAEIyAAAA\n",
            b"\xef\xbb\xbfuntrusted comment: minisign secret key\nRWQAAEIyAAAA\n",
            b"dW50cnVzdGVkIGNvbW1lbnQ6IHJzaWduIGVuY3J5cHRlZCBzZWNyZXQga2V5ClJXUlRZMEl5RHllZmg=",
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\n",
            b"-----BEGIN PRIVATE KEY-----\nb3Blb\n",
        ],
    )
    def test_B6_with_a_private_key_under_any_name(self, dist: Path, out: Path, content: bytes) -> None:
        (dist / "assets" / "notes.txt").write_bytes(content)
        refusal = self.refused(dist, out, "secret")
        assert refusal.path == "assets/notes.txt"
        assert content[60:].decode() not in refusal.message or not content[60:]

    def test_B6_not_for_public_keys_certificates_and_scripts_about_keys(self, dist: Path, out: Path) -> None:
        grow(
            dist,
            {
                "a.pub": b"untrusted comment: minisign public key 7A\nRWQ3hbcdefgh\n",
                "b.pub": b"dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IDdBClJXUTM=",
                "c.txt": b"-----BEGIN CERTIFICATE-----\nMIIB\n",
                "d.js": b"const head = '-----BEGIN PRIVATE KEY-----', own = 'minisign encrypted secret key'",
                "e.txt": b"dW50cnVzdGVkIGNvbW1lbnQ6!",
            },
        )
        assert pack(Packer(), dist, out).changed == 47

    def test_B10_that_is_larger_than_clients_download(self, dist: Path, out: Path) -> None:
        refusal = self.refused(dist, out, "too-large", Packer(limit=100_000))
        assert "0.0953674 MB" in refusal.message

    def test_B10_whose_one_large_file_is_too_large(self, tmp_path: Path, out: Path) -> None:
        root = grow(tmp_path / "d", {"index.html": PAGE, "v.bin": Random(1).randbytes(3 * LARGEST)})
        self.refused(root, out, "too-large", Packer(limit=2 * LARGEST))


def test_a_pack_that_is_stopped_leaves_nothing(dist: Path, out: Path) -> None:
    stop = threading.Event()
    stop.set()
    for format in FORMATS:  # noqa: A001
        with pytest.raises(PackingStopped):
            Packer().pack(scan(dist), format=format, into=out, stop=stop)
    assert list(out.iterdir()) == []


names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"),
    min_size=1,
    max_size=60,
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 200)
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


@pytest.mark.skipif(os.name == "nt", reason="Windows holds few of these names")
@settings(max_examples=25, deadline=None)
@given(files=st.dictionaries(paths, st.binary(max_size=2000), max_size=6), format=st.sampled_from(FORMATS))
def test_B7_any_names_and_contents_come_back_and_pack_the_same_again(
    files: dict[str, bytes],
    format: Format,  # noqa: A002
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("any")
    held = {"index.html": PAGE}
    for path, content in files.items():
        try:
            grow(root / "dist", {path: content})
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        held[path] = content
    grow(root / "dist", {"index.html": PAGE})
    found = scan(root / "dist")
    if found.problems:
        assert {problem.code for problem in found.problems} <= {"name-collision", "secret"}
        return
    packer = Packer()
    packed = packer.pack(found, format=format, into=root)
    packer.verify(packed)
    assert verify_archive(packed.path, format) == packed.files
    assert {path: digest for path, _, digest in packed.files} == {
        path: hashlib.sha256(content).digest() for path, content in held.items()
    }
    if format == "tar.gz":
        assert extracted(packed.path.read_bytes()) == held
        assert only_member(packed.path.read_bytes()).endswith(bytes(1024))
    assert packer.pack(found, format=format, into=root).sha256 == packed.sha256
