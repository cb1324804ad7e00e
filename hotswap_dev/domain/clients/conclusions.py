"""The turns that a client's story takes: each as what was seen proves it, with the values of its sentence."""

from __future__ import annotations

from datetime import datetime

from hotswap_dev.domain.clients.row import Client
from hotswap_dev.domain.labels import Turn
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.versions import parse

FALLS = ("rolled-back", "rollback-loop", "discarded")
"""The labels of a client that reports less than before."""


def applied(client: Client, sequence: int, at: datetime) -> Turn:
    """It downloaded this sequence and runs it."""
    again = {"falls": client.falls} if sequence == client.fell_from else {}
    return Turn(code="applied", at=at, args={"sequence": sequence, **again})


def confirmed(sequence: int, at: datetime) -> Turn:
    """It runs this sequence, and its page called notifyReady()."""
    return Turn(code="confirmed", at=at, args={"sequence": sequence})


def not_activated(client: Client, seen: CheckAnswered, sequence: int, fetched: int) -> Turn:
    """It has downloaded something newer since its last check, and reports the same."""
    args: dict[str, str | int] = {
        "sequence": sequence,
        "fetched": fetched,
        "times": client.unreported[fetched],
    }
    minimum = client.told.get(fetched)
    if sequence == 0 and _order(seen.binary_version, minimum) > 0:  # whoever discards is at 0
        args |= {"minimum": minimum or "", "binary_version": seen.binary_version or ""}
    return Turn(code="not-activated", at=seen.at, args=args)


def fall(client: Client, sequence: int, at: datetime, binary_version: str | None) -> Turn:
    """It reports less than before, on the same binary."""
    was = client.sequence or 0
    # What it downloaded last may have run and gone back without a check in between: then that is what it gave up.
    gave_up = fetched_meanwhile(client) or was
    args = _given_up(client, sequence, gave_up)
    if client.confirmed == was:  # no start gives that up (plugin: updater.rs, `check_compatibility`)
        args["confirmed"] = was
    minima = (client.minimum,) if gave_up == was else (client.told.get(gave_up), client.minimum)
    below = next((one for one in minima if _order(binary_version, one) > 0), None)
    if sequence == 0 and below is not None:
        args |= {"minimum": below, "binary_version": binary_version or ""}
        return Turn(code="discarded", at=at, args=args)
    return Turn(code=_once_or_again(args), at=at, args=args)


def rolled_back_by_app(client: Client, sequence: int, gave_up: int, at: datetime) -> Turn:
    """Its page called rollback(), and said so."""
    args = {**_given_up(client, sequence, gave_up), "by_app": 1}
    return Turn(code=_once_or_again(args), at=at, args=args)


def _given_up(client: Client, sequence: int, gave_up: int) -> dict[str, str | int]:
    times = client.falls + 1 if client.fell_from == gave_up else 1
    return {"sequence": sequence, "was": client.sequence or 0, "gave_up": gave_up, "times": times}


def _once_or_again(args: dict[str, str | int]) -> str:
    return "rollback-loop" if int(args["times"]) > 1 else "rolled-back"


def fetched_meanwhile(client: Client) -> int | None:
    """What was downloaded last since its last check: above what it reported then, as all that is unreported."""
    return next(reversed(client.unreported), None) if client.fetched_since else None


def binary_turn(client: Client, seen: CheckAnswered, sequence: int) -> Turn | None:
    """Its binary is another one than before; None where it is not, or where that can't be told."""
    order = _order(seen.binary_version, client.binary_version)
    if order == 0 or client.sequence is None:
        return None
    args: dict[str, str | int] = {
        "sequence": sequence,
        "was": client.sequence,
        "binary_version": seen.binary_version or "",
        "was_binary_version": client.binary_version or "",
    }
    if client.minimum is not None:
        args["against_minimum"] = _order(seen.binary_version, client.minimum)
    return Turn(code="upgraded" if order > 0 else "downgraded", at=seen.at, args=args)


def _order(version: str | None, other: str | None) -> int:
    """1 where `version` is the newer one, -1 where `other` is, 0 where they are the same or can't be compared."""
    if not version or not other or version == other:
        return 0
    try:
        mine, others = parse(version), parse(other)
    except ValueError:
        return 0
    return (mine > others) - (mine < others)
