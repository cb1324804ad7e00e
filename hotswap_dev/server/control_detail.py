"""The control site's routes for one thing as a whole: a release with what changed in it, two compared, an exchange."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.commands.arguments import release_of
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.file_changes import BundleList, FileChange, file_changes
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.running import running_over_time, thinned
from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.server.asked import bad_argument, demand_known, moment
from hotswap_dev.server.control_look import json_answer, release_row
from hotswap_dev.server.exchange_log import EXCHANGES, ExchangeLog

MOST_CHANGES = 1_000
"""Files that are named; the counts are of all."""

MOST_POINTS = 200
"""Of a release's way over time."""

_SEQUENCE = re.compile(r"0|[1-9][0-9]{0,19}")


class ControlDetail:
    """What can be asked of one release, of two, and of one exchange."""

    def __init__(self, engine: Engine, exchanges: ExchangeLog) -> None:
        self._engine = engine
        self._exchanges = exchanges

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
        listed = await self._list(release)
        changed: Mapping[str, wire.Json]
        try:
            changed = await self._compared(before, release) if before is not None else _no_changes(release)
        except HotswapError as error:
            changed = {"changes": None, "counts": None, "sizes": None, "changes_missing": error.message}
        return json_answer(
            {
                **row,
                "compared_with": None if before is None else before.sequence,
                "changes_missing": None,
                **changed,
                "warnings": None if listed is None else listed.warnings,
                "adoption": await self._adoption(release.sequence),
            }
        )

    async def diff(self, request: web.Request) -> web.Response:
        """What turns the files of one release into those of another, whatever their channels."""
        demand_known(request, ("from", "to"))
        controls = self._engine.controls
        before, after = (
            release_of(controls, _sequence(name, request.query.get(name, ""))) for name in ("from", "to")
        )
        compared = await self._compared(before, after)
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
                f"the last {EXCHANGES:,} of this run are; GET /api/checks?client=… has what older ones came to",
                code="not-kept",
            )
        return json_answer(found)

    async def _compared(self, before: Release, after: Release) -> Mapping[str, wire.Json]:
        """The changes as JSON; NotFound where a list of files is gone."""
        lists = []
        for release in (before, after):
            listed = await self._list(release)
            if listed is None:
                raise NotFound(
                    f"the bundle of release {release.sequence} is gone, and the list of its files with it",
                    "bundles that nobody is offered any more are removed in time; compare newer releases",
                    code="bundle-gone",
                )
            lists.append(listed)
        # Tens of thousands of files take a moment, in which answers go on.
        return await asyncio.to_thread(_changes, lists[0], lists[1], before, after)

    async def _list(self, release: Release) -> BundleList | None:
        """What is kept beside a release's bundle; None where it is gone, or can't be read any more."""
        if not self._engine.controls.has_bytes(release):
            return None
        return await asyncio.to_thread(_read_list, self._engine, release)

    async def _adoption(self, sequence: int) -> Mapping[str, wire.Json]:
        """How many clients ran a release over time. `since` is the oldest report that is kept: before it nothing is
        known, which may be later than the release.
        """
        return await asyncio.to_thread(_adoption, self._engine, sequence)


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


def _changes(before: BundleList, after: BundleList, old: Release, new: Release) -> Mapping[str, wire.Json]:
    found = file_changes(before.files, after.files)
    return {
        "changes": [_change(change) for change in found.changes[:MOST_CHANGES]],
        "counts": wire.plain(found.counts),
        "sizes": {
            "before": found.before,
            "after": found.after,
            "bundle_before": old.bundle.size,
            "bundle_after": new.bundle.size,
        },
    }


def _change(change: FileChange) -> Mapping[str, wire.Json]:
    return {**wire.plain(change), "path": shown(change.path, LONGEST_PATH)}


def _read_list(engine: Engine, release: Release) -> BundleList | None:
    data = engine.store.file_list(release.bundle.hash)
    try:
        return None if data is None else wire.decode_bundle_list(data)
    except ValueError:
        return None


def _adoption(engine: Engine, sequence: int) -> Mapping[str, wire.Json]:
    reports, since = engine.history.reports(sequence)
    points: Sequence[tuple[str, int]] = thinned(running_over_time(reports, sequence), MOST_POINTS)
    return {"points": points, "since": since}


def _sequence(name: str, text: str) -> int:
    if not _SEQUENCE.fullmatch(text):
        raise bad_argument(
            f"{name} is {shown(text)!r}; expected is a release's sequence", "hotswap-dev releases lists them"
        )
    return int(text)
