"""A client as its own check-ins show it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, Observation


class Client(Struct, frozen=True, kw_only=True):
    """What is known of one client: what it said last, what it was told, what it fetched."""

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


def advance(client: Client | None, seen: Observation) -> Client | None:
    """The client after `seen`; None where it is about no client, or a client that never checked."""
    if isinstance(seen, CheckAnswered):
        known = client or Client(id=seen.client, first_seen=seen.at, last_seen=seen.at, peer=seen.peer)
        asked = replace(
            known,
            last_seen=seen.at,
            peer=seen.peer,
            checks=known.checks + 1,
            status=seen.status,
            reason=seen.reason,
        )
        if seen.sequence is None:  # it could not be read, so it says nothing of what the client is
            return asked
        return replace(
            asked,
            platform=seen.platform,
            arch=seen.arch,
            binary_version=seen.binary_version,
            channel=seen.channel,
            sequence=seen.sequence,
            offered=known.offered if seen.offered is None else seen.offered,
        )
    if isinstance(seen, DownloadEnded) and client is not None and seen.complete:
        return replace(client, fetched=max(client.fetched or 0, seen.sequence))
    return client
