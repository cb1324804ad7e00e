"""The sample bundles, and what folder a scenario's word stands for."""

from __future__ import annotations

from pathlib import Path

from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.errors import NotFound
from hotswap_dev.scenario.words import nearest

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "sample_bundles", _PACKAGE.parent / "sample_bundles")
"""In a wheel they lie in the package; in a clone beside it, where people find them."""


def samples() -> dict[str, Path]:
    """Every sample bundle's folder by its name."""
    place = next((one for one in _PLACES if one.is_dir()), None)
    if place is None:
        return {}
    return {folder.name: folder for folder in sorted(place.iterdir()) if (folder / "index.html").is_file()}


def sample(name: str) -> Path:
    """The folder of this sample bundle; NotFound names the nearest."""
    known = samples()
    if name not in known:
        raise NotFound(
            f"there is no sample bundle {shown(name)!r}", nearest(name, known), code="unknown-sample"
        )
    return known[name]


def build_folder(written: str, *, beside: Path) -> Path:
    """The folder that is meant: a sample bundle where a bare word is the name of one, else one relative to `beside`.

    NotFound where there is neither.
    """
    known = samples()
    if written in known:
        return known[written]
    folder = beside / written
    try:
        if folder.is_dir():
            return folder.resolve()
    except (OSError, ValueError):  # a NUL, a name that is too long
        pass
    bare = "/" not in written and "\\" not in written
    raise NotFound(
        f"there is no folder {shown(written, LONGEST_PATH)!r} beside the file"
        + (", and no sample bundle of that name" if bare else ""),
        nearest(written, known, what="sample bundles") if bare else "paths are relative to the file",
        code="unknown-folder",
    )
