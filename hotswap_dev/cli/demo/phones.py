"""The phones of a demo: the cast on a stage at the demo's server, in real time or as fast as the work goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from hotswap_dev.errors import HotswapError, UsageError
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.plan import Crew
from hotswap_dev.scenario.beats import beats, cast
from hotswap_dev.scenario.meeting import Meeting
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.playing import play
from hotswap_dev.scenario.stage import Stage, staged
from hotswap_dev.scenario.verdict import Tell, Verdict
from hotswap_dev.storage.workspace import find_server

MOST = 200
"""Phones that a demo may have: they live in the dashboard's process, and a fleet has a command of its own."""

_LOOK = 0.2
"""Seconds of story time that the phones live before it is looked whether something is wanted."""

_FIRST_BUILD_WITHIN = 10.0
_AT_ONCE = 16


class Phones:
    """The cast, as `demo.story.Troupe` has it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def live(self, wanted: asyncio.Event) -> None:
        """They live until something is wanted, without waiting for what one of them is at: a fault may make it hang."""
        while not wanted.is_set():
            await self.stage.fleet.live(until=self.stage.clock.now + _LOOK)

    async def play(self, beat: Scenario, tell: Tell) -> Verdict:
        """Play a beat: its own answers are counted from here."""
        return await play(beat, self.stage, tell)


@asynccontextmanager
async def on_stage(
    workspace: Path,
    watched: Path,
    cast: Sequence[Crew],
    *,
    seed: int,
    pace: float,
    tell: Callable[[Happened], None],
) -> AsyncIterator[Phones]:
    """The cast at the server of a workspace, once that has published the first build.

    Unreachable where no server answers, HotswapError where it publishes nothing.
    """
    server = find_server(workspace)
    meeting = Meeting(
        site=server.site,
        pubkey=server.pubkey,
        control=server.control,
        token=server.token or "",
        watched=watched,
    )
    at_once = _AT_ONCE if pace else 1  # in real time nobody waits for another's download
    async with staged(meeting, pace=pace, tell=tell, at_once=at_once) as stage:
        await _first_build(stage)
        await stage.add(cast, seed)
        yield Phones(stage)


def cast_of(phones: int | None) -> tuple[Crew, ...]:
    """Who plays: the cast, and as many more of its first kind as make `phones` of them; UsageError for fewer."""
    crews = cast().crews
    count = sum(crew.count for crew in crews)
    if phones is None:
        return crews
    if not count <= phones <= MOST:
        raise UsageError(
            f"--phones is {phones}",
            f"at least {count}, who are in the story, and at most {MOST}; hotswap-dev fleet has as many as you like",
        )
    more = replace(crews[0], group="more", count=phones - count, names=())
    return (*crews, more) if phones > count else crews


def played(chosen: Sequence[int] | None) -> tuple[Scenario, ...]:
    """The beats that are played, in the order in which they are told; all where none is chosen.

    UsageError for a number that no beat has.
    """
    told = beats()
    if chosen is None:
        return told
    unknown = [number for number in chosen if number > len(told)]
    if unknown:
        raise UsageError(
            f"--beats: there is no beat {unknown[0]}",
            f"there are {len(told)}: " + ", ".join(f"{at} {one.title}" for at, one in enumerate(told, 1)),
        )
    return tuple(told[number - 1] for number in chosen)


async def _first_build(stage: Stage) -> None:
    """Phones that ask before anything is there would only say so."""
    until = time.monotonic() + _FIRST_BUILD_WITHIN
    while not (await stage.control.state()).controls.releases:
        if time.monotonic() > until:
            raise HotswapError(
                f"the server has published nothing within {_FIRST_BUILD_WITHIN:.0f} s",
                f"does it watch {stage.meeting.watched}?",
                code="nothing-published",
            )
        await asyncio.sleep(0.02)
