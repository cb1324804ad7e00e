"""How far a release has come, as far as check-ins, downloads and reports show it: offered, fetched, running, confirmed;
failed, fallen back.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from hotswap_dev.domain.clients import Client, runs_again
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Protocol, Release
from hotswap_dev.domain.rollout import may_ask_for


class Adoption(Struct, frozen=True, kw_only=True):
    """Clients at each station of one release's way. Who fetched it was offered it, who runs it fetched it."""

    sequence: int
    clients: int = 0
    """Who asks for its channel, and in a protocol that knows its type; of these it could be all."""
    offered: int = 0
    fetched: int = 0
    running: int = 0
    """Who reports it now."""
    confirmed: int = 0
    """Who runs it and reported that its page called notifyReady(): only an app that reports can be counted."""
    failed: int = 0
    """Who last tried to have it and could not: a reported failure, or a whole download that was not activated."""
    fell_back: int = 0
    """Who gave it up for a lower one and does not run it now."""
    again: int = 0
    """Of those who run it: who gave it up before, and has not confirmed it since."""

    @property
    def fallen(self) -> int:
        """Who gave it up, and has not confirmed it since: in a rollback loop a client is on its way up or down."""
        return self.fell_back + self.again


class Counting:
    """The ways of these releases, counted as clients are told: who must not be held up tells them in pieces."""

    def __init__(self, releases: Iterable[Release]) -> None:
        self._wanted = {release.sequence: release for release in releases}
        self._asks: dict[tuple[str, Protocol], int] = {}
        self._elsewhere: dict[int, int] = {}
        (
            self._offered,
            self._fetched,
            self._running,
            self._confirmed,
            self._failed,
            self._fell,
            self._again,
        ) = (dict.fromkeys(self._wanted, 0) for _ in range(7))

    def add(self, clients: Iterable[Client]) -> None:
        """Count these too; each client once."""
        wanted, asks, elsewhere = self._wanted, self._asks, self._elsewhere
        for client in clients:
            channel = client.channel or DEFAULT_CHANNEL
            asks[channel, client.protocol] = asks.get((channel, client.protocol), 0) + 1
            runs, gave_up, failed = client.sequence, client.fell_from, failed_on(client)
            has = {runs, gave_up, client.fetched, *client.unreported}
            for sequence in has | {client.offered, failed, *client.told}:
                if sequence is None or (release := wanted.get(sequence)) is None:
                    continue
                if sequence == runs:
                    self._running[sequence] += 1
                    self._confirmed[sequence] += client.confirmed == sequence
                    self._again[sequence] += gave_up == runs and runs_again(client)
                    if not may_ask_for(
                        release, channel, client.protocol
                    ):  # it came from there, and asks elsewhere now
                        elsewhere[sequence] = elsewhere.get(sequence, 0) + 1
                elif not may_ask_for(release, channel, client.protocol):
                    continue
                else:
                    self._fell[sequence] += sequence == gave_up
                    self._failed[sequence] += sequence == failed
                self._fetched[sequence] += sequence in has
                self._offered[sequence] += 1

    def counted(self) -> dict[int, Adoption]:
        """The way of each release, over the clients that were told."""
        return {
            sequence: Adoption(
                sequence=sequence,
                clients=self._asking(release) + self._elsewhere.get(sequence, 0),
                offered=self._offered[sequence],
                fetched=self._fetched[sequence],
                running=self._running[sequence],
                confirmed=self._confirmed[sequence],
                failed=self._failed[sequence],
                fell_back=self._fell[sequence],
                again=self._again[sequence],
            )
            for sequence, release in self._wanted.items()
        }

    def _asking(self, release: Release) -> int:
        return sum(
            count
            for (channel, protocol), count in self._asks.items()
            if may_ask_for(release, channel, protocol)
        )


def adoptions(releases: Iterable[Release], clients: Iterable[Client]) -> dict[int, Adoption]:
    """The way of each of these releases, over the clients that are known, which are gone through once."""
    counting = Counting(releases)
    counting.add(clients)
    return counting.counted()


def failed_on(client: Client) -> int | None:
    """The sequence that it last tried to have and could not; None where it did not fail, or not with a release."""
    label = client.interrupted or client.label
    if label is None:
        return None
    if label.code == "failed" and "of" in label.args:
        return int(label.args["of"])
    return int(label.args["fetched"]) if label.code == "not-activated" else None


def station(release: Release, client: Client) -> str | None:
    """Where on the release's way this client is; None where it does not ask for its channel, nor run it.

    One of `confirmed`, `running`, `failed`, `fell-back`, `fetched`, `offered`, `waiting`: the first of them that holds,
    but `fell-back` before `running` for who gave it up and runs it again, unconfirmed.
    """
    sequence = release.sequence
    if client.sequence == sequence:
        if client.confirmed == sequence:
            return "confirmed"
        return "fell-back" if runs_again(client) else "running"
    if not may_ask_for(release, client.channel, client.protocol):
        return None
    if failed_on(client) == sequence:
        return "failed"
    if client.fell_from == sequence:
        return "fell-back"
    if sequence == client.fetched or sequence in client.unreported:
        return "fetched"
    return "offered" if sequence == client.offered or sequence in client.told else "waiting"


def in_play(clients: Iterable[Client]) -> frozenset[int]:
    """The sequences that some client has, had, fetched or is offered: what is worth a row of its own."""
    seen: set[int | None] = set()
    for client in clients:
        seen.update(client.unreported)
        seen.update((client.sequence, client.fetched, client.fell_from, failed_on(client)))
        seen.update(int(turn.args["sequence"]) for turn in client.story if turn.code == "fetched")
        if client.status == 200:
            seen.add(client.offered)
    return frozenset(one for one in seen if one is not None)
