"""Where the reference client keeps its versions: a folder with the plugin's own layout, or memory.

    current              names the folder of what runs: `seq-7`
    seq-7/               one extracted bundle, and its `hotswap-meta.json`
    .tmp-seq-8/          an extraction that is under way, or that never ended

The layout, and the order in which it is written, are those of the plugin's updater.rs. Only its own process may write
to a folder at a time.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from hotswap_dev.client.updating.archive import Entry, Refused, io_error
from hotswap_dev.domain.model import MAX_SEQUENCE, Manifest
from hotswap_dev.domain.plugin import Cached, Folder
from hotswap_dev.tauri.device import read_device

_META = "hotswap-meta.json"


class Storage(Protocol):
    """What an `Updater` needs of the place where its versions lie. It may be asked from another thread."""

    def read(self) -> Folder:
        """What a launch finds."""

    def extract(self, entries: Iterable[Entry], manifest: Manifest) -> str | None:
        """Put a bundle in its place, unconfirmed; or the text of the plugin's error, and nothing is left of it."""

    def keep(self, before: Folder, after: Folder, *, tidy: bool = False) -> str | None:
        """Make it what `after` says: pointer, metadata, deletions; or the text of the plugin's error.

        `tidy`: what extractions left half done is deleted too.
        """


class Disk:
    """The plugin's own folder, or one like it: `current` and `seq-N/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> Folder:
        """What lies there; the folder is made where it is missing, as at every launch."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
        state = read_device(self.folder)
        versions = {
            bundle.sequence: None
            if bundle.meta is None
            else Cached(
                version=bundle.meta.version,
                sequence=bundle.meta.sequence,
                min_binary_version=bundle.meta.min_binary_version,
                confirmed=bundle.meta.confirmed,
                unconfirmed_launch_count=bundle.meta.unconfirmed_launch_count,
            )
            for bundle in state.installed
        }
        # A pointer to a folder that is gone still is one: the next rollback goes from there.
        gone = re.fullmatch(r"seq-\+?([0-9]{1,20})", (state.pointer or "").strip())
        named = int(gone[1]) if gone and int(gone[1]) <= MAX_SEQUENCE else None
        current = named if state.current is None else state.current
        return Folder(current=current, versions=versions, path=str(self.folder))

    def extract(self, entries: Iterable[Entry], manifest: Manifest) -> str | None:
        """Into `.tmp-seq-N`, its metadata, then by one rename to `seq-N`."""
        place = self.folder / f"seq-{manifest.sequence}"
        half = self.folder / f".tmp-seq-{manifest.sequence}"
        try:
            if half.exists():
                shutil.rmtree(half)
            half.mkdir(parents=True)
            try:
                for entry in entries:
                    _write(half, entry)
            except (Refused, OSError, ValueError):
                shutil.rmtree(half, ignore_errors=True)
                raise
            _write_meta(half, _made(manifest))
            if place.exists():
                shutil.rmtree(place)
            half.rename(place)
        except Refused as refused:
            return str(refused)
        except (OSError, ValueError) as error:
            return io_error(error)
        return None

    def keep(self, before: Folder, after: Folder, *, tidy: bool = False) -> str | None:
        """The pointer first, by a rename; a deletion that fails is no error, as in the plugin."""
        try:
            if after.current is None:
                (self.folder / "current").unlink(missing_ok=True)
            elif after.current != before.current:
                half = self.folder / "current.tmp"
                half.write_text(f"seq-{after.current}")
                half.replace(self.folder / "current")
            for sequence, cached in after.versions.items():
                if cached is not None and before.versions.get(sequence) != cached:
                    _write_meta(self.folder / f"seq-{sequence}", cached)
        except OSError as error:
            return io_error(error)
        for sequence in before.versions.keys() - after.versions.keys():
            shutil.rmtree(self.folder / f"seq-{sequence}", ignore_errors=True)
        if tidy:
            for half in self.folder.glob(".tmp-seq-*"):
                shutil.rmtree(half, ignore_errors=True)
        return None


class Listing(Struct, frozen=True, kw_only=True):
    """What came of an extraction into memory: the same for every client that gets the same bytes."""

    files: Mapping[str, int]
    """Paths and sizes in bytes; the contents are let go."""
    error: str | None
    """The plugin's text where it was refused; then there are no files."""
    starts: bool = True
    """Whether its page would run and say so, as far as whoever looked can tell."""


Look = Callable[[Mapping[str, bytes]], bool]
"""Whether a page starts, told by the contents of all files."""


