"""What an app says itself of its updates, and what that adds to its check-ins.

A page may hand on the plugin's lifecycle events (`POST /api/lifecycle`); a client of the second protocol completes its
requests. A report is a claim: it decides what check-ins leave open, it makes no client, and of a version that was
never downloaded here it is remembered only until the next check says what runs.

The plugin's events are those of its `updater.rs` and `commands.rs`. It has none for a refused signature or a failed
extraction; a page may report what its promise rejected with as `apply-error`.
"""

from __future__ import annotations

from msgspec.structs import replace

from hotswap_dev.domain.clients.conclusions import (
    FALLS,
    applied,
    confirmed,
    fetched_meanwhile,
    rolled_back_by_app,
)
from hotswap_dev.domain.clients.row import Client, told_on
from hotswap_dev.domain.labels import Turn
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE
from hotswap_dev.domain.observations import LifecycleReported, UpdateReported

_CONFIRMABLE = ("applied", "running", "completed", "upgraded", "downgraded")
"""Labels with which all is well. Of the others the trouble stays to be read: a page that was gone back to confirms
itself at every start."""


_PROVES_NOTHING = frozenset(
    {"other-client", "repeated", "unknown-request", "missing-request-id", "not-offered"}
)
"""Flags of a completion that is not this client's own first word on what it was offered: it is kept, and says nothing
of the client."""


def reported(client: Client, seen: LifecycleReported) -> Client:
    """The client after a lifecycle event of its plugin; events that settle nothing leave it as it is."""
    if client.label is None or client.sequence is None or seen.lifecycle == "check-start":
        return client
    if seen.lifecycle == "check-error":
        return _check_failed(client, seen)
    client = recovered(client)
    if seen.lifecycle == "apply":
        return _activated(client, seen)
    if seen.lifecycle == "ready-confirmed":
        return _confirmed(client, seen)
    if seen.lifecycle == "rollback":
        return _rolled_back(client, seen)
    if seen.lifecycle.endswith("-error"):
        return _failed(client, seen, seen.sequence, seen.lifecycle, seen.error)
    return client


def completed(client: Client, seen: UpdateReported) -> Client:
    """The client after a completion of the second protocol, which its next check may bear out.

    What it runs is not taken from it: a client that names its binary's version asks as sequence 0, before and after.
    """
    if client.label is None or client.sequence is None or seen.update_type != DEFAULT_UPDATE_TYPE:
        return client
    if not _PROVES_NOTHING.isdisjoint(seen.flags):
        return client
    if seen.status == "failed":
        return _failed(client, seen, seen.sequence, "completion", seen.detail)
    if seen.status != "success" or seen.sequence is None or seen.sequence < client.sequence:
        return client
    turn = Turn(code="completed", at=seen.at, args={"sequence": client.sequence, "of": seen.sequence})
    return replace(
        client,
        label=turn,
        story=told_on(client.story, turn),
        fetched_since=client.fetched_since and fetched_meanwhile(client) != seen.sequence,
    )


def recovered(client: Client) -> Client:
    """The client with the label that it had before its last check failed."""
    if client.interrupted is None:
        return client
    return replace(client, label=client.interrupted, interrupted=None)


def _activated(client: Client, seen: LifecycleReported) -> Client:
    """It runs what it downloaded, until its next check says so too."""
    sequence = seen.sequence
    if sequence is None or sequence not in client.unreported:
        return client
    turn = applied(client, sequence, seen.at)
    return replace(
        client,
        sequence=sequence,
        minimum=client.told.get(sequence),
        unreported={one: times for one, times in client.unreported.items() if one > sequence},
        fetched_since=False,
        label=turn,
        story=told_on(client.story, turn),
    )


def _confirmed(client: Client, seen: LifecycleReported) -> Client:
    sequence = seen.sequence
    if not sequence:
        return client
    client = _activated(client, seen)
    if sequence != client.sequence:
        # Out of turn, or downloaded where this server can't see it: kept for the check that reports it.
        return (
            client
            if client.confirmed is not None and client.confirmed == client.sequence
            else replace(client, confirmed=sequence)
        )
    if client.label is None or client.label.code not in _CONFIRMABLE:
        return client if client.confirmed == sequence else replace(client, confirmed=sequence)
    turn = confirmed(sequence, seen.at)
    return replace(client, confirmed=sequence, label=turn, story=told_on(client.story, turn))


def _rolled_back(client: Client, seen: LifecycleReported) -> Client:
    """Its page called rollback(); without a sequence that ended at the embedded page."""
    sequence, was, label = seen.sequence or 0, client.sequence or 0, client.label
    if sequence > was or label is None:
        return client  # what it left was never seen here
    if sequence < was:
        return _left(client, seen, sequence, was)
    fetched = fetched_meanwhile(client)
    if fetched is not None:  # it ran that without a check in between
        return replace(_left(client, seen, sequence, fetched), fetched_since=False)
    if (
        sequence and label.code in FALLS and not label.args.get("by_app")
    ):  # its check was faster than this report
        told = Turn(code=label.code, at=label.at, args={**label.args, "by_app": 1})
        story = client.story
        return replace(
            client, label=told, story=(*story[:-1], told) if story and story[-1] == label else story
        )
    return client  # there was nothing to leave


def _left(client: Client, seen: LifecycleReported, sequence: int, gave_up: int) -> Client:
    turn = rolled_back_by_app(client, sequence, gave_up, seen.at)
    return replace(
        client,
        sequence=sequence,
        minimum=client.told.get(sequence) if sequence != client.sequence else client.minimum,
        unreported={one: times for one, times in client.unreported.items() if one != gave_up},
        confirmed=client.confirmed if client.confirmed is not None and client.confirmed <= sequence else None,
        fell_from=gave_up,
        falls=int(turn.args["times"]),
        label=turn,
        story=told_on(client.story, turn),
    )


def _check_failed(client: Client, seen: LifecycleReported) -> Client:
    turn = _failure(client, seen, None, "check-error", seen.error)
    return replace(
        client,
        label=turn,
        interrupted=client.interrupted or client.label,
        story=told_on(client.story, turn),
    )


def _failed(
    client: Client, seen: LifecycleReported | UpdateReported, of: int | None, event: str, error: str
) -> Client:
    """What became of a download, in the client's own words."""
    fetched = fetched_meanwhile(client)
    about = of or fetched or client.offered
    if about is not None and about <= (client.sequence or 0):
        return client  # it runs that, or something newer: a report that came late
    said = {} if client.label is None else client.label.args
    if event == "apply-error" and said.get("stage") == "download-error" and said["error"] == error:
        return client  # the promise rejects with what the plugin's event has said already
    turn = _failure(client, seen, about, event, error)
    # The next check need not guess what became of that download.
    guess = client.fetched_since and fetched != about
    return replace(client, label=turn, story=told_on(client.story, turn), fetched_since=guess)


def _failure(
    client: Client, seen: LifecycleReported | UpdateReported, of: int | None, event: str, error: str
) -> Turn:
    args: dict[str, str | int] = {"sequence": client.sequence or 0, "stage": event, "error": error}
    if of is not None:
        args["of"] = of
    before = next((turn.args for turn in reversed(client.story) if turn.code == "failed"), {})
    again = all(before.get(name) == value for name, value in args.items())
    args["times"] = int(before.get("times", 0)) + 1 if again else 1
    return Turn(code="failed", at=seen.at, args=args)
