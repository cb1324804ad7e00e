"""Who was struck by a fault, and what they did since: the state that `domain.faults.outcomes` is asked about."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.faults import Strike, read_fault
from hotswap_dev.domain.faults.outcomes import Followed, expected_of, follow
from hotswap_dev.domain.model import ArmedFault, Release
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    Observation,
)

MAX_FOLLOWED = 1000
"""Clients; whoever was struck longest ago leaves."""

_FAULTS_AT_ONCE = 4
"""Of one client: those that struck it last."""


class Outcomes:
    """Follows the clients of the plugin that a fault struck. `clients` gives those that are known, as they are now."""

    def __init__(self, clients: Callable[[], Mapping[str, Client]]) -> None:
        self._clients = clients
        self._followed: OrderedDict[str, tuple[Followed, ...]] = OrderedDict()
        self._strikes: OrderedDict[str, Strike] = OrderedDict()

    def struck(self, client: str, strike: Strike) -> None:
        """A fault strikes the answer to this client's check, which is observed next."""
        self._strikes[client] = strike
        _keep_newest(self._strikes, client)

    def fetches(
        self, client: str | None, release: Release, strike: Strike | None, armed: Iterable[ArmedFault]
    ) -> None:
        """A client comes for a bundle: a fault strikes that, or one of those `armed` lies in the bundle itself."""
        if client is None:
            return
        if client in self._followed:
            self._followed[client] = tuple(
                replace(one, fetching=True) if one.sequence == release.sequence else one
                for one in self._followed[client]
            )
        row = self._clients().get(client)
        if row is None or row.protocol != "hotswap" or row.sequence is None:
            return
        by = strike.armed if strike else None
        if by is None and release.origin == "poisoned":
            by = next((one for one in armed if one.sequence == release.sequence), None)
        if by is not None:
            self._begin(row.id, by, row.sequence, release.sequence, row, fetching=True)

    def seen(self, observation: Observation) -> tuple[FaultOutcome, ...]:
        """What an observation says of the faults that struck its client. Before the client itself is moved on by it.

        It runs on the way of every answer: of whom nothing is followed costs one look.
        """
        if not self._followed and not self._strikes:
            return ()
        if not isinstance(observation, CheckAnswered | DownloadEnded | LifecycleReported):
            return ()
        if isinstance(observation, CheckAnswered) and observation.protocol != "hotswap":
            return ()  # what a client of the second protocol does is nobody's reaction
        client = observation.client
        if client is None:
            return ()
        told = self._told(client, observation) if client in self._followed else ()
        if isinstance(observation, CheckAnswered) and observation.fault is not None:
            strike = self._strikes.pop(client, None)
            if strike is not None and observation.sequence is not None:
                offered = observation.args.get("sequence")
                about = offered if isinstance(offered, int) else None
                self._begin(client, strike.armed, observation.sequence, about, self._clients().get(client))
        return told

    def forget(self, client: str) -> None:
        """Follow this client no longer."""
        self._followed.pop(client, None)
        self._strikes.pop(client, None)

    def _told(self, client: str, observation: Observation) -> tuple[FaultOutcome, ...]:
        after = [follow(one, observation) for one in self._followed[client]]
        left = tuple(one for one, _ in after if one is not None)
        if left:
            self._followed[client] = left
        else:
            del self._followed[client]
        return tuple(said for _, said in after if said is not None)

    def _begin(
        self,
        client: str,
        armed: ArmedFault,
        runs: int,
        about: int | None,
        row: Client | None,
        *,
        fetching: bool = False,
    ) -> None:
        known = self._followed.get(client, ())
        if any(one.override == armed.override and one.sequence == about for one in known):
            return  # it struck again: what is expected is the same
        begun = Followed(
            client=client,
            override=armed.override,
            fault=read_fault(armed.fault, armed.parameters),
            runs=runs,
            sequence=about,
            times=armed.left,
            fetching=fetching,
        )
        if about is None and expected_of(begun).available:
            return  # it changes nothing where nothing is offered
        if row is not None and about is not None:
            fetched = row.fetched is not None and row.fetched >= about
            begun = replace(begun, offered_before=row.offered == about, fetched_before=fetched)
        others = tuple(one for one in known if one.override != armed.override)
        self._followed[client] = (*others, begun)[-_FAULTS_AT_ONCE:]
        _keep_newest(self._followed, client)


def _keep_newest(
    table: OrderedDict[str, tuple[Followed, ...]] | OrderedDict[str, Strike], client: str
) -> None:
    table.move_to_end(client)
    if len(table) > MAX_FOLLOWED:
        table.popitem(last=False)
