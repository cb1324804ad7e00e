"""Stages for tests: a server of its own in this process, and clients as fast as they can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.own_server import own_server
from hotswap_dev.scenario.playing import play
from hotswap_dev.scenario.reading import read_file
from hotswap_dev.scenario.stage import Stage, staged
from hotswap_dev.scenario.verdict import Told, Verdict

SAVE = '[[steps]]\nsave = "hello-v1"\nas = "good"\n'
PHONES = '[[clients]]\ncount = 3\npoll = "5s"\n'


@asynccontextmanager
async def a_stage(
    *, pace: float = 0.0, prefix: str = "", tell: Callable[[Happened], None] = lambda _: None
) -> AsyncIterator[Stage]:
    """A stage at a server of its own."""
    async with own_server() as (meeting, _), staged(meeting, pace=pace, prefix=prefix, tell=tell) as stage:
        yield stage


def written(folder: Path, document: str, name: str = "story.toml") -> Scenario:
    """A scenario of this text, in a file of this folder."""
    path = folder / name
    path.write_text(document, encoding="utf-8")
    return read_file(path)


async def played(scenario: Scenario) -> tuple[Verdict, Sequence[Told]]:
    """Its verdict, on a server of its own, and all that was told."""
    told: list[Told] = []
    async with (
        own_server(app_version=scenario.app_version) as (meeting, _),
        staged(meeting, tell=told.append) as stage,
    ):
        verdict = await play(scenario, stage, told.append)
    return verdict, told
