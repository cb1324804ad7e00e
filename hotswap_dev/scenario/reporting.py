"""What the page of a run shows (`export.report`), gathered of a control site and of what a fleet told.

    seen = look(control, began)                 # blocking: in a loop, `await asyncio.to_thread(look, control, began)`
    report = gathered(seen, happened, title="Demo", began=began, seed=7, verdicts=verdicts)
    path.write_text(render(report), encoding="utf-8")

`look` reads what a server has (with the server still running); `gathered` is pure. Where there are `Happened`s, what
is drawn over time is theirs, in their story time; else it is what the server's history shows, in seconds since `began`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from hotswap_dev.domain.adoption import Adoption, adoptions, failed_on
from hotswap_dev.domain.clients import Client, label_sentence, remarks
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, FaultArmed
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, Observation
from hotswap_dev.export.axes import usual
from hotswap_dev.export.told import (
    Answers,
    Beat,
    BeatOutcome,
    ClientRow,
    Figure,
    Latency,
    Moment,
    Report,
    Series,
    Standing,
    Struck,
    Way,
)
from hotswap_dev.fleet.adoption import Adopted, Tally
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.marks import fact_moments, step_moments
from hotswap_dev.scenario.over_time import (
    checked_at,
    clients_of,
    failed_by,
    fell_by,
    hit_series,
    rate_of,
    reported_by,
    running_series,
)
from hotswap_dev.scenario.seen import Seen, look
from hotswap_dev.scenario.verdict import Ended, Outcome, Verdict

__all__ = ["Seen", "beats_of", "gathered", "look", "step_moments"]

_MOST_MARKS = 40


def gathered(
    seen: Seen,
    happened: Sequence[Happened] = (),
    *,
    title: str,
    began: datetime,
    seed: int | None = None,
    source: str = "",
    seconds: float | None = None,
    pace: float = 1.0,
    verdicts: Sequence[Verdict] = (),
    moments: Sequence[Moment] | None = None,
    hits: Sequence[Series] | None = None,
    headline: str = "",
    figures: Sequence[Figure] = (),
    said: Sequence[str] = (),
) -> Report:
    """The report of a run that began at `began`, which is 0 of the fleet's story time.

    `seconds` is how long it took in that time; None: until the last thing that happened. `pace` is the fleet's clock's:
    at 1.0 the server's own times are the story's, else the marks in the plots are the steps' of `verdicts`. One verdict
    is told step by step, several as a beat each. `moments` and `hits` take the place of what is found here, `figures`
    and `said` (remarks at the foot) are added.
    """
    checks = [one for one in seen.events if isinstance(one, CheckAnswered)]
    reports = reported_by(happened) if happened else _reports(checks, began)
    at = checked_at(happened) if happened else [(one.at - began).total_seconds() for one in checks]
    end = seconds if seconds is not None else max([*(one.at for one in happened), *at, 0.0])
    fell, failed = fell_by(happened), failed_by(happened)
    told, fleet = _told(happened), frozenset(one.client for one in happened)
    if moments is None:
        real = not happened or pace == 1.0
        moments = fact_moments(seen.events, began) if real else step_moments(verdicts, seen.events)
    return Report(
        title=title,
        when=began,
        seconds=end,
        seed=seed,
        source=source,
        headline=headline,
        figures=tuple(figures),
        known=len(seen.clients) or len(fleet),
        checks=len(at),
        harmed=len({client for _, client, _ in (*fell, *failed)}) if happened else None,
        releases=_ways(seen, told, clients_of([*fell, *failed]), fleet),
        running=running_series(reports),
        hits=tuple(hits)
        if hits is not None
        else hit_series([*fell, *failed] if happened else _drops(checks, began)),
        moments=_most_telling(moments),
        rate=rate_of(at, end),
        answers=_answers(checks, happened, cut=seen.cut),
        faults=_struck(seen.events),
        beats=beats_of(verdicts),
        clients=tuple(_row(client, seen.controls) for client in reversed(seen.clients)),
        latencies=_latencies(seen.events),
        remarks=(*said, *_remarks(seen, happened, checks)),
    )


def _most_telling(moments: Sequence[Moment]) -> tuple[Moment, ...]:
    """In their order; of too many, mere saves go first."""
    kept = sorted(moments, key=lambda one: (usual(one), one.at))[:_MOST_MARKS]
    return tuple(moments) if len(moments) <= _MOST_MARKS else tuple(sorted(kept, key=lambda one: one.at))


def beats_of(verdicts: Sequence[Verdict]) -> tuple[Beat, ...]:
    """One scenario step by step; several as one beat each."""
    if len(verdicts) == 1:
        return tuple(_step(one) for one in verdicts[0].steps)
    return tuple(_beat(one) for one in verdicts)


# --- the story --------------------------------------------------------------------------------------------------------

_OUTCOMES: Mapping[Outcome, BeatOutcome] = {"passed": "passed", "failed": "failed", "skipped": "not-run"}


def _step(step: Ended) -> Beat:
    return Beat(
        title=step.say or step.text,
        outcome=_OUTCOMES[step.outcome],
        said=step.watch or (step.text if step.say else ""),
        detail=_failure(step),
        at=step.at if step.outcome != "skipped" else None,
    )


def _beat(verdict: Verdict) -> Beat:
    failure = verdict.failure
    outcome: BeatOutcome = "failed" if failure is not None else "passed" if verdict.ok else "not-run"
    watched = next((step.watch for step in reversed(verdict.steps) if step.watch), "")
    return Beat(
        title=verdict.title,
        outcome=outcome,
        said=watched or "",
        detail="" if failure is None else f"{failure.text}: {_failure(failure)}",
        at=verdict.steps[0].at if verdict.steps else None,
    )


def _failure(step: Ended) -> str:
    return " ".join(one for one in (step.expected, step.seen) if one)


# --- releases and clients -----------------------------------------------------------------------------------------


def _ways(
    seen: Seen, told: Mapping[int, Adopted], hit: Mapping[int, int], fleet: frozenset[str]
) -> tuple[Way, ...]:
    """Each release as the server has it, with what clients told of it: a server knows of each only its last offers, and
    of what runs only what was reported at a check.
    """
    releases = seen.controls.releases
    ways = adoptions(releases.values(), seen.clients)
    # Where a fleet goes by other ids at the server, its clients can't be told from others.
    met = not fleet.isdisjoint(client.id for client in seen.clients)
    others = adoptions(releases.values(), [one for one in seen.clients if one.id not in fleet]) if met else {}
    downloaded = _downloaded(seen.events)
    return tuple(
        _way(
            sequence,
            releases.get(sequence),
            ways.get(sequence),
            told.get(sequence),
            others.get(sequence),
            hit=hit.get(sequence, 0),
            downloaded=downloaded.get(sequence, 0),
            fleet=len(fleet),
        )
        for sequence in sorted({*releases, *(() if releases else told)})
    )


def _way(
    sequence: int,
    release: Release | None,
    way: Adoption | None,
    told: Adopted | None,
    others: Adoption | None,
    *,
    hit: int,
    downloaded: int,
    fleet: int,
) -> Way:
    known = way or Adoption(sequence=sequence)
    true = told or Adopted(sequence=sequence, **dict.fromkeys(Adopted.__struct_fields__[1:], 0))
    found = Way(
        sequence=sequence,
        clients=max(known.clients, known.offered, true.offered, downloaded),
        offered=max(known.offered, true.offered, downloaded),
        fetched=max(known.fetched, true.fetched, downloaded),
        running=true.running + others.running if others else known.running if way else true.running,
        confirmed=true.confirmed + others.confirmed if others else known.confirmed if way else true.confirmed,
        fell_back=max(known.fell_back, true.crashed, true.fell_back),
        failed=max(known.failed, true.failed),
        hit=hit,
    )
    if release is None:  # of a server that only its clients tell of
        return replace(found, clients=fleet)
    return replace(
        found,
        version=release.version,
        channel=release.channel,
        percent=release.percent,
        targeted=release.targets.restrict,
        withheld=release.withheld,
        mandatory=release.mandatory,
        origin=release.origin,
        from_sequence=release.from_sequence,
        notes=release.notes or "",
    )


def _row(client: Client, controls: Controls) -> ClientRow:
    said = [label_sentence(client), *remarks(client)]
    return ClientRow(
        name=controls.names.get(client.id) or client.id,
        standing=_standing(client),
        runs=client.sequence,
        platform=client.platform or "",
        binary_version=client.binary_version or "",
        channel=client.channel or DEFAULT_CHANNEL,
        checks=client.checks,
        said=" ".join(one for one in said if one),
    )


def _standing(client: Client) -> Standing:
    runs = client.sequence
    if failed_on(client) is not None:
        return "failed"
    if client.fell_from is not None and (runs is None or runs < client.fell_from):
        return "fell-back"
    if client.reason == "client-ahead":
        return "ahead"
    if not runs or (client.status == 200 and client.offered is not None and client.offered > runs):
        return "waiting"
    return "confirmed" if client.confirmed == runs else "running"


# --- counts -------------------------------------------------------------------------------------------------------


def _reports(checks: Sequence[CheckAnswered], began: datetime) -> list[tuple[float, str, int]]:
    return [
        ((one.at - began).total_seconds(), one.client, one.sequence)
        for one in checks
        if one.sequence is not None
    ]


def _drops(checks: Sequence[CheckAnswered], began: datetime) -> list[tuple[float, str, int]]:
    """Who reported less than before, with the same binary: it is taken to have fallen back."""
    found = []
    before: dict[str, CheckAnswered] = {}
    for check in checks:
        was = before.get(check.client)
        if check.sequence is None:
            continue
        same = was is not None and was.binary_version == check.binary_version
        if was is not None and same and was.sequence is not None and check.sequence < was.sequence:
            found.append(((check.at - began).total_seconds(), check.client, was.sequence))
        before[check.client] = check
    return found


def _answers(
    checks: Sequence[CheckAnswered], happened: Sequence[Happened], *, cut: bool
) -> tuple[Answers, ...]:
    """By the server's history, or by the clients where that is not whole."""
    if happened and (cut or not checks):
        counts = Counter(one.detail for one in happened if one.what == "checked" and one.detail)
    else:
        counts = Counter(one.reason for one in checks)
    return tuple(Answers(reason=reason, count=count) for reason, count in sorted(counts.items()))


