"""Where a demo lies: one temporary folder with everything in it, taken away however the demo ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hotswap_dev.errors import HotswapError
from hotswap_dev.scenario.samples import sample
from hotswap_dev.storage.workspace import take_lock

PREFIX = "hotswap-dev-demo-"
FIRST_BUILD = "hello-v1"
APP_VERSION = "1.0.0"
"""Of the app that its builds are for; with another one the next build would be for other phones."""

_HELD = ".held"
_YOUNG = 5.0
"""Seconds within which a folder without a holder may be one that is being made, or its server still ends."""


@dataclass(frozen=True, slots=True)
class Place:
    """`folder` holds all of it; what the server is told lies in `project`, whose name is the app's."""

    folder: Path

    @property
    def project(self) -> Path:
        """The app, as far as there is one."""
        return self.folder / "demo"

    @property
    def dist(self) -> Path:
        """What the server watches."""
        return self.project / "dist"

    @property
    def workspace(self) -> Path:
        """State, bundles, and the key."""
        return self.project / ".hotswap-dev"

    def remove(self) -> None:
        """Take all of it away; what is gone already, or can't be taken, is left."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def temporary_place(*, keep: bool = False) -> Iterator[Place]:
    """A folder with the first build saved in it, until the block ends; for good where it is to be kept.

    What a demo that was killed has left in the temporary folder is taken away first. HotswapError where there is no
    room for one.
    """
    with _room_wanted():
        sweep(Path(tempfile.gettempdir()))
        place = Place(Path(tempfile.mkdtemp(prefix=PREFIX)))
    held: IO[str] | None = None
    try:
        with _room_wanted():
            if not keep:
                held = (place.folder / _HELD).open("w")
                take_lock(held, 0)
            shutil.copytree(sample(FIRST_BUILD), place.dist)
        yield place
    finally:
        if held is not None:
            held.close()  # Windows removes no file that is open
        if not keep:
            place.remove()


@contextlib.contextmanager
def _room_wanted() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HotswapError(
            f"a demo needs a temporary folder that can be written: {error.strerror or error}",
            "make some room there, or name another one in TMPDIR",
            code="no-temporary-folder",
        ) from None


def sweep(folder: Path) -> None:
    """Take away the demos in this folder whose process is gone: nobody holds their lock. Others' stay, as kept ones."""
    with contextlib.suppress(OSError):
        for left in folder.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _YOUNG and _is_left(left / _HELD):
                    Place(left).remove()


def _is_left(held: Path) -> bool:
    if not held.is_file() or held.is_symlink():
        return False
    with held.open("r+") as lock:
        return take_lock(lock, 0)


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a demo's server: nothing that was set for another one, and nobody's key."""
    foreign = ("HOTSWAP_DEV_", "TAURI_")
    return {name: value for name, value in environ.items() if not name.startswith(foreign)}


def way_on(place: Place) -> str:
    """How to go on with a demo that was kept."""
    where = f"{_quoted(place.dist)} --project {_quoted(place.project)}"
    return f"hotswap-dev {where} --app-version {APP_VERSION}"


def _quoted(path: Path) -> str:
    import shlex

    return str(path) if os.name == "nt" else shlex.quote(str(path))
