"""From a scanned folder to a bundle: deterministic, and the next time at the cost of what changed.

The tree is cut into groups of files (`grouping`), each deflated by itself and joined into one gzip member
(`gzip_member`). A group is taken from memory when its files' stamps are those of the last pack, or, where a
build tool rewrote everything, when the contents are. Signing and renaming are the caller's.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from hotswap_dev.domain.model import Format
from hotswap_dev.errors import BuildRefused
from hotswap_dev.packing import gzip_member
from hotswap_dev.packing.group_cache import Group, GroupCache, GroupFacts
from hotswap_dev.packing.grouping import LARGEST, groups_of
from hotswap_dev.packing.gzip_member import Sum
from hotswap_dev.packing.output import Output, temporary_file
from hotswap_dev.packing.packed import Packed, PackedFile, Segment, listing_of, tree_hash
from hotswap_dev.packing.private_key import refuse_private_key
from hotswap_dev.packing.reading import PIECE, Reader, TreeMoved, are_past, await_clock
from hotswap_dev.packing.stopping import PackingStopped, demand_wanted
from hotswap_dev.packing.tar_header import END, LARGEST_FILE, entry_header, padding
from hotswap_dev.packing.tree import Scan, Stamp
from hotswap_dev.packing.verify import BundleBroken, Seen, verify_archive, verify_bytes, verify_segments
from hotswap_dev.packing.zip_file import write_zip

__all__ = ["CLIENT_LIMIT", "BundleBroken", "Packed", "Packer", "PackingStopped", "TreeMoved"]

CLIENT_LIMIT = 512 * 2**20
"""Bytes of a bundle that the plugin downloads at most (`max_bundle_size`, contract: 512 MB)."""


class Packer:
    """Packs the versions of a folder one after the other and remembers what it deflated.

    One thread at a time. It keeps up to `memory` bytes of deflated groups; when they are full, those of the
    pack that is running stay. Every 64th pack trusts no stamp and reads everything (hardening E13).
    """

    def __init__(self, *, limit: int = CLIENT_LIMIT, memory: int = 64 * 2**20) -> None:
        self._limit = limit
        self._cache = GroupCache(memory)
        self._places: dict[str, _Place] = {}  # by first path; the groups of the last pack
        self._parts: list[tuple[PackedFile, ...]] = []  # of the last pack
        self._seen: Seen = {}  # of the last verification
        self._packs = 0

    def pack(
        self,
        scan: Scan,
        *,
        format: Format,  # noqa: A002 (what everyone calls it)
        into: Path,
        stop: threading.Event | None = None,
    ) -> Packed:
        """Write `scan`'s files as an archive under a temporary name (`.tmp-…`) in `into`, on disk when it returns.

        What was read is one state of the tree only if a scan taken afterwards is `unchanged`. Raises TreeMoved
        where a file is no longer what the scan saw; BuildRefused where the tree must not become a release: by the
        code of its first Problem, `no-index`, `secret`, `unreadable`, `too-large`; NotWritten where the disk
        refuses; PackingStopped soon after `stop` is set. Nothing is left on disk then.
        """
        _refuse(scan)
        await_clock(scan)
        with temporary_file(into, f".{format}", self._limit) as out:
            if format == "zip":
                parts: list[tuple[PackedFile, ...]] = [write_zip(scan, out, lambda: demand_wanted(stop))]
                listings = [listing_of(parts[0])]
                segments: tuple[Segment, ...] = ()
                reused = 0
            else:
                groups, reused = self._write_groups(scan, out, stop)
                parts = [group.files for group in groups]
                listings = [group.listing for group in groups]
                segments = tuple([group.segment for group in groups])
        changed = _count_changed(self._parts, parts)
        self._parts = parts
        return Packed(
            path=out.path,
            format=format,
            size=out.size,
            sha256=out.sha256(),
            tree=tree_hash(listings),
            files=tuple(chain.from_iterable(parts)),
            changed=changed,
            reused=reused,
            segments=segments,
        )

    def verify(self, packed: Packed, stop: threading.Event | None = None) -> None:
        """Read the archive back from disk as a client does. Raises BundleBroken, and trusts nothing it knew then;
        PackingStopped soon after `stop` is set.

        Parts that were decoded before are known by the SHA-256 of the bytes on disk and not decoded again, so
        this too costs what changed. `verify_archive` is the same without a memory.
        """
        try:
            if packed.format == "zip":
                verify_archive(packed.path, packed.format, packed.files, stop)
                verify_bytes(packed.path, packed.sha256, stop)
            else:
                self._seen = verify_segments(packed.path, packed.segments, packed.files, self._seen, stop)
        except BundleBroken:
            self.forget()
            raise

    def forget(self) -> None:
        """Start over: the next pack reads and deflates everything, and its verification decodes everything."""
        self._cache.clear()
        self._places = {}
        self._seen = {}

    def _write_groups(
        self, scan: Scan, out: Output, stop: threading.Event | None
    ) -> tuple[list[GroupFacts], int]:
        read_ns = time.time_ns()
        self._packs += 1
        if self._packs % _DISTRUST_EVERY == 0:
            self._places = {}
            self._seen = {}
        plan = [(paths, tuple([scan.files[path] for path in paths])) for paths in groups_of(scan.files)]
        groups: list[GroupFacts] = []
        places: dict[str, _Place] = {}
        self._cache.begin()
        reused = 0
        whole = Sum()
        out.write(gzip_member.HEADER)
        with ThreadPoolExecutor(_THREADS, "packing") as pool:
            for (paths, stamps), made in zip(plan, self._make_in_order(scan, plan, pool, stop), strict=True):
                demand_wanted(stop)
                if isinstance(made, _Large):
                    group = _write_large(scan, made, out, pool, stop, self._cache.make_room)
                else:
                    group = made
                    for block in group.blocks:
                        out.write(block)
                reused += self._cache.use(group)
                facts = group.facts
                if place := self._place(paths, stamps):
                    places[paths[0]] = place
                elif are_past(stamps, read_ns):
                    places[paths[0]] = _Place(paths, stamps, facts.key)
                whole += facts.segment.decoded
                groups.append(facts)
        out.write(gzip_member.deflate_last(END))
        out.write(gzip_member.trailer(whole + gzip_member.sum_of(END)))
        self._places = places
        return groups, reused

    def _make_in_order(
        self,
        scan: Scan,
        plan: list[tuple[tuple[str, ...], tuple[Stamp, ...]]],
        pool: ThreadPoolExecutor,
        stop: threading.Event | None,
    ) -> Iterator[Group | _Large]:
        """The groups one after the other, a few of those that must be made being made ahead."""
        waiting: deque[Group | _Large | Future[Group | _Large]] = deque()
        for paths, stamps in plan:
            place = self._place(paths, stamps)
            known = place and self._cache.get(place.key)
            if known:
                waiting.append(known)
            elif sum(stamp[0] for stamp in stamps) < len(paths) * _SMALL:
                waiting.append(self._make(scan, paths, stop))
            else:
                waiting.append(pool.submit(self._make, scan, paths, stop))
            if len(waiting) > _AHEAD:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())

    def _place(self, paths: tuple[str, ...], stamps: tuple[Stamp, ...]) -> _Place | None:
        """Where the last pack had this group, if its files still are what they were; nothing is read for that."""
        place = self._places.get(paths[0])
        return place if place and place.paths == paths and place.stamps == stamps else None

    def _make(self, scan: Scan, paths: tuple[str, ...], stop: threading.Event | None) -> Group | _Large:
        """Read a group's files, and deflate them unless these contents were deflated before."""
        with Reader(scan) as reader:
            if scan.files[paths[0]][0] > LARGEST:
                contents: list[bytes] = []
                files: tuple[PackedFile, ...] = (_digested(paths[0], scan.files[paths[0]][0], reader, stop),)
            else:
                contents = [reader.read(path) for path in paths]
                files = tuple(
                    [
                        (path, len(data), _digest(path, data))
                        for path, data in zip(paths, contents, strict=True)
                    ]
                )
        listing = listing_of(files)
        key = hashlib.sha256(listing).digest()
        if known := self._cache.get(key):
            return known
        if not contents:
            return _Large(key, files[0], listing)
        parts: list[bytes] = []
        for path, data in zip(paths, contents, strict=True):
            parts += (entry_header(path, len(data)), data, padding(len(data)))
        raw = b"".join(parts)
        block = gzip_member.deflate_block(raw)
        segment = Segment(len(block), hashlib.sha256(block).digest(), len(files), gzip_member.sum_of(raw))
        return Group(GroupFacts(key, files, listing, segment), (block,))


