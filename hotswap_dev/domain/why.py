"""Why a client is told what it is told: a decision with all that explains it, in words (design §6).

The same for the command line, HTTP and the dashboard, and for a client that was never seen.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.next_step import NextStep, next_step
from hotswap_dev.domain.policy import Decision, decide
from hotswap_dev.domain.preview import Told, told
from hotswap_dev.domain.reasons import change, sentence


class Passed(Struct, frozen=True, kw_only=True):
    """A release that was passed over on the way to the answer, and what would make it eligible ("" where nothing)."""

    sequence: int
    code: str
    detail: str
    change: str


class Why(Struct, frozen=True, kw_only=True):
    """The answer that a check gets now, and everything that explains it."""

    check: Check
    answer: Told
    sentence: str
    change: str
    """The command that would change the answer; "" where none would."""
    considered: tuple[Passed, ...]
    """Highest first; the release that is offered is not among them."""
    next: NextStep
    """What the client does with the answer."""


def why(controls: Controls, check: Check, client: Client | None, now: datetime) -> Why:
    """Explain the answer to `check`; `client` is what is known of who asks, None for one that was never seen.

    Nothing is spent by it: it is a question about an answer, and none is given.
    """
    decision = decide(controls, check, now)
    return Why(
        check=check,
        answer=told(decision, check),
        sentence=sentence(decision.reason),
        change=change(decision.reason),
        considered=_passed(decision),
        next=next_step(client, decision, controls, check),
    )


def _passed(decision: Decision) -> tuple[Passed, ...]:
    return tuple(
        Passed(
            sequence=one.sequence,
            code=one.reason.code,
            detail=sentence(one.reason),
            change=change(one.reason),
        )
        for one in decision.considered
    )