def listed(entries: Iterable[Entry], look: Look | None = None) -> Listing:
    """Extract into nothing, with the same checks as on a disk. `look` sees the contents, which are let go then."""
    tree = _Tree()
    contents: dict[str, bytes] = {}
    try:
        for entry in entries:
            tree.write(entry)
            if look is not None and entry.content is not None:
                contents[_shown(_parts(entry.path))] = entry.content
        files = {_shown(parts): size for parts, size in tree.files.items()}
        tree.write(Entry(_META.encode(), b""))
    except Refused as refused:
        return Listing(files={}, error=str(refused))
    except (OSError, ValueError) as error:
        return Listing(files={}, error=io_error(error))
    return Listing(files=files, error=None, starts=look is None or look(contents))


class Memory:
    """Nothing on a disk: for a fleet of thousands, and for tests. It outlives the launches of its app."""

    def __init__(self, folder: Folder | None = None) -> None:
        self.folder = Folder() if folder is None else folder
        self.files: dict[int, Mapping[str, int]] = {}
        """Paths and sizes in bytes of each version's files; their contents are let go."""

    def read(self) -> Folder:
        """As it was left."""
        return self.folder

    def extract(self, entries: Iterable[Entry], manifest: Manifest) -> str | None:
        """The same checks as on a disk, without one."""
        listing = listed(entries)
        if listing.error is not None:
            return listing.error
        self.files[manifest.sequence] = listing.files
        versions = {**self.folder.versions, manifest.sequence: _made(manifest)}
        self.folder = msgspec.structs.replace(self.folder, versions=versions)
        return None

    def keep(self, before: Folder, after: Folder, *, tidy: bool = False) -> str | None:
        """Nothing can fail here."""
        self.folder = after
        self.files = {one: files for one, files in self.files.items() if one in after.versions}
        return None


def _made(manifest: Manifest) -> Cached:
    return Cached(
        version=manifest.version, sequence=manifest.sequence, min_binary_version=manifest.min_binary_version
    )


def _write_meta(folder: Path, cached: Cached) -> None:
    """Readable by its owner alone (plugin: updater.rs, `write_meta_file`)."""
    path = folder / _META
    path.write_text(
        json.dumps(msgspec.structs.asdict(cached), indent=2, ensure_ascii=False), encoding="utf-8"
    )
    with suppress(OSError):
        path.chmod(0o600)


def _parts(path: bytes) -> tuple[bytes, ...]:
    return tuple(part for part in path.split(b"/") if part not in (b"", b"."))


def _shown(parts: tuple[bytes, ...]) -> str:
    return "/".join(part.decode("utf-8", "replace") for part in parts)


def _folder_of(entry: Entry) -> tuple[bytes, ...]:
    """The folder that it needs, part by part. A NUL is refused, as Rust does, with a ValueError."""
    if b"\0" in entry.path:
        raise ValueError("a NUL in a path")
    parts = _parts(entry.path)
    return parts if entry.folder else parts[:-1]


def _write(root: Path, entry: Entry) -> None:
    """An entry below `root`, with the system's own errors."""
    top = os.fsencode(root)
    os.makedirs(os.path.join(top, *_folder_of(entry)), exist_ok=True)  # noqa: PTH103, PTH118 - bytes
    if entry.content is not None:
        # The path as it stands, so that the system refuses `x/` and `.` in its own words.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(os.path.join(top, entry.path), flags, 0o666), "wb") as file:  # noqa: PTH118
            file.write(entry.content)


class _Tree:
    """Files and folders that are written nowhere; what a disk would refuse is refused in Linux's words."""

    def __init__(self) -> None:
        self.files: dict[tuple[bytes, ...], int] = {}
        self._folders: set[tuple[bytes, ...]] = {()}

    def write(self, entry: Entry) -> None:
        folder, parts = _folder_of(entry), _parts(entry.path)
        if any(len(part) > _LONGEST_NAME for part in (*folder, *(() if entry.content is None else parts))):
            raise _system(errno.ENAMETOOLONG)
        for depth in range(1, len(folder) + 1):
            if folder[:depth] in self.files:
                raise _system(errno.EEXIST if depth == len(folder) else errno.ENOTDIR)
            self._folders.add(folder[:depth])
        if entry.content is None:
            return
        if parts in self._folders or entry.path.endswith(b"/"):
            raise _system(errno.EISDIR)
        if entry.path.endswith(b"/."):
            raise _system(errno.ENOTDIR if parts in self.files else errno.ENOENT)
        self.files[parts] = len(entry.content)


_LONGEST_NAME = 255  # bytes, of every usual file system


def _system(number: int) -> OSError:
    return OSError(number, os.strerror(number))
