"""How many clients ran a release over time, as their reports show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

Report = tuple[str, str, int]
"""When, who, and the sequence that was reported; only what differs from that client's report before."""

Point = tuple[str, int]
"""From when on, and how many ran it then."""

T = TypeVar("T")


def running_over_time(reports: Iterable[Report], sequence: int) -> list[Point]:
    """The steps of the number of clients that run `sequence`: one joins when it reports it, and leaves when it reports
    anything else. `reports` come in the order in which they were made; a step of the same time replaces the one before.
    """
    running: set[str] = set()
    steps: list[Point] = []
    for at, client, reported in reports:
        if (reported == sequence) == (client in running):
            continue
        if reported == sequence:
            running.add(client)
        else:
            running.discard(client)
        if steps and steps[-1][0] == at:
            steps.pop()
        steps.append((at, len(running)))
    return steps


def thinned(points: Sequence[T], most: int) -> list[T]:
    """At most `most` (two or more) of the points, evenly taken, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    last = len(points) - 1
    return [points[index * last // (most - 1)] for index in range(most)]
