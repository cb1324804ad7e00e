"""The second protocol's routes on the client site (contract, update-server-protocol; interface, "Client site").

The same releases, controls and reasons answer as for the plugin's checks; only the documents are others.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from aiohttp import web
from msgspec.structs import asdict, replace

from hotswap_dev import wire
from hotswap_dev.domain.bent_updates import bent
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, Release
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.policy import Decision, Denied, Offer, bundle_gone
from hotswap_dev.domain.reasons import Reason, harmless
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.updates import (
    COMPLETION_EXAMPLE,
    EXAMPLE,
    MOST_TYPES,
    Asked,
    Update,
    check_of,
    is_completion,
    read_asked,
    read_completion,
    update_client,
    update_of,
)
from hotswap_dev.engine.engine import Engine
from hotswap_dev.server.access import REASON_HEADER, demanded, denied_headers, denied_problem
from hotswap_dev.server.allowance import Allowance, TooMany, demand, told_to_wait
from hotswap_dev.server.completions import Completions
from hotswap_dev.server.download_site import bundle_url
from hotswap_dev.server.downloads import Attribution
from hotswap_dev.server.exchange_log import ExchangeLog
from hotswap_dev.server.guard import PROBLEM, Forbidden, foreign_origin, foreign_site
from hotswap_dev.server.misbehave import PlainAnswer, misbehave_check
from hotswap_dev.server.questions import masked
from hotswap_dev.server.update_body import document_of, read_body, refusal
from hotswap_dev.storage.digests import Digests
from hotswap_dev.storage.request_ids import (
    NONCE_BYTES,
    RequestIds,
)

_log = logging.getLogger(__name__)

_NO_STORE = "no-store"
_LONGEST_LIST = 1000


class UpdateSite:
    """`POST /update` and `POST /update/completion`.

    `attribution` is the client site's, so that a bundle fetched after such a check belongs to the client that asked;
    `secret` is the workspace's; `public_url` (no slash at its end) stands in the list instead of the request's host.
    """

    def __init__(
        self,
        engine: Engine,
        attribution: Attribution,
        exchanges: ExchangeLog,
        *,
        secret: bytes,
        id_header: str = "X-Device-Id",
        public_url: str | None = None,
    ) -> None:
        self._engine = engine
        self._attribution = attribution
        self._exchanges = exchanges
        self._id_header = id_header
        self._public_url = public_url
        self._digests = Digests(engine.store)
        self._ids = RequestIds(secret)
        self._allowance = Allowance()
        self._completions = Completions(
            engine, attribution, self._digests, self._ids, id_header=id_header, allowance=self._allowance
        )

    def join(self, router: web.UrlDispatcher) -> None:
        """Add the routes to the client site's."""
        router.add_post("/update", self.update)
        router.add_post("/update/completion", self.completion)

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Answer a question with 204 or the list of updates; or take a completion, which may come here too."""
        _demand_no_page(request)
        body = await read_body(request)
        began = time.perf_counter()
        document = document_of(body, request.headers.get("Content-Type", ""), example=EXAMPLE)
        try:
            if is_completion(document):
                demand(self._allowance, request.remote or "?")
                return await self._completions.take(request, read_completion(document))
            asked = document if isinstance(document, BadCheck) else read_asked(document)
            if isinstance(asked, BadCheck):
                asked = replace(asked, client=self._asking(request, document))
            return await self._answered(request, asked, began)
        except TooMany as error:
            return told_to_wait(error)

    async def completion(self, request: web.Request) -> web.StreamResponse:
        """Take what became of updates, and say how it was recorded."""
        _demand_no_page(request)
        try:
            demand(self._allowance, request.remote or "?")
            body = await read_body(request)
            document = document_of(body, request.headers.get("Content-Type", ""), example=COMPLETION_EXAMPLE)
            read = document if isinstance(document, BadCheck) else read_completion(document)
            return await self._completions.take(request, read)
        except TooMany as error:
            return told_to_wait(error)

    # Questions.

    async def _answered(
        self, request: web.Request, asked: Asked | BadCheck, began: float
    ) -> web.StreamResponse:
        peer = request.remote or "?"
        if isinstance(asked, BadCheck):
            check: Check | BadCheck = asked
        else:
            check = check_of(
                asked,
                self._engine.controls,
                device=request.headers.get(self._id_header),
                peer=peer,
                headers=demanded(self._engine.controls, request),
            )
        if isinstance(check, Check):
            decisions = self._engine.answer_update(check)
        else:
            demand(self._allowance, peer)  # it is recorded, and its sender makes up what it says
            decisions = {DEFAULT_UPDATE_TYPE: self._engine.answer(check)}
        leading = _leading(decisions)
        told = await self._told(request, asked, check, decisions, leading)
        answered = _observed(request, asked, check, leading, told, peer=peer, began=began)
        self._engine.observe(answered)
        return await self._sent(request, leading, told, answered)

    async def _told(
        self,
        request: web.Request,
        asked: Asked | BadCheck,
        check: Check | BadCheck,
        decisions: Mapping[str, Decision],
        leading: Decision,
    ) -> _Told:
        """What the decisions are as one plain answer."""
        if isinstance(check, BadCheck):
            return _Told(400, leading.reason, {"Content-Type": PROBLEM}, refusal(check, "check"))
        if isinstance(leading.answer, Denied):
            return _denied(leading.answer, leading.reason)
        entries: list[Mapping[str, Any]] = []
        offered: list[Release] = []
        unreadable: Release | None = None
        version = str(asked.version) if isinstance(asked, Asked) else ""
        for decision in decisions.values():
            if not isinstance(decision.answer, Offer) or len(entries) == MOST_TYPES:
                continue
            release = decision.answer.release
            update = await self._entry(request, check.client, release)
            if update is None:
                unreadable = release
                continue
            offered.append(release)
            self._attribution.offered(check.client, release.sequence)
            entries.append(
                asdict(update)
                if decision.strike is None
                else bent(
                    decision.strike.fault,
                    update,
                    current=version,
                    running=await self._running(request, check, release.update_type),
                )
            )
        flags = () if unreadable is None else ("bundle-unreadable",)
        if not entries:
            reason = leading.reason if unreadable is None else bundle_gone(unreadable)
            return _Told(204, reason, flags=flags)
        request_id = self._ids.write(
            secrets.token_bytes(NONCE_BYTES),
            self._attribution.token(check.client),
            ((release.sequence, release.version) for release in offered),
        )
        return _Told(
            200,
            leading.reason,
            {"Content-Type": "application/json"},
            wire.encode({"available_updates": entries, "request_id": request_id}),
            request_id=request_id,
            offered=tuple(offered),
            flags=flags,
        )

    async def _entry(self, request: web.Request, client: str, release: Release) -> Update | None:
        """A release as the list has it; None where its bytes can't be read, so that it can't be promised."""
        hash_value = await self._digests.sha512(release.bundle)
        if hash_value is None:
            return None
        url = bundle_url(request, self._public_url, self._attribution.token(client), release)
        return update_of(release, url=url, hash_value=hash_value)

    async def _running(self, request: web.Request, check: Check, update_type: str) -> Update | None:
        release = self._engine.controls.releases.get(check.sequence)
        if release is None or release.update_type != update_type:
            return None
        return await self._entry(request, check.client, release)

    async def _sent(
        self, request: web.Request, leading: Decision, told: _Told, answered: CheckAnswered
    ) -> web.StreamResponse:
        headers = {"Cache-Control": _NO_STORE, REASON_HEADER: told.reason.code, **told.headers}
        response: web.Response
        if leading.strike is None:
            response = web.Response(status=told.status, body=told.body or None, headers=headers)
        else:
            response = misbehave_check(leading.strike.fault, PlainAnswer(told.status, headers, told.body))
        body = response.body if isinstance(response.body, bytes) else b""
        self._exchanges.keep(answered, request, response.headers, body)
        return response

    def _asking(self, request: web.Request, document: wire.Json) -> str:
        """Who sent a question that can't be read, as far as it can."""
        platform = document.get("platform") if isinstance(document, dict) else None
        return update_client(
            request.headers.get(self._id_header),
            peer=request.remote or "?",
            platform=platform.lower() if isinstance(platform, str) else "?",
        )


