"""The bundles' routes on the client site: one attempt at a download, let in or not, broken on purpose or not."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from aiohttp import web

from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.faults.download import HugeContentLength
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import DownloadEnded
from hotswap_dev.domain.policy import Denied, decide_download, denial
from hotswap_dev.engine.engine import Engine
from hotswap_dev.server.access import REASON_HEADER, demanded, denied_headers, denied_problem
from hotswap_dev.server.downloads import Attribution, BundleResponse
from hotswap_dev.server.misbehave import misbehave_download
from hotswap_dev.server.turns import Turns

_CANONICAL = re.compile(r"[1-9][0-9]{0,19}")


class DownloadSite:
    """`GET|HEAD /bundles/{token}/{sequence}/{hash8}.{format}`.

    `attribution` says whose a token is, `turns` how many downloads run at once.
    """

    def __init__(self, engine: Engine, attribution: Attribution, turns: Turns) -> None:
        self._engine = engine
        self._attribution = attribution
        self._turns = turns

    def join(self, router: web.UrlDispatcher) -> None:
        """Add the routes to the client site's."""
        router.add_get("/bundles/{token}/{sequence}/{name}", self.bundle)

    async def bundle(self, request: web.Request) -> web.StreamResponse:
        """Answer one attempt, and observe how it ended."""
        release = _named(self._engine.controls, request.match_info["sequence"], request.match_info["name"])
        client = self._attribution.client(request.match_info["token"])
        path = self._engine.bundle_file(release)
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        if request.method == "HEAD":  # no attempt: it is let in or not, and nothing else happens to it
            let_in = decide_download(
                self._engine.controls, release, client, demanded(self._engine.controls, request)
            )
            if let_in.denied is not None:
                return _shut_out(let_in.denied, release)
            return BundleResponse(path, headers, self._turns)
        peer = request.remote or "?"
        attempt = self._attribution.attempt(client or peer, release.sequence)
        fetch = self._engine.fetch(release, client, demanded(self._engine.controls, request))
        # The client was promised more than there is.
        cut_short = fetch.strike is not None and isinstance(fetch.strike.fault, HugeContentLength)
        began = time.perf_counter()

        def ended(status: int, sent: int) -> None:
            self._engine.observe(
                DownloadEnded(
                    at=datetime.now(UTC),
                    client=client,
                    peer=peer,
                    sequence=release.sequence,
                    bytes=sent,
                    complete=status == 200 and sent == release.bundle.size and not cut_short,
                    attempt=attempt,
                    duration_ms=round((time.perf_counter() - began) * 1000, 1),
                    range=status == 206,
                    status=status,
                    fault=None if fetch.strike is None else fetch.strike.armed.fault,
                    override=None if fetch.strike is None else fetch.strike.armed.override,
                )
            )

        if fetch.denied is not None:
            ended(fetch.denied.status, 0)
            return _shut_out(fetch.denied, release)
        if fetch.strike is not None:
            return misbehave_download(
                fetch.strike.fault,
                path,
                release.bundle.size,
                headers,
                self._turns,
                lambda spoiled: ended(spoiled.status, spoiled.sent),
            )
        return BundleResponse(path, headers, self._turns, lambda whole: ended(whole.status, whole.sent))


def bundle_url(request: web.Request, public_url: str | None, token: str, release: Release) -> str:
    """Where who has `token` fetches a release's bundle: at the host that was asked, or under `public_url`."""
    base = public_url or f"http://{request.headers['Host']}"
    return f"{base}/bundles/{token}/{release.sequence}/{_file_name(release)}"


def _file_name(release: Release) -> str:
    return f"{release.bundle.hash8}.{release.bundle.format}"


def _named(controls: Controls, sequence: str, name: str) -> Release:
    """The release that a bundle's URL names: looked up in memory, no path is ever made of it (hardening B1)."""
    release = controls.releases.get(int(sequence)) if _CANONICAL.fullmatch(sequence) else None
    if release is None or name != _file_name(release) or not controls.has_bytes(release):
        # The same as for any other path that leads nowhere: what is almost a name is not told from what is none.
        raise web.HTTPNotFound
    return release


def _shut_out(denied: Denied, release: Release) -> web.Response:
    reason = denial(denied, release.channel)
    headers = {**denied_headers(denied), "Cache-Control": "no-store", REASON_HEADER: reason.code}
    return web.Response(status=denied.status, body=denied_problem(denied, reason), headers=headers)
