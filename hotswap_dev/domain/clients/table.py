"""The clients that are known: a bounded table, advanced by what is seen.

Server and mirrors keep the same one by the same functions, so that both have the same clients in the same order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, ValuesView

from hotswap_dev.domain.checks import is_loopback
from hotswap_dev.domain.clients.advance import advance
from hotswap_dev.domain.clients.row import Client
from hotswap_dev.domain.facts import ClientForgotten, Fact
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    LifecycleReported,
    Observation,
    UpdateReported,
)

MAX_CLIENTS = 10_000
"""Whoever was seen longest ago leaves when there is one more (design §4)."""

_OF_CLIENTS = (CheckAnswered, DownloadEnded, LifecycleReported, UpdateReported)


class ClientTable(Mapping[str, Client]):
    """Clients by their id, in the order in which they were seen last: whoever was seen longest ago comes first.

    `clients` come in that order too; of more than `MAX_CLIENTS` the last ones are kept.
    """

    def __init__(self, clients: Iterable[Client] = ()) -> None:
        self._rows: OrderedDict[str, Client] = OrderedDict()
        self._ids: dict[str, dict[str, None]] = {}
        for client in clients:
            self._keep(client)

    def see(self, seen: Observation) -> Client | None:
        """Take in an observation. Returned is the client after it, None where it is about none that is known.

        It runs on the way of every answer.
        """
        if not isinstance(seen, _OF_CLIENTS) or seen.client is None:
            return None
        client = advance(self._rows.get(seen.client), seen)
        if client is not None:
            self._keep(client)
        return client

    def apply(self, fact: Fact) -> None:
        """Take in a fact: a client that is forgotten leaves."""
        if isinstance(fact, ClientForgotten):
            gone = self._rows.pop(fact.client, None)
            if gone is not None:
                self._moved(gone, None)

    def only_at(self, peer: str) -> Client | None:
        """The client that asks from this address; None where there is none, or more than one. Loopback is one address.

        Its address is the one of its last check.
        """
        ids = self._ids.get(_address(peer), ())
        return self._rows[next(iter(ids))] if len(ids) == 1 else None

    def newest_first(self) -> Iterator[Client]:
        """The clients, beginning with the one that was seen last."""
        return reversed(self._rows.values())

    def values(self) -> ValuesView[Client]:
        """The clients, beginning with the one that was seen longest ago."""
        return self._rows.values()  # a Mapping's own would look each of them up

    def __getitem__(self, key: str) -> Client:
        return self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _keep(self, client: Client) -> None:
        rows = self._rows
        before = rows.get(client.id)
        if before is None or before.peer != client.peer:
            self._moved(before, client)
        rows[client.id] = client
        rows.move_to_end(client.id)
        if len(rows) > MAX_CLIENTS:
            self._moved(rows.popitem(last=False)[1], None)

    def _moved(self, before: Client | None, after: Client | None) -> None:
        """Keep who is at which address; None: it was, or is, nowhere."""
        if before is not None:
            left = self._ids[_address(before.peer)]
            del left[before.id]
            if not left:
                del self._ids[_address(before.peer)]
        if after is not None:
            self._ids.setdefault(_address(after.peer), {})[after.id] = None


def _address(peer: str) -> str:
    """What tells addresses apart: `localhost` reaches us by either family."""
    return "local" if is_loopback(peer) else peer