_THREADS = min(2, os.cpu_count() or 1)
_AHEAD = 4  # groups of at most LARGEST bytes that are read and deflated before it is their turn
# Bytes. Reading files smaller than this is system calls and Python, which a second thread only disturbs.
_SMALL = 16 * 1024
_DISTRUST_EVERY = 64  # packs

_WAYS_OUT = {
    "name-collision": "rename one of them",
    "symlink-dangling": "take the link away, or build what it points to",
    "symlink-folder": "copy the folder into its place",
    "symlink-outside": "copy the file into its place",
    "undecodable-name": "rename it",
    "unreadable": "give this user the right to read it",
}


class _Large(NamedTuple):
    """A file that is a group by itself and must be deflated piece by piece."""

    key: bytes
    file: PackedFile
    listing: bytes


class _Place(NamedTuple):
    paths: tuple[str, ...]
    stamps: tuple[Stamp, ...]
    key: bytes


def _refuse(scan: Scan) -> None:
    """BuildRefused where the scan already shows that no bundle may come of it."""
    if scan.problems:
        first = scan.problems[0]
        others = f" (and {len(scan.problems) - 1} more)" if len(scan.problems) > 1 else ""
        raise BuildRefused(
            first.code,
            f"{first.path}: {first.detail}{others}",
            _WAYS_OUT.get(first.code, "take it out of the build folder"),
            path=first.path,
        )
    if "index.html" not in scan.files:
        what = "has no index.html" if scan.files else "is empty"
        raise BuildRefused(
            "no-index",
            f"{scan.root} {what}",
            "name the folder that the frontend is built into; clients would go on showing the old page",
        )


