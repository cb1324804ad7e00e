"""What came of a fleet: for people as tables and a plot, for scripts as one object, for both as a page."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from hotswap_dev import wire
from hotswap_dev.cli.fleet.running import Ran
from hotswap_dev.cli.lines import size
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.cli.tables import cut, table
from hotswap_dev.client.control import ControlClient
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError
from hotswap_dev.export.report import Latency, Report, Way, render
from hotswap_dev.fleet.adoption import Adopted
from hotswap_dev.fleet.agreement import Disagreement, disagreements
from hotswap_dev.scenario.reporting import Seen, gathered, look
from hotswap_dev.wire import ServerFile

_WIDTH, _HEIGHT = 78, 6
_PLOTTED = 3
_MOST_ERRORS = 5
_LONGEST_ERROR = 100
_MOST_CLIENTS = 10_000
"""That a server keeps, and tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Whether what the server says of its clients is so."""

    judged: int
    """Clients that it had not seen before, and that have asked it."""
    wrong: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the clients have, and beside it what the server says, where it could be asked."""

    ran: Ran
    report: Report
    fleet_bytes: int | None
    """The most memory that this process had; None where the system does not tell."""
    server_bytes: int | None
    asked: bool
    """Whether the server's side is known."""
    missing: str
    """Why it is not, where it was asked for."""
    labels: Labels | None
    """None where nobody could be asked, or nothing was settled."""

    @property
    def ways(self) -> dict[int, Way]:
        """The server's word on each release; the report's own are guessed where nobody could be asked."""
        if not self.asked:
            return {}
        return {way.sequence: way for way in self.report.releases}


def concluded(ran: Ran, server: ServerFile | None) -> Outcome:
    """Ask the server, where its control site is known, for its side of the run."""
    seen, asked, labels, missing = Seen(), False, None, ""
    if server is not None:
        control = ControlClient(server.control, server.token or "")
        try:
            seen, labels, asked = look(control, ran.began), _labels(control, ran), True
        except HotswapError as error:
            missing = error.message
    report = gathered(
        seen,
        ran.happened,
        title=f"A fleet of {ran.crew.count}",
        began=ran.began,
        seed=ran.seed,
        source=ran.site,
        seconds=ran.seconds,
        said=[*([f"The server's side is missing: {missing}"] if missing else []), _verified(ran)],
    )
    return Outcome(
        ran=ran,
        report=report,
        fleet_bytes=_own_memory(),
        server_bytes=None if server is None else _memory_of(server.pid),
        asked=asked,
        missing=missing,
        labels=labels,
    )


def _labels(control: ControlClient, ran: Ran) -> Labels | None:
    """Not where something was on its way yet: it may be known here and not there, or the other way round."""
    if not ran.settled:
        return None
    rows = control.get("/api/clients", limit=_MOST_CLIENTS)
    known = {row["id"] for row in rows}
    before = {row["id"] for row in rows if datetime.fromisoformat(row["first_seen"]) < ran.began}
    judged = {
        client: truth
        for client, truth in ran.truths.items()
        # Of more than these the server has forgotten some.
        if truth.known and client not in before and (len(rows) < _MOST_CLIENTS or client in known)
    }
    return Labels(judged=len(judged), wrong=disagreements(rows, judged))


def page(outcome: Outcome) -> str:
    """The report as HTML."""
    return render(outcome.report)


# --- for people ---------------------------------------------------------------------------------------------------


def lines(outcome: Outcome) -> Iterator[str]:
    """The table, the plot, the figures."""
    ran, tally = outcome.ran, outcome.ran.tally
    adopted = tally.adopted()
    cut_short = "" if ran.code == 0 else ", ended before its time"
    yield f"{_many(ran.crew.count, 'client')} for {ran.seconds:.0f} s{cut_short}, seed {ran.seed}, at {ran.site}"
    if ran.code == 0 and ran.seconds > ran.planned:
        yield from wrapped(
            f"This machine could not keep up: what was planned for {ran.planned:g} s took {ran.seconds:.0f} s, so the "
            "figures are of clients that were late. Ask for fewer, let them poll less often, or use --locust.",
            indent="",
        )
    yield ""
    if adopted:
        yield from _table(outcome, adopted)
        for one in _interesting(outcome, adopted):
            yield ""
            yield from _plot(outcome, one)
        yield ""
    else:
        yield "no release was offered to anybody"
        yield ""
    yield from _figures(outcome)


