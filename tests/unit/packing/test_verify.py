"""No broken archive gets through (hardening E15), and every sound one does, whoever made it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
import zlib
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
    def test_E15_is_noticed_wherever_it_is(self, small: Packed) -> None:
        whole = small.path.read_bytes()
        for at in range(len(whole)):
            small.path.write_bytes(whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :])
            with pytest.raises(BundleBroken):
                Packer().verify(small)
        small.path.write_bytes(whole)
        Packer().verify(small)

    def test_E15_is_noticed_without_knowing_how_it_was_packed(self, small: Packed) -> None:
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

    def test_E15_is_noticed_in_a_part_that_was_sound_before(self, packed: Packed, packer: Packer) -> None:
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

    def test_E15_in_a_zip_is_noticed_wherever_it_is(self, tmp_path: Path) -> None:
        root = grow(tmp_path / "small", {"index.html": PAGE, "a.js": b"let a = 1;" * 30})
        packer = Packer()
        zipped = packer.pack(scan(root), format="zip", into=tmp_path)
        whole = zipped.path.read_bytes()
        for at in range(len(whole)):
            zipped.path.write_bytes(whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :])
            with pytest.raises(BundleBroken):
                packer.verify(zipped)
        zipped.path.write_bytes(whole)
        packer.verify(zipped)

    def test_E15_in_a_zip_is_noticed_without_knowing_its_bytes(self, tmp_path: Path) -> None:
        root = grow(tmp_path / "small", {"index.html": PAGE, "a.js": b"let a = 1;" * 30})
        zipped = Packer().pack(scan(root), format="zip", into=tmp_path)
        whole = zipped.path.read_bytes()
        content = whole.index(zlib.compress(PAGE)[2:-4])
        for at in (content, content + 5, 0, len(whole) - 22, whole.index(b"PK\1\2")):
            zipped.path.write_bytes(whole[:at] + bytes((whole[at] ^ 0x10,)) + whole[at + 1 :])
            with pytest.raises(BundleBroken):
                verify_archive(zipped.path, "zip", zipped.files)

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

    def test_E15_that_is_cut_anywhere_is_broken(self, small: Packed) -> None:
        whole = small.path.read_bytes()
        for end in range(len(whole)):
            self.broken(small, whole[:end])

    @pytest.mark.parametrize("behind", [b"\0", b"rubbish", gzip.compress(b"a second member", mtime=0)])
    def test_E15_with_something_behind_its_member_is_broken(self, small: Packed, behind: bytes) -> None:
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

    def test_E15_with_a_wrong_crc_or_length_is_broken(self, small: Packed) -> None:
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
