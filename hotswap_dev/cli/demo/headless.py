"""A demo without a terminal: the whole story, played from beginning to end and told as lines.

stdout has the story alone, which is the same for the same seed; where it is played goes to stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from hotswap_dev.cli.demo.lines import JsonLines, TextLines
from hotswap_dev.cli.demo.phones import cast_of, on_stage, played
from hotswap_dev.cli.demo.place import Place, clean, temporary_place, way_on
from hotswap_dev.cli.demo.record import Record
from hotswap_dev.cli.demo.serving import greeting, server_words
from hotswap_dev.cli.full_screen.child import own_server
from hotswap_dev.cli.full_screen.ending import Ending
from hotswap_dev.cli.serving.signing_key import ask_here
from hotswap_dev.fleet.plan import Crew
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.verdict import Told, Verdict

_FAILED = 1
_SETTLE = "50"
"""Milliseconds: only the story saves there, and it never pauses within a build."""

_SETTLES = 10.0
"""Seconds of story time before the first beat: everybody has asked by then."""


def tell_demo(chosen: Sequence[int] | None, asked: Mapping[str, Any]) -> int:
    """Play it and tell it; the exit code: 1 where a beat went otherwise. HotswapError where it can't be played."""
    story, crews = played(chosen), cast_of(asked["phones"])
    with Ending() as ending, temporary_place(keep=asked["keep"]) as place:
        words = (*server_words(asked, place.dist, place.project, place.workspace), "--settle", _SETTLE)
        with own_server(words, clean(os.environ)) as server:

            def give_up() -> None:
                server.end()
                if not asked["keep"]:
                    place.remove()

            ending.at_once = server.kill
            ready = server.ready(ask_here)
            if isinstance(ready, int):
                return ready
            ending.last_resort = give_up
            for line in greeting(place, asked):
                click.echo(line, err=True)
            failed = 0
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    failed = asyncio.run(_told(story, crews, place, asked, ending))
            finally:
                ending.screen_closed()
    if asked["keep"]:
        click.echo(f"kept in {place.folder}; go on with it: {way_on(place)}", err=True)
    if ending.code is not None:
        return ending.code
    return _FAILED if failed else 0


async def _told(
    story: Sequence[Scenario], crews: Sequence[Crew], place: Place, asked: Mapping[str, Any], ending: Ending
) -> int:
    """How many beats went otherwise."""
    _ends_with(ending)
    pace = asked["pace"] or 0.0
    record = Record(asked["report"], seed=asked["seed"], pace=pace)
    async with on_stage(
        place.workspace, place.dist, crews, seed=asked["seed"], pace=pace, tell=lambda one: tell(one)
    ) as phones:
        stage = phones.stage

        def name(client: str) -> str:
            phone = stage.fleet.phones.get(client)
            return client if phone is None else phone.plan.name or client

        lines = JsonLines(click.echo) if asked["as_json"] else TextLines(click.echo, name)

        def tell(one: Told) -> None:
            record.told(one)
            lines.told(one)

        record.begins()
        await stage.live(stage.clock.now + _SETTLES)
        verdicts: list[Verdict] = []
        for number, beat in enumerate(story, 1):
            lines.begins(number, len(story), beat)
            verdicts.append(await phones.play(beat, tell))
            lines.ends(number, verdicts[-1])
        failed = sum(not one.ok for one in verdicts)
        lines.over(failed, len(story))
        page = await asyncio.to_thread(record.written, place.workspace, verdicts)
    if page:
        click.echo(page, err=True)
    return failed


def _ends_with(ending: Ending) -> None:
    """A signal ends this task, and with it the rest in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def leave(_: int) -> None:
        if task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(task.cancel)

    ending.on_end(leave)
