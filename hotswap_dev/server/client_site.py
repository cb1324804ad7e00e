"""The client site: what an app calls, and nothing else (interface, "Client site")."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck, Check, read_check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from hotswap_dev.domain.policy import Decision, Offer, Refusal, manifest, newest_whole
from hotswap_dev.domain.reasons import sentence
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import NotFound
from hotswap_dev.server.downloads import Attribution, BundleResponse
from hotswap_dev.server.guard import PROBLEM, client_guard, host_rule, stamp
from hotswap_dev.server.page import SitePage, page

REASON_HEADER = "X-Hotswap-Reason"
_NO_STORE = "no-store"
_UNATTRIBUTED = "-"
_QUERY_LIMIT = 32
_CANONICAL = re.compile(r"[1-9][0-9]{0,19}")


@dataclass(frozen=True, slots=True)
class ClientSiteOptions:
    """What the client site needs to be told; `settings` fills it.

    `public_url` (no slash at its end) stands in manifests instead of the request's own host. `allowed_hosts` are names
    beyond localhost and addresses.
    """

    secret: bytes
    page: SitePage
    id_header: str = "X-Device-Id"
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()


def client_site(engine: Engine, options: ClientSiteOptions) -> web.Application:
    """The client site as an aiohttp application."""
    site = _ClientSite(engine, options)
    app = web.Application(middlewares=[client_guard(host_rule(options.allowed_hosts))])
    app.on_response_prepare.append(stamp)
    # Any text at all: a plain {sequence} takes no braces, and an endpoint whose placeholder nobody replaced is a check.
    app.router.add_get("/api/ota/{sequence:[^/]+}", site.check, allow_head=False)
    app.router.add_get("/api/updates/{sequence:[^/]+}", site.check, allow_head=False)
    app.router.add_get("/bundles/{token}/{sequence}/{name}", site.bundle)
    app.router.add_get("/channels/{channel}/latest.json", site.latest)
    app.router.add_get("/healthz", site.health)
    app.router.add_get("/", site.index)
    return app


class _ClientSite:
    def __init__(self, engine: Engine, options: ClientSiteOptions) -> None:
        self._engine = engine
        self._options = options
        self._attribution = Attribution(options.secret)
        for client in engine.clients:
            self._attribution.token(client)

    async def check(self, request: web.Request) -> web.Response:
        began = time.perf_counter()
        peer = request.remote or "?"
        asked = read_check(
            request.match_info["sequence"],
            _query(request),
            device=request.headers.get(self._options.id_header),
            peer=peer,
        )
        decision = self._engine.answer(asked)
        response = self._answer(request, asked, decision)
        self._engine.observe(
            _answered(request, peer, asked, decision, response.status, time.perf_counter() - began)
        )
        return response

    async def bundle(self, request: web.Request) -> web.StreamResponse:
        release = _named(self._engine.controls, request.match_info["sequence"], request.match_info["name"])
        path = self._engine.bundle_file(release)
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        if request.method == "HEAD":
            return BundleResponse(path, headers)
        client = self._attribution.client(request.match_info["token"])
        peer = request.remote or "?"
        attempt = self._attribution.attempt(client or peer, release.sequence)

        def ended(response: BundleResponse) -> None:
            self._engine.observe(
                DownloadEnded(
                    at=datetime.now(UTC),
                    client=client,
                    peer=peer,
                    sequence=release.sequence,
                    bytes=response.sent,
                    complete=response.status == 200 and response.sent == release.bundle.size,
                    attempt=attempt,
                    duration_ms=round((time.perf_counter() - response.began) * 1000, 1),
                    range=response.status == 206,
                )
            )

        return BundleResponse(path, headers, ended)

    async def latest(self, request: web.Request) -> web.Response:
        channel = request.match_info["channel"]
        release = newest_whole(self._engine.controls, channel)
        if release is None:
            raise NotFound(
                f"channel {shown(channel)!r} has no release that everyone may have",
                "publish one; channels: " + (", ".join(self._engine.controls.channels) or "none"),
            )
        offer = Offer(release=release, mandatory=release.mandatory)
        return self._manifest(request, offer, None, _UNATTRIBUTED)

    async def health(self, _: web.Request) -> web.Response:
        return web.Response(
            body=wire.encode({"status": "ok", "instance": self._engine.bus.instance}),
            content_type="application/json",
            headers={"Cache-Control": _NO_STORE},
        )

    async def index(self, _: web.Request) -> web.Response:
        return page(self._options.page, self._engine.controls)

    def _answer(self, request: web.Request, asked: Check | BadCheck, decision: Decision) -> web.Response:
        answer = decision.answer
        if isinstance(answer, Offer) and isinstance(asked, Check):
            self._attribution.offered(asked.client, answer.release.sequence)
            response = self._manifest(
                request, answer, asked.binary_version, self._attribution.token(asked.client)
            )
        elif isinstance(answer, Refusal):
            response = _bad_request(answer, decision)
        else:
            response = web.Response(status=204, headers={"Cache-Control": _NO_STORE})
        response.headers[REASON_HEADER] = decision.reason.code
        return response

    def _manifest(
        self, request: web.Request, offer: Offer, binary_version: str | None, token: str
    ) -> web.Response:
        release = offer.release
        base = self._options.public_url or f"http://{request.headers['Host']}"
        told = manifest(
            offer,
            binary_version=binary_version,
            url=f"{base}/bundles/{token}/{release.sequence}/{release.bundle.hash8}.{release.bundle.format}",
            pub_date=wire.rfc3339(release.published_at),
        )
        return web.Response(
            body=wire.encode_manifest(told),
            content_type="application/json",
            headers={"Cache-Control": _NO_STORE},
        )


def _query(request: web.Request) -> Mapping[str, list[str]]:
    """Every value of each parameter of the query, at most 32 of them (hardening C7)."""
    found: dict[str, list[str]] = {}
    for index, (name, value) in enumerate(request.query.items()):
        if index >= _QUERY_LIMIT:
            break
        found.setdefault(name, []).append(value)
    return found


def _named(controls: Controls, sequence: str, name: str) -> Release:
    """The release that a bundle's URL names: looked up in memory, no path is ever made of it (hardening B1)."""
    release = controls.releases.get(int(sequence)) if _CANONICAL.fullmatch(sequence) else None
    if (
        release is None
        or name != f"{release.bundle.hash8}.{release.bundle.format}"
        or not controls.has_bytes(release)
    ):
        # The same as for any other path that leads nowhere: what is almost a name is not told from what is none.
        raise web.HTTPNotFound
    return release


