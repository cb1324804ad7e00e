"""A tar stream as the plugin reads it, but with nothing passed over in silence.

Written apart from `tar_header` on purpose: what that does wrong must show here.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator

from hotswap_dev.packing.packed import PackedFile


class Malformed(Exception):
    """What is wrong with an archive, in words."""


def files_in_tar(stream: Iterable[bytes], *, ended: bool = True) -> Iterator[PackedFile]:
    """The files of a tar stream, which comes in pieces of any size.

    `ended` says whether it must close with two blocks of zeros, or is a run of whole entries without. Reads
    ustar, GNU's long names and PAX paths. Folders are passed over, as the plugin does; any other kind of entry
    it would drop without a word, so that is Malformed, like a path that it refuses (updater.rs,
    `extract_tar_gz`, `validate_entry_path`).
    """
    source = _Source(stream)
    given = b""  # by an entry before it: the name, and the size
    length = -1
    while header := source.take(512, last=True):
        name, size_field, checksum, kind, magic, prefix = _FIELDS(header)
        if not header[0] and not any(header):
            if not ended or any(source.take(512)):
                raise Malformed("a block of zeros stands between its entries")
            source.demand_zeros()
            return
        # The sum of all bytes, the checksum's own taken as spaces; Rust's reader refuses a wrong one. Adler-32's
        # lower half is 1 + the sum of the bytes, modulo 65521, and twenty times faster than sum().
        total = zlib.adler32(header[156:], zlib.adler32(header[:148])) - 1 + 8 * ord(" ")
        if ((total & 0xFFFF) - _number(checksum)) % 65521:
            raise Malformed(f"the header of {_shown(name)} has a wrong checksum")
        name = name.split(b"\0", 1)[0]
        if magic == b"ustar\0" and prefix[0]:
            name = prefix.split(b"\0", 1)[0] + b"/" + name
        size = _number(size_field) if length < 0 else length
        if kind in _REGULAR:
            end = source.at + size
            after = end + -size % 512
            if after <= len(source.held):  # nearly always, and a call less for each of 43,000 files
                digest = hashlib.sha256(source.held[source.at : end]).digest()
                source.at = after
            else:
                digest = source.digest(size)
            yield (safe_path(given or name), size, digest)
        elif kind in _EXTENSIONS:
            if size > _LONGEST:
                raise Malformed(f"{_shown(name)} describes an entry in {size} bytes")
            content = source.take(size + -size % 512)[:size]
            if kind == b"L":
                given = content.rstrip(b"\0")
            elif kind == b"x":
                given, length = _pax(content)
            continue
        elif kind == b"5":
            safe_path(given or name)
        else:
            what = _KINDS.get(kind, f"an entry of kind {kind!r}")
            raise Malformed(f"{_shown(given or name)} is {what}, and clients drop those in silence")
        given = b""
        length = -1
    if ended:
        raise Malformed("its end is missing")
    if given or length >= 0:
        raise Malformed("a name stands without its file")


def safe_path(name: bytes) -> str:
    """A path that clients extract, without `.` parts; Malformed with the plugin's words where they refuse it."""
    try:
        path = name.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{_shown(name)} is no UTF-8, and Windows clients refuse that") from None
    if path.startswith("/"):
        raise Malformed(f"absolute path in archive: {path}")
    if "." not in path[:1] and "/." not in path and "//" not in path and path:
        return path
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Malformed(f"unsafe path component in archive: {path}")
    return "/".join(parts)


_FIELDS = struct.Struct("100s 24x 12s 12x 8s c 100x 6s 82x 155s 12x").unpack
_REGULAR = (b"0", b"\0")
_LONGEST = 1 << 20  # bytes of a name or of PAX records
_EXTENSIONS = (b"L", b"K", b"x", b"g")  # GNU's long name and link, PAX for one entry and for all
_KINDS = {b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a fifo"}


class _Source:
    """Bytes taken from pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.held = b""
        self.at = 0

    def take(self, count: int, *, last: bool = False) -> bytes:
        """The next `count` bytes; none at all is allowed if these may be the `last`."""
        end = self.at + count
        if end > len(self.held):
            self._fill(count)
            end = count
            if len(self.held) < count and not (last and not self.held):
                raise Malformed("it ends within an entry")
        data = self.held[self.at : end]
        self.at = end
        return data

    def digest(self, count: int) -> bytes:
        """SHA-256 of the next `count` bytes; what pads them to a block is taken too."""
        whole = hashlib.sha256()
        left = count
        while left:
            if self.at == len(self.held):
                self._fill(1)
            piece = self.take(min(left, len(self.held) - self.at) or 1)
            whole.update(piece)
            left -= len(piece)
        self.take(-count % 512)
        return whole.digest()

    def demand_zeros(self) -> None:
        """Malformed if anything but zeros follows."""
        while piece := self.held[self.at :] or next(self._pieces, b""):
            self.held = b""
            self.at = 0
            if any(piece):
                raise Malformed("something stands behind its end, where no client looks")

    def _fill(self, count: int) -> None:
        parts = [self.held[self.at :]]
        held = len(parts[0])
        while held < count and (piece := next(self._pieces, b"")):
            parts.append(piece)
            held += len(piece)
        self.held = b"".join(parts)
        self.at = 0


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # GNU: binary, where eleven octal digits are too few
        return int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
    digits = field.strip(b"\0 ") or b"0"
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:  # an 8 or a 9
        pass
    raise Malformed(f"{field!r} is no octal number")


def _pax(records: bytes) -> tuple[bytes, int]:
    """Path and size out of PAX records (`LENGTH KEY=VALUE` and a newline); empty and -1 where they don't say."""
    name = b""
    size = -1
    try:
        while records := records.lstrip(b"\0"):
            count = int(records.split(b" ", 1)[0])
            key, _, value = records[:count].split(b" ", 1)[1].partition(b"=")
            if key == b"path":
                name = value[:-1]
            elif key == b"size":
                size = int(value)
            if count <= 0:
                raise Malformed("a PAX record without length")
            records = records[count:]
    except (ValueError, IndexError):
        raise Malformed("a PAX record that can't be read") from None
    return name, size


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
