"""What is in a bundle, and what changed from one to another: by the content of the files, never by their times."""

from __future__ import annotations

from collections.abc import Iterable
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
    """What turns the files of `before` into those of `after`. A file that moved is removed and added."""
    was = {path: (size, digest) for path, size, digest in before}
    now = {path: (size, digest) for path, size, digest in after}
    changes = []
    for path in sorted(was.keys() | now.keys()):
        old, new = was.get(path), now.get(path)
        if old is None and new is not None:
            changes.append(FileChange(path, "added", None, new[0]))
        elif new is None and old is not None:
            changes.append(FileChange(path, "removed", old[0], None))
        elif old is not None and new is not None and old != new:
            changes.append(FileChange(path, "changed", old[0], new[0]))
    kinds = [change.change for change in changes]
    changed, removed = kinds.count("changed"), kinds.count("removed")
    return FileChanges(
        changes=tuple(changes),
        counts=ChangeCounts(
            added=kinds.count("added"),
            changed=changed,
            removed=removed,
            same=len(was) - changed - removed,
        ),
        before=sum(size for size, _ in was.values()),
        after=sum(size for size, _ in now.values()),
    )
