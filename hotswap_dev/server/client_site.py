"""The client site: what an app calls, and nothing else (interface, "Client site")."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from hotswap_dev.domain.policy import Decision, Offer, Refusal, manifest, newest_whole
from hotswap_dev.domain.reasons import sentence
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.server.downloads import Attribution, BundleResponse
from hotswap_dev.server.exchange_log import ExchangeLog
from hotswap_dev.server.guard import PROBLEM, STAMPED, client_admission, failed, guarded, host_rule, stamp
from hotswap_dev.server.page import SitePage, page
from hotswap_dev.server.questions import Question, plain_question, question_of
from hotswap_dev.server.turns import Turns
from hotswap_dev.server.whole_answer import Outbox, WholeAnswer, answer_of, head_of

FRONT_DOOR: web.AppKey[Callable[[Handler], Handler]] = web.AppKey("front_door")
"""A handler for all requests, given the one that the application has: it answers a check by itself.

What the plugin sends needs no router and no chain of handlers; they take longer than the answer. Whatever else comes,
and whatever is refused, goes the application's way.
"""

REASON_HEADER = "X-Hotswap-Reason"
_NO_STORE = "no-store"
_UNATTRIBUTED = "-"
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
    downloads_at_once: int = 512


def client_site(
    engine: Engine, options: ClientSiteOptions, exchanges: ExchangeLog | None = None
) -> web.Application:
    """The client site as an aiohttp application; `exchanges` is where its checks are kept whole."""
    site = _ClientSite(engine, options, exchanges or ExchangeLog(options.id_header))
    admit = client_admission(host_rule(options.allowed_hosts))
    app = web.Application(middlewares=[guarded(admit)])
    app[FRONT_DOOR] = _front_door(site, admit)
    app.on_response_prepare.append(stamp)
    # Any text at all: a plain {sequence} takes no braces, and an endpoint whose placeholder nobody replaced is a check.
    app.router.add_get("/api/ota/{sequence:[^/]+}", site.check, allow_head=False)
    app.router.add_get("/api/updates/{sequence:[^/]+}", site.check, allow_head=False)
    app.router.add_get("/bundles/{token}/{sequence}/{name}", site.bundle)
    app.router.add_get("/channels/{channel}/latest.json", site.latest)
    app.router.add_get("/healthz", site.health)
    app.router.add_get("/", site.index)
    return app


def _front_door(site: _ClientSite, admit: Callable[[web.Request], None]) -> Callable[[Handler], Handler]:
    def before(otherwise: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            question = plain_question(request.raw_path) if request.method == "GET" else None
            if question is None or "Expect" in request.headers:
                return await otherwise(request)
            try:
                admit(request)
            except HotswapError:
                return await otherwise(request)
            try:
                return site.answer(request, question)
            except Exception as error:
                return failed(request, error)

        return answer

    return before


class _ClientSite:
    def __init__(self, engine: Engine, options: ClientSiteOptions, exchanges: ExchangeLog) -> None:
        self._engine = engine
        self._exchanges = exchanges
        self._options = options
        self._attribution = Attribution(options.secret)
        self._outbox = Outbox()
        self._turns = Turns(options.downloads_at_once)
        for client in engine.clients:
            self._attribution.token(client)

    async def check(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["sequence"]
        return self.answer(request, question_of(request.raw_path, path, request.rel_url.raw_query_string))

    def answer(self, request: web.Request, question: Question) -> web.StreamResponse:
        """Answer a check, and observe what was answered."""
        began = time.perf_counter()
        peer = request.remote or "?"
        asked = question.asked_by(request.headers.get(self._options.id_header), peer)
        decision = self._engine.answer(asked)
        status, content_type, body = self._told(request, asked, decision)
        headers, head = _head(status, decision.reason.code, content_type)
        response = answer_of(request, self._outbox, status, headers, head, body)
        answered = _answered(question, peer, asked, decision, status, began)
        self._engine.observe(answered)
        told = headers if isinstance(response, WholeAnswer) else response.headers
        self._exchanges.keep(answered, request, told, body)
        return response

    async def bundle(self, request: web.Request) -> web.StreamResponse:
        release = _named(self._engine.controls, request.match_info["sequence"], request.match_info["name"])
        path = self._engine.bundle_file(release)
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        if request.method == "HEAD":
            return BundleResponse(path, headers, self._turns)
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

        return BundleResponse(path, headers, self._turns, ended)

    async def latest(self, request: web.Request) -> web.Response:
        channel = request.match_info["channel"]
        release = newest_whole(self._engine.controls, channel)
        if release is None:
            raise NotFound(
                f"channel {shown(channel)!r} has no release that everyone may have",
                "publish one; channels: " + (", ".join(self._engine.controls.channels) or "none"),
            )
        offer = Offer(release=release, mandatory=release.mandatory)
        return web.Response(
            body=self._manifest(request, offer, None, _UNATTRIBUTED),
            content_type="application/json",
            headers={"Cache-Control": _NO_STORE},
        )

    async def health(self, _: web.Request) -> web.Response:
        return web.Response(
            body=wire.encode({"status": "ok", "instance": self._engine.bus.instance}),
            content_type="application/json",
            headers={"Cache-Control": _NO_STORE},
        )

    async def index(self, _: web.Request) -> web.Response:
        return page(self._options.page, self._engine.controls)

    def _told(
        self, request: web.Request, asked: Check | BadCheck, decision: Decision
    ) -> tuple[int, str | None, bytes]:
        """What a decision is as an answer: its status, content type and body."""
        answer = decision.answer
        if isinstance(answer, Offer) and isinstance(asked, Check):
            self._attribution.offered(asked.client, answer.release.sequence)
            token = self._attribution.token(asked.client)
            return 200, "application/json", self._manifest(request, answer, asked.binary_version, token)
        if isinstance(answer, Refusal):
            return 400, PROBLEM, _bad_request(answer, decision)
        return 204, None, b""

    def _manifest(self, request: web.Request, offer: Offer, binary_version: str | None, token: str) -> bytes:
        release = offer.release
        base = self._options.public_url or f"http://{request.headers['Host']}"
        told = manifest(
            offer,
            binary_version=binary_version,
            url=f"{base}/bundles/{token}/{release.sequence}/{release.bundle.hash8}.{release.bundle.format}",
            pub_date=_written(release.published_at),
        )
        return wire.encode_manifest(told)


@functools.lru_cache(maxsize=64)
def _head(status: int, reason: str, content_type: str | None) -> tuple[CIMultiDict[str], bytes]:
    """The headers of a check's answer, which whoever uses them copies, and the same as bytes."""
    headers = CIMultiDict(STAMPED)
    headers["Cache-Control"] = _NO_STORE
    headers[REASON_HEADER] = reason
    if content_type is not None:
        headers["Content-Type"] = content_type
    return headers, head_of(status, headers)


