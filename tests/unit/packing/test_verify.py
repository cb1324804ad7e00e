"""No broken archive gets through (hardening E15), and every sound one does, whoever made it."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev.domain.model import Format
from hotswap_dev.packing import gzip_member, tar_reader, verify
from hotswap_dev.packing.archive import Packed, Packer
from hotswap_dev.packing.crc32_fold import fold, shift_of
from hotswap_dev.packing.grouping import LARGEST
from hotswap_dev.packing.gzip_member import Sum
from hotswap_dev.packing.packed import PackedFile
from hotswap_dev.packing.tar_header import END, LARGEST_FILE, entry_header, padding
from hotswap_dev.packing.tree import scan
from hotswap_dev.packing.verify import BundleBroken, verify_archive
from tests.unit.packing.trees import PAGE, grow, only_member


def listed(files: dict[str, bytes]) -> tuple[PackedFile, ...]:
    return tuple((path, len(content), hashlib.sha256(content).digest()) for path, content in files.items())


def decodes_to(stream: bytes, archive: bytes) -> bool:
    try:
        return gzip.decompress(archive) == stream
    except (OSError, EOFError, zlib.error):
        return False


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    chance = Random(5)
    files = {f"{number}.js": chance.randbytes(100_000) for number in range(8)}
    return grow(tmp_path / "dist", {"index.html": PAGE, **files, "large.bin": chance.randbytes(LARGEST + 9)})


@pytest.fixture
def packer() -> Packer:
    return Packer()


@pytest.fixture
def packed(dist: Path, packer: Packer) -> Packed:
    made = packer.pack(scan(dist), format="tar.gz", into=dist.parent)
    assert len(made.segments) >= 3
    return made


@pytest.fixture
def small(tmp_path: Path) -> Packed:
    root = grow(tmp_path / "small", {"index.html": PAGE, "a.js": b"let a = 1;" * 30})
    return Packer().pack(scan(root), format="tar.gz", into=tmp_path)


def test_a_sound_bundle_passes_and_its_files_are_returned(packed: Packed, packer: Packer) -> None:
    packer.verify(packed)
    assert verify_archive(packed.path, "tar.gz") == packed.files
    assert verify_archive(packed.path, "tar.gz", packed.files) == packed.files


class TestAFlippedByte:
    def test_is_noticed_wherever_it_is(self, small: Packed) -> None:
        whole = small.path.read_bytes()
        for at in range(len(whole)):
            small.path.write_bytes(whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :])
            with pytest.raises(BundleBroken):
                Packer().verify(small)
        small.path.write_bytes(whole)
        Packer().verify(small)

    def test_is_noticed_without_knowing_how_it_was_packed(self, small: Packed) -> None:
        whole = small.path.read_bytes()
        noticed = 0
        says_nothing = range(4, 10)  # time, hints and system in the gzip header
        for at in set(range(len(whole))) - set(says_nothing):
            flipped = whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :]
            small.path.write_bytes(flipped)
            if decodes_to(only_member(whole), flipped):
                continue  # a bit that fills up a byte
            noticed += 1
            with pytest.raises(BundleBroken):
                verify_archive(small.path, "tar.gz", small.files)
        assert noticed > len(whole) - 16

    def test_is_noticed_in_a_part_that_was_sound_before(self, packed: Packed, packer: Packer) -> None:
        packer.verify(packed)
        whole = packed.path.read_bytes()
        at = 10 + packed.segments[0].size // 2
        packed.path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        with pytest.raises(BundleBroken):
            packer.verify(packed)

    def test_makes_the_packer_forget_so_that_the_next_bundle_is_made_anew(
        self, dist: Path, packed: Packed, packer: Packer
    ) -> None:
        packed.path.write_bytes(packed.path.read_bytes()[:-1] + b"?")
        with pytest.raises(BundleBroken):
            packer.verify(packed)
        again = packer.pack(scan(dist), format="tar.gz", into=dist.parent)
        assert again.reused == 0
        packer.verify(again)

    def test_in_a_zip_is_noticed(self, tmp_path: Path) -> None:
        root = grow(tmp_path / "small", {"index.html": PAGE, "a.js": b"let a = 1;" * 30})
        packer = Packer()
        zipped = packer.pack(scan(root), format="zip", into=tmp_path)
        whole = zipped.path.read_bytes()
        content = whole.index(zlib.compress(PAGE)[2:-4])
        for at in (content, content + 5, 0, len(whole) - 22, whole.index(b"PK\1\2")):
            zipped.path.write_bytes(whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :])
            with pytest.raises(BundleBroken):
                packer.verify(zipped)

    @settings(max_examples=200, deadline=None)
    @given(data=st.data())
    def test_in_any_archive_raises_nothing_else(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        formats: tuple[Format, ...] = ("tar.gz", "zip")
        format = data.draw(st.sampled_from(formats))  # noqa: A001
        whole = _ARCHIVES[format]
        at = data.draw(st.integers(0, len(whole) - 1))
        broken = bytearray(whole)
        broken[at] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.mktemp("flip") / "bundle"
        path.write_bytes(broken[: data.draw(st.integers(at, len(whole)))])
        try:
            found = verify_archive(path, format)
        except BundleBroken:
            return
        assert all(len(digest) == 32 for _, _, digest in found)


def _some_archives() -> dict[Format, bytes]:
    tar, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz", format=tarfile.PAX_FORMAT) as made:
        for name in ("index.html", "é" * 70, "a/b.js"):
            entry = tarfile.TarInfo(name)
            entry.size = 30
            made.addfile(entry, io.BytesIO(bytes(30)))
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("index.html", "é", "a/b.js"):
            archive.writestr(name, b"content" * 9)
    return {"tar.gz": tar.getvalue(), "zip": zipped.getvalue()}


_ARCHIVES = _some_archives()


class TestAnArchive:
    def broken(self, packed: Packed, content: bytes) -> str:
        packed.path.write_bytes(content)
        with pytest.raises(BundleBroken) as alone:
            verify_archive(packed.path, packed.format, packed.files)
        with pytest.raises(BundleBroken):
            Packer().verify(packed)
        assert alone.value.code == "bundle-broken"
        return alone.value.message

    def test_that_is_cut_anywhere_is_broken(self, small: Packed) -> None:
        whole = small.path.read_bytes()
        for end in range(len(whole)):
            self.broken(small, whole[:end])

    @pytest.mark.parametrize("behind", [b"\0", b"rubbish", gzip.compress(b"a second member", mtime=0)])
    def test_with_something_behind_its_member_is_broken(self, small: Packed, behind: bytes) -> None:
        assert "behind" in self.broken(small, small.path.read_bytes() + behind)

    def test_of_two_members_is_broken_though_their_join_would_be_right(self, small: Packed) -> None:
        stream = only_member(small.path.read_bytes())
        self.broken(small, gzip.compress(stream[:1024], mtime=0) + gzip.compress(stream[1024:], mtime=0))

    def test_that_is_missing_is_broken(self, small: Packed) -> None:
        small.path.unlink()
        with pytest.raises(BundleBroken) as error:
            Packer().verify(small)
        assert "No such file" in error.value.message
        with pytest.raises(BundleBroken):
            verify_archive(small.path, "tar.gz")

    def test_with_a_wrong_crc_or_length_is_broken(self, small: Packed) -> None:
        whole = small.path.read_bytes()
        self.broken(small, whole[:-8] + zlib.crc32(b"other").to_bytes(4, "little") + whole[-4:])
        self.broken(small, whole[:-4] + (1024).to_bytes(4, "little"))

    def test_with_a_rightly_summed_but_changed_content_is_broken(self, small: Packed) -> None:
        stream = only_member(small.path.read_bytes())
        assert "a.js" in self.broken(
            small, gzip.compress(stream.replace(b"let a = 1;", b"let a = 2;"), mtime=0)
        )


def joined(packed: Packed, parts: list[bytes], sums: list[Sum]) -> bytes:
    whole = sum([*sums, gzip_member.sum_of(END)], Sum())
    return b"".join((gzip_member.HEADER, *parts, gzip_member.deflate_last(END), gzip_member.trailer(whole)))


class TestParts:
    def parts(self, packed: Packed) -> list[bytes]:
        content = io.BytesIO(packed.path.read_bytes()[10:])
        return [content.read(segment.size) for segment in packed.segments]

    def test_joined_in_another_order_are_not_what_was_packed(self, packed: Packed, packer: Packer) -> None:
        packer.verify(packed)
        parts = self.parts(packed)
        sums = [segment.decoded for segment in packed.segments]
        assert joined(packed, parts, sums) == packed.path.read_bytes()
        packed.path.write_bytes(joined(packed, parts[::-1], sums[::-1]))
        only_member(packed.path.read_bytes())  # a valid member, with a valid CRC
        swapped = replace(packed, segments=packed.segments[::-1])
        for wrong in (packed, swapped):
            with pytest.raises(BundleBroken):
                packer.verify(wrong)
        with pytest.raises(BundleBroken):
            verify_archive(packed.path, "tar.gz", packed.files)

    def test_summed_wrongly_are_noticed_though_each_is_right(self, packed: Packed, packer: Packer) -> None:
        parts = self.parts(packed)
        sums = [segment.decoded for segment in packed.segments]
        packed.path.write_bytes(joined(packed, parts, [Sum(sums[0].crc ^ 1, sums[0].size), *sums[1:]]))
        with pytest.raises(BundleBroken) as error:
            packer.verify(packed)
        assert "CRC" in error.value.message

    def test_of_which_one_ends_the_stream_are_noticed(self, packed: Packed) -> None:
        parts = self.parts(packed)
        raw = zlib.decompressobj(-15).decompress(parts[0])
        parts[0] = gzip_member.deflate_last(raw)
        segment = packed.segments[0]._replace(size=len(parts[0]), seal=hashlib.sha256(parts[0]).digest())
        wrong = replace(packed, segments=(segment, *packed.segments[1:]))
        packed.path.write_bytes(joined(packed, parts, [segment.decoded for segment in packed.segments]))
        with pytest.raises(BundleBroken) as error:
            Packer().verify(wrong)
        assert "behind" in error.value.message

    def test_without_a_flush_between_them_are_noticed(self, packed: Packed) -> None:
        parts = self.parts(packed)
        raw = zlib.decompressobj(-15).decompress(parts[0])
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        parts[0] = compressor.compress(raw) + compressor.flush(zlib.Z_SYNC_FLUSH)[:-5]
        segment = packed.segments[0]._replace(size=len(parts[0]), seal=hashlib.sha256(parts[0]).digest())
        packed.path.write_bytes(joined(packed, parts, [segment.decoded for segment in packed.segments]))
        with pytest.raises(BundleBroken):
            Packer().verify(replace(packed, segments=(segment, *packed.segments[1:])))

    @pytest.mark.parametrize("lost", ["files", "segments"])
    def test_that_are_not_all_there_are_noticed(self, packed: Packed, lost: str) -> None:
        wrong = replace(packed, **{lost: getattr(packed, lost)[:-1]})
        with pytest.raises(BundleBroken):
            Packer().verify(wrong)

    def test_that_were_decoded_before_are_not_decoded_again(
        self, dist: Path, packed: Packed, packer: Packer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decoded: list[bytes] = []
        read = tar_reader.files_in_tar

        def counted(*args: object, **named: object) -> object:
            decoded.append(b"")
            return read(*args, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(verify, "files_in_tar", counted)
        packer.verify(packed)
        assert len(decoded) == len(packed.segments)
        (dist / "3.js").write_bytes(b"changed")
        decoded.clear()
        second = packer.pack(scan(dist), format="tar.gz", into=dist.parent)
        packer.verify(second)
        assert 1 <= len(decoded) <= 2
        assert verify_archive(second.path, "tar.gz") == second.files


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


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_crcs_fold_as_zlib_has_them(one: bytes, other: bytes) -> None:
    whole = zlib.crc32(one + other)
    assert fold(zlib.crc32(one), zlib.crc32(other), shift_of(len(other))) == whole
    assert gzip_member.sum_of(one) + gzip_member.sum_of(other) == Sum(whole, len(one) + len(other))


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_shifts_of_lengths_add_up(one: int, other: int) -> None:
    crc = 0x12345678
    assert fold(fold(crc, 0, shift_of(one)), 0, shift_of(other)) == fold(crc, 0, shift_of(one + other))


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200),
    st.integers(0, LARGEST_FILE),
)
def test_headers_are_those_of_the_standard_library(path: str, size: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size = size
    theirs = entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
    ours = entry_header(path, size)
    if len(ours) == 512:
        assert ours == theirs
    else:
        # The entry that has the long name differs: mode 0644 as GNU tar writes, not 0.
        assert (ours[512:], len(ours)) == (theirs[512:], len(theirs))
        assert tarfile.TarInfo.frombuf(ours[:512], "utf-8", "strict").size == len(path.encode()) + 1


@given(st.integers(0, 10**7))
def test_padding_fills_a_block(size: int) -> None:
    zeros = padding(size)
    assert (size + len(zeros)) % 512 == 0
    assert len(zeros) < 512
    assert not any(zeros)
