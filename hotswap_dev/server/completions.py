"""Completions of the second protocol: what became of updates, recorded one by one, each with what is wrong in it.

A completion is never refused for what it says: an unknown request, a hash that does not fit and a repetition are what a
tester wants to see. Their flags are in the answer, in the history and in the stream of events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import UpdateReported
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
    ) -> None:
        self._engine = engine
        self._attribution = attribution
        self._digests = digests
        self._ids = ids
        self._id_header = id_header
        self._reported = ReportedBefore()
        self._earlier: asyncio.Task[None] | None = None

    async def take(self, request: web.Request, read: Completion | BadCheck) -> web.Response:
        """Record a completion, and answer with how it was recorded; 400 for what reports nothing."""
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
        releases = self._engine.controls.releases
        known = {
            releases[one].update_type: releases[one]
            for one in (offered.versions if offered else ())
            if one in releases
        }
        judged = [
            (one, known.get(one.update_type), (*flags, *await self._judged(read, one, known, offered)))
            for one in read.updates
        ]
        news = not all("repeated" in found for _, _, found in judged)
        judged += [
            (one, known[one.update_type], (*flags, *one.flags))
            for one in left_out(read, known)
            if news and (read.request_id, one.update_type) not in self._reported
        ]
        at = datetime.now(UTC)
        recorded: list[wire.Json] = []
        for one, release, found in judged:
            sequence = None if release is None else release.sequence
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

    async def _judged(
        self, read: Completion, one: Reported, known: Mapping[str, Release], offered: Offered | None
    ) -> tuple[str, ...]:
        """The flags of one report, beside those of the whole completion."""
        flags: tuple[str, ...] = ()
        release = known.get(one.update_type)
        if offered is not None and release is None:
            flags = ("not-offered",)
        elif offered is not None and release is not None:
            version = one.version or ""
            flags = mismatches(
                one,
                release.bundle,
                sha512=None if one.hash_value is None else await self._digests.sha512(release.bundle),
                # It may have been edited since it was offered.
                version_fits=version == release.version
                or version_mark(version) == offered.versions[release.sequence],
            )
        if read.request_id and self._reported.add(read.request_id, one.update_type):
            flags = ("repeated", *flags)
        return (*flags, *one.flags)

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
        try:
            rows = await asyncio.get_running_loop().run_in_executor(
                history.readers, lambda: history.checks(events=("update-reported",), limit=MOST_REPORTED)
            )
        except HotswapError as error:
            _log.warning("earlier completions could not be read: %s", error)
            return
        self._reported.refill(row for row in rows if row.get("status") != NOT_REPORTED)