def _struck(events: Sequence[Fact | Observation]) -> tuple[Struck, ...]:
    """Each fault with how often it struck, or that it never did."""
    whom: dict[str, list[str]] = {}
    # A poisoned release strikes whoever downloads it.
    poisoned: dict[int, str] = {}
    for event in events:
        if isinstance(event, FaultArmed):
            whom.setdefault(event.armed.fault, [])
            if event.armed.sequence is not None:
                poisoned[event.armed.sequence] = event.armed.fault
        elif isinstance(event, DownloadEnded) and event.complete and event.sequence in poisoned:
            whom[poisoned[event.sequence]].append(event.client or event.peer)
        elif isinstance(event, CheckAnswered | DownloadEnded) and event.fault is not None:
            whom.setdefault(event.fault, []).append(event.client or event.peer)
    return tuple(
        Struck(fault=fault, times=len(struck), clients=len(set(struck)), reaction=_reaction(fault))
        for fault, struck in sorted(whom.items())
    )


def _reaction(fault: str) -> str:
    kind = every_fault().get(fault)
    return "" if kind is None else reaction(kind()).sentence


def _downloaded(events: Sequence[Fact | Observation]) -> Mapping[int, int]:
    """How many clients had all of each release's bundle sent."""
    whole = {
        (one.sequence, one.client or one.peer)
        for one in events
        if isinstance(one, DownloadEnded) and one.complete
    }
    return Counter(sequence for sequence, _ in whole)


