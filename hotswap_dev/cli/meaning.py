"""What a person means by a word on the command line: a client by its beginning or name, a release by `latest`."""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType

import click
from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from hotswap_dev.domain.client_names import meant
from hotswap_dev.errors import NotFound


class Known(Struct, frozen=True, kw_only=True):
    """The clients that a word can mean: those that were seen, and those that something was set for before."""

    seen: Mapping[str, int | None] = MappingProxyType({})
    """What each one that was seen reported last, by its id."""
    names: Mapping[str, str] = MappingProxyType({})
    set_up: Set[str] = frozenset()
    """Those with a pin, a forced 204 or a fault of their own."""

    def __contains__(self, client: str) -> bool:
        return client in self.seen or client in self.names or client in self.set_up


def known_in(state: wire.Json) -> Known:
    """The clients of `GET /api/state`."""
    controls = state["controls"]
    overrides = (one["client"] for one in (*controls["forced"], *controls["faults"]))
    return Known(
        seen={one["id"]: one["sequence"] for one in state["clients"]},
        names=controls["names"],
        set_up={*controls["pins"], *(client for client in overrides if client is not None)},
    )


_LOOKED_THROUGH = 50


def _of_a_fault(release: wire.Json) -> bool:
    return release.get("origin") == "poisoned" or release.get("targets", {}).get("having") is not None


def client_meant(wanted: str, known: Known, *, say: bool = True) -> str:
    """The id of the client that `wanted` means; HotswapError where it could be several.

    A client that was never seen may be set up before it asks for the first time, so a word that means nobody is taken
    for an id; with `say` that is told on stderr, since it may be a typo.
    """
    found = meant(wanted, {**known.seen, **dict.fromkeys(known.set_up)}, known.names)
    if found is None and say:
        click.echo(f"no client was seen that {wanted!r} could mean: taken as a client's id", err=True)
    return wanted if found is None else found


def latest_sequence(site: ControlClient) -> int:
    """The newest release's sequence, whatever its channel; NotFound where there is none.

    What a fault poisoned, and what takes that back, are nobody's latest.
    """
    releases = site.get("/api/releases", limit=_LOOKED_THROUGH)
    newest = [one for one in releases if not _of_a_fault(one)]
    if not newest:
        raise NotFound(
            "sequence: there is no release yet, so none is the latest",
            "the first finished build becomes one, or hotswap-dev publish DIST",
            code="unknown-release",
        )
    return int(newest[0]["sequence"])
