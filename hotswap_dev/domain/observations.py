"""What was seen, in the past tense: builds, checks, downloads, notices. They explain; they never change an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hotswap_dev.domain.facts import kebab
from hotswap_dev.domain.model import Origin
from hotswap_dev.domain.reasons import Args

Level = Literal["info", "warning", "error"]


class Observation(Struct, frozen=True, kw_only=True, tag_field="event", tag=kebab):
    """Something that happened, with the time when it did."""

    at: datetime


class BuildStarted(Observation, frozen=True):
    """A settled tree, or one that somebody asked to publish, is being packed."""

    path: str


class BuildRefused(Observation, frozen=True):
    """A tree that must not become a release; what is served stays."""

    code: str
    detail: str
    hint: str = ""
    path: str | None = None


class BuildSkipped(Observation, frozen=True):
    """A tree with the content of the last one that was built for its channel."""

    channel: str
    sequence: int
    """The release that already has this content."""


class Published(Observation, frozen=True):
    """A release came to be, and what that took."""

    sequence: int
    version: str
    channel: str
    origin: Origin
    bundle_size: int
    files: int
    changed: int
    """Files that differ from the tree packed before."""
    scan_ms: float
    pack_ms: float
    """From the settled scan handed over to the signed, verified bundle on disk."""
    offered_ms: float | None
    """From the newest change seen to offered; None where no change was seen (a start, `publish`)."""


class CheckAnswered(Observation, frozen=True):
    """A client asked, and what it was told and why. Text from outside is stored as `text.shown` makes it."""

    client: str
    peer: str
    path: str
    sequence: int | None
    binary_version: str | None
    platform: str | None
    arch: str | None
    channel: str | None
    status: int
    reason: str
    args: Args
    offered: int | None
    duration_ms: float
    flags: tuple[str, ...] = ()


class DownloadEnded(Observation, frozen=True):
    """A client fetched a bundle, or part of it."""

    client: str | None
    """None where the URL's token belongs to no check, as in latest.json."""
    peer: str
    sequence: int
    bytes: int
    complete: bool
    attempt: int
    """1 for the first download since this client was offered this sequence; the client makes up to 4."""
    duration_ms: float
    range: bool = False
    """Only a range was asked for; the client never does that, a person with curl may."""


class Noticed(Observation, frozen=True, tag="notice"):
    """Something that a person should read: a warning, or what was decided on their behalf."""

    level: Level
    code: str
    message: str
    hint: str = ""
