"""What changed from one release's files to another's, for whoever asks the control site.

The lists of large bundles take a while to read and to compare. It is done in steps of less than a millisecond, between
which answers go on, and once for two bundles: they never change.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Iterator, Mapping

from hotswap_dev import wire
from hotswap_dev.domain.file_changes import (
    FileChange,
    FileChanges,
    ListedFile,
    TreeWarning,
    file_changes_in_steps,
)
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import NotFound

MOST_CHANGES = 1_000
"""Files that are named; the counts are of all."""

_KEPT = 8
_AT_A_TIME = 50


class ReleaseChanges:
    """Comparisons of bundles, the newest few of which are kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: OrderedDict[tuple[str, str], Mapping[str, wire.Json]] = OrderedDict()

    async def between(
        self, before: Release, after: Release, listed: bytes | None = None
    ) -> Mapping[str, wire.Json]:
        """The changes as JSON, with `listed` as the list of `after` where it is at hand.

        NotFound where a list of files is gone, or can't be read any more.
        """
        controls = self._engine.controls
        for release in (before, after):
            if not controls.has_bytes(release):
                raise _gone(release)
        bundles = before.bundle.hash, after.bundle.hash
        found = self._kept.get(bundles)
        if found is None:
            olds = _files(before, await self.list(before))
            news = _files(after, listed or await self.list(after))
            found = await _told(await _compared(olds, news), before, after)
            self._kept[bundles] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(bundles)
        return found

    async def list(self, release: Release) -> bytes | None:
        """What is kept beside a release's bundle, as it is stored; None where it is gone."""
        if not self._engine.controls.has_bytes(release):
            return None
        return await asyncio.to_thread(self._engine.store.file_list, release.bundle.hash)


def warnings_in(listed: bytes | None) -> tuple[TreeWarning, ...] | None:
    """What was doubtful about a tree, of what is kept beside its bundle; None where nobody knows."""
    try:
        return None if listed is None else wire.bundle_list_in_pieces(listed)[1]
    except ValueError:
        return None


def _files(release: Release, listed: bytes | None) -> Iterator[ListedFile]:
    if listed is None:
        raise _gone(release)
    try:
        for piece in wire.bundle_list_in_pieces(listed)[0]:
            yield from piece
    except ValueError:
        raise _gone(release) from None


async def _compared(before: Iterator[ListedFile], after: Iterator[ListedFile]) -> FileChanges:
    steps = file_changes_in_steps(before, after)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: FileChanges = done.value
            return found
        await asyncio.sleep(0)


async def _told(found: FileChanges, old: Release, new: Release) -> Mapping[str, wire.Json]:
    changes: list[Mapping[str, wire.Json]] = []
    for place, change in enumerate(itertools.islice(found.changes, MOST_CHANGES)):
        if place % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        changes.append(_change(change))
    return {
        "changes": changes,
        "counts": wire.plain(found.counts),
        "sizes": {
            "before": found.before,
            "after": found.after,
            "bundle_before": old.bundle.size,
            "bundle_after": new.bundle.size,
        },
    }


def _change(change: FileChange) -> Mapping[str, wire.Json]:
    return {**wire.plain(change), "path": shown(change.path, LONGEST_PATH)}


def _gone(release: Release) -> NotFound:
    return NotFound(
        f"the bundle of release {release.sequence} is gone, and the list of its files with it",
        "bundles that nobody is offered any more are removed in time; compare newer releases",
        code="bundle-gone",
    )
