"""Commands done one after the other, with a bad copy for those that ask for one, and what is offered then."""

from __future__ import annotations

from typing import Any

from hotswap_dev.domain.commands.registry import Command
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.policy import Offer, decide
from tests.unit.making import NOW, a_check, built

BAD = built("a bad copy", origin="poisoned")


def done(controls: Controls, *commands: Command) -> Controls:
    for command in commands:
        for fact in command.events(controls, NOW, BAD):
            controls = apply(controls, fact)
    return controls


def offered(controls: Controls, sequence: int, **changes: Any) -> int | None:
    answer = decide(controls, a_check(sequence, **changes), NOW).answer
    return answer.release.sequence if isinstance(answer, Offer) else None
