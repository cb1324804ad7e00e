"""A build that is saved into the watched folder, as a build tool does it: file by file, the page last."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path

from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.gate import INDEX
from hotswap_dev.packing.stopping import demand_wanted
from hotswap_dev.packing.tree import FolderMissing, Scan, scan


def save(folder: Path, into: Path, *, mark: str, stop: threading.Event | None = None) -> None:
    """Let `folder`'s files take the place of those in `into`. Blocks.

    All are copied beside it before the first takes its place, so that they change places in one go. The page before
    goes first and the new one comes last: nothing in between is a build, so whoever watches publishes the old one or
    the new one and no mixture of the two. `mark` is a comment at the page's end: a server publishes no tree that equals
    the last one, and the same sample may be saved twice in a story.

    HotswapError where there is no such folder, it has no page, holds what no bundle may (a link that leads out of it,
    a private key: once copied, nobody could tell any more), or the files can't be written; PackingStopped once `stop`
    is set, and `into` may then be half of each.
    """
    found = _demand_build(folder)
    try:
        _replace(found, into, mark, stop)
    except OSError as error:
        raise HotswapError(
            f"save: {shown(str(error.filename or into), LONGEST_PATH)}: {error.strerror or error}",
            "is the build still being written, the disk full, the folder writable?",
            code="not-saved",
        ) from None


def _demand_build(folder: Path) -> Scan:
    place = shown(str(folder), LONGEST_PATH)
    try:
        found = scan(folder)
    except FolderMissing:
        raise HotswapError(
            f"save: there is no folder {place}", "name a sample bundle, or a folder", code="no-folder"
        ) from None
    if INDEX not in found.files and not any(problem.path == INDEX for problem in found.problems):
        # Nothing would ever be published of it: a watcher waits for the page.
        raise HotswapError(f"save: {place} has no {INDEX}", "build the frontend first", code="no-index")
    if found.problems:
        first, others = found.problems[0], len(found.problems) - 1
        more = f" (and {others} more)" if others else ""
        raise HotswapError(
            f"the build is refused: {shown(first.path, LONGEST_PATH)}: {first.detail}{more}",
            f"take it out of {place}",
            code=first.code,
        )
    return found


def _replace(found: Scan, into: Path, mark: str, stop: threading.Event | None) -> None:
    into.mkdir(parents=True, exist_ok=True)
    # Beside the folder: on the same file system, so that a rename is one, and not in what is watched.
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".saving-") as made:
        copies: dict[Path, Path] = {}
        for number, path in enumerate(map(Path, found.files)):
            demand_wanted(stop)
            copies[path] = Path(made) / str(number)
            shutil.copyfile(found.root / path, copies[path])
        page = copies.pop(Path(INDEX))
        with page.open("ab") as end:
            end.write(f"<!-- {mark} -->\n".encode())
        _make_way(into, Path(INDEX))
        (into / INDEX).unlink(missing_ok=True)
        for path, copy in copies.items():
            demand_wanted(stop)
            _make_way(into, path)
            os.replace(copy, into / path)  # noqa: PTH105 - the rename is the point
        _remove_others(into, set(copies))
        demand_wanted(stop)
        os.replace(page, into / INDEX)  # noqa: PTH105


def _make_way(into: Path, path: Path) -> None:
    """A folder may be in a file's place, or a file where a folder must be."""
    target = into / path
    for above in reversed(path.parents):
        if (into / above).is_file():
            (into / above).unlink()
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)


def _remove_others(into: Path, kept: set[Path]) -> None:
    for path in sorted(into.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(into) not in kept:
            path.unlink()