def _told(happened: Sequence[Happened]) -> Mapping[int, Adopted]:
    tally = Tally()
    for one in happened:
        tally(one)
    return {one.sequence: one for one in tally.adopted()}


def _latencies(events: Sequence[Fact | Observation]) -> tuple[Latency, ...]:
    """Of what was not slowed on purpose."""
    checks = [one.duration_ms for one in events if isinstance(one, CheckAnswered) and one.fault is None]
    downloads = [
        one.duration_ms
        for one in events
        if isinstance(one, DownloadEnded) and one.fault is None and one.complete
    ]
    return tuple(
        _latency(what, times) for what, times in (("Checks", checks), ("Whole downloads", downloads)) if times
    )


def _latency(what: str, times: Sequence[float]) -> Latency:
    ordered = sorted(times)

    def within(share: float) -> float:
        """The least time in which so large a share was answered."""
        return ordered[math.ceil(share * len(ordered)) - 1]

    return Latency(what=what, count=len(ordered), p50=within(0.5), p99=within(0.99), worst=ordered[-1])


def _remarks(seen: Seen, happened: Sequence[Happened], checks: Sequence[CheckAnswered]) -> list[str]:
    found = []
    if seen.cut:
        what = "times, downloads and faults are those" if happened else "what is counted here is"
        found.append(
            f"The server's history is longer than what was read: {what} of its newest {len(checks):,} checks."
        )
    if not happened and checks:
        found.append(
            "What ran where and when is what clients reported at their checks; who went back to an older release is "
            "counted as hit, which is inferred."
        )
    return found
