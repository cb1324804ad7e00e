"""Commands about one client: pin, name, forget."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from hotswap_dev.domain.commands.arguments import ClientId, client_id, release_of
from hotswap_dev.domain.commands.faults import antidotes
from hotswap_dev.domain.commands.registry import Built, Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import ClientForgotten, ClientNamed, ClientPinned, ClientUnpinned, Fact
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_Client = Annotated[ClientId, Meta(description="a client's id")]
_LONGEST_NAME = 64


class PinClient(Command, frozen=True):
    """Offer this client one sequence and no other, until it is `none` again.

    Whether the release is withheld and whether the client's binary may run it still counts.
    """

    summary = "Offer a client one release and no other"
    example = "pin-client Pixel 1"

    client: _Client
    sequence: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="a release's number, latest or none")
    ]

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The client pinned, or no longer, if that is new."""
        client = client_id(self.client)
        if self.sequence is None:
            return [ClientUnpinned(at=now, client=client)] if client in controls.pins else []
        release_of(controls, self.sequence)
        if controls.pins.get(client) == self.sequence:
            return []
        return [ClientPinned(at=now, client=client, sequence=self.sequence)]


class NameClient(Command, frozen=True):
    """Give a client a name that people know it by; an empty one takes it away."""

    summary = "Give a client a name"
    example = "name-client Pixel 'QA phone'"

    client: _Client
    name: Annotated[str, Meta(description="what to call it; '' takes its name away")]

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The client named, if that is new."""
        client = client_id(self.client)
        name = self.name.strip()
        if shown(name, _LONGEST_NAME) != name:
            raise HotswapError(
                f"name: {shown(name)!r} can't be a client's name",
                f"at most {_LONGEST_NAME} printable characters",
                code="bad-name",
            )
        if controls.names.get(client, "") == name:
            return []
        return [ClientNamed(at=now, client=client, name=name)]


class ForgetClient(Command, frozen=True):
    """Drop what is known of a client and set for it alone: its name, its pin, its forced 204, its faults.

    A poisoned release that was made for it is taken back. The history stays.
    """

    summary = "Forget a client, its name and its pin"
    example = "forget-client Pixel"
    final = True

    client: _Client

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The client forgotten, after what takes its poisoned releases back."""
        client = client_id(self.client)
        own = tuple(one for one in controls.faults if one.client == client)
        return [*antidotes(controls, own, now), ClientForgotten(at=now, client=client)]
