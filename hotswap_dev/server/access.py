"""What a demanded header has to do with a request: its digest, and how who lacks it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.policy import Denied
from hotswap_dev.domain.reasons import Reason, sentence
from hotswap_dev.domain.text import digest
from hotswap_dev.server.guard import PROBLEM

REASON_HEADER = "X-Hotswap-Reason"
"""Every answer to a check, and a denied download, has its reason's code there."""


def demanded_names(controls: Controls) -> frozenset[str]:
    """The headers that some channel demands, in lower case."""
    if not controls.required:  # as mostly: it is asked on the way of every answer
        return frozenset()
    return frozenset(one.header.lower() for one in controls.required.values())


def demanded(controls: Controls, request: web.BaseRequest) -> Mapping[str, str]:
    """`Check.headers` of a request: of the headers that some channel demands, those that came, each as a digest.

    What decides needs no other, and no value.
    """
    sent = request.headers
    return {name: digest(sent[name]) for name in sorted(demanded_names(controls)) if name in sent}


def challenge(denied: Denied) -> str | None:
    """How to be let in, which a 401 names (RFC 9110, section 11.6.1)."""
    if denied.status != HTTPStatus.UNAUTHORIZED:
        return None
    return "Bearer" if denied.header.lower() == "authorization" else denied.header


def denied_headers(denied: Denied) -> dict[str, str]:
    """What a refusal's headers say of its body and of the way in."""
    way_in = challenge(denied)
    found = {"Content-Type": PROBLEM}
    return found if way_in is None else {**found, "WWW-Authenticate": way_in}


def denied_problem(denied: Denied, reason: Reason) -> bytes:
    """The problem body of who is not let in."""
    return wire.encode(
        {
            "type": f"urn:hotswap-dev:{reason.code}",
            "title": reason.code,
            "status": denied.status,
            "detail": sentence(reason),
        }
    )