_written = functools.lru_cache(maxsize=256)(wire.rfc3339)


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


def _bad_request(refusal: Refusal, decision: Decision) -> bytes:
    return wire.encode(
        {
            "type": "urn:hotswap-dev:bad-request",
            "title": "bad-request",
            "status": 400,
            "detail": sentence(decision.reason),
            "parameter": refusal.parameter,
            "value": shown(refusal.value),
            "example": refusal.example,
        }
    )


def _answered(
    question: Question,
    peer: str,
    asked: Check | BadCheck,
    decision: Decision,
    status: int,
    began: float,
) -> CheckAnswered:
    known = asked if isinstance(asked, Check) else None
    answer = decision.answer
    return CheckAnswered(
        at=datetime.now(UTC),
        client=asked.client,
        peer=peer,
        path=question.path,
        sequence=known.sequence if known else None,
        binary_version=known.binary_version if known else None,
        platform=question.platform,
        arch=question.arch,
        channel=known.channel if known else None,
        status=status,
        reason=decision.reason.code,
        args={
            name: shown(value) if isinstance(value, str) else value
            for name, value in decision.reason.args.items()
        },
        offered=answer.release.sequence if isinstance(answer, Offer) else None,
        duration_ms=round((time.perf_counter() - began) * 1000, 3),
        flags=known.flags if known else (),
    )
