"""What the page of a run shows: pure data (`export.report` draws it)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Standing = Literal["fell-back", "failed", "ahead", "waiting", "running", "confirmed"]
"""How a client stands to what is offered to it, the most interesting first."""

STANDINGS: tuple[Standing, ...] = ("fell-back", "failed", "ahead", "waiting", "running", "confirmed")

BeatOutcome = Literal["passed", "failed", "not-run"]


class Way(Struct, frozen=True, kw_only=True):
    """How far one release came: clients at each station, as `domain.adoption.Adoption` counts them."""

    sequence: int
    version: str = ""
    channel: str = "production"
    clients: int = 0
    """Who asks for its channel: of these it could be all."""
    offered: int = 0
    fetched: int = 0
    running: int = 0
    confirmed: int = 0
    fell_back: int = 0
    """At any time of the run where that is known, as of a fleet; else at its end. So of `failed`."""
    failed: int = 0
    hit: int = 0
    """Who did either, each client once; 0 where that is not known apart from the two."""
    again: int = 0
    """Of those who run it: who gave it up before and has not confirmed it since, in a rollback loop for example."""
    percent: float = 100.0
    """How far it is rolled out at the end."""
    targeted: bool = False
    """Whether it is meant for some only."""
    withheld: bool = False
    mandatory: bool = False
    origin: str = "build"
    """As `domain.model.Origin` has it."""
    from_sequence: int | None = None
    notes: str = ""


class Series(Struct, frozen=True, kw_only=True):
    """A count over time: from each of these seconds on the value beside it, until the next one; oldest first."""

    name: str
    points: tuple[tuple[float, int], ...]
    sequence: int | None = None
    """The release that it is about: its colour is the same in every plot."""


class Moment(Struct, frozen=True, kw_only=True):
    """Something that happened at one time, as a mark in the plots: `4 withheld`."""

    at: float
    """Seconds since the run began."""
    words: str


class Rate(Struct, frozen=True, kw_only=True):
    """Checks in equal periods, the first one at the begin of the run."""

    period: float
    """Seconds."""
    counts: tuple[int, ...] = ()


class Answers(Struct, frozen=True, kw_only=True):
    """How many checks were answered for one reason."""

    reason: str
    """A code of X-Hotswap-Reason."""
    count: int


class Struck(Struct, frozen=True, kw_only=True):
    """A fault that was armed, and how often it struck whom."""

    fault: str
    times: int
    clients: int
    reaction: str = ""
    """What the client does about it, in words."""


class Beat(Struct, frozen=True, kw_only=True):
    """A step of the story, and how it ended."""

    title: str
    outcome: BeatOutcome = "passed"
    said: str = ""
    """What was to be watched, or what was done."""
    failed_at: str = ""
    """Of a failed one of several steps: which of them failed."""
    expected: str = ""
    """Of a failed one: what should have been, and what was instead."""
    seen: str = ""
    at: float | None = None
    """Seconds since the run began."""


class ClientRow(Struct, frozen=True, kw_only=True):
    """One client at the end of the run."""

    name: str
    """What people call it, or its id."""
    standing: Standing
    runs: int | None = None
    """0 is the page compiled into the app; None where no check of it could be read."""
    platform: str = ""
    binary_version: str = ""
    channel: str = ""
    checks: int = 0
    said: str = ""
    """What its check-ins prove, in words."""


class Latency(Struct, frozen=True, kw_only=True):
    """How long one kind of answer took, in milliseconds."""

    what: str
    count: int
    p50: float
    p99: float
    worst: float


class Figure(Struct, frozen=True, kw_only=True):
    """A number that is shown large: `8 of 8`, `run release 5`."""

    value: str
    words: str
    bad: bool = False


class Report(Struct, frozen=True, kw_only=True):
    """All that the page shows. What is empty has no section."""

    title: str
    """What was run: `Demo`, a scenario's title, `A fleet of 500`."""
    when: datetime
    """When it began."""
    seconds: float = 0.0
    """How long it took, in the time that the plots are in: story time, where the run had one."""
    seed: int | None = None
    source: str = ""
    """Where it is from: a file, a server's address."""
    headline: str = ""
    """The outcome in one sentence; "" for the one that `export.headline` finds."""
    figures: tuple[Figure, ...] = ()
    """Further ones, behind those that are counted from the rest."""
    known: int = 0
    """Clients that the report is about: a fleet's own; without a fleet all that the server knows at the end."""
    others: int = 0
    """Further ones that the server knows: nothing here counts them."""
    checks: int = 0
    """All checks of the run."""
    harmed: int | None = None
    """Clients that fell back from a release or failed with one, each once; None where only the releases tell."""
    releases: tuple[Way, ...] = ()
    running: tuple[Series, ...] = ()
    """Clients that run each release, over time."""
    hits: tuple[Series, ...] = ()
    """Clients that a bad release had hit until then: of one run, or of several to be compared."""
    moments: tuple[Moment, ...] = ()
    rate: Rate | None = None
    answers: tuple[Answers, ...] = ()
    faults: tuple[Struck, ...] = ()
    beats: tuple[Beat, ...] = ()
    clients: tuple[ClientRow, ...] = ()
    latencies: tuple[Latency, ...] = ()
    remarks: tuple[str, ...] = ()
    """What whoever reads this should know: what was left out, what is inferred."""
