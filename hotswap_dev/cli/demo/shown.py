"""A demo in a terminal: the dashboard on a server of its own, and a story that is told on it by keys."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import click

from hotswap_dev.cli.demo.place import Place, clean, temporary_place, way_on
from hotswap_dev.cli.demo.record import Record
from hotswap_dev.cli.demo.serving import greeting, server_words
from hotswap_dev.cli.full_screen.showing import Own, show_own
from hotswap_dev.errors import HotswapError

if TYPE_CHECKING:
    from hotswap_dev.cli.demo.story import Story, Troupe

_ABOUT = "These phones live: they ask this server every few seconds. All keys work at any time, ? lists them."
_LOGS = ("dashboard-crashed", "server-gone", "server-killed")
"""Errors whose details stand in a file that goes with the demo."""


def show_demo(chosen: Sequence[int] | None, asked: Mapping[str, Any]) -> int:
    """Show it until somebody ends it; the exit code. HotswapError where server or dashboard ended by an error."""
    said: list[str] = []
    try:
        return show_own(_opened(chosen, asked, said))
    except HotswapError as error:
        if asked["keep"] or error.code not in _LOGS:
            raise
        hint = "hotswap-dev demo --keep leaves its logs where they can be read"
        raise HotswapError(error.message, hint, code=error.code) from None
    finally:
        for line in said:
            click.echo(f" {line}")


@contextmanager
def _opened(chosen: Sequence[int] | None, asked: Mapping[str, Any], said: list[str]) -> Iterator[Own]:
    record = Record(asked["report"], seed=asked["seed"], pace=asked["pace"] or 1.0)
    told: list[Story] = []
    with temporary_place(keep=asked["keep"]) as place:

        def story() -> Story:
            told.append(_story(place, chosen, record, asked))
            record.begins()
            return told[-1]

        def closed() -> None:
            page = record.written(place.workspace, told[-1].verdicts if told else ())
            said.extend([page] if page else [])

        if asked["keep"]:
            said.append(f"kept in {place.folder}; go on with it: {way_on(place)}")
        yield Own(
            words=server_words(asked, place.dist, place.project, place.workspace),
            environ=clean(os.environ),
            story=story,
            greeting=lambda _: greeting(place, asked),
            lasts=False,
            closed=closed,
            last_resort=lambda: None if asked["keep"] else place.remove(),
        )


def _story(place: Place, chosen: Sequence[int] | None, record: Record, asked: Mapping[str, Any]) -> Story:
    # Here, since the server starts meanwhile.
    from hotswap_dev.cli.demo.phones import cast_of, on_stage, played
    from hotswap_dev.cli.demo.story import READING, Story

    crews = cast_of(asked["phones"])

    def enter() -> AbstractAsyncContextManager[Troupe]:
        return on_stage(
            place.workspace,
            place.dist,
            crews,
            seed=asked["seed"],
            pace=asked["pace"] or 1.0,
            tell=record.told,
        )

    reading = READING * (asked["pace"] or 1.0)
    return Story(played(chosen), enter, about=_ABOUT, told=record.told, reading=reading)
