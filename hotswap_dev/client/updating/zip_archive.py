"""A zip as the `zip` crate reads it: by its directory alone, whatever the headers before the files say (zip 8.6.0).

Python's zipfile compares both and refuses where they differ, which the plugin doesn't. Stored, deflated and bzip2 are
read. Not read, where the crate does: zip64, rarer methods, and what the extra fields say (a second name, times).
"""

from __future__ import annotations

import bz2
import struct
import zlib
from typing import NamedTuple


class ZipRefused(Exception):
    """The crate would not open the archive or an entry: its words stand behind "extraction failed: "."""


class ContentBroken(Exception):
    """What an entry holds can't be read to its end: the words stand behind "I/O error: "."""


class Found(NamedTuple):
    """An entry of the directory."""

    name: bytes
    """As UTF-8, whatever it is in."""
    flags: int
    method: int
    crc: int
    packed_size: int
    start: int
    """Where its own header is."""


def directory(archive: bytes) -> list[Found]:
    """The entries, in the order in which the plugin takes them; of a name that stands twice the last, in the first's
    place. ZipRefused.
    """
    at, count, moved = _end(archive)
    found: dict[bytes, Found] = {}
    for _ in range(count):
        head = archive[at : at + _ENTRY.size]
        if len(head) < _ENTRY.size:
            raise _invalid("Unexpected end of zip::spec::ZipCentralEntryBlock")
        magic, flags, method, crc, packed, name_length, extra, comment, offset = _ENTRY.unpack(head)
        if magic != b"PK\1\2":
            raise _invalid("Invalid Central Directory header")
        raw = archive[at + _ENTRY.size : at + _ENTRY.size + name_length]
        at += _ENTRY.size + name_length + extra + comment
        if at > len(archive):
            raise _invalid("Variable-length field extends beyond file boundary")
        _demand_whole(archive[at - comment - extra : at - comment])
        name = raw if flags & 0x800 else raw.decode("cp437").encode()
        found[raw] = Found(
            name.decode("utf-8", "replace").encode(), flags, method, crc, packed, offset + moved
        )
    return list(found.values())


def opened(archive: bytes, entry: Found) -> int:
    """Where an entry's content begins. ZipRefused where it can't be opened."""
    if entry.flags & 1:
        raise ZipRefused("unsupported Zip archive: Password required to decrypt file")
    head = archive[entry.start : entry.start + _LOCAL.size]
    if len(head) < _LOCAL.size:
        raise _invalid("Unexpected end of zip::spec::ZipLocalEntryBlock")
    magic, name, extra = _LOCAL.unpack(head)
    if magic != b"PK\3\4":
        raise _invalid("Invalid local file header")
    if entry.method not in (_STORED, _DEFLATED, _BZIP2):
        raise ZipRefused(f"compression method not supported: {entry.method}")
    return entry.start + _LOCAL.size + int(name) + int(extra)


def content(archive: bytes, entry: Found, start: int) -> bytes:
    """An entry's content. ContentBroken."""
    packed = archive[start : start + entry.packed_size]
    plain = packed
    if entry.method == _DEFLATED:
        inflate = zlib.decompressobj(-15)
        try:
            plain = inflate.decompress(packed)
        except zlib.error:
            raise ContentBroken("corrupt deflate stream") from None
        if not inflate.eof:
            raise ContentBroken("incomplete deflate stream")
    elif entry.method == _BZIP2:
        try:
            plain = bz2.decompress(packed)
        except (OSError, ValueError):
            raise ContentBroken("bz2 error") from None
    if zlib.crc32(plain) != entry.crc:
        raise ContentBroken("Invalid checksum")
    return plain


_STORED, _DEFLATED, _BZIP2 = 0, 8, 12
_ENTRY = struct.Struct("<4s 4x H H 4x L L 4x H H H 8x L")
_LOCAL = struct.Struct("<4s 22x H H")
_END = struct.Struct("<4s H H H H 4x L H")


def _end(archive: bytes) -> tuple[int, int, int]:
    """Where its directory begins, how many entries it has, and how far all was moved by what was put before it.

    The last end record that has a directory wins (spec.rs, `find_central_directory`).
    """
    objection: ZipRefused | None = None
    at = len(archive)
    while (at := archive.rfind(b"PK\5\6", 0, at + 3 if at < len(archive) else at)) >= 0:
        record = archive[at : at + _END.size]
        if len(record) < _END.size:
            objection = objection or _invalid("Unexpected end of zip::spec::Zip32CDEBlock")
            continue
        _, disk, first_disk, here, count, offset, comment = _END.unpack(record)
        if at + _END.size + comment > len(archive):
            objection = objection or _invalid("EOCD comment exceeds file boundary")
            continue
        if count == 0:
            first = max(at, offset)
        elif offset >= at:
            objection = _invalid("Invalid CDFH offset in EOCD")
            continue
        else:
            first = archive.find(b"PK\1\2", offset, at)
            if first < 0:
                objection = _invalid("No CDFH found")
                continue
        if disk != first_disk:
            raise ZipRefused("unsupported Zip archive: Support for multi-disk files is not implemented")
        return first, here, first - offset
    raise objection or _invalid("Could not find EOCD")


def _demand_whole(extra: bytes) -> None:
    """The extra fields of an entry fill their room; what is too short for a head of one is padding."""
    at = 0
    while at + 4 <= len(extra):
        at += 4 + int.from_bytes(extra[at + 2 : at + 4], "little")
        if at > len(extra):
            raise _invalid("Extra field content truncated")


def _invalid(text: str) -> ZipRefused:
    return ZipRefused(f"invalid Zip archive: {text}")
