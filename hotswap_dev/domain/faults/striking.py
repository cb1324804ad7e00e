"""Which of the armed faults strikes: the narrowest scope first, of one scope the newest, by chance where that is asked.

Chance is a hash of seed, fault and count: the same seed strikes the same answers again (design §6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from msgspec import Struct

from hotswap_dev.domain.faults.registry import Fault, read_fault
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.errors import HotswapError


class Strike(Struct, frozen=True):
    """An armed fault that strikes an answer, and its parameters."""

    armed: ArmedFault
    fault: Fault

    @property
    def count(self) -> int:
        """Which of its strikes this is, from 1; always 1 where nothing is counted."""
        return self.armed.fired + 1 if self.armed.counts else 1


class Drawn(Struct, frozen=True):
    """What was drawn: the strike, if any, and the overrides whose probability let this answer go."""

    strike: Strike | None = None
    missed: tuple[int, ...] = ()

    @property
    def spends(self) -> tuple[int, ...]:
        """The overrides (their numbers) that this uses up once."""
        return (self.strike.armed.override,) if self.strike and self.strike.armed.counts else ()


def striking(
    armed: Iterable[ArmedFault], client: str | None, channel: str, can: Callable[[Fault], bool]
) -> Drawn:
    """The fault that strikes an answer to this client in this channel, of those that `can` strike it."""
    missed: list[int] = []
    for one in armed:
        if one.client not in (None, client) or one.channel not in (None, channel):
            continue
        fault = fault_of(one)
        if fault is None or not can(fault):
            continue
        if hits(one):
            return Drawn(Strike(one, fault), tuple(missed))
        missed.append(one.override)
    return Drawn(None, tuple(missed))


def fault_of(armed: ArmedFault) -> Fault | None:
    """What is armed; None where another version armed it and this one does not know it: then it never strikes."""
    try:
        return read_fault(armed.fault, armed.parameters)
    except HotswapError:
        return None


def hits(armed: ArmedFault) -> bool:
    """Whether its probability lets it strike this time; the next time is another draw."""
    if armed.probability is None:
        return True
    count = armed.fired + armed.missed
    digest = hashlib.sha256(f"{armed.seed}:{armed.fault}:{count}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < armed.probability * 2**64
