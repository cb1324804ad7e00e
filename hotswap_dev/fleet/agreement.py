"""Whether a server's labels are true: each held against what the simulated client really did.

A server sees checks, downloads and what pages report. What a client did that nobody could have seen yet, such as the
start that rolled it back, counts from its next check on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.labels import Reading, Turn, readings
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.plan import Phone


class Disagreement(Struct, frozen=True, kw_only=True):
    """A client of which a server says what is not so."""

    client: str
    said: str
    """The label's code and its sentence, or that there is no row or no label."""
    truly: tuple[Reading, ...]
    """What would have been true to say."""
    running: int | None
    """What it ran when the server last could know; None where it never asked."""


class Known(Struct, frozen=True, kw_only=True):
    """What could be known of a client at a moment at which it was heard of."""

    running: int
    truths: frozenset[Reading]


class Truth(Struct, frozen=True, kw_only=True):
    """What a client really did, as far as a label can be about it. `follow` moves it on."""

    reports: bool
    began: int
    """What it came with; other than 0, it got that from elsewhere."""
    running: int
    came: frozenset[Reading]
    """How it came to run that."""
    since: frozenset[Reading] = frozenset()
    """What happened besides since it runs that."""
    confirmed: frozenset[int] = frozenset()
    """The sequences on its disk that called notifyReady()."""
    check_failed: bool = False
    known: tuple[Known, ...] = ()
    """At its last answered check, and at each report since: a report may be lost, a check is not."""


def began(phone: Phone) -> Truth:
    """A client that has done nothing yet."""
    confirmed = frozenset({phone.sequence} if phone.sequence else ())
    return Truth(
        reports=phone.reports,
        began=phone.sequence,
        running=phone.sequence,
        came=frozenset(),
        confirmed=confirmed,
    )


def follow(truth: Truth, step: Happened) -> Truth:
    """The truth after one more step of the client."""
    truth = _moved(truth, step)
    if step.what in ("checked", "check-failed"):
        before = truth.known[-1].running if truth.known else None
        if before == truth.running == 0:
            truth = replace(
                truth, came=truth.came | {"embedded"}
            )  # what was in between, nobody here has seen
    if step.what == "checked":
        return replace(truth, known=(_now(truth),))
    reported = step.what in ("applied", "confirmed", "failed") or _by_app(step)
    # Of a check that failed the server may have seen the request.
    if truth.known and (step.what == "check-failed" or (reported and truth.reports)):
        return replace(truth, known=(*truth.known, _now(truth)))
    return truth


def truths(phones: Iterable[Phone], happened: Iterable[Happened]) -> dict[str, Truth]:
    """The truth about each client, by its id, after all that happened."""
    found = {phone.id: began(phone) for phone in phones}
    for step in happened:
        found[step.client] = follow(found[step.client], step)
    return found


def disagreements(rows: Sequence[Mapping[str, Any]], truly: Mapping[str, Truth]) -> tuple[Disagreement, ...]:
    """Which of the clients a server's rows (`GET /api/clients`) are wrong about. Rows of other clients are passed over.

    A label agrees where it is about what the client ran when it was last heard of, and one of its readings is true.
    """
    by_id = {row["id"]: row for row in rows}
    found = (_disagreement(client, truth, by_id.get(client)) for client, truth in truly.items())
    return tuple(one for one in found if one is not None)


def _disagreement(client: str, truth: Truth, row: Mapping[str, Any] | None) -> Disagreement | None:
    if not truth.known:
        return None
    last = truth.known[-1]
    label = None if row is None else row.get("label")
    if label is None:
        said = "nothing: it has no row" if row is None else "nothing: its row has no label"
    else:
        turn = Turn(code=label["code"], at=datetime.fromtimestamp(0, UTC), args=label["args"])
        sayings = set(readings(turn))
        if any(one.running == turn.args.get("sequence") and one.truths & sayings for one in truth.known):
            return None
        said = f"{turn.code}: {label.get('sentence', '')}"
    return Disagreement(client=client, said=said, truly=tuple(sorted(last.truths)), running=last.running)


def _now(truth: Truth) -> Known:
    found = truth.came | truth.since
    if truth.check_failed:
        found |= {"check-failed"}
    if truth.running in truth.confirmed:
        found |= {"confirmed"}
    if truth.running == truth.began and not truth.known:
        found |= {"elsewhere" if truth.running else "embedded"}
    if truth.running == truth.began > 0:
        found |= {"elsewhere"}
    return Known(running=truth.running, truths=found)


def _moved(truth: Truth, step: Happened) -> Truth:
    """What a step makes true."""
    came = _CAME.get(step.what)
    if came is not None and step.what != "applied" and step.offered is None:
        return truth  # rollback() found nothing to give up
    if came is not None:
        # What is applied is new on the disk, and what is given up is gone from it; what is set aside stays.
        gone = frozenset({step.sequence if step.what == "applied" else step.offered})
        kept = truth.confirmed if step.what == "set-aside" else truth.confirmed - gone
        return replace(_runs(truth, step.sequence, came), confirmed=kept)
    if step.what == "launched" and step.sequence != truth.running:
        return _runs(truth, step.sequence, "set-aside")  # a newer binary runs what waited on the disk
    if step.what == "confirmed":
        return replace(truth, confirmed=truth.confirmed | {step.sequence})
    if step.what == "upgraded":
        return replace(truth, since=truth.since | {"kept" if truth.running else "embedded"})
    if step.what == "failed":
        return replace(truth, since=truth.since | _failure(step.detail))
    if step.what in ("checked", "check-failed"):
        return replace(truth, check_failed=step.what == "check-failed")
    return truth


_CAME: Mapping[str, Reading] = {
    "applied": "applied",
    "fell-back": "rolled-back",
    "discarded": "discarded",
    "set-aside": "set-aside",
}
"""How a client came to run something else than before."""


def _runs(truth: Truth, sequence: int, came: Reading) -> Truth:
    return replace(truth, running=sequence, came=frozenset({came}), since=frozenset())


def _failure(text: str) -> frozenset[Reading]:
    """The plugin's words for each (plugin: error.rs)."""
    if text.startswith("signature verification failed"):
        return frozenset({"update-failed", "not-verified"})
    if text.startswith(("extraction failed", "I/O error")):
        return frozenset({"update-failed", "not-extracted"})
    return frozenset({"update-failed", "not-received"})


def _by_app(step: Happened) -> bool:
    return step.what == "fell-back" and step.detail == "rollback()"
