"""The control site's routes for one thing as a whole: a release with what changed in it, two compared, an exchange."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.commands.arguments import release_of
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.server.asked import bad_argument, demand_known, moment
from hotswap_dev.server.control_look import in_turn, json_answer, release_row
from hotswap_dev.server.exchange_log import EXCHANGES, ExchangeLog
from hotswap_dev.server.release_changes import ReleaseChanges, warnings_in

MOST_POINTS = 200
"""Of a release's way over time."""

_SEQUENCE = re.compile(r"0|[1-9][0-9]{0,19}")


class ControlDetail:
    """What can be asked of one release, of two, and of one exchange."""

    def __init__(self, engine: Engine, exchanges: ExchangeLog) -> None:
        self._engine = engine
        self._exchanges = exchanges
        self._changes = ReleaseChanges(engine)

    def join(self, router: web.UrlDispatcher) -> None:
        """Add the routes to the control site's."""
        router.add_get("/api/releases/{sequence}", self.release)
        router.add_get("/api/diff", self.diff)
        router.add_get("/api/exchange", self.exchange)

    async def release(self, request: web.Request) -> web.Response:
        """A release, what changed since the one before it in its channel, its warnings, and who ran it when.

        `changes` is null where there is nothing to compare, and `changes_missing` says why.
        """
        demand_known(request, ())
        engine = self._engine
        release = release_of(engine.controls, _sequence("sequence", request.match_info["sequence"]))
        before = previous(engine.controls, release)
        row = release_row(engine.controls, release)
        listed = await self._changes.list(release)
        changed: Mapping[str, wire.Json]
        try:
            changed = (
                _no_changes(release)
                if before is None
                else await self._changes.between(before, release, listed)
            )
        except HotswapError as error:
            changed = {"changes": None, "counts": None, "sizes": None, "changes_missing": error.message}
        history = engine.history
        points, since = await in_turn(history, lambda: history.running(release.sequence, MOST_POINTS))
        return json_answer(
            {
                **row,
                "compared_with": None if before is None else before.sequence,
                "changes_missing": None,
                **changed,
                "warnings": warnings_in(listed),
                # `since` is the oldest report that is kept, which may be later than the release: before it nothing is
                # known.
                "adoption": {"points": points, "since": since},
            }
        )

    async def diff(self, request: web.Request) -> web.Response:
        """What turns the files of one release into those of another, whatever their channels."""
        demand_known(request, ("from", "to"))
        controls = self._engine.controls
        before, after = (
            release_of(controls, _sequence(name, request.query.get(name, ""))) for name in ("from", "to")
        )
        compared = await self._changes.between(before, after)
        return json_answer({"from": before.sequence, "to": after.sequence, **compared})

    async def exchange(self, request: web.Request) -> web.Response:
        """A check as it came and its answer as it went, by the client and the time of its `check-answered`."""
        demand_known(request, ("client", "at"))
        client, at = request.query.get("client"), moment(request, "at")
        if client is None or at is None:
            raise bad_argument(
                f"{'client' if client is None else 'at'} is missing",
                "give both as the check-answered event has them: ?client=ID&at=2026-04-05T12:00:00.123456Z",
            )
        found = self._exchanges.find(client, datetime.fromisoformat(at))
        if found is None:
            raise NotFound(
                f"no exchange of {shown(client)!r} at {at} is kept",
                f"the last {EXCHANGES:,} of this run are, of large ones fewer; "
                "GET /api/checks?client=… has what older ones came to",
                code="not-kept",
            )
        return json_answer(found)


def previous(controls: Controls, release: Release) -> Release | None:
    """The release before this one in its channel, of the same update type."""
    channel = controls.channels.get(release.channel)
    older = (
        controls.releases[sequence]
        for sequence in (channel.releases if channel else ())
        if sequence < release.sequence
    )
    return max(
        (one for one in older if one.update_type == release.update_type),
        key=lambda one: one.sequence,
        default=None,
    )


def _no_changes(release: Release) -> Mapping[str, wire.Json]:
    return {
        "changes": None,
        "counts": None,
        "sizes": None,
        "changes_missing": f"it is the first release of channel {release.channel}",
    }


def _sequence(name: str, text: str) -> int:
    if not _SEQUENCE.fullmatch(text):
        raise bad_argument(
            f"{name} is {shown(text)!r}; expected is a release's sequence", "hotswap-dev releases lists them"
        )
    return int(text)
