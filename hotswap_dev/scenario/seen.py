"""What a running server knows of a run, read over its control site."""

from __future__ import annotations

import time
from collections.abc import Container
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import Observation

_PAGE = 10_000
_MOST_ROWS = 100_000
"""Of the history: the newest."""

_EVENTS = (
    "check-answered",
    "download-ended",
    "release-added",
    "release-withheld",
    "release-restored",
    "rollout-set",
    "fault-armed",
    "lifecycle-reported",
    "update-reported",
)
_PATIENCE = 2.0
"""Seconds: what was just answered is in the history by then, unless the disk is full."""

_AGAIN = 0.05


class Seen(Struct, frozen=True, kw_only=True):
    """What a server knows at the end of a run."""

    controls: Controls = Controls()
    clients: tuple[Client, ...] = ()
    """The one seen last comes last."""
    events: tuple[Fact | Observation, ...] = ()
    """Checks, downloads and changes of the run, oldest first."""
    cut: bool = False
    """Whether there were more events than are read: the oldest are missing."""


def only(seen: Seen, clients: Container[str]) -> Seen:
    """The same as if the server knew these clients alone, by their ids; what was changed on it stays."""
    if all(one.id in clients for one in seen.clients):
        return seen  # a download without an id is theirs, too
    return replace(
        seen,
        clients=tuple(one for one in seen.clients if one.id in clients),
        events=tuple(one for one in seen.events if isinstance(one, Fact) or _client(one) in clients),
    )


def _client(one: Observation) -> str | None:
    client: str | None = getattr(one, "client", None)
    return client


def look(control: ControlClient, since: datetime | None = None) -> Seen:
    """Ask a running server for all that a report shows, the history from `since` on. Blocks; raises what `control`
    raises: Unreachable, ServerRefused.
    """
    state = wire.decode_state(control.request("GET", "/api/state"))
    # The history is written behind the answers' back: what the clients were last seen with is waited for.
    last = max((client.last_seen for client in state.clients), default=None)
    deadline = time.monotonic() + _PATIENCE
    while last is not None and time.monotonic() < deadline:
        newest = control.get("/api/history", limit=1, event=_EVENTS)
        if newest and wire.event_of(newest[0]).at >= last:
            break
        time.sleep(_AGAIN)
    rows: list[wire.Json] = []
    before: int | None = None
    while len(rows) <= _MOST_ROWS:
        page = control.get(
            "/api/history",
            limit=_PAGE,
            before=before,
            since=None if since is None else wire.rfc3339(since),
            event=_EVENTS,
        )
        rows += page
        if len(page) < _PAGE:
            break
        before = int(page[-1]["number"])
    return Seen(
        controls=state.controls,
        clients=state.clients,
        events=tuple(wire.event_of(row) for row in reversed(rows[:_MOST_ROWS])),
        cut=len(rows) > _MOST_ROWS,
    )
