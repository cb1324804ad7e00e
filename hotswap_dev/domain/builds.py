"""What became of the newest builds: the same for a server and for whoever follows its events."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.observations import BuildRefused, BuildSkipped, BuildStarted, Observation, Published


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


def builds_after(builds: Builds, seen: Observation) -> Builds:
    """The builds after `seen`; as they were where it is about none."""
    match seen:
        case BuildStarted(path=path):
            return replace(builds, building=path)
        case Published():
            return replace(builds, building=None, last=seen, refused=None, skipped=None)
        case BuildRefused():
            return replace(builds, building=None, refused=seen, skipped=None)
        case BuildSkipped():
            return replace(builds, building=None, refused=None, skipped=seen)
    return builds
