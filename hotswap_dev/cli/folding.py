"""Runs of equal answers: a client that polls says the same thing every few seconds, and a log should say it once.

An answer of one client is part of its run as long as nothing else happens to it and nothing is changed for everyone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hotswap_dev.domain.fact_words import Event

_COMPARED = (
    "status",
    "reason",
    "args",
    "sequence",
    "offered",
    "channel",
    "binary_version",
    "flags",
    "fault",
    "product",
)

_OF_ONE_CLIENT = ("download-ended", "lifecycle-reported", "update-reported", "fault-outcome")
"""Events that happen to one client: they end its run, and leave those of the others."""


def folded(events: Iterable[Event]) -> list[Event]:
    """Events, oldest first, with each run as one: its first answer with `times`, and `until`, the last one's time."""
    lines: list[dict[str, Any]] = []
    runs: dict[str, dict[str, Any]] = {}
    for event in events:
        client = str(event.get("client"))
        run = runs.get(client)
        if event["event"] == "check-answered" and run is not None and _same(run, event):
            run["times"] += 1
            run["until"] = event["at"]
            continue
        lines.append(dict(event))
        if event["event"] == "check-answered":
            lines[-1] |= {"times": 1, "until": event["at"]}
            runs[client] = lines[-1]
        else:
            _end(runs, event)
    return list(lines)


def folded_live(events: Iterable[Event | None]) -> Iterator[Event]:
    """The same for events as they come, None where nothing happens for a while.

    A run's first answer comes at once; how many `more` there were comes when it ends, or when all is quiet.
    """
    runs: dict[str, dict[str, Any]] = {}
    for event in events:
        if event is None:
            for run in runs.values():
                yield from _counted(run)
            continue
        client = str(event.get("client"))
        run_of_it = runs.get(client)
        if event["event"] == "check-answered":
            if run_of_it is not None and _same(run_of_it, event):
                run_of_it["more"] += 1
                run_of_it["at"] = event["at"]
                continue
            if run_of_it is not None:
                yield from _counted(run_of_it)
            runs[client] = {**event, "more": 0}
        else:
            for ended in _end(runs, event):
                yield from _counted(ended)
        yield event


def _end(runs: dict[str, dict[str, Any]], event: Event) -> list[dict[str, Any]]:
    """The runs that an event ends: of its client for what happens to that one, else all of them."""
    if event["event"] in _OF_ONE_CLIENT:
        ended = runs.pop(str(event.get("client")), None)
        return [] if ended is None else [ended]
    every = list(runs.values())
    runs.clear()
    return every


def _counted(run: dict[str, Any]) -> Iterator[Event]:
    if run["more"]:
        yield dict(run)
        run["more"] = 0


def _same(one: Event, other: Event) -> bool:
    return all(one.get(name) == other.get(name) for name in _COMPARED)
