"""What stands before a file's content in a tar stream, and how far the content is padded.

GNU's form: a name of up to 100 bytes as it is, a longer one in an entry of type `L` before the file's own.
Not PAX: the plugin's tar reader splits PAX records at newlines, which a name may contain, and some extractors
convert PAX names through the locale. Names are UTF-8.
"""

from __future__ import annotations

BLOCK = 512
END = bytes(2 * BLOCK)
"""What a tar stream ends with."""

LARGEST_FILE = 8**11 - 1  # bytes: eleven octal digits


def entry_header(path: str, size: int) -> bytes:
    """The header of a regular file of `size` bytes: mode 0644, owner 0, time 0, so that equal trees give equal
    bytes (hardening B9). `path` is relative, with `/`; a file that is a link or has several is written like
    any other, since clients drop link entries in silence (hardening B4).
    """
    name = path.encode()
    if len(name) <= 100:
        return _header(name, size, b"0")
    return (
        _header(b"././@LongLink", len(name) + 1, b"L")
        + name
        + b"\0"
        + padding(len(name) + 1)
        + _header(name[:100], size, b"0")
    )


def padding(size: int) -> bytes:
    """The zeros that follow `size` bytes of content."""
    return _ZEROS[: -size % BLOCK]


def _header(name: bytes, size: int, kind: bytes) -> bytes:
    length = b"%011o" % size
    total = _FIXED_SUM + sum(name) + sum(length) + kind[0]
    return b"%b%b%b%b%06o\0 %b%b" % (name, _MODE[len(name) :], length, _TIME, total, kind, _REST)


# Fields in order: name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8, type 1, the rest to 512.
_MODE = bytes(100) + b"0000644\x000000000\x000000000\x00"
_TIME = b"\x0000000000000\x00"
_ZEROS = bytes(BLOCK)
_REST = bytes(100) + b"ustar  \x00" + bytes(247)
_FIXED_SUM = sum(_MODE) + sum(_TIME) + sum(_REST) + 8 * ord(" ")
