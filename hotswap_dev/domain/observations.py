"""What was seen, in the past tense: builds, checks, downloads, notices. They explain; they never change an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from hotswap_dev.domain.facts import kebab
from hotswap_dev.domain.model import Origin, Protocol
from hotswap_dev.domain.reasons import Args

Level = Literal["info", "warning", "error"]

Outcome = Literal["as-expected", "unexpected", "cannot-tell"]


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
    fault: str | None = None
    """The armed fault that struck; the status is what went out then, 0 where nothing did."""
    headers: dict[str, str] = {}
    """Of the headers that its channel demands, those that it sent: lower-case name to the value's digest."""
    protocol: Protocol = "hotswap"
    product: str | None = None
    """What the second protocol's client says that it is."""
    request_id: str | None = None
    """By which the second protocol's client refers to this answer."""


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
    status: int = 200
    """0 where nothing was answered."""
    fault: str | None = None
    """The armed fault that struck."""
    override: int | None = None
    """Its number."""


class LifecycleReported(Observation, frozen=True):
    """An app said what became of an update (`POST /api/lifecycle`). Texts are as `text.shown` makes them."""

    client: str | None
    """None where nobody can tell whose report it is."""
    peer: str
    lifecycle: str
    """The plugin's event, such as `ready-confirmed`."""
    sequence: int | None
    version: str | None
    error: str = ""


class UpdateReported(Observation, frozen=True):
    """A client of the second protocol said what became of an update: one for each type in its completion."""

    client: str | None
    peer: str
    request_id: str
    update_type: str
    status: str
    """`success` or `failed`, as the contract has it; anything else is flagged."""
    sequence: int | None
    """What was offered under that request; None where nothing was."""
    version: str | None
    detail: str
    flags: tuple[str, ...] = ()


class FaultOutcome(Observation, frozen=True):
    """What a client did after a fault had struck it, beside what it was expected to do."""

    client: str
    override: int
    fault: str
    sequence: int | None
    """What the fault was about; None where it struck a check that offered nothing."""
    outcome: Outcome
    detail: str


class Noticed(Observation, frozen=True, tag="notice"):
    """Something that a person should read: a warning, or what was decided on their behalf."""

    level: Level
    code: str
    message: str
    hint: str = ""
