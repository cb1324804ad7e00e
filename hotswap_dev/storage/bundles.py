"""Immutable bundle files, each named by its hash, with the list of its files beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import get_args

from hotswap_dev.domain.model import Bundle, Format
from hotswap_dev.storage.workspace import sync_folder, write_atomically

TEMPORARY_PREFIX = ".tmp-"
"""How every half-written file in a workspace begins, so that a start can sweep what a kill left."""

_LIST_SUFFIX = "files.json"


class BundleStore:
    """The folder of archives. A file in it is whole or is called `.tmp-…`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str, format: Format) -> Path:  # noqa: A002 - the field's name everywhere
        """Where the archive with this hash lies, or would lie."""
        return self.folder / f"{name}.{format}"

    def keep(self, temporary: Path, bundle: Bundle, file_list: bytes) -> Path:
        """Make a finished, fsynced temporary archive the bundle's file. Blocks for the disk.

        The list goes first: an archive that is there has its list.
        """
        write_atomically(self.folder / f"{bundle.hash}.{_LIST_SUFFIX}", file_list)
        kept = self.path(bundle.hash, bundle.format)
        temporary.replace(kept)
        sync_folder(self.folder)
        return kept

    def file_list(self, name: str) -> bytes | None:
        """The list that was kept with the bundle of this hash."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / f"{name}.{_LIST_SUFFIX}").read_bytes()
        return None

    def remove(self, name: str) -> None:
        """Let a bundle's bytes go. Downloads that are under way keep the file open and end well.

        Never raises: what the system does not let go (an open file on Windows, a disk that fails), the next start's
        sweep takes.
        """
        for suffix in (*get_args(Format), _LIST_SUFFIX):
            _unlinked(self.folder / f"{name}.{suffix}")

    def sweep(self, known: Collection[str]) -> list[str]:
        """Remove what no release points at: temporary files and bundles of builds that never were committed.

        Returns the names of what went. A folder, or what can't be listed or removed, is left: it is only untidy.
        """
        orphans = [
            path
            for path in _listed(self.folder)
            if path.name.startswith(TEMPORARY_PREFIX) or path.name.split(".", 1)[0] not in known
        ]
        orphans += [path for path in _listed(self.folder.parent) if path.name.startswith(TEMPORARY_PREFIX)]
        return [path.name for path in orphans if _unlinked(path)]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _unlinked(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
