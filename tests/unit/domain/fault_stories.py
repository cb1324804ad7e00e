"""A client that a fault struck, told step by step, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from hotswap_dev.domain.faults import Fault, check
from hotswap_dev.domain.faults.outcomes import ENOUGH_CHECKS, Followed, follow
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.domain.observations import DownloadEnded, FaultOutcome, LifecycleReported, Observation
from tests.unit.making import NOW, an_answered_check

CLIENT, OVERRIDE, RUNS, OFFERED = "phone", 7, 1, 2


@dataclass
class Story:
    """A client that runs 1 and that a fault struck, which was about 2: what it does, and what is said of that."""

    fault: Fault
    times: int | None = None
    before: bool = False
    """Whether it had been offered and had fetched 2 before."""
    followed: Followed | None = None
    told: list[FaultOutcome] = field(default_factory=list)
    seconds: float = 0

    def __post_init__(self) -> None:
        self.followed = Followed(
            client=CLIENT,
            override=OVERRIDE,
            fault=self.fault,
            runs=RUNS,
            sequence=OFFERED,
            times=self.times,
            offered_before=self.before,
            fetched_before=self.before,
        )

    @property
    def outcomes(self) -> list[str]:
        return [one.outcome for one in self.told]

    @property
    def detail(self) -> str:
        return self.told[-1].detail

    def see(self, seen: Observation) -> Story:
        if self.followed is not None:
            self.followed, said = follow(self.followed, seen)
            if said is not None:
                assert (said.client, said.override, said.fault) == (CLIENT, OVERRIDE, self.fault.name)
                self.told.append(said)
        return self

    def asks(self, sequence: int = RUNS, *, later: float = 600, struck: bool = True) -> Story:
        """It checks, so many seconds after what was before."""
        self.seconds += later
        at = NOW + timedelta(seconds=self.seconds)
        by = {"fault": self.fault.name, "args": {"id": OVERRIDE}} if struck else {"args": {}}
        return self.see(an_answered_check(CLIENT, at=at, sequence=sequence, **by))

    def asks_on(self) -> Story:
        """It checks until nothing more is to be expected."""
        for _ in range(ENOUGH_CHECKS):
            self.asks()
        return self

    def fetches(self, *, struck: bool = False, complete: bool = True, later: float = 1) -> Story:
        """A download ends."""
        self.seconds += later
        return self.see(
            DownloadEnded(
                at=NOW + timedelta(seconds=self.seconds),
                client=CLIENT,
                peer="127.0.0.1",
                sequence=OFFERED,
                bytes=10,
                complete=complete,
                attempt=1,
                duration_ms=1,
                fault=self.fault.name if struck else None,
            )
        )

    def fails_to_fetch(self, times: int) -> Story:
        """So many attempts that are struck, one after the other."""
        for _ in range(times):
            self.fetches(struck=True, complete=False)
        return self

    def reports(self, event: str, sequence: int | None = None, error: str = "") -> Story:
        """Its page hands on what its plugin says."""
        return self.see(
            LifecycleReported(
                at=NOW + timedelta(seconds=self.seconds),
                client=CLIENT,
                peer="127.0.0.1",
                lifecycle=event,
                sequence=sequence,
                version=None,
                error=error,
            )
        )


def does_as_expected(fault: Fault, *, reports: bool, times: int | None = None) -> Story:
    """A client that does what the reaction says, to its start and some checks after it."""
    told, story = reaction(fault, times), Story(fault, times)
    whole = told.applied or "download-complete" in told.events or told.apply is None
    bytes_come = whole or told.requests.download == 1
    for event in told.events:
        if event == "download-start" and not isinstance(fault, check.MissingBundle):
            for attempt in range(told.requests.download):
                last = attempt == told.requests.download - 1
                struck = fault.stage == "download" and (times is None or attempt < times)
                story.fetches(struck=struck, complete=last and bytes_come, later=2 ** max(0, attempt - 1))
        if reports:
            about = OFFERED if told.available and event != "check-start" else None
            error = {"check-error": told.check, "download-error": told.apply}.get(event) or ""
            story.reports(event, about, error)
    if reports and told.apply is not None:
        story.reports("apply-error", OFFERED, told.apply)
    if told.applied and told.ready:
        story.asks(OFFERED)
    return story.asks_on() if told.restart == "rolls-back" or not told.applied else story.asks(OFFERED)


def does_otherwise(fault: Fault) -> Story:
    """A client that does what the plugin never does under this fault."""
    told, story = reaction(fault), Story(fault)
    if not told.available:
        return story.fetches()
    if told.restart == "rolls-back":
        return story.fetches().reports("ready-confirmed", OFFERED)
    if told.applied:
        return story.fetches(struck=True).reports("apply-error", OFFERED, "no such thing as `main.js`")
    return story.fetches(struck=True, complete=False).asks(OFFERED)
