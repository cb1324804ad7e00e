"""What became of a scenario: each step's outcome, and for one that failed what was expected and what was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from hotswap_dev.fleet.happened import Happened

Outcome = Literal["passed", "failed", "skipped"]


class Begun(Struct, frozen=True, kw_only=True):
    """A step is being done."""

    number: int
    """From 1."""
    of: int
    """How many steps there are."""
    text: str
    """The step in words."""
    say: str | None = None
    watch: str | None = None
    at: float
    """Seconds of story time since its stage began."""


class Ended(Struct, frozen=True, kw_only=True):
    """A step was done, or failed, or was not reached."""

    number: int
    line: int
    """Where it begins in the file."""
    text: str
    outcome: Outcome
    expected: str = ""
    """What should have been, and what was instead: sentences, of a step that failed."""
    seen: str = ""
    judges: bool = False
    """Whether it waits or expects: the others only lead there."""
    say: str | None = None
    watch: str | None = None
    at: float = 0.0
    seconds: float = 0.0
    """Of story time, as `at`."""
    sequence: int | None = None
    """The release that it led to."""


class Verdict(Struct, frozen=True, kw_only=True):
    """A whole scenario's."""

    title: str
    file: str
    seed: int
    steps: tuple[Ended, ...]

    @property
    def ok(self) -> bool:
        """Whether every step was done and held."""
        return all(step.outcome == "passed" for step in self.steps)

    @property
    def failure(self) -> Ended | None:
        """The step that ended it, if one did."""
        return next((step for step in self.steps if step.outcome == "failed"), None)

    @property
    def seconds(self) -> float:
        """Of story time, from its first step to its last."""
        return sum(step.seconds for step in self.steps)


Told = Begun | Ended | Happened
"""What whoever watches is told, as it happens."""

Tell = Callable[[Told], None]
