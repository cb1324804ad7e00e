"""Archives as the plugin's extractors walk them: what they let pass passes here, what they refuse is in their words.

`packing.verify` is stricter, for what we publish. This is for what any server may send: the first gzip member only,
a tar's end wherever two zeros or the bytes end, links and devices passed over in silence, the checks of the `tar`,
`flate2` and `zip` crates in their order (plugin: updater.rs, `extract_tar_gz` and `extract_zip`; tar 0.4.46,
flate2 1.1.10, zip 8.6.0). Sparse files are taken for other kinds: nothing of them is written.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

from hotswap_dev.client.updating.zip_archive import ContentBroken, ZipRefused, content, directory, opened


class Entry(NamedTuple):
    """One entry. The folder above its path is made, whatever it is."""

    path: bytes
    """As the archive has it, judged safe."""
    content: bytes | None = None
    """Of a regular file; None for everything else, of which nothing is written."""
    folder: bool = False
    """Whether the path itself becomes a folder: a zip's folders do, a tar's don't."""


class Refused(Exception):
    """The extraction ends here; `str()` is the whole text of the plugin's error."""


def entries(bundle: bytes, format: Literal["tar.gz", "zip"]) -> Iterator[Entry]:  # noqa: A002
    """The entries in their order, each before the next is looked at: what came before a Refused was written."""
    return _of_zip(bundle) if format == "zip" else _of_tar(bundle)


def safe(path: bytes, *, windows: bool = os.name == "nt") -> bytes:
    """The path, or Refused as the plugin does (updater.rs, `validate_entry_path`, by Rust's `Path::components`).

    On Unix a backslash is a letter. On Windows it separates too, and drives and servers' shares lead out of the folder;
    what is returned there has `/` alone, so that whoever takes it apart need not know.
    """
    shown = path.decode("utf-8", "replace")
    parts = _WINDOWS_SEPARATOR.split(path) if windows else path.split(b"/")
    # Rust on Windows: `/x` has a root but no drive, and is therefore not absolute; it is refused as a component.
    if _WINDOWS_ABSOLUTE.match(path) if windows else path.startswith(b"/"):
        raise _extraction(f"absolute path in archive: {shown}")
    rooted = windows and path[:1] in (b"/", b"\\")
    # Rust takes `C:` within a path, and `1:` anywhere, for names; where Python joins parts each would be a drive.
    on_a_drive = windows and any(_WINDOWS_DRIVE.match(part) for part in parts)
    if rooted or on_a_drive or b".." in parts:
        raise _extraction(f"unsafe path component in archive: {shown}")
    return b"/".join(parts)


_WINDOWS_SEPARATOR = re.compile(rb"[/\\]")
_WINDOWS_DRIVE = re.compile(rb".:", re.DOTALL)
_WINDOWS_ABSOLUTE = re.compile(rb"[A-Za-z]:[/\\]|[/\\]{2}[^/\\]+[/\\][^/\\]+")


def io_error(error: OSError | ValueError) -> str:
    """A failure of the disk as the plugin shows it: the system's own words and number."""
    if isinstance(error, OSError):
        return f"I/O error: {error.strerror} (os error {error.errno})"
    return "I/O error: file name contained an unexpected NUL byte"


def _extraction(text: object) -> Refused:
    return Refused(f"extraction failed: {text}")


class _Bad(Exception):
    """What a crate's reader says. Around it the plugin says "extraction failed", or "I/O error" within a file."""


# --- tar.gz -------------------------------------------------------------------------------------------------------


def _of_tar(bundle: bytes) -> Iterator[Entry]:
    stream = _Member(bundle)
    headers = _headers(stream)
    while True:
        try:
            found = next(headers, None)
        except _Bad as bad:
            raise _extraction(bad) from None
        if found is None:
            return
        name, size, regular = found
        path = safe(name)
        if not regular:
            yield Entry(path)
            continue
        content = bytearray()
        broken: _Bad | None = None
        try:
            while left := size - len(content):
                piece = stream.read(min(left, 8192))
                if not piece:
                    break
                content += piece
        except _Bad as bad:
            broken = bad
        yield Entry(path, bytes(content))  # the file was made, whatever becomes of its content
        if broken is not None:
            raise Refused(f"I/O error: {broken}")


