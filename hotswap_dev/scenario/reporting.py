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

from msgspec import Struct

from hotswap_dev.domain.adoption import failed_on
from hotswap_dev.domain.clients import Client, label_sentence, remarks, runs_again
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, FaultArmed
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.domain.labels import page
from hotswap_dev.domain.model import DEFAULT_CHANNEL
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
)
from hotswap_dev.fleet.adoption import Tally
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.marks import fact_moments, step_moments
from hotswap_dev.scenario.over_time import (
    Reports,
    checked_at,
    clients_of,
    confirmed_by,
    failed_by,
    fell_by,
    hit_series,
    rate_of,
    reported_by,
    running_series,
)
from hotswap_dev.scenario.release_ways import release_ways
from hotswap_dev.scenario.seen import Seen, look, only
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
    told = _tally(happened) if happened else None
    confirmed, every = confirmed_by(happened), seen
    if told is not None:
        seen = only(seen, told.runs)
    checks = [one for one in seen.events if isinstance(one, CheckAnswered)]
    reports = reported_by(happened) if happened else _reports(checks, began)
    at = checked_at(happened) if happened else [(one.at - began).total_seconds() for one in checks]
    # A run that was behind its plan ends later than it was meant to.
    end = max([seconds or 0.0, *(one.at for one in happened), *at, *_ends(verdicts, whole=seconds is None)])
    struck = [*fell_by(happened), *failed_by(happened)] if happened else _drops(checks, began)
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
        known=len(seen.clients) if told is None else len(told.runs),
        others=len(every.clients) - len(seen.clients),
        checks=len(at),
        harmed=_harmed(seen.clients, struck, told),
        releases=release_ways(seen, told, clients_of(struck) if happened else {}, confirmed),
        running=running_series(reports),
        hits=tuple(hits) if hits is not None else hit_series(struck),
        moments=_most_telling(moments),
        rate=rate_of(at, end),
        answers=_answers(checks, happened, cut=seen.cut),
        faults=_struck(seen.events),
        beats=beats_of(verdicts),
        clients=_rows(seen, _truths(happened, confirmed)),
        latencies=_latencies(seen.events),
        remarks=(*said, *_remarks(every, happened)),
    )


def _tally(happened: Sequence[Happened]) -> Tally:
    tally = Tally()
    for one in happened:
        tally(one)
    return tally


def _ends(verdicts: Sequence[Verdict], *, whole: bool) -> list[float]:
    """When each story's last step was over: one that waits goes on after the last thing that happens."""
    return [
        step.at + step.seconds
        for one in verdicts
        for step in one.steps
        if step.outcome != "skipped" and whole
    ]


def _harmed(clients: Sequence[Client], struck: Reports, told: Tally | None) -> int:
    """Who fell back from a release or failed with one, each client once."""
    found = {client for _, client, _ in struck}
    if told is None:
        found |= {one.id for one in clients if _standing(one) in _HARMED}
    return len(found)


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
        failed_at=step.text if step.say and step.outcome == "failed" else "",
        expected=step.expected,
        seen=step.seen,
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
        failed_at="" if failure is None else failure.text,
        expected="" if failure is None else failure.expected,
        seen="" if failure is None else failure.seen,
        at=verdict.steps[0].at if verdict.steps else None,
    )


# --- releases and clients -----------------------------------------------------------------------------------------


def _rows(seen: Seen, truths: Mapping[str, _Truth]) -> tuple[ClientRow, ...]:
    """Each client as the server has it; how one of a fleet stands in the end is its own word."""
    return tuple(_row(client, seen.controls, truths.get(client.id)) for client in reversed(seen.clients))


class _Truth(Struct, frozen=True):
    """How one of a fleet stands in the end: a server knows what it reported at its last check."""

    runs: int
    confirmed: bool
    fell_from: int | None


def _truths(happened: Sequence[Happened], confirmed: Mapping[str, int]) -> Mapping[str, _Truth]:
    fell = {client: sequence for _, client, sequence in fell_by(happened)}  # the last one counts
    runs = {one.client: one.sequence for one in happened}
    return {
        client: _Truth(run, confirmed.get(client) == run, fell.get(client)) for client, run in runs.items()
    }


def _row(client: Client, controls: Controls, truth: _Truth | None) -> ClientRow:
    said = [label_sentence(client), *remarks(client)]
    if truth is not None and truth.runs != client.sequence:
        said.append(f"By its own word it runs {page(truth.runs)} now; no check of it has said so yet.")
    return ClientRow(
        name=controls.names.get(client.id) or client.id,
        standing=_standing(client, truth),
        runs=client.sequence if truth is None else truth.runs,
        platform=client.platform or "",
        binary_version=client.binary_version or "",
        channel=client.channel or DEFAULT_CHANNEL,
        checks=client.checks,
        said=" ".join(one for one in said if one),
    )


def _standing(client: Client, truth: _Truth | None = None) -> Standing:
    runs, fell_from = client.sequence, client.fell_from
    confirmed, again = runs is not None and client.confirmed == runs, runs_again(client)
    if truth is not None:
        runs, confirmed, fell_from = truth.runs, truth.confirmed, truth.fell_from
        again = runs == fell_from and not confirmed
    if failed_on(client) not in (None, runs):
        return "failed"
    if again or (fell_from is not None and (runs is None or runs < fell_from)):
        return "fell-back"
    if client.reason == "client-ahead":
        return "ahead"
    if not runs or (client.status == 200 and client.offered is not None and client.offered > runs):
        return "waiting"
    return "confirmed" if confirmed else "running"


_HARMED = ("fell-back", "failed")


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


def _remarks(seen: Seen, happened: Sequence[Happened]) -> list[str]:
    found = []
    checks = [one for one in seen.events if isinstance(one, CheckAnswered)]
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
