"""What packing made: the archive's facts, the list of its files, and where its independent parts end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hotswap_dev.domain.model import Format
from hotswap_dev.packing.gzip_member import Sum

PackedFile = tuple[str, int, bytes]
"""One file of an archive: path with `/`, size in bytes, SHA-256 of its content (32 bytes).

A plain tuple: there may be tens of thousands, and packs share those that did not change.
"""


class Segment(NamedTuple):
    """A run of whole tar entries in a `.tar.gz` that is deflated by itself."""

    size: int  # bytes in the archive
    seal: bytes  # SHA-256 of those bytes, as they were meant
    files: int  # how many files it has
    decoded: Sum  # of the tar stream in it


@dataclass(frozen=True, slots=True)
class Packed:
    """A finished archive under its temporary name. The caller signs, verifies and renames it, or removes it."""

    path: Path
    format: Format
    size: int  # bytes
    sha256: str  # hex, of the archive
    tree: str  # hex, of paths and contents: the same whatever the format and the compressor
    files: tuple[PackedFile, ...] = field(repr=False)
    changed: int  # files added, removed or different since the pack before; all of them in the first
    reused: int  # deflated groups that were taken from the cache
    segments: tuple[Segment, ...] = field(default=(), repr=False)  # between header and end; none in a zip


def listing_of(files: Iterable[PackedFile]) -> bytes:
    """What the hash of a tree is made over: of each file its path, a zero byte, its digest."""
    return b"".join([b"%b\x00%b" % (path.encode(), digest) for path, _, digest in files])


def tree_hash(listings: Iterable[bytes]) -> str:
    """The content hash of a tree, from the listings of its parts in the order of paths."""
    whole = hashlib.sha256()
    for listing in listings:
        whole.update(listing)
    return whole.hexdigest()
