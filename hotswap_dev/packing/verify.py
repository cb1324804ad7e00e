"""Reading a finished archive back from disk, by the client's rules and stricter (hardening E15).

The signature alone can't tell a bundle that was joined wrongly: it would be valid. And extractors don't check a
gzip member to its end (bsdtar and Python's tarfile never, the plugin only as far as the tar stream's zeros), so
CRC, length and the end of the member are checked here: the CRC by zlib over what came out, folded by arithmetic,
neither of which took part in packing. `verify_archive` inflates with zlib; `verify_segments`, which stands between
a save and its offer, with ISA-L, in half the time. That its blocks are everyone's is held by the tests, with every
decoder at hand.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from isal import isal_zlib

from hotswap_dev.domain.model import Format
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing import gzip_member
from hotswap_dev.packing.crc32_fold import fold, shift_of
from hotswap_dev.packing.packed import PackedFile, Segment
from hotswap_dev.packing.stopping import demand_wanted
from hotswap_dev.packing.tar_header import END
from hotswap_dev.packing.tar_reader import Malformed, files_in_tar, safe_path


class Decoded(NamedTuple):
    """What came out of a segment: files, and CRC and length of its part of the tar stream."""

    files: tuple[PackedFile, ...]
    crc: int
    size: int
    shift: int  # of that length, for folding


Seen = dict[bytes, Decoded]
"""Segments that were decoded before, by the SHA-256 of their bytes on disk."""


class BundleBroken(HotswapError):
    """An archive on disk is not what was packed, or not what a client could take. It must not be offered."""

    status = 500

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            f"{path.name}: {detail}", "build again; if it happens twice, check the disk", code="bundle-broken"
        )
        self.path = path


def verify_archive(
    path: Path,
    format: Format,  # noqa: A002 (what everyone calls it)
    expected: Sequence[PackedFile] | None = None,
    stop: threading.Event | None = None,
) -> tuple[PackedFile, ...]:
    """Decode a whole archive and return its files; memory does not grow with their contents.

    Raises BundleBroken: not one gzip member with the right CRC and length and nothing behind it; an entry that
    clients drop (links) or refuse (absolute paths, `..`); a name twice; other files than `expected`, where given.
    PackingStopped soon after `stop` is set.
    """
    try:
        if format == "zip":
            found = tuple(_files_in_zip(path, stop))
        else:
            with path.open("rb", buffering=0) as file:
                found = tuple(files_in_tar(_inflated(_rest(file, stop), zlib.decompressobj(31))))
        _demand_each_once(found)
        if expected is not None:
            _demand_equal(tuple(expected), found)
    except (Malformed, zlib.error) as error:
        raise BundleBroken(path, str(error)) from error
    except _ZIP_ERRORS as error:
        raise BundleBroken(path, f"the zip is damaged: {str(error) or type(error).__name__}") from error
    except OSError as error:
        raise BundleBroken(path, f"it can't be read: {error.strerror or error}") from error
    return found


def verify_bytes(path: Path, sha256: str, stop: threading.Event | None = None) -> None:
    """The file is what was written, to the last bit: BundleBroken if its SHA-256 is not `sha256` (hex).

    Much of a zip (times, attributes) says nothing of its files, and would be signed as it is.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            for chunk in _rest(file, stop):
                found.update(chunk)
    except OSError as error:
        raise BundleBroken(path, f"it can't be read: {error.strerror or error}") from error
    if found.hexdigest() != sha256:
        raise BundleBroken(path, "the bytes on disk are not those that were written")


def verify_segments(
    path: Path,
    segments: Sequence[Segment],
    expected: Sequence[PackedFile],
    seen: Seen,
    stop: threading.Event | None = None,
) -> Seen:
    """`verify_archive` for a `.tar.gz` packed here, segment by segment; returns what will have been `seen` next.

    Every byte of the file is read and hashed. A segment whose bytes were decoded before is not decoded again: it
    is raw deflate between full flushes, so its bytes alone say what comes out, whatever stands around it.
    """
    now: Seen = {}
    crc = size = 0
    rest = iter(expected)
    at = len(gzip_member.HEADER)
    pool = ThreadPoolExecutor(_THREADS, "verifying")
    try:
        if _bytes_at(path, 0, at) != gzip_member.HEADER:
            raise Malformed("it does not begin with the header of its gzip member")
        readings: list[Callable[[], Decoded]] = []
        for segment in segments:
            known = seen.get(segment.seal)
            if known is None:
                readings.append(pool.submit(_read_segment, path, at, segment, None, stop).result)
            else:  # only hashed: quicker than another thread is told
                readings.append(partial(_read_segment, path, at, segment, known, stop))
            at += segment.size
        for segment, reading in zip(segments, readings, strict=True):
            decoded = reading()
            meant = tuple(islice(rest, segment.files))
            _demand_equal(meant, decoded.files)
            now[segment.seal] = decoded._replace(files=meant)  # the packer's own, so that both share them
            crc = fold(crc, decoded.crc, decoded.shift)
            size += decoded.size
        if next(rest, None) is not None:
            raise Malformed("files are missing")
        _demand_end(_bytes_at(path, at, -1), crc, size)
    except (Malformed, zlib.error, _ISAL_ERROR) as error:
        raise BundleBroken(path, str(error)) from error
    except OSError as error:
        raise BundleBroken(path, f"it can't be read: {error.strerror or error}") from error
    finally:
        pool.shutdown(cancel_futures=True)
    return now


_ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub says: an instance
_THREADS = min(2, os.cpu_count() or 1)
_PIECE = 128 * 1024  # bytes; inflating into a buffer that the processor's cache holds takes half the time
_CHUNK = 64 * 1024  # bytes; what is not inflated yet is copied again and again
# What zipfile raises on damaged files, found by trying: there is no list of it.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    EOFError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)
_FINISH = b"\x03\x00"  # an empty last block: only where the blocks before are whole does it end the stream


def _read_segment(
    path: Path, at: int, segment: Segment, known: Decoded | None, stop: threading.Event | None
) -> Decoded:
    """What a segment holds, from its bytes on disk; those must be the bytes that were meant."""
    seal = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        file.seek(at)
        deflated = _hashed(_chunks(file, segment.size, stop), seal)
        if known is not None:
            for _ in deflated:
                pass
        else:
            stream = _Summed(_inflated(chain(deflated, (_FINISH,)), isal_zlib.decompressobj(-15)))
            files = tuple(files_in_tar(stream, ended=False))
            known = Decoded(files, stream.crc, stream.size, shift_of(stream.size))
    if seal.digest() != segment.seal:
        raise Malformed("the bytes on disk are not those that were written")
    return known


def _bytes_at(path: Path, at: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(count)


def _demand_end(end: bytes, crc: int, size: int) -> None:
    """The last block must hold the tar stream's end; then CRC and length of all, and nothing after them.

    Bits that decode to nothing count too: the bytes must be those that were written.
    """
    decoder = zlib.decompressobj(-15)
    zeros = decoder.decompress(end)
    if not decoder.eof or zeros != END:
        raise Malformed("its end is missing")
    whole = fold(crc, zlib.crc32(zeros), shift_of(len(zeros)))
    if decoder.unused_data != struct.pack("<LL", whole, (size + len(zeros)) & 0xFFFFFFFF):
        raise Malformed("CRC or length at its end are wrong, or something stands behind them")
    if not end.startswith(gzip_member.deflate_last(END)):
        raise Malformed("the bytes on disk are not those that were written")


class _Summed:
    """A stream that knows CRC and length of what went through it."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.crc = 0
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.crc = zlib.crc32(piece, self.crc)
            self.size += len(piece)
            yield piece


class _Decoder(Protocol):
    """What zlib and ISA-L share."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _inflated(chunks: Iterable[bytes], decoder: _Decoder) -> Iterator[bytes]:
    """What comes out of exactly one deflate stream. With wbits 31 zlib checks its CRC and length itself."""
    for chunk in chunks:
        if decoder.eof:
            raise Malformed("something stands behind its only gzip member, where no client looks")
        rest = chunk
        while piece := decoder.decompress(rest, _PIECE):
            yield piece
            rest = decoder.unconsumed_tail
        if decoder.unconsumed_tail:
            raise Malformed("it can't be inflated to its end")
    if decoder.unused_data:
        raise Malformed("something stands behind its only gzip member, where no client looks")
    if not decoder.eof:
        raise Malformed("it is cut short")


def _hashed(chunks: Iterable[bytes], seal: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        seal.update(chunk)
        yield chunk


def _chunks(file: BinaryIO, size: int, stop: threading.Event | None) -> Iterator[bytes]:
    while size:
        demand_wanted(stop)
        chunk = file.read(min(size, _CHUNK))
        if not chunk:
            raise Malformed("it is cut short")
        size -= len(chunk)
        yield chunk


def _rest(file: BinaryIO, stop: threading.Event | None) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        demand_wanted(stop)
        yield chunk


def _files_in_zip(path: Path, stop: threading.Event | None) -> Iterator[PackedFile]:
    """The files of a zip; zipfile checks each one's CRC and length."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        file.seek(-22, 2)
        if file.read(4) != b"PK\5\6" or (entries and min(entry.header_offset for entry in entries)):
            raise Malformed("something stands before or behind the zip")
        for entry in entries:
            name = safe_path(entry.filename.encode())
            if entry.is_dir():
                continue
            if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG) or entry.flag_bits & 1:
                raise Malformed(f"{name} is a link or encrypted")
            digest = hashlib.sha256()
            size = 0
            with archive.open(entry) as content:
                while piece := content.read(_PIECE):
                    demand_wanted(stop)
                    digest.update(piece)
                    size += len(piece)
            yield (name, size, digest.digest())


def _demand_each_once(files: Sequence[PackedFile]) -> None:
    paths = set()
    for path, _, _ in files:
        if path in paths:
            raise Malformed(f"{path} is in it twice")
        paths.add(path)


def _demand_equal(meant: tuple[PackedFile, ...], found: tuple[PackedFile, ...]) -> None:
    if meant == found:
        return
    for wanted, got in zip(meant, found, strict=False):
        if wanted != got:
            raise Malformed(
                f"{wanted[0]} was packed, and {got[0]} is there with another name, size or content"
            )
    raise Malformed(f"{len(meant)} files were packed, and {len(found)} are there")
