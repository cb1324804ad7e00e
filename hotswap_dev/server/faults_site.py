"""`GET /api/faults`: the catalogue, each fault with its parameters and what the plugin does under it."""

from __future__ import annotations

import functools

import msgspec
from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.faults.reactions import Reaction, reaction
from hotswap_dev.server.asked import demand_known
from hotswap_dev.server.control_look import json_answer


def join_faults(router: web.UrlDispatcher) -> None:
    """Add the route to the control site's."""
    router.add_get("/api/faults", faults)


async def faults(request: web.Request) -> web.Response:
    """Every fault, stage by stage: name, stage, summary, help, parameters, reaction (interface, "Control site").

    The reaction is that to its defaults, armed until it is disarmed; `parameters` is a JSON schema with the units in
    its descriptions.
    """
    demand_known(request, ())
    return json_answer(_catalogue())


@functools.cache
def _catalogue() -> list[wire.Json]:
    """Nothing in it changes while a server runs."""
    kinds = every_fault()
    return [
        {**listed, "reaction": _whole(reaction(kinds[listed["name"]]()))} for listed in wire.fault_schemas()
    ]


def _whole(expected: Reaction) -> wire.Json:
    """A reaction with what is null or nothing in it too, but for `needs` (interface)."""
    told = {name: wire.plain(value) for name, value in msgspec.structs.asdict(expected).items()}
    return told if told["needs"] else {name: value for name, value in told.items() if name != "needs"}
