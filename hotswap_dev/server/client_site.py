"""The client site: what an app calls, and nothing else (interface, "Client site")."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec.structs import replace
from multidict import CIMultiDict

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.faults import Fault
from hotswap_dev.domain.faults.check import ManifestFault
from hotswap_dev.domain.faults.manifests import bent_manifest
from hotswap_dev.domain.faults.signature import SignatureFault
from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.policy import (
    Answer,
    Decision,
    Denied,
    Offer,
    Refusal,
    manifest,
    newest_whole,
)
from hotswap_dev.domain.reasons import harmless, sentence
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.server import lifecycle_site
from hotswap_dev.server.access import REASON_HEADER, challenge, demanded, demanded_names, denied_problem
from hotswap_dev.server.download_site import DownloadSite, bundle_url
from hotswap_dev.server.downloads import Attribution
from hotswap_dev.server.exchange_log import ExchangeLog
from hotswap_dev.server.guard import PROBLEM, STAMPED, client_admission, failed, guarded, host_rule, stamp
from hotswap_dev.server.misbehave import PlainAnswer, misbehave_check
from hotswap_dev.server.page import SitePage, page
from hotswap_dev.server.questions import Question, plain_question, question_of
from hotswap_dev.server.turns import Turns
from hotswap_dev.server.update_site import UpdateSite
from hotswap_dev.server.whole_answer import Outbox, WholeAnswer, answer_of, head_of

FRONT_DOOR: web.AppKey[Callable[[Handler], Handler]] = web.AppKey("front_door")
"""A handler for all requests, given the one that the application has: it answers a check by itself.

What the plugin sends needs no router and no chain of handlers; they take longer than the answer. Whatever else comes,
and whatever is refused, goes the application's way.
"""

_NO_STORE = "no-store"
_UNATTRIBUTED = "-"


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
    site.downloads.join(app.router)
    app.router.add_get("/channels/{channel}/latest.json", site.latest)
    site.updates.join(app.router)
    lifecycle_site.join(app.router, engine)
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
                return await site.answer(request, question)
            except Exception as error:
                return failed(request, error)

        return answer

    return before


class _ClientSite:
    def __init__(self, engine: Engine, options: ClientSiteOptions, exchanges: ExchangeLog) -> None:
        self._engine = engine
        self._exchanges = exchanges
        exchanges.hide(lambda: demanded_names(engine.controls))
        self._options = options
        self._attribution = Attribution(options.secret)
        self._outbox = Outbox()
        self.downloads = DownloadSite(engine, self._attribution, Turns(options.downloads_at_once))
        self.updates = UpdateSite(
            engine,
            self._attribution,
            exchanges,
            secret=options.secret,
            id_header=options.id_header,
            public_url=options.public_url,
        )
        for client in engine.clients:
            self._attribution.token(client)

    async def check(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["sequence"]
        return await self.answer(
            request, question_of(request.raw_path, path, request.rel_url.raw_query_string)
        )

    async def answer(self, request: web.Request, question: Question) -> web.StreamResponse:
        """Answer a check, and observe what was answered."""
        began = time.perf_counter()
        peer = request.remote or "?"
        asked = question.asked_by(request.headers.get(self._options.id_header), peer)
        if self._engine.controls.required and isinstance(asked, Check):
            asked = replace(asked, headers=demanded(self._engine.controls, request))
        decision = self._engine.answer(asked)
        status, content_type, body = self._told(request, asked, decision)
        headers, head = _head(status, decision.reason.code, content_type, _way_in(decision.answer))
        if decision.strike is not None:
            if isinstance(decision.answer, Offer) and decision.strike.fault.at_offers:
                body = await self._bent(request, asked, decision.answer, decision.strike.fault)
            spoiled = misbehave_check(decision.strike.fault, PlainAnswer(status, headers, body))
            answered = _answered(question, peer, asked, decision, began)
            self._engine.observe(answered)
            self._exchanges.keep(answered, request, spoiled.headers, _body_of(spoiled))
            return spoiled
        answered = _answered(question, peer, asked, decision, began)
        self._engine.observe(answered)
        response = answer_of(request, self._outbox, status, headers, head, body)
        told = headers if isinstance(response, WholeAnswer) else response.headers
        self._exchanges.keep(answered, request, told, body)
        return response

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
        if isinstance(answer, Denied):
            return answer.status, PROBLEM, denied_problem(answer, decision.reason)
        return 204, None, b""

    async def _bent(self, request: web.Request, asked: Check | BadCheck, offer: Offer, fault: Fault) -> bytes:
        """The body of an offer as a fault of the manifest, or of the signature in it, has it."""
        if not isinstance(asked, Check):
            raise TypeError("a check that can't be read is offered nothing")
        token = self._attribution.token(asked.client)
        told = self._offered(request, offer, asked.binary_version, token)
        if isinstance(fault, SignatureFault):
            signature = await self._engine.bad_signature(fault, offer.release)
            return wire.encode_manifest(replace(told, signature=signature))
        if not isinstance(fault, ManifestFault):
            raise TypeError(f"{fault.name} bends no manifest")
        runs = self._engine.controls.releases.get(asked.sequence)
        running = None
        if runs is not None:
            stale = Offer(release=runs, mandatory=runs.mandatory)
            running = self._offered(request, stale, asked.binary_version, token)
        return bent_manifest(fault, told, asked.sequence, running)

    def _manifest(self, request: web.Request, offer: Offer, binary_version: str | None, token: str) -> bytes:
        return wire.encode_manifest(self._offered(request, offer, binary_version, token))

    def _offered(
        self, request: web.Request, offer: Offer, binary_version: str | None, token: str
    ) -> Manifest:
        release = offer.release
        return manifest(
            offer,
            binary_version=binary_version,
            url=bundle_url(request, self._options.public_url, token, release),
            pub_date=_written(release.published_at),
        )


@functools.lru_cache(maxsize=64)
def _head(
    status: int, reason: str, content_type: str | None, challenge: str | None
) -> tuple[CIMultiDict[str], bytes]:
    """The headers of a check's answer, which whoever uses them copies, and the same as bytes."""
    headers = CIMultiDict(STAMPED)
    headers["Cache-Control"] = _NO_STORE
    headers[REASON_HEADER] = reason
    if content_type is not None:
        headers["Content-Type"] = content_type
    if challenge is not None:
        headers["WWW-Authenticate"] = challenge
    return headers, head_of(status, headers)


_written = functools.lru_cache(maxsize=256)(wire.rfc3339)


def _way_in(answer: Answer) -> str | None:
    return challenge(answer) if isinstance(answer, Denied) else None


def _body_of(spoiled: web.Response) -> bytes:
    return spoiled.body if isinstance(spoiled.body, bytes) else b""


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
    began: float,
) -> CheckAnswered:
    known = asked if isinstance(asked, Check) else None
    offered = decision.offered
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
        status=decision.status,
        reason=decision.reason.code,
        args=harmless(decision.reason.args),
        offered=None if offered is None else offered.sequence,
        duration_ms=round((time.perf_counter() - began) * 1000, 3),
        flags=known.flags if known else (),
        fault=None if decision.strike is None else decision.strike.armed.fault,
        headers=dict(known.headers) if known else {},
    )