def _result(item: Group | _Large | Future[Group | _Large]) -> Group | _Large:
    return item.result() if isinstance(item, Future) else item


def _digest(path: str, data: bytes) -> bytes:
    refuse_private_key(path, data)
    return hashlib.sha256(data).digest()


def _digested(path: str, size: int, reader: Reader, stop: threading.Event | None) -> PackedFile:
    if size > LARGEST_FILE:
        raise BuildRefused("too-large", f"{path} has {size} bytes, more than a tar entry tells", path=path)
    whole = hashlib.sha256()
    for number, piece in enumerate(reader.pieces(path)):
        demand_wanted(stop)
        if number == 0:
            refuse_private_key(path, piece)
        whole.update(piece)
    return (path, size, whole.digest())


def _write_large(
    scan: Scan,
    large: _Large,
    out: Output,
    pool: ThreadPoolExecutor,
    stop: threading.Event | None,
    room: Callable[[int], bool],
) -> Group:
    """Deflate one large file piece by piece, so that memory does not grow with it."""
    path, size, _ = large.file

    def deflate(start: int) -> tuple[bytes, Sum]:
        with Reader(scan) as reader:
            raw = reader.piece(path, start)
        if start == 0:
            raw = entry_header(path, size) + raw
        if start + PIECE >= size:
            raw += padding(size)
        return gzip_member.deflate_block(raw), gzip_member.sum_of(raw)

    blocks: list[bytes] = []
    kept = True
    written = 0
    seal = hashlib.sha256()
    decoded = Sum()
    waiting: deque[Future[tuple[bytes, Sum]]] = deque()
    starts = iter(range(0, size, PIECE))
    while True:
        waiting.extend(pool.submit(deflate, start) for start in islice(starts, _AHEAD - len(waiting)))
        if not waiting:
            break
        demand_wanted(stop)
        block, part = waiting.popleft().result()
        out.write(block)
        seal.update(block)
        decoded += part
        written += len(block)
        kept = kept and room(written)
        if kept:
            # A copy by this thread: what another one allocated lies scattered, and 64 MB become 110.
            blocks.append(bytes(memoryview(block)))
        else:
            blocks.clear()
    segment = Segment(written, seal.digest(), 1, decoded)
    return Group(GroupFacts(large.key, (large.file,), large.listing, segment), tuple(blocks))


def _count_changed(before: list[tuple[PackedFile, ...]], after: list[tuple[PackedFile, ...]]) -> int:
    """How many paths came, went or have another content. Parts that both share are not looked into."""
    if not before:
        return sum(map(len, after))
    old = {id(part) for part in before}
    new = {id(part) for part in after}
    gone = {file for part in before if id(part) not in new for file in part}
    come = {file for part in after if id(part) not in old for file in part}
    return len({path for path, _, _ in gone ^ come})
