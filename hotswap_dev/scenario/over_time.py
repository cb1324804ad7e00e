"""Counts over time: who ran what, who was hit by a bad release, how many checks came; pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from hotswap_dev.export.told import Rate, Series
from hotswap_dev.fleet.happened import Happened

Reports = Sequence[tuple[float, str, int]]
"""When, who, and which sequence it ran from then on; in the order of time."""

EMBEDDED = "embedded page"
_MOST_PERIODS = 120
_PERIODS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_CLOSED = "closed"


def reported_by(happened: Sequence[Happened]) -> list[tuple[float, str, int]]:
    """What each client ran after each of its steps."""
    return [(one.at, one.client, one.sequence) for one in happened if one.what != _CLOSED]


def checked_at(happened: Sequence[Happened]) -> list[float]:
    """When checks were made, those that failed too."""
    return [one.at for one in happened if one.what in ("checked", "check-failed")]


def running_series(reports: Reports) -> tuple[Series, ...]:
    """How many clients ran each sequence, the embedded page among them; by sequence."""
    runs: dict[str, int] = {}
    counts: Counter[int] = Counter()
    points: dict[int, list[tuple[float, int]]] = {}
    for at, client, sequence in sorted(reports, key=lambda one: one[0]):
        was = runs.get(client)
        if was == sequence:
            continue
        runs[client] = sequence
        for one, step in ((was, -1), (sequence, 1)):
            if one is not None:
                counts[one] += step
                _note(points.setdefault(one, []), max(0.0, at), counts[one])
    return tuple(
        Series(name=_named(sequence), points=_from_zero(told), sequence=sequence)
        for sequence, told in sorted(points.items())
    )


def hit_series(struck: Reports) -> tuple[Series, ...]:
    """How many clients each release had hit until then: of when, whom and by which sequence."""
    known: dict[int, set[str]] = {}
    points: dict[int, list[tuple[float, int]]] = {}
    for at, client, sequence in sorted(struck, key=lambda one: one[0]):
        whom = known.setdefault(sequence, set())
        if client not in whom:
            whom.add(client)
            _note(points.setdefault(sequence, []), max(0.0, at), len(whom))
    return tuple(
        Series(name=_named(sequence), points=_from_zero(told), sequence=sequence)
        for sequence, told in sorted(points.items())
    )


def fell_by(happened: Sequence[Happened]) -> list[tuple[float, str, int]]:
    """When a release did not start on a client, or was given up by it."""
    return [
        (one.at, one.client, one.sequence if one.what == "crashed" else one.offered or 0)
        for one in happened
        if one.what in ("crashed", "fell-back") and (one.what == "crashed" or one.offered)
    ]


def failed_by(happened: Sequence[Happened]) -> list[tuple[float, str, int]]:
    """When a release could not be had by a client."""
    return [(one.at, one.client, one.offered) for one in happened if one.what == "failed" and one.offered]


def confirmed_by(happened: Sequence[Happened]) -> dict[str, int]:
    """What each client runs in the end, where the page said at any time that it works: a client that falls back to it
    has it confirmed still, though no later start says so anew.
    """
    runs: dict[str, int] = {}
    said: set[tuple[str, int]] = set()
    for one in happened:
        runs[one.client] = one.sequence
        if one.what == "confirmed":
            said.add((one.client, one.sequence))
        elif one.what in ("crashed", "fell-back"):
            said.discard((one.client, one.sequence if one.what == "crashed" else one.offered or 0))
    return {client: sequence for client, sequence in runs.items() if (client, sequence) in said}


def clients_of(reports: Reports) -> Counter[int]:
    """How many clients there are of each sequence."""
    return Counter(sequence for _, sequence in {(client, sequence) for _, client, sequence in reports})


def rate_of(at: Sequence[float], end: float) -> Rate | None:
    """Checks in equal periods until `end`, at most some 120 of them; None where there are none."""
    if not at:
        return None
    end = max(end, *at)
    period = next((one for one in _PERIODS if end / one <= _MOST_PERIODS), end / _MOST_PERIODS)
    counts = [0] * max(1, math.ceil(end / period))
    for one in at:
        counts[min(len(counts) - 1, max(0, int(one / period)))] += 1
    return Rate(period=float(period), counts=tuple(counts))


def _note(points: list[tuple[float, int]], at: float, count: int) -> None:
    """Of one time the last count."""
    if points and points[-1][0] == at:
        points[-1] = (at, count)
    else:
        points.append((at, count))


def _from_zero(points: Sequence[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    return tuple(points) if points[0][0] == 0 else ((0.0, 0), *points)


def _named(sequence: int) -> str:
    return EMBEDDED if sequence == 0 else f"release {sequence}"
