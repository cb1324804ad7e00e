"""What a client's check-ins prove, and what they only suggest.

A server sees two things of a client: the sequence that it says it runs, and what it downloads. `advance` draws from
them what happened in between (design §4, §6) and keeps it as a label and a short story, both as codes with their
values; `standing` and `domain.labels` render them when someone reads. Where several things could have happened,
the label is the likeliest of its `readings`, and the sentence says that it is inferred and names the others.

What leaves no trace in either, an app may say itself: `reported` has what its reports add. Without one no label says
that a version was *confirmed*, or with which words a download failed.

All of it takes one id for one client; where two share an id, its remarks say so as soon as it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from msgspec.structs import replace

from hotswap_dev.domain.checks import is_loopback
from hotswap_dev.domain.clients.conclusions import (
    FALLS,
    applied,
    binary_turn,
    confirmed,
    fall,
    fetched_meanwhile,
    not_activated,
)
from hotswap_dev.domain.clients.reported import completed, recovered, reported
from hotswap_dev.domain.clients.row import Client, Formerly, Mixed, MixedOf, newest, told_on, without
from hotswap_dev.domain.labels import Turn
from hotswap_dev.domain.model import DEFAULT_CHANNEL
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    LifecycleReported,
    Observation,
    UpdateReported,
)

AT_ONCE = timedelta(minutes=5)
"""A client that is two things in turns within this time is two clients."""

RECENTLY = timedelta(hours=1)
"""How long that is held against what it reports."""

_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""Of a download: its client came without the header that the channel demands. A fault may answer so too."""

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


def advance(client: Client | None, seen: Observation) -> Client | None:
    """The client after `seen`; None where it is about no client, or a client that never checked.

    It runs on the way of every answer: a check that says what the last one said costs one `replace`.
    """
    if isinstance(seen, CheckAnswered):
        return _checked(client, seen)
    if isinstance(seen, DownloadEnded) and client is not None and not seen.range:
        return _downloaded(client, seen)
    if client is not None and isinstance(seen, LifecycleReported):
        return reported(client, seen)
    if client is not None and isinstance(seen, UpdateReported):
        return completed(client, seen)
    return client


def lately_mixed(mixed: Mixed | None, at: datetime) -> bool:
    """Whether two showed under one id within the hour before `at`."""
    return mixed is not None and abs(at - mixed.at) <= RECENTLY


def _checked(client: Client | None, seen: CheckAnswered) -> Client:
    if client is None:
        client = Client(id=seen.client, first_seen=seen.at, last_seen=seen.at, peer=seen.peer)
    elif client.interrupted is not None:
        client = recovered(client)
    offered = seen.offered
    if (
        client.sequence == seen.sequence
        and client.reason == seen.reason
        and client.binary_version == seen.binary_version
        and client.peer == seen.peer
        and client.channel == seen.channel
        and client.headers == seen.headers
        and client.protocol == seen.protocol
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
        headers=seen.headers,
        protocol=seen.protocol,
        sequence=seen.sequence,
        offered=client.offered if offered is None else offered,
        fetched_since=False,
        **_proved(client, seen, seen.sequence),
    )


def _downloaded(client: Client, seen: DownloadEnded) -> Client:
    if seen.status in _DENIED and seen.fault is None:
        return replace(client, broken=None, shut_out=seen.sequence)
    if not seen.complete:
        return replace(client, broken=seen.sequence, shut_out=None)
    sequence, running = seen.sequence, client.sequence
    times = client.unreported.get(sequence, 0) + 1
    fetched = Turn(code="fetched", at=seen.at, args={"sequence": sequence, "times": times})
    known = replace(
        client,
        fetched=max(client.fetched or 0, sequence),
        broken=None,
        shut_out=None,
        story=told_on(client.story, fetched),
    )
    if running is None or sequence > running:
        unreported = newest({**without(client.unreported, sequence), sequence: times})
        return replace(known, unreported=unreported, fetched_since=True)
    if sequence == running and client.label is not None and client.label.code == "running":
        # Its end was noticed after the check that reports it.
        turn = Turn(code="applied", at=seen.at, args={"sequence": sequence})
        return replace(known, label=turn, story=told_on(known.story, turn))
    return known


# --- what a check proves -----------------------------------------------------------------------------------------


def _proved(client: Client, seen: CheckAnswered, sequence: int) -> dict[str, Any]:
    """The fields that a check changes beyond what it says itself."""
    changes: dict[str, Any] = {**_binary_mixed(client, seen), **_peer_mixed(client, seen)}
    told = client.told
    minimum = seen.args.get("min_binary_version")
    if seen.offered is not None and isinstance(minimum, str) and told.get(seen.offered) != minimum:
        changes["told"] = newest({**without(told, seen.offered), seen.offered: minimum})
    if client.sequence != sequence:
        changes["minimum"] = told.get(sequence)
        changes["unreported"] = {one: times for one, times in client.unreported.items() if one > sequence}
    if client.confirmed is not None and client.confirmed > sequence:
        changes["confirmed"] = None  # what a plugin leaves for a lower one it deletes, or sets aside
    story = client.story
    if client.sequence is not None and _asked(seen.channel) != _asked(client.channel):
        channels = {"channel": _asked(seen.channel), "was": _asked(client.channel)}
        story = told_on(story, Turn(code="channel-switched", at=seen.at, args={**channels}))
    for turn in _conclusions(client, seen, sequence, changes.get("mixed", client.mixed)):
        changes["label"] = turn
        story = told_on(story, turn)
        if turn.code in FALLS:
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

    other_binary = binary_turn(client, seen, sequence)
    if other_binary is not None:
        yield other_binary
    if seen.reason == "client-ahead":
        if was != sequence or label is None or label.code != "ahead":
            yield turn("ahead", last=seen.args.get("last", 0))
    elif was is None or label is None:
        yield turn("running" if sequence else "embedded")
    elif sequence > was and sequence in client.unreported:
        yield applied(client, sequence, seen.at)
        if client.confirmed == sequence:  # the report was faster than this check
            yield confirmed(sequence, seen.at)
    elif other_binary is not None:
        return  # the likeliest cause of whatever else is new
    elif sequence == was:
        fetched = fetched_meanwhile(client)
        if fetched is not None:
            yield not_activated(client, seen, sequence, fetched)
        elif label.code == "ahead" and seen.reason in _NOT_AHEAD:
            yield turn("running" if sequence else "embedded")
    elif (sequence > was and sequence == client.fell_from) or lately_mixed(mixed, seen.at):
        # What a plugin gave up it deleted: that comes back by a download only (plugin: updater.rs, `rollback`).
        yield turn("shared-id", was=was)
    elif sequence > was:
        # Below what a plugin gives up unseen an older confirmed one may lie (plugin: updater.rs, `rollback`).
        yield turn("running", had_before=1) if _had(client, sequence) else turn("running")
        if client.confirmed == sequence:
            yield confirmed(sequence, seen.at)
    else:
        yield fall(client, sequence, seen.at, seen.binary_version)


def _had(client: Client, sequence: int) -> bool:
    """Whether its story tells that it ran this before."""
    return any(
        turn.code in ("applied", "confirmed", "running") and turn.args.get("sequence") == sequence
        for turn in client.story
    )


def _asked(channel: str | None) -> str:
    return channel or DEFAULT_CHANNEL


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
