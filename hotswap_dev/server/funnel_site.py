"""The control site's funnel: how many clients came how far with a release, and who stands where."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.adoption import Counting, station
from hotswap_dev.domain.clients import Client, label_sentence
from hotswap_dev.domain.commands.arguments import release_of
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.server.asked import bad_argument, demand_known, number
from hotswap_dev.server.control_look import json_answer

_DEFAULT_LIMIT = 20
_MOST_RELEASES = 1000
_MOST_NAMED = 1000
"""Clients that one release's funnel names; all of them are counted."""

_AT_A_TIME = 200
"""Clients that are counted while no answer can be given."""

_DIGITS = 20


def join(router: web.UrlDispatcher, engine: Engine) -> None:
    """Add `GET /api/funnel` to the control site's routes.

    An array, newest release first (`limit`, 20). With `sequence` it has that release alone, with `who`: each client
    that could have it, the one seen last first, and where on the way it stands.
    """
    site = _FunnelSite(engine)
    router.add_get("/api/funnel", site.funnel)


class _FunnelSite:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def funnel(self, request: web.Request) -> web.Response:
        demand_known(request, ("sequence", "limit"))
        controls = self._engine.controls
        wanted = request.query.get("sequence")
        if wanted is not None:
            release = release_of(controls, _sequence(wanted))
            (row,) = await self._rows([release])
            return json_answer([{**row, "who": await self._who(release, controls)}])
        limit = min(number(request, "limit", _DEFAULT_LIMIT), _MOST_RELEASES)
        newest = sorted(controls.releases, reverse=True)[:limit]
        return json_answer(await self._rows([controls.releases[sequence] for sequence in newest]))

    async def _rows(self, releases: list[Release]) -> list[Mapping[str, wire.Json]]:
        counting = Counting(releases)
        seen = list(self._engine.clients.values())
        for begin in range(0, len(seen), _AT_A_TIME):
            counting.add(seen[begin : begin + _AT_A_TIME])
            # 10,000 clients take tens of milliseconds, in which answers go on.
            await asyncio.sleep(0)
        counted = counting.counted()
        return [
            {
                "sequence": release.sequence,
                "version": release.version,
                "channel": release.channel,
                **wire.plain(counted[release.sequence]),
            }
            for release in releases
        ]

    async def _who(self, release: Release, controls: Controls) -> list[Mapping[str, wire.Json]]:
        """Who stands where, and what is known of it in words."""
        rows: list[Mapping[str, wire.Json]] = []
        seen = list(self._engine.clients.newest_first())
        for begin in range(0, len(seen), _AT_A_TIME):
            placed = ((client, station(release, client)) for client in seen[begin : begin + _AT_A_TIME])
            rows += [_row(client, where, controls) for client, where in placed if where is not None]
            if len(rows) >= _MOST_NAMED:
                break
            await asyncio.sleep(0)
        return list(itertools.islice(rows, _MOST_NAMED))


def _row(client: Client, where: str, controls: Controls) -> Mapping[str, wire.Json]:
    return {
        "client": client.id,
        "name": controls.names.get(client.id),
        "station": where,
        "at": client.sequence,
        "sentence": label_sentence(client),
    }


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise bad_argument(
            f"sequence is {shown(text)!r}; expected is a whole number", "for example ?sequence=14"
        )
    return int(text)