def _table(outcome: Outcome, adopted: Sequence[Adopted]) -> Iterator[str]:
    heads = (
        "",
        "version",
        "rollout",
        "offered",
        "",
        "fetched",
        "running",
        "confirmed",
        "crashed",
        "fell back",
        "failed",
    )
    rows = [heads]
    for one in adopted:
        way = outcome.ways.get(one.sequence)
        among = max(outcome.ran.crew.count, 1)
        rows.append(
            (
                str(one.sequence),
                "?" if way is None else cut(way.version, 24),
                "?" if way is None else "withheld" if way.withheld else f"{way.percent:g} %",
                str(one.offered),
                f"{100 * one.offered / among:.1f} %",
                str(one.fetched),
                str(one.running),
                str(one.confirmed),
                str(one.crashed),
                str(one.fell_back),
                str(one.failed),
            )
        )
    yield from table(rows, right={0, *range(2, len(heads))})


def _interesting(outcome: Outcome, adopted: Sequence[Adopted]) -> list[Adopted]:
    """The newest whose number of clients changed."""
    return [one for one in adopted if outcome.ran.tally.running(one.sequence)][-_PLOTTED:]


def _plot(outcome: Outcome, one: Adopted) -> Iterator[str]:
    # Here and not above: it draws with the dashboard's means, which take a while to import.
    from hotswap_dev.dashboard.details.plot import plot

    ran = outcome.ran
    yield click.style(f"running {one.sequence}", bold=True)
    points = [(ran.began + timedelta(seconds=at), count) for at, count in ran.tally.running(one.sequence)]
    end = ran.began + timedelta(seconds=max(ran.seconds, 1.0))
    *drawn, _ = plot(points, since=ran.began, until=end, width=_WIDTH, height=_HEIGHT)
    for line in drawn:
        yield "".join(
            click.style(span.text, fg="cyan") if span.role == "accent" else span.text for span in line
        )
    # Not by the clock of the day: what began when is what is asked of a run.
    gutter, last = len(drawn[-1][0].text) + 1, f"{ran.seconds:.0f} s"
    yield f"{' ' * gutter}0 s{last:>{_WIDTH - gutter - 4}}"


def _figures(outcome: Outcome) -> Iterator[str]:
    ran, tally = outcome.ran, outcome.ran.tally
    rate = tally.checks / max(ran.seconds, 0.001)
    yield f"checks     {tally.checks}, {rate:.1f} a second; {_many(tally.restarts, 'restart')}"
    yield f"bundles    {_verified(ran)}"
    for latency in outcome.report.latencies:
        what = latency.what.lower()
        yield (
            f"{'server' if latency is outcome.report.latencies[0] else '':<11}{what}: "
            f"p50 {latency.p50:.1f} ms, p99 {latency.p99:.1f} ms, max {latency.worst:.1f} ms"
        )
    if outcome.missing:
        said = f"its side is missing: {shown(outcome.missing, 200)}"
        yield from wrapped(said, indent=" " * 11, first=f"{'server':<11}")
    late = ran.lateness
    mean = 1000 * late.total / max(late.actions, 1)
    yield (
        f"lateness   {late.late} of {late.actions} actions over a second late; "
        f"mean {mean:.0f} ms, worst {1000 * late.worst:.0f} ms"
    )
    memory = [("fleet", outcome.fleet_bytes), ("server", outcome.server_bytes)]
    known = [f"{who} {size(count)}" for who, count in memory if count is not None]
    if known:
        yield f"memory     {', '.join(known)}"
    if ran.lost_reports:
        yield f"reports    {ran.lost_reports} that the server did not take"
    if outcome.labels is not None:
        right = outcome.labels.judged - len(outcome.labels.wrong)
        yield f"labels     the server's word on {right} of {_many(outcome.labels.judged, 'client')} is true"
        for one in outcome.labels.wrong[:_MOST_ERRORS]:
            truly = ", ".join(one.truly)
            yield from wrapped(
                f"{one.client}: {shown(one.said, _LONGEST_ERROR)} Truly {truly} at {one.running}",
                indent=" " * 13,
                first=" " * 11,
            )
    if tally.failures:
        yield f"failures   {tally.failures}:"
        for text, count in tally.errors.most_common(_MOST_ERRORS):
            yield from wrapped(f"{count}x {shown(text, _LONGEST_ERROR)}", indent=" " * 13, first=" " * 11)
        if len(tally.errors) > _MOST_ERRORS:
            yield f"{'':<11}and {len(tally.errors) - _MOST_ERRORS} other kinds: --json has them"


