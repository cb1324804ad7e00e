"""What a client's check-ins prove, and what they only suggest.

A server sees two things of a client: the sequence that it says it runs, and what it downloads. `advance` draws from
them what happened in between (design §4, §6) and keeps it as a label and a short story, both as codes with their
values; `standing` and `domain.labels` render them when someone reads. Where several things could have happened,
the label is the likeliest of its `readings`, and the sentence says that it is inferred and names the others.

All of it takes one id for one client; where two share an id, its remarks say so as soon as it shows.

That a version was *confirmed* leaves no trace in any request: no label says so. A lifecycle report will.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.checks import is_loopback
from hotswap_dev.domain.labels import Turn
from hotswap_dev.domain.model import DEFAULT_CHANNEL
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, Observation
from hotswap_dev.domain.versions import parse

MAX_TURNS = 8
_MAX_KEPT = 4  # offers, and downloads that were not reported: one of each is usual

AT_ONCE = timedelta(minutes=5)
"""A client that is two things in turns within this time is two clients."""

RECENTLY = timedelta(hours=1)
"""How long that is held against what it reports."""

MixedOf = Literal["peer", "binary-version", "sequence"]
K = TypeVar("K")

_FALLS = ("rolled-back", "rollback-loop", "discarded")
_NOT_AHEAD = (
    "newer-release",
    "up-to-date",
    # Something above it was passed over.
    "binary-too-old",
    "not-targeted",
    "not-in-rollout",
    "release-withheld",
    "pinned",
)


class Formerly(Struct, frozen=True):
    """What a client was before, and until when."""

    value: str
    until: datetime


class Mixed(Struct, frozen=True, kw_only=True):
    """Two under one id: it was one thing, then another, then the first again, at once or without a download."""

    of: MixedOf
    one: str
    other: str
    at: datetime


class Client(Struct, frozen=True, kw_only=True):
    """What is known of one client: what it said last, what it was told, what it fetched, and what that proves."""

    id: str
    first_seen: datetime
    last_seen: datetime
    peer: str
    checks: int = 0
    platform: str | None = None
    arch: str | None = None
    binary_version: str | None = None
    channel: str | None = None
    sequence: int | None = None
    offered: int | None = None
    fetched: int | None = None
    """The highest sequence whose bundle it downloaded whole."""
    status: int | None = None
    reason: str | None = None
    label: Turn | None = None
    """What its check-ins prove; None as long as no check of it could be read."""
    story: tuple[Turn, ...] = ()
    """Its last turns, oldest first, at most 8."""
    minimum: str | None = None
    """The `min_binary_version` that it was told of the sequence that it reports; None where that was not here."""
    told: dict[int, str] = {}
    """That of its last offers, at most 4: sequence to minimum."""
    unreported: dict[int, int] = {}
    """What it downloaded whole and has not reported since, and how often, newest last, at most 4."""
    fetched_since: bool = False
    """Whether a whole download ended since its last check."""
    broken: int | None = None
    """The sequence whose download broke off, if that was its last one."""
    fell_from: int | None = None
    """The sequence that it last gave up for a lower one."""
    falls: int = 0
    """How often it gave that up, one time after the other."""
    peer_before: Formerly | None = None
    binary_before: Formerly | None = None
    mixed: Mixed | None = None


def advance(client: Client | None, seen: Observation) -> Client | None:
    """The client after `seen`; None where it is about no client, or a client that never checked.

    It runs on the way of every answer: a check that says what the last one said costs one `replace`.
    """
    if isinstance(seen, CheckAnswered):
        return _checked(client, seen)
    if isinstance(seen, DownloadEnded) and client is not None and not seen.range:
        return _downloaded(client, seen)
    return client


def lately_mixed(mixed: Mixed | None, at: datetime) -> bool:
    """Whether two showed under one id within the hour before `at`."""
    return mixed is not None and abs(at - mixed.at) <= RECENTLY


def _checked(client: Client | None, seen: CheckAnswered) -> Client:
    if client is None:
        client = Client(id=seen.client, first_seen=seen.at, last_seen=seen.at, peer=seen.peer)
    offered = seen.offered
    if (
        client.sequence == seen.sequence
        and client.reason == seen.reason
        and client.binary_version == seen.binary_version
        and client.peer == seen.peer
        and client.channel == seen.channel
        and not client.fetched_since
        and (offered is None or client.told.get(offered) == seen.args.get("min_binary_version"))
        and client.label is not None
    ):
        return replace(
            client,
            last_seen=seen.at,
            checks=client.checks + 1,
            platform=seen.platform,
            arch=seen.arch,
            offered=client.offered if offered is None else offered,
            status=seen.status,
        )
    if seen.sequence is None:  # it could not be read, so it says nothing of what the client is
        return replace(
            client,
            last_seen=seen.at,
            checks=client.checks + 1,
            peer=seen.peer,
            status=seen.status,
            reason=seen.reason,
        )
    return replace(
        client,
        last_seen=seen.at,
        checks=client.checks + 1,
        status=seen.status,
        reason=seen.reason,
        peer=seen.peer,
        platform=seen.platform,
        arch=seen.arch,
        binary_version=seen.binary_version,
        channel=seen.channel,
        sequence=seen.sequence,
        offered=client.offered if offered is None else offered,
        fetched_since=False,
        **_proved(client, seen, seen.sequence),
    )


def _downloaded(client: Client, seen: DownloadEnded) -> Client:
    if not seen.complete:
        return replace(client, broken=seen.sequence)
    sequence, running = seen.sequence, client.sequence
    times = client.unreported.get(sequence, 0) + 1
    fetched = Turn(code="fetched", at=seen.at, args={"sequence": sequence, "times": times})
    known = replace(
        client,
        fetched=max(client.fetched or 0, sequence),
        broken=None,
        story=_told_on(client.story, fetched),
    )
    if running is None or sequence > running:
        unreported = _newest({**_without(client.unreported, sequence), sequence: times})
        return replace(known, unreported=unreported, fetched_since=True)
    if sequence == running and client.label is not None and client.label.code == "running":
        # Its end was noticed after the check that reports it.
        applied = Turn(code="applied", at=seen.at, args={"sequence": sequence})
        return replace(known, label=applied, story=_told_on(known.story, applied))
    return known


# --- what a check proves -----------------------------------------------------------------------------------------


def _proved(client: Client, seen: CheckAnswered, sequence: int) -> dict[str, Any]:
    """The fields that a check changes beyond what it says itself."""
    changes: dict[str, Any] = {**_binary_mixed(client, seen), **_peer_mixed(client, seen)}
    told = client.told
    minimum = seen.args.get("min_binary_version")
    if seen.offered is not None and isinstance(minimum, str) and told.get(seen.offered) != minimum:
        changes["told"] = _newest({**_without(told, seen.offered), seen.offered: minimum})
    if client.sequence != sequence:
        changes["minimum"] = told.get(sequence)
        changes["unreported"] = {one: times for one, times in client.unreported.items() if one > sequence}
    story = client.story
    if client.sequence is not None and _asked(seen.channel) != _asked(client.channel):
        channels = {"channel": _asked(seen.channel), "was": _asked(client.channel)}
        story = _told_on(story, Turn(code="channel-switched", at=seen.at, args={**channels}))
    for turn in _conclusions(client, seen, sequence, changes.get("mixed", client.mixed)):
        changes["label"] = turn
        story = _told_on(story, turn)
        if turn.code in _FALLS:
            changes["fell_from"], changes["falls"] = turn.args["gave_up"], turn.args["times"]
        elif turn.code == "shared-id" and sequence > (client.sequence or 0):
            changes["mixed"] = Mixed(of="sequence", one=str(client.sequence), other=str(sequence), at=seen.at)
    changes["story"] = story
    return changes


def _conclusions(client: Client, seen: CheckAnswered, sequence: int, mixed: Mixed | None) -> Iterator[Turn]:
    """What is new, in its order; the last of them is the label, and where nothing is, the label stays."""
    was, label = client.sequence, client.label

    def turn(code: str, **args: str | int) -> Turn:
        return Turn(code=code, at=seen.at, args={"sequence": sequence, **args})

    other_binary = _binary_turn(client, seen, sequence)
    if other_binary is not None:
        yield other_binary
    if seen.reason == "client-ahead":
        if was != sequence or label is None or label.code != "ahead":
            yield turn("ahead", last=seen.args.get("last", 0))
    elif was is None or label is None:
        yield turn("running" if sequence else "embedded")
    elif sequence > was and sequence in client.unreported:
        yield turn("applied", **({"falls": client.falls} if sequence == client.fell_from else {}))
    elif other_binary is not None:
        return  # the likeliest cause of whatever else is new
    elif sequence == was:
        fetched = _fetched_meanwhile(client)
        if fetched is not None:
            yield _not_activated(client, seen, sequence, fetched)
        elif label.code == "ahead" and seen.reason in _NOT_AHEAD:
            yield turn("running" if sequence else "embedded")
    elif (sequence > was and sequence == client.fell_from) or lately_mixed(mixed, seen.at):
        # What a plugin gave up it deleted: that comes back by a download only (plugin: updater.rs, `rollback`).
        yield turn("shared-id", was=was)
    elif sequence > was:
        yield turn("running")
    else:
        yield _fall(client, seen, sequence, was)


def _not_activated(client: Client, seen: CheckAnswered, sequence: int, fetched: int) -> Turn:
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


def _fall(client: Client, seen: CheckAnswered, sequence: int, was: int) -> Turn:
    """It reports less than before, on the same binary."""
    # What it downloaded last may have run and gone back without a check in between: then that is what it gave up.
    gave_up = _fetched_meanwhile(client) or was
    times = client.falls + 1 if client.fell_from == gave_up else 1
    args: dict[str, str | int] = {"sequence": sequence, "was": was, "gave_up": gave_up, "times": times}
    minima = (client.minimum,) if gave_up == was else (client.told.get(gave_up), client.minimum)
    below = next((one for one in minima if _order(seen.binary_version, one) > 0), None)
    if sequence == 0 and below is not None:
        args |= {"minimum": below, "binary_version": seen.binary_version or ""}
        return Turn(code="discarded", at=seen.at, args=args)
    return Turn(code="rollback-loop" if times > 1 else "rolled-back", at=seen.at, args=args)


def _fetched_meanwhile(client: Client) -> int | None:
    """What was downloaded last since its last check: above what it reported then, as all that is unreported."""
    return next(reversed(client.unreported), None) if client.fetched_since else None


def _binary_turn(client: Client, seen: CheckAnswered, sequence: int) -> Turn | None:
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


def _asked(channel: str | None) -> str:
    return channel or DEFAULT_CHANNEL


def _order(version: str | None, other: str | None) -> int:
    """1 where `version` is the newer one, -1 where `other` is, 0 where they are the same or can't be compared."""
    if not version or not other or version == other:
        return 0
    try:
        mine, others = parse(version), parse(other)
    except ValueError:
        return 0
    return (mine > others) - (mine < others)


