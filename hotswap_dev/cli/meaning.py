"""What a person means by a word on the command line: a client by its beginning or name, a release by `latest`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from hotswap_dev.domain.client_names import meant
from hotswap_dev.errors import NotFound

Rows = Sequence[Mapping[str, wire.Json]]
"""Clients as `GET /api/clients` lists them."""


def names_in(rows: Rows) -> Mapping[str, str]:
    """What each client is called, by its id; those without a name are not in it."""
    return {row["id"]: row["name"] for row in rows if row["name"]}


def client_meant(wanted: str, rows: Rows, *, say: bool = True) -> str:
    """The id of the client that `wanted` means; HotswapError where it could be several.

    A client that was never seen may be set up before it asks for the first time, so a word that means nobody is taken
    for an id; with `say` that is told on stderr, since it may be a typo.
    """
    found = meant(wanted, [row["id"] for row in rows], names_in(rows))
    if found is None and say:
        click.echo(f"no client was seen that {wanted!r} could mean: taken as a client's id", err=True)
    return wanted if found is None else found


def latest_sequence(site: ControlClient) -> int:
    """The newest release's sequence, whatever its channel; NotFound where there is none."""
    newest = site.get("/api/releases", limit=1)
    if not newest:
        raise NotFound(
            "sequence: there is no release yet, so none is the latest",
            "the first finished build becomes one, or hotswap-dev publish DIST",
            code="unknown-release",
        )
    return int(newest[0]["sequence"])