def _verified(ran: Ran) -> str:
    return f"{_many(ran.verified, 'bundle')} verified, once each; {_many(ran.verified + ran.recalled, 'download')}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# --- for scripts --------------------------------------------------------------------------------------------------


def plain(outcome: Outcome) -> dict[str, wire.Json]:
    """All of it as one object: times in `_ms` or seconds of the run, sizes in bytes."""
    ran, tally, ways = outcome.ran, outcome.ran.tally, outcome.ways
    return {
        "site": ran.site,
        "clients": ran.crew.count,
        "seed": ran.seed,
        "began": wire.rfc3339(ran.began),
        "seconds": round(ran.seconds, 3),
        "whole": ran.code == 0,
        "checks": tally.checks,
        "reasons": dict(tally.reasons),
        "downloads": ran.verified + ran.recalled,
        "bundles_verified": ran.verified,
        "restarts": tally.restarts,
        "failures": tally.failures,
        "errors": dict(tally.errors),
        "lost_reports": ran.lost_reports,
        "releases": [_plain(one, ways.get(one.sequence)) for one in tally.adopted()],
        "adoption": [
            {
                "sequence": one.sequence,
                "running": [[round(at, 3), count] for at, count in tally.running(one.sequence)],
            }
            for one in tally.adopted()
        ],
        "labels": None
        if outcome.labels is None
        else {"judged": outcome.labels.judged, "wrong": wire.plain(outcome.labels.wrong)},
        "server_missing": outcome.missing or None,
        "latencies": [_timed(one) for one in outcome.report.latencies],
        "lateness": {
            "actions": ran.lateness.actions,
            "over_a_second": ran.lateness.late,
            "mean_ms": round(1000 * ran.lateness.total / max(ran.lateness.actions, 1), 1),
            "worst_ms": round(1000 * ran.lateness.worst, 1),
        },
        "memory": {"fleet": outcome.fleet_bytes, "server": outcome.server_bytes},
    }


def _plain(one: Adopted, way: Way | None) -> dict[str, wire.Json]:
    of_server = (
        {}
        if way is None
        else {
            "version": way.version,
            "channel": way.channel,
            "percent": way.percent,
            "withheld": way.withheld,
        }
    )
    return {
        "sequence": one.sequence,
        **of_server,
        "offered": one.offered,
        "fetched": one.fetched,
        "running": one.running,
        "confirmed": one.confirmed,
        "crashed": one.crashed,
        "fell_back": one.fell_back,
        "failed": one.failed,
    }


def _timed(latency: Latency) -> dict[str, wire.Json]:
    return {
        "what": latency.what.lower(),
        "count": latency.count,
        "p50_ms": round(latency.p50, 2),
        "p99_ms": round(latency.p99, 2),
        "max_ms": round(latency.worst, 2),
    }


# --- memory -------------------------------------------------------------------------------------------------------


def _own_memory() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _memory_of(pid: int) -> int | None:
    """Where there is a /proc (proc(5)), which also says nothing of other people's processes."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return None