# --- two under one id --------------------------------------------------------------------------------------------


def _binary_mixed(client: Client, seen: CheckAnswered) -> dict[str, Any]:
    was, now = client.binary_version, seen.binary_version
    if was is None or now is None or was == now:
        return {}
    return _turned("binary", "binary-version", client.binary_before, was, now, seen.at)


def _peer_mixed(client: Client, seen: CheckAnswered) -> dict[str, Any]:
    was, now = client.peer, seen.peer
    if was == now or (is_loopback(was) and is_loopback(now)):  # `localhost` reaches us by either family
        return {}
    return _turned("peer", "peer", client.peer_before, was, now, seen.at)


def _turned(
    field: str, of: MixedOf, before: Formerly | None, was: str, now: str, at: datetime
) -> dict[str, Any]:
    changes: dict[str, Any] = {f"{field}_before": Formerly(was, at)}
    # Both ways: somebody may set the clock back (hardening E4).
    if before is not None and before.value == now and abs(at - before.until) <= AT_ONCE:
        changes["mixed"] = Mixed(of=of, one=was, other=now, at=at)
    return changes


# --- bounded -----------------------------------------------------------------------------------------------------


def _told_on(story: tuple[Turn, ...], turn: Turn) -> tuple[Turn, ...]:
    """The story with one more turn; one that only happens once more takes the place of the last."""
    if story and story[-1].code == turn.code and _same(story[-1].args, turn.args):
        story = story[:-1]
    return (*story, turn)[-MAX_TURNS:]


def _same(args: dict[str, str | int], others: dict[str, str | int]) -> bool:
    return all(others.get(name) == value for name, value in args.items() if name != "times")


def _newest(table: dict[int, K]) -> dict[int, K]:
    return dict(list(table.items())[-_MAX_KEPT:])


def _without(table: dict[int, K], key: int) -> dict[int, K]:
    return {one: value for one, value in table.items() if one != key}
