"""Completions of the second protocol: what became of updates, recorded one by one, each with what is wrong in it.

A completion is never refused for what it says: an unknown request, a hash that does not fit and a repetition are what a
tester wants to see. Their flags are in the answer, in the history and in the stream of events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import UpdateReported
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.updates import (
    NOT_REPORTED,
    Completion,
    Reported,
    left_out,
    mismatches,
    update_client,
)
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.allowance import Allowance, demand
from hotswap_dev.server.downloads import Attribution
from hotswap_dev.server.guard import PROBLEM
from hotswap_dev.server.update_body import refusal
from hotswap_dev.storage.digests import Digests
from hotswap_dev.storage.request_ids import (
    MOST_REPORTED,
    Offered,
    ReportedBefore,
    RequestIds,
    version_mark,
)

_log = logging.getLogger(__name__)

_NO_STORE = "no-store"
_MOST_PAGES = 10
"""Of the history, `MOST_REPORTED` rows each: what may be read at the first completion of a run."""


class Completions:
    """What was reported in this run and before it, and how the next completion compares."""

    def __init__(
        self,
        engine: Engine,
        attribution: Attribution,
        digests: Digests,
        ids: RequestIds,
        *,
        id_header: str,
        allowance: Allowance,
    ) -> None:
        self._engine = engine
        self._attribution = attribution
        self._digests = digests
        self._ids = ids
        self._id_header = id_header
        self._allowance = allowance
        self._reported = ReportedBefore()
        # Of types that were never offered, which have any name that a sender likes: those push out only each other.
        self._not_offered = ReportedBefore()
        self._earlier: asyncio.Task[None] | None = None

    async def take(self, request: web.Request, read: Completion | BadCheck) -> web.Response:
        """Record a completion, and answer with how it was recorded; 400 for what reports nothing.

        TooMany where its updates are more than its address may report now. That of the request itself is used up
        already.
        """
        if isinstance(read, BadCheck):
            return web.Response(
                status=400,
                body=refusal(read, "completion"),
                content_type=PROBLEM,
                headers={"Cache-Control": _NO_STORE},
            )
        await self._know_earlier()
        offered = self._ids.read(read.request_id)
        client, flags = self._reporter(request, offered)
        if offered is None:
            flags += ("unknown-request" if read.request_id else "missing-request-id",)
            rows: list[_Row] = [_Row(_as_one(read), None, flags)]
        else:
            rows = await self._rows(request, read, offered, flags)
        at = datetime.now(UTC)
        recorded: list[wire.Json] = []
        for one, sequence, found in rows:
            found = tuple(dict.fromkeys((*found, *one.flags)))
            self._engine.observe(
                UpdateReported(
                    at=at,
                    client=client,
                    peer=request.remote or "?",
                    request_id=read.request_id,
                    update_type=one.update_type,
                    status=one.status,
                    sequence=sequence,
                    version=one.version,
                    detail=one.detail,
                    flags=found,
                )
            )
            recorded.append(
                {"update_type": one.update_type, "status": one.status, "sequence": sequence, "flags": found}
            )
        # The contract says nothing of this answer; to who tries the protocol by hand it says what came of it.
        return web.Response(
            body=wire.encode({"recorded": recorded}),
            content_type="application/json",
            headers={"Cache-Control": _NO_STORE},
        )

    async def _rows(
        self, request: web.Request, read: Completion, offered: Offered, flags: tuple[str, ...]
    ) -> list[_Row]:
        """What is recorded of a completion whose request was answered here: a row for each update, those that were
        offered and are not reported among them.
        """
        releases = self._engine.controls.releases
        known = {releases[one].update_type: releases[one] for one in offered.versions if one in releases}
        missing = left_out(read, known)
        demand(self._allowance, request.remote or "?", len(read.updates) + len(missing) - 1)
        rows: list[_Row] = []
        news = False
        for one in read.updates:
            release = known.get(one.update_type)
            table = self._not_offered if release is None else self._reported
            again = table.add(read.request_id, one.update_type)
            news = news or not again
            found = (*flags, "repeated") if again else flags
            if release is None:
                rows.append(_Row(one, None, (*found, "not-offered")))
            else:
                found += await self._mismatches(one, release, offered)
                rows.append(_Row(one, release.sequence, found))
        if news:
            rows += [
                _Row(one, known[one.update_type].sequence, flags)
                for one in missing
                if (read.request_id, one.update_type) not in self._reported
            ]
        return rows

    async def _mismatches(self, one: Reported, release: Release, offered: Offered) -> tuple[str, ...]:
        version = one.version or ""
        return mismatches(
            one,
            release.bundle,
            sha512=None if one.hash_value is None else await self._digests.sha512(release.bundle),
            # It may have been edited since it was offered.
            version_fits=version == release.version
            or version_mark(version) == offered.versions[release.sequence],
        )

    def _reporter(self, request: web.Request, offered: Offered | None) -> tuple[str | None, tuple[str, ...]]:
        """Whose completion it is, and a flag where another client sent it than the one that was offered."""
        device = request.headers.get(self._id_header)
        named = update_client(device, peer="", platform="") if device else None
        if offered is None:
            return named, ()
        if named is not None and self._attribution.token(named) != offered.token:
            return self._attribution.client(offered.token), ("other-client",)
        return named or self._attribution.client(offered.token), ()

    async def _know_earlier(self) -> None:
        """Read, once, what was reported in earlier runs: a repetition is one whatever happened in between."""
        if self._earlier is None:
            self._earlier = asyncio.create_task(self._read_earlier(), name="reported-earlier")
        await asyncio.shield(self._earlier)

    async def _read_earlier(self) -> None:
        history = self._engine.history

        def read() -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
            """The newest reports of what was offered, and of what was not. Invented ids push neither out of sight."""
            offered: list[Mapping[str, Any]] = []
            others: list[Mapping[str, Any]] = []
            before: int | None = None
            for _ in range(_MOST_PAGES):
                rows = history.checks(events=("update-reported",), limit=MOST_REPORTED, before=before)
                for row in rows:
                    if row["status"] != NOT_REPORTED and self._ids.read(row["request_id"]) is not None:
                        table = others if "not-offered" in row.get("flags", ()) else offered
                        if len(table) < MOST_REPORTED:
                            table.append(row)
                if len(rows) < MOST_REPORTED or len(offered) == MOST_REPORTED:
                    break
                before = int(rows[-1]["number"])
            return offered, others

        try:
            offered, others = await asyncio.get_running_loop().run_in_executor(history.readers, read)
        except HotswapError as error:
            _log.warning("earlier completions could not be read: %s", error)
            return
        self._reported.refill(offered)
        self._not_offered.refill(others)


class _Row(NamedTuple):
    """One row of a completion, before the flags of the report itself; the sequence is None where none was offered."""

    report: Reported
    sequence: int | None
    flags: tuple[str, ...]


def _as_one(read: Completion) -> Reported:
    """A completion of nobody knows which request, as one report: whoever invents an id fills one row with it."""
    if len(read.updates) == 1:
        return read.updates[0]
    statuses = {one.status for one in read.updates}
    return Reported(
        update_type=shown(", ".join(one.update_type for one in read.updates)),
        status=statuses.pop() if len(statuses) == 1 else "mixed",
        detail=f"{len(read.updates)} updates, recorded as one",
        flags=tuple(dict.fromkeys(flag for one in read.updates for flag in one.flags)),
    )