def _headers(stream: _Member) -> Iterator[tuple[bytes, int, bool]]:
    """Name, size and whether it is a regular file, of each entry; the caller may read its content from the stream."""
    end = 0  # where the next header begins
    given: dict[bytes, bytes] = {}  # what stands before an entry and is about it, by its kind
    while True:
        while stream.at < end:
            if not stream.read(min(end - stream.at, 32768)):
                raise _Bad("unexpected EOF during skip")
        block = _block(stream)
        if not any(block):
            if given:
                raise _Bad("members found describing a future member but no future member found")
            return
        end += 512
        kind = block[156:157]
        old = not block.startswith((b"ustar\x0000", b"ustar  \x00"), 257)
        name = _name(block)
        if sum(block[:148]) + sum(block[156:]) + 8 * 32 != _octal(block[148:156], "cksum", name) & 0xFFFFFFFF:
            raise _Bad("archive header checksum mismatch")
        about = kind in _ABOUT_THE_NEXT
        size = _size(block[124:136], name)
        if b"x" in given and not about and kind != b"g":
            pax = _pax_size(given[b"x"])
            size = size if pax is None else pax
        if end + size + 511 >= 2**64:
            raise _Bad("size overflow")
        end += (size + 511) // 512 * 512
        if about and not old:
            if kind in given:
                what = "pax extensions" if kind == b"x" else "long name"
                raise _Bad(f"two {what} entries describing the same member")
            content = bytearray()
            while len(content) < size and (piece := stream.read(min(size - len(content), 32768))):
                content += piece
            given[kind] = bytes(content)
            continue
        if b"L" in given:
            name = given[b"L"].removesuffix(b"\0")
        elif b"x" in given:
            name = _pax_path(given[b"x"], name)
        yield name, size, kind in (b"0", b"\0")
        given = {}


_ABOUT_THE_NEXT = (b"L", b"K", b"x")  # GNU's long name and long link, PAX


def _block(stream: _Member) -> bytes:
    """512 bytes, or none at the stream's end."""
    block = b""
    while len(block) < 512:
        piece = stream.read(512 - len(block))
        if not piece:
            if not block:
                return b""
            raise _Bad("failed to read entire block")
        block += piece
    return block


def _name(block: bytes) -> bytes:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0]
    return prefix + b"/" + name if block.startswith(b"ustar\x0000", 257) and prefix else name


def _size(field: bytes, name: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[-8:], "big")
    return _octal(field, "size", name)


def _octal(field: bytes, what: str, name: bytes) -> int:
    """A number in octal digits; spaces around it are passed over, nothing at all is none."""
    raw = field.split(b"\0", 1)[0]
    about = f" when getting {what} for {name.decode('utf-8', 'replace')}"
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        shown = raw.decode("utf-8", "replace")
        raise _Bad(f"numeric field did not have utf-8 text: {shown}{about}") from None
    digits = text.strip()
    if not re.fullmatch("[+]?[0-7]+", digits) or int(digits, 8) >= 2**64:
        raise _Bad(f"numeric field was not a number: {text}{about}")
    return int(digits, 8)


def _pax(records: bytes) -> Iterator[tuple[bytes, bytes] | None]:
    """Key and value of each record up to the first empty line; None for one that is malformed (tar: pax.rs)."""
    for line in records.split(b"\n"):
        if not line:
            return
        length, space, rest = line.partition(b" ")
        key, equals, value = rest.partition(b"=")
        whole = (
            space and equals and re.fullmatch(rb"[+]?[0-9]+", length) and int(length[:20]) == len(line) + 1
        )
        yield (key, value) if whole else None


def _pax_path(records: bytes, otherwise: bytes) -> bytes:
    return next((record[1] for record in _pax(records) if record and record[0] == b"path"), otherwise)


