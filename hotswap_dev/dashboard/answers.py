"""What clients are answered under one state of the controls: each different question is decided once.

Of ten thousand clients most ask one of a few questions, and the controls change seldom: what was decided is held for
the frames and the letters that come after it.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from datetime import datetime
from typing import NamedTuple

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.policy import Decision, decide
from hotswap_dev.domain.preview import next_check, question_of
from hotswap_dev.domain.rollout import place, told_apart
from hotswap_dev.errors import HotswapError

_HELD = 10
"""Seconds after which everything is decided anew: no rule looks at the time today, and one that does may join."""

MOST_AT_ONCE = 100
"""Different questions that are decided for one frame or letter: each may pass over fifty releases, and a key must not
wait for it. What was decided before costs nothing, so that the next frame knows of as many more.
"""


class Asked(NamedTuple):
    """What a client asks next. Two of one `question` are answered alike; `check` None: its last could not be read."""

    client: Client
    check: Check | None
    question: Hashable


class Answers:
    """Clients' next answers under the same controls."""

    def __init__(self, controls: Controls, now: datetime) -> None:
        self.controls = controls
        self._now = now
        self._apart = told_apart(controls)
        forced = (one.client for one in controls.forced)
        armed = (one.client for one in controls.faults)
        self._own = {*controls.pins, *(one for one in (*forced, *armed) if one is not None)}
        self._asked: dict[str, Asked] = {}
        self._decided: dict[Hashable, Decision | None] = {}

    def knows(self, asked: Asked) -> bool:
        """Whether its answer is there already, and costs nothing."""
        return asked.check is None or asked.question in self._decided

    def asked(self, client: Client) -> Asked:
        """What this client asks next."""
        known = self._asked.get(client.id)
        if known is None or known.client is not client:
            check = next_check(client)
            known = Asked(client, check, None if check is None else self._question(check))
            self._asked[client.id] = known
        return known

    def decision(self, asked: Asked) -> Decision | None:
        """Its answer, which all who ask the same share; None where there is none that can be foreseen."""
        if asked.check is None:
            return None
        if asked.question not in self._decided:
            try:
                found = decide(self.controls, asked.check, self._now)
            except (ValueError, HotswapError):  # a binary version or a fault that only another version knows
                found = None
            self._decided[asked.question] = found
        return self._decided[asked.question]

    def _question(self, check: Check) -> Hashable:
        own = check.client if check.client in self._own else None
        return (own, place(check, self._apart), *question_of(check))


def answers(controls: Controls, now: datetime) -> Answers:
    """The answers under these very controls, as far as they were decided already."""
    return _answers(_Held(controls, now))


class _Held:
    """Controls, which are never mutated, as the key of a cache."""

    def __init__(self, controls: Controls, now: datetime) -> None:
        self.controls = controls
        self.now = now
        self.period = int(now.timestamp()) // _HELD

    def __hash__(self) -> int:
        return hash((id(self.controls), self.period))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.controls is other.controls and self.period == other.period


# Those of now, those that are expected, and those that the last letters of a draft would lead to.
@functools.lru_cache(maxsize=6)
def _answers(held: _Held) -> Answers:
    return Answers(held.controls, held.now)
