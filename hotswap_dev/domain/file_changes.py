"""What is in a bundle, and what changed from one to another: by the content of the files, never by their times."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Generator, Iterable
from typing import Literal

from msgspec import Struct

ChangeKind = Literal["added", "changed", "removed"]

ListedFile = tuple[str, int, bytes]
"""One file: path with `/`, size in bytes, SHA-256 of its content (32 bytes)."""


class TreeWarning(Struct, frozen=True):
    """Something in a tree that was published all the same. It stands for all files of its code: `path` is the first."""

    code: str
    path: str
    detail: str


class BundleList(Struct, frozen=True):
    """What is kept beside a bundle: its files in the order of their paths, and what was doubtful about them."""

    files: tuple[ListedFile, ...]
    warnings: tuple[TreeWarning, ...] | None = None
    """None where a version that did not keep them made the bundle."""


class FileChange(Struct, frozen=True):
    """One file that is not the same in both; sizes in bytes, None where there is no such file."""

    path: str
    change: ChangeKind
    before: int | None
    after: int | None


class ChangeCounts(Struct, frozen=True):
    """How many files there are of each kind. All that were before are `changed`, `removed` or `same`."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0


class FileChanges(Struct, frozen=True):
    """What changed, in the order of paths, and what both sides come to in bytes (unpacked)."""

    changes: tuple[FileChange, ...]
    counts: ChangeCounts
    before: int
    after: int


def file_changes(before: Iterable[ListedFile], after: Iterable[ListedFile]) -> FileChanges:
    """What turns the files of `before` into those of `after`. A file that moved is removed and added.

    Both come in the order of their paths.
    """
    steps = file_changes_in_steps(before, after)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: FileChanges = done.value
            return found


def file_changes_in_steps(
    before: Iterable[ListedFile], after: Iterable[ListedFile], files: int = 250
) -> Generator[None, None, FileChanges]:
    """The same, which pauses after so many files: whoever has other things to do besides can do them then."""
    olds, news = iter(before), iter(after)
    old, new = next(olds, None), next(news, None)
    changes: list[FileChange] = []
    same = was = now = 0
    for turn in itertools.count(1):
        if old is not None and (new is None or old[0] < new[0]):
            changes.append(FileChange(old[0], "removed", old[1], None))
            was += old[1]
            old = next(olds, None)
        elif new is not None and (old is None or new[0] < old[0]):
            changes.append(FileChange(new[0], "added", None, new[1]))
            now += new[1]
            new = next(news, None)
        elif old is not None and new is not None:
            if old[1:] == new[1:]:
                same += 1
            else:
                changes.append(FileChange(new[0], "changed", old[1], new[1]))
            was, now = was + old[1], now + new[1]
            old, new = next(olds, None), next(news, None)
        else:
            break
        if turn % files == 0:
            yield
    kinds = Counter(change.change for change in changes)
    counts = ChangeCounts(added=kinds["added"], changed=kinds["changed"], removed=kinds["removed"], same=same)
    return FileChanges(changes=tuple(changes), counts=counts, before=was, after=now)