def _bad_request(refusal: Refusal, decision: Decision) -> web.Response:
    body = {
        "type": "urn:hotswap-dev:bad-request",
        "title": "bad-request",
        "status": 400,
        "detail": sentence(decision.reason),
        "parameter": refusal.parameter,
        "value": shown(refusal.value),
        "example": refusal.example,
    }
    return web.Response(
        status=400, body=wire.encode(body), content_type=PROBLEM, headers={"Cache-Control": _NO_STORE}
    )


def _answered(
    request: web.Request, peer: str, asked: Check | BadCheck, decision: Decision, status: int, seconds: float
) -> CheckAnswered:
    known = asked if isinstance(asked, Check) else None
    return CheckAnswered(
        at=datetime.now(UTC),
        client=asked.client,
        peer=peer,
        path=shown(request.raw_path),
        sequence=known.sequence if known else None,
        binary_version=known.binary_version if known else None,
        platform=shown(known.platform) if known else None,
        arch=shown(known.arch) if known else None,
        channel=known.channel if known else None,
        status=status,
        reason=decision.reason.code,
        args={
            name: shown(value) if isinstance(value, str) else value
            for name, value in decision.reason.args.items()
        },
        offered=decision.answer.release.sequence if isinstance(decision.answer, Offer) else None,
        duration_ms=round(seconds * 1000, 3),
        flags=known.flags if known else (),
    )
