"""A fleet while it lives: what is said meanwhile, and its end, be it by a signal."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from hotswap_dev.cli.serving.ending_signals import on_ending_signals
from hotswap_dev.cli.tables import cut
from hotswap_dev.fleet.adoption import Tally
from hotswap_dev.fleet.agreement import Truth, began, follow
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.fleet import Fleet, Lateness
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.plan import Crew, planned

AT_ONCE = 64
"""Clients at work at the same time, of thousands."""

_CALM_SECONDS = 10.0
"""Between two lines where nobody watches."""
_SETTLE_SECONDS = 10.0
"""That requests on their way have at the end."""
_IN_TIME = 1.0
"""Seconds by which a run may be longer than planned without a word."""

_MOST_KEPT = 1_000_000
_NEWEST = 3


@dataclass(slots=True, kw_only=True)
class Ran:
    """What came of it, as the clients have it."""

    crew: Crew
    site: str
    seed: int
    began: datetime
    planned: float = 0.0
    """Seconds that it was to last."""
    seconds: float = 0.0
    """That it lasted: more than planned, where the machine could not keep up with the plan."""
    code: int = 0
    """The exit code: that of the signal that ended it, or 0."""
    tally: Tally = field(default_factory=Tally)
    happened: Sequence[Happened] = ()
    """Step by step, where that was asked for."""
    lateness: Lateness = field(default_factory=Lateness)
    verified: int = 0
    """Bundles that were verified in full, each content once."""
    recalled: int = 0
    """Downloads of those that were known by then."""
    lost_reports: int = 0
    settled: bool = False
    """Whether nothing was on its way any more at the end."""
    truths: dict[str, Truth] = field(default_factory=dict)
    """What can be said of each client, by its id."""


def run(crew: Crew, *, site: str, pubkey: str, seed: int, seconds: float, keep: bool) -> Ran:
    """Have them live for so long, or until a signal; `keep` all that happens."""
    ran = Ran(crew=crew, site=site, seed=seed, began=datetime.now(UTC), planned=seconds)
    asyncio.run(_run(ran, pubkey, seconds, keep=keep))
    return ran


async def _run(ran: Ran, pubkey: str, seconds: float, *, keep: bool) -> None:
    happened: list[Happened] = []

    def tell(step: Happened) -> None:
        ran.tally(step)
        ran.truths[step.client] = follow(ran.truths[step.client], step)
        if keep and len(happened) < _MOST_KEPT:
            happened.append(step)

    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop(code: int) -> None:
        ran.code = ran.code or code
        loop.call_soon_threadsafe(stopped.set)

    phones = planned((ran.crew,), ran.seed)
    ran.truths = {phone.id: began(phone) for phone in phones}
    clock = Clock(1.0)
    ran.began = datetime.now(UTC)
    with on_ending_signals(stop):
        async with Fleet(
            phones, site=ran.site, pubkey=pubkey, clock=clock, tell=tell, at_once=AT_ONCE
        ) as fleet:
            living = asyncio.create_task(fleet.live(until=seconds))
            ending = asyncio.create_task(stopped.wait())
            watching = asyncio.create_task(_watched(fleet, ran.tally, seconds))
            try:
                await asyncio.wait((living, ending), return_when=asyncio.FIRST_COMPLETED)
                lasted = clock.now
                if living.done():
                    living.result()
                    ran.settled = await _in_time(fleet.settled(), ending)
            finally:
                for task in (living, ending, watching):
                    task.cancel()
                await asyncio.gather(living, ending, watching, return_exceptions=True)
                _clear()
            ran.seconds = seconds if 0 < lasted - seconds < _IN_TIME else lasted
            ran.lateness, ran.lost_reports = fleet.lateness, fleet.lost_reports
            ran.verified, ran.recalled = fleet.bundles.verified, fleet.bundles.recalled
    ran.happened = happened


async def _in_time(work: Coroutine[Any, Any, None], ending: asyncio.Task[Any]) -> bool:
    """Whether it is done before somebody ends it or the time is up."""
    task = asyncio.create_task(work)
    await asyncio.wait((task, ending), timeout=_SETTLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
        return True
    task.cancel()
    return False


# --- what is said meanwhile ---------------------------------------------------------------------------------------


async def _watched(fleet: Fleet, tally: Tally, seconds: float) -> None:
    """A line that stays where it is on a terminal, else one now and then: on stderr, as stdout is data."""
    live = sys.stderr.isatty()
    every = 1.0 if live else _CALM_SECONDS
    before, at = 0, 0.0
    while True:
        await asyncio.sleep(every)
        now = fleet.clock.now
        rate = (tally.checks - before) / max(now - at, 0.001)
        before, at = tally.checks, now
        line = told(tally, len(fleet.phones), now, seconds, rate, now - (fleet.due() or now))
        if live:
            columns = shutil.get_terminal_size().columns - 1
            click.echo(f"\r{cut(line, columns)}\x1b[K", err=True, nl=False)
        else:
            click.echo(line, err=True)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def told(tally: Tally, clients: int, now: float, seconds: float, rate: float, behind: float) -> str:
    """One line: how far it is, what runs where, and what goes wrong."""
    newest = sorted((one for one in tally.adopted() if one.running), key=lambda one: -one.sequence)
    there = [f"at {one.sequence}: {one.running}" for one in newest[:_NEWEST]]
    rest = len(tally.runs) - sum(one.running for one in newest[:_NEWEST])
    if rest:
        there.append(f"below: {rest}" if there else f"embedded page: {rest}")
    parts = [
        f"{now:.0f} of {seconds:.0f} s",
        f"{clients} clients",
        f"{rate:.1f} checks/s",
        ", ".join(there),
        f"{tally.failures} failure{'' if tally.failures == 1 else 's'}",
    ]
    if behind > 1:
        parts.append(f"{behind:.0f} s behind plan")
    return "   ".join(part for part in parts if part)
