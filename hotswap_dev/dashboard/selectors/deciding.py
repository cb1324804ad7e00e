"""What a client is answered now and does with it, as far as what it said of itself can be read."""

from __future__ import annotations

from msgspec import Struct

from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.next_step import NextStep, next_step
from hotswap_dev.domain.policy import Decision, decide
from hotswap_dev.errors import HotswapError


class Decided(Struct, frozen=True):
    """An answer, and what becomes of it."""

    decision: Decision
    next: NextStep


def decided(check: Check | BadCheck, client: Client | None, view: View) -> Decided | None:
    """The answer to a check as things are; None where a version in it is none.

    The server refuses such a check, but a dashboard draws what any server tells, also one of another version.
    """
    try:
        decision = decide(view.controls, check, view.now)
        asked = check if isinstance(check, Check) else None
        return Decided(decision, next_step(client, decision, view.controls, asked))
    except (ValueError, HotswapError):
        return None