class _Told(NamedTuple):
    """A plain answer, and what is observed of it. `reason` is not always the decision's: bytes may be gone."""

    status: int
    reason: Reason
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    request_id: str | None = None
    offered: tuple[Release, ...] = ()
    flags: tuple[str, ...] = ()


def _leading(decisions: Mapping[str, Decision]) -> Decision:
    """The decision that stands for a whole answer: one that a fault strikes, else an offer; of those the frontend's."""
    ranked = sorted(
        decisions.items(),
        key=lambda one: (
            one[1].strike is None,
            one[1].strike is not None and one[1].strike.fault.at_offers,
            not isinstance(one[1].answer, Offer),
            one[0] != DEFAULT_UPDATE_TYPE,
        ),
    )
    return ranked[0][1]


def _observed(
    request: web.Request,
    asked: Asked | BadCheck,
    check: Check | BadCheck,
    leading: Decision,
    told: _Told,
    *,
    peer: str,
    began: float,
) -> CheckAnswered:
    known = check if isinstance(check, Check) else None
    strike = leading.strike
    # Who is told nothing, or something broken, was offered nothing.
    heard = told.offered if strike is None or strike.fault.keeps_offer else ()
    args = harmless(told.reason.args)
    if heard:
        named = ", ".join(f"{one.update_type} {one.sequence}" for one in heard)
        args = {**args, "updates": shown(named, _LONGEST_LIST)}
    return CheckAnswered(
        at=datetime.now(UTC),
        client=check.client,
        peer=peer,
        path=shown(masked(request.raw_path)),
        sequence=known.sequence if known else None,
        binary_version=known.binary_version if known else None,
        platform=shown(known.platform) if known else None,
        arch=None,
        channel=known.channel if known else None,
        status=told.status if strike is None else strike.fault.told_status(told.status),
        reason=told.reason.code,
        args=args,
        offered=next(
            (one.sequence for one in heard if one.update_type == DEFAULT_UPDATE_TYPE),
            max((one.sequence for one in heard), default=None),
        ),
        duration_ms=round((time.perf_counter() - began) * 1000, 3),
        flags=(*(known.flags if known else ()), *told.flags),
        fault=strike.armed.fault if strike is not None else None,
        headers=dict(known.headers) if known else {},
        protocol="update-server",
        product=shown(asked.product) if isinstance(asked, Asked) else None,
        request_id=told.request_id if heard else None,
    )


def _denied(denied: Denied, reason: Reason) -> _Told:
    return _Told(denied.status, reason, denied_headers(denied), denied_problem(denied, reason))


def _demand_no_page(request: web.Request) -> None:
    """No web page may ask or report: a form, or a text without a preflight, can be sent from any (hardening A5, A6)."""
    if foreign_site(request) is not None or foreign_origin(request) is not None:
        raise Forbidden(
            f"the request comes from another page (Origin: {shown(request.headers.get('Origin') or 'none')})",
            "send it from the app itself, without an Origin header",
            code="foreign-page",
        )
