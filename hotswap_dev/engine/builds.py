"""Making bundles: one at a time, from a tree that did not move while it was read (design §5, step 2)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hotswap_dev import wire
from hotswap_dev.domain.file_changes import BundleList, TreeWarning
from hotswap_dev.domain.model import Bundle, Format
from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.errors import BuildRefused
from hotswap_dev.packing.archive import Packer, TreeMoved
from hotswap_dev.packing.gate import INDEX, gate
from hotswap_dev.packing.signing import SigningKey, trusted_comment, verify
from hotswap_dev.packing.stopping import demand_wanted
from hotswap_dev.packing.tree import FolderMissing, Scan, scan
from hotswap_dev.storage.bundles import BundleStore

_NAMED = 5
"""Missing files that are named; of more the number is told."""

GIVE_UP_AFTER = 10.0
"""Seconds for which a tree may keep moving under the packer before that is said (hardening E12)."""


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle on disk, verified, and what it took. `scan` is the tree that is in it."""

    bundle: Bundle
    scan: Scan
    changed: int
    scan_ms: float
    pack_ms: float


class BundleMaker:
    """Packs, signs, verifies and stores. It keeps the packer's cache, so it lives as long as the server."""

    def __init__(
        self,
        store: BundleStore,
        key: SigningKey,
        format: Format,  # noqa: A002 - the field's name everywhere
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._now = now
        self._key = key
        self._format = format
        self._packer = Packer()
        self._turn = asyncio.Lock()

    async def make(self, tree: Path | Scan, *, unless: str | None = None) -> Made | None:
        """Make a bundle of a folder as it is now, or of a scan that has settled; the loop stays free meanwhile.

        None if the tree's hash is `unless`. BuildRefused where the tree must not become a release, or a folder keeps
        changing for 10 s. TreeMoved where a settled scan no longer holds: what comes next must settle again, since an
        immediate second look could take a half-written build for a tree. Calls take turns.
        """
        async with self._turn:
            stop = threading.Event()
            if isinstance(tree, Scan):
                making = asyncio.to_thread(self._make_once, tree, unless, stop)
            else:
                making = asyncio.to_thread(self._make_until_still, tree, unless, stop)
            work = asyncio.ensure_future(making)
            try:
                return await asyncio.shield(work)
            finally:
                # A thread can't be cancelled, and the packer takes one at a time: the turn ends when the thread does.
                stop.set()
                while not work.done():
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.wait({work})
                if not work.cancelled():
                    work.exception()

    def _make_until_still(self, folder: Path, unless: str | None, stop: threading.Event) -> Made | None:
        began = time.monotonic()
        while True:
            try:
                found = scan(folder)
                demand_index(found)
                return self._make_once(found, unless, stop)
            except TreeMoved:
                if time.monotonic() - began > GIVE_UP_AFTER:
                    raise BuildRefused(
                        "still-changing",
                        f"{folder} kept changing for {GIVE_UP_AFTER:.0f} s while it was packed",
                        "publish it when it rests; does something rewrite its files over and over?",
                    ) from None

    def _make_once(self, found: Scan, unless: str | None, stop: threading.Event) -> Made | None:
        began = time.perf_counter()
        packed = self._packer.pack(found, format=self._format, into=self._store.folder, stop=stop)
        try:
            if packed.tree == unless:
                return None
            name = f"{packed.sha256[:8]}.{self._format}"
            signature = self._key.sign(packed.path, comment=trusted_comment(name, self._now()), stop=stop)
            self._packer.verify(packed, stop)
            verify(packed.path, signature, self._key.public_key, stop=stop)
            verified = time.perf_counter()
            # What was read is one state of the tree only if it is still there.
            if _scanned_again(found) != found:
                raise TreeMoved("the tree changed while it was packed")
            demand_wanted(stop)
            doubts = _doubts(found)
            scanned = time.perf_counter()
            bundle = Bundle(
                hash=packed.sha256,
                tree=packed.tree,
                format=self._format,
                size=packed.size,
                files=len(packed.files),
                signature=signature,
                key_id=self._key.key_id,
            )
            self._store.keep(packed.path, bundle, wire.encode(BundleList(packed.files, doubts)))
        finally:
            packed.path.unlink(missing_ok=True)
        return Made(
            bundle=bundle,
            scan=found,
            changed=packed.changed,
            scan_ms=(scanned - verified) * 1000,
            pack_ms=(verified - began + time.perf_counter() - scanned) * 1000,
        )


def _scanned_again(found: Scan) -> Scan | None:
    """The tree as it is now; None where its folder went away, as it does when a build tool starts over."""
    try:
        return scan(found.root)
    except FolderMissing:
        return None


def _doubts(found: Scan) -> tuple[TreeWarning, ...]:
    """What a person should know of a tree that is published all the same."""
    named = tuple(
        TreeWarning(warning.code, shown(warning.path, LONGEST_PATH), shown(warning.detail, LONGEST_PATH))
        for warning in found.warnings
    )
    missing = gate(found).missing
    if not missing:
        return named
    some = ", ".join(missing[:_NAMED]) + (
        f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    )
    detail = f"asks for what is not there: {some}; the app takes such files from its embedded page"
    return (TreeWarning("missing-reference", INDEX, shown(detail, LONGEST_PATH)), *named)


def demand_index(found: Scan) -> None:
    """BuildRefused unless the tree has an index.html to show: what `publish` asks of a folder it was given."""
    if found.problems:
        return  # the packer refuses those by name: an index.html may be missing because nothing could be read
    verdict = gate(found)
    if verdict.code in ("no-index", "empty-index"):
        raise BuildRefused(
            verdict.code,
            verdict.detail,
            "build the frontend first, or name the folder that it is built into",
            path="index.html",
        )
