"""A build that is saved into the watched folder, as a build tool does it: file by file, the page last."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hotswap_dev.errors import HotswapError

_INDEX = "index.html"


def save(folder: Path, into: Path, *, mark: str) -> None:
    """Let `folder`'s files take the place of those in `into`. Blocks.

    Each file comes whole, by a rename, the page last, and what is not in the build goes after that: whoever looks
    meanwhile finds a page whose files are all there. `mark` is a comment at the page's end: a server publishes no tree
    that equals the last one, and the same sample may be saved twice in a story.

    HotswapError where there is no such folder, it has no page, or the files can't be written.
    """
    if not folder.is_dir():
        raise HotswapError(
            f"save: there is no folder {folder}", "name a sample bundle, or a folder", code="no-folder"
        )
    if not (folder / _INDEX).is_file():
        # Nothing would ever be published of it: a watcher waits for the page.
        raise HotswapError(f"save: {folder} has no {_INDEX}", "build the frontend first", code="no-index")
    try:
        _replace(folder, into, mark)
    except OSError as error:
        raise HotswapError(
            f"save: {error.filename or into} can't be written: {error.strerror or error}",
            "make some room, or the folder writable",
            code="not-saved",
        ) from None


def _replace(folder: Path, into: Path, mark: str) -> None:
    paths = sorted(
        (path.relative_to(folder) for path in folder.rglob("*") if path.is_file()),
        key=lambda path: (path == Path(_INDEX), path.as_posix()),
    )
    into.mkdir(parents=True, exist_ok=True)
    # Beside the folder: on the same file system, so that a rename is one, and not in what is watched.
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".saving-") as made:
        for number, path in enumerate(paths):
            whole = Path(made) / str(number)
            shutil.copyfile(folder / path, whole)
            if path == Path(_INDEX):
                with whole.open("ab") as page:
                    page.write(f"<!-- {mark} -->\n".encode())
            _make_way(into, path)
            os.replace(whole, into / path)  # noqa: PTH105 - the rename is the point
    _remove_others(into, set(paths))


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