def _pax_size(records: bytes) -> int | None:
    for record in _pax(records):
        if record is None:
            return None
        if record[0] == b"size":
            found = re.fullmatch(rb"[+]?([0-9]+)", record[1])
            size = int(found[1][:25]) if found else -1
            return size if 0 <= size < 2**64 else None
    return None


class _Member:
    """What comes out of the first gzip member; what stands behind it is never looked at."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._inflate = zlib.decompressobj(-15)
        self._crc = self._size = 0
        self._fed: int | None = None  # bytes that zlib was given; None: the header was not read yet
        self._tail = b""  # of those, what it has not taken yet
        self._ended = False
        self.at = 0

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; none at its end. `_Bad` as flate2 says it."""
        if self._ended:
            return b""
        if self._fed is None:
            try:
                self._fed = _gzip_header(self._data)
            except _Bad:
                self._ended = True
                raise
        piece, self._fed = self._inflated(self._fed, count)
        if piece:
            self._crc = zlib.crc32(piece, self._crc)
            self._size += len(piece)
            self.at += len(piece)
            return piece
        if not self._inflate.eof:
            raise _Bad("incomplete deflate stream")
        self._ended = True
        trailer = (self._inflate.unused_data + self._data[self._fed : self._fed + 8])[:8]
        if len(trailer) < 8:
            raise _Bad("unexpected end of file")
        if trailer != struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF):
            raise _Bad(_NO_CHECKSUM)
        return b""

    def _inflated(self, fed: int, count: int) -> tuple[bytes, int]:
        """What comes out next, none at the end, and how much zlib has been given by then.

        Piece by piece: what it has not taken it copies each time.
        """
        inflate = self._inflate
        while not inflate.eof:
            given = self._tail or self._data[fed : fed + _FED_AT_ONCE]
            fed += 0 if self._tail else len(given)
            try:
                piece = inflate.decompress(given, count)
            except zlib.error:
                raise _Bad("corrupt deflate stream") from None
            self._tail = inflate.unconsumed_tail
            if piece or not given:
                return piece, fed
        return b"", fed


_FED_AT_ONCE = 64 * 1024
_NO_CHECKSUM = "corrupt gzip stream does not have a matching checksum"
_LONGEST_TEXT = 65535  # bytes of a name or a comment in a gzip header


def _gzip_header(data: bytes) -> int:
    """Where the deflate stream begins (RFC 1952; flate2: gz/mod.rs)."""
    short = _Bad("unexpected end of file")
    if len(data) < 10:
        raise short
    flags = data[3]
    if data[:3] != b"\x1f\x8b\x08" or flags & 0xE0:
        raise _Bad("invalid gzip header")
    at = 10
    if flags & 4:
        if len(data) < at + 2:
            raise short
        at += 2 + int.from_bytes(data[at : at + 2], "little")
        if len(data) < at:
            raise short
    for flag in (8, 16):  # the file's name, a comment
        if flags & flag:
            end = data.find(b"\0", at)
            if (end if end >= 0 else len(data)) - at > _LONGEST_TEXT:
                raise _Bad("gzip header field too long")
            if end < 0:
                raise short
            at = end + 1
    if flags & 2:
        if len(data) < at + 2:
            raise short
        if int.from_bytes(data[at : at + 2], "little") != zlib.crc32(data[:at]) & 0xFFFF:
            raise _Bad(_NO_CHECKSUM)
        at += 2
    return at


# --- zip ----------------------------------------------------------------------------------------------------------


def _of_zip(bundle: bytes) -> Iterator[Entry]:
    try:
        for found in directory(bundle):
            start = opened(bundle, found)
            path = safe(found.name)
            if path.endswith((b"/", b"\\")):
                yield Entry(path, folder=True)
            else:
                yield Entry(path, content(bundle, found, start))
    except ZipRefused as refused:
        raise _extraction(refused) from None
    except ContentBroken as broken:
        raise Refused(f"I/O error: {broken}") from None
