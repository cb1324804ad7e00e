"""What became of the newest builds: the same for a server and for whoever follows its events."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.observations import (
    BuildRefused,
    BuildSkipped,
    BuildStarted,
    Noticed,
    Observation,
    Published,
)

WAITS = (
    "folder-missing",
    "no-index",
    "empty-index",
    "unreadable-index",
    "missing-reference",
    "still-changing",
)
"""The codes of notices by which the watcher says that the folder can't be published as it stands (watching.seen). A
warning of one of them is of a tree that is published all the same."""


class Builds(Struct, frozen=True, kw_only=True):
    """The watched folder and its newest builds, of this run. Texts are as `text.shown` makes them."""

    building: str | None = None
    """The folder that is being packed now."""
    dist: str | None = None
    """The watched folder."""
    app_version: str = ""
    """What the next build's binary version is."""
    last: Published | None = None
    """The newest one that became a release."""
    refused: BuildRefused | None = None
    """Why the newest one did not; None once a later one could be published, or had nothing new in it."""
    skipped: BuildSkipped | None = None
    """That the newest one had the same content as the last release of its channel; None after any other."""
    waiting: Noticed | None = None
    """What the watched folder lacks, as long as it is waited for: what is served meanwhile is not what is in it."""


def builds_after(builds: Builds, seen: Observation) -> Builds:
    """The builds after `seen`; as they were where it is about none."""
    match seen:
        case BuildStarted(path=path):
            return replace(builds, building=path, waiting=None)
        case Published():
            return replace(builds, building=None, last=seen, refused=None, skipped=None, waiting=None)
        case BuildRefused():
            return replace(builds, building=None, refused=seen, skipped=None)
        case BuildSkipped():
            return replace(builds, building=None, refused=None, skipped=seen, waiting=None)
        case Noticed(level="info", code=code) if code in WAITS:
            return replace(builds, waiting=seen)
    return builds
