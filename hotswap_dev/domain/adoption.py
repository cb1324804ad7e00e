"""How far a release has come, as far as check-ins and downloads show it: offered, fetched, running, fallen back."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release


class Adoption(Struct, frozen=True, kw_only=True):
    """Clients at each station of one release's way. Who fetched it was offered it, who runs it fetched it."""

    sequence: int
    clients: int = 0
    """Who asks for its channel; of these it could be all."""
    offered: int = 0
    fetched: int = 0
    running: int = 0
    """Who reports it now."""
    fell_back: int = 0
    """Who gave it up for a lower one and does not run it now."""


def adoptions(releases: Iterable[Release], clients: Iterable[Client]) -> dict[int, Adoption]:
    """The way of each of these releases, over the clients that are known, which are gone through once."""
    wanted = {release.sequence: release for release in releases}
    asks: dict[str, int] = {}
    elsewhere: dict[int, int] = {}
    offered, fetched, running, fell = (dict.fromkeys(wanted, 0) for _ in range(4))
    for client in clients:
        channel = client.channel or DEFAULT_CHANNEL
        asks[channel] = asks.get(channel, 0) + 1
        runs, gave_up = client.sequence, client.fell_from
        has = {runs, gave_up, client.fetched, *client.unreported}
        for sequence in has | {client.offered, *client.told}:
            if sequence is None or (release := wanted.get(sequence)) is None:
                continue
            if sequence == runs:
                running[sequence] += 1
                if release.channel != channel:  # it came from there, and asks elsewhere now
                    elsewhere[sequence] = elsewhere.get(sequence, 0) + 1
            elif release.channel != channel:
                continue
            elif sequence == gave_up:
                fell[sequence] += 1
            fetched[sequence] += sequence in has
            offered[sequence] += 1
    return {
        sequence: Adoption(
            sequence=sequence,
            clients=asks.get(release.channel, 0) + elsewhere.get(sequence, 0),
            offered=offered[sequence],
            fetched=fetched[sequence],
            running=running[sequence],
            fell_back=fell[sequence],
        )
        for sequence, release in wanted.items()
    }


def in_play(clients: Iterable[Client]) -> frozenset[int]:
    """The sequences that some client has, had, fetched or is offered: what is worth a row of its own."""
    seen: set[int | None] = set()
    for client in clients:
        seen.update(client.unreported)
        seen.update((client.sequence, client.fetched, client.fell_from))
        seen.update(int(turn.args["sequence"]) for turn in client.story if turn.code == "fetched")
        if client.status == 200:
            seen.add(client.offered)
    return frozenset(one for one in seen if one is not None)
