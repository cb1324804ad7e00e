"""`funnel`: how many clients came how far with a release, and who stands where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.meaning import latest_sequence
from hotswap_dev.cli.options import control, echo_json, finding_a_server
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.cli.tables import WIDEST_CLIENT, cut, table
from hotswap_dev.cli.words import Latest, Whole

_STEPS = {
    "offered": "offered",
    "fetched": "fetched",
    "running": "running",
    "confirmed": "confirmed",
    "failed": "failed",
    "fell_back": "fell back",
}
_BAD = ("failed", "fell_back")
_STATIONS: Mapping[str, str] = {
    "confirmed": "confirmed",
    "running": "running, not confirmed",
    "failed": "failed",
    "fell-back": "fell back",
    "fetched": "fetched, not running",
    "offered": "offered, not fetched",
    "waiting": "not offered",
}
_WIDEST_BAR = 40
_MOST_NAMED = 20
_MOST_GIVEN = 1000
"""What `GET /api/funnel` names at most."""

_NO_REPORTS = (
    "Nobody has confirmed it here. "
    "That is seen only of an app that reports its lifecycle events (POST /api/lifecycle)."
)


@click.command(params=finding_a_server())
@click.argument("sequence", metavar="[SEQUENCE]", required=False, type=Whole(sequence=True, nullable=False))
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="how many releases, the newest first",
)
def funnel(sequence: int | Latest | None, limit: int, as_json: bool, **where: Any) -> None:
    """How far the clients came with each release: offered, fetched, running, confirmed; failed, fell back.

    With SEQUENCE, or latest, that release alone, and who stands where. Confirmed are those whose app reports it.
    """
    site = control(where)
    if sequence is None:
        found = site.get("/api/funnel", limit=limit)
    else:
        wanted = latest_sequence(site) if isinstance(sequence, Latest) else sequence
        found = site.get("/api/funnel", sequence=wanted)
    if as_json:
        echo_json(found)
        return
    for text in several(found) if sequence is None else one_alone(found[0]):
        click.echo(text)


def several(found: Sequence[wire.Json]) -> Iterator[str]:
    """A line for each release; `found` as `GET /api/funnel` has it."""
    if not found:
        yield "no release yet: the first finished build becomes one, or hotswap-dev publish DIST"
        return
    rows = [("", "version", "channel", "clients", *_STEPS.values())]
    rows += [
        (
            str(one["sequence"]),
            one["version"],
            one["channel"],
            str(one["clients"]),
            *(str(_count(one, step)) for step in _STEPS),
        )
        for one in found
    ]
    yield from table(rows, right={0, *range(3, 4 + len(_STEPS))})


def one_alone(found: wire.Json) -> Iterator[str]:
    """A release's steps as bars, and who stands where; `found` as `GET /api/funnel?sequence=` has it."""
    clients = found["clients"]
    yield f"{found['sequence']}  {found['version']} on {found['channel']}, {_clients(clients)}"
    most = max(clients, 1)
    for step, name in _STEPS.items():
        count = _count(found, step)
        bar = "█" * max(round(count / most * _WIDEST_BAR), min(count, 1))
        colour = "red" if step in _BAD else "green" if step == "confirmed" else None
        yield f"{name:<9}  {count:>5}  {click.style(bar, fg=colour)}" if bar else f"{name:<9}  {count:>5}"
    if found["running"] and not found["confirmed"]:
        yield from wrapped(_NO_REPORTS, indent="")
    cut_off = len(found["who"]) == _MOST_GIVEN < clients
    for station, name in _STATIONS.items():
        there = [one for one in found["who"] if one["station"] == station]
        if there:
            yield ""
            yield click.style(f"{name}:", bold=True)
            for one in there[:_MOST_NAMED]:
                yield from _who(one, station)
            if len(there) > _MOST_NAMED:
                more = "at least " if cut_off else ""
                yield f"  and {more}{len(there) - _MOST_NAMED} more: --json names them"
    if cut_off:
        yield ""
        yield from wrapped(
            f"Of {_clients(clients)} the {_MOST_GIVEN} that were seen last are given by name.", indent=""
        )


def _count(way: wire.Json, step: str) -> int:
    """Who gave it up and runs it once more, unconfirmed, has fallen back too."""
    count: int = way[step] + (way.get("again", 0) if step == "fell_back" else 0)
    return count


def _who(one: wire.Json, station: str) -> Iterator[str]:
    name = f"{one['name']} ({one['client']})" if one["name"] else one["client"]
    at = "" if one["at"] is None else f" at {one['at']}"
    yield f"  {cut(name, WIDEST_CLIENT)}{at}"
    if station in ("failed", "fell-back", "fetched"):
        for text in wrapped(one["sentence"], indent="    "):
            yield click.style(text, dim=True)


def _clients(count: int) -> str:
    return f"{count} client{'' if count == 1 else 's'}"
