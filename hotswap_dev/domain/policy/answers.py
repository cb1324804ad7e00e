"""What a check, and a download, can come to."""

from __future__ import annotations

from msgspec import Struct

from hotswap_dev.domain.faults import Strike
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.reasons import Reason

MAX_CONSIDERED = 50
"""Of a thousand releases that an app is too old for nobody reads why a thousand times, and a check must stay cheap."""


class Offer(Struct, frozen=True, kw_only=True, tag="offer"):
    """200 with this release's manifest."""

    release: Release
    mandatory: bool


class NoUpdate(Struct, frozen=True, tag="no-update"):
    """204: the client keeps what it runs."""


class Refusal(Struct, frozen=True, kw_only=True, tag="refusal"):
    """400: the question itself is wrong."""

    parameter: str
    value: str
    expected: str
    example: str


class Denied(Struct, frozen=True, kw_only=True, tag="denied"):
    """401 or 403: the header that this channel demands did not come, or had another value."""

    status: int
    header: str


Answer = Offer | NoUpdate | Refusal | Denied


class Considered(Struct, frozen=True, kw_only=True):
    """A release that was looked at and passed over, and why this client can't have it."""

    sequence: int
    reason: Reason


class Decision(Struct, frozen=True, kw_only=True):
    """An answer with everything that explains it.

    `considered` is what was passed over, highest first and at most `MAX_CONSIDERED`, `passed_over` how many there were;
    `strike` the fault that is to spoil it, `answer` is then what would have been given. `spends` are the overrides
    (their numbers) that giving the answer uses up once, `missed` the faults whose probability let it go: the caller
    applies both in the same step, so that two checks never share one.
    """

    answer: Answer
    reason: Reason
    considered: tuple[Considered, ...] = ()
    passed_over: int = 0
    strike: Strike | None = None
    spends: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()

    @property
    def offered(self) -> Release | None:
        """The release that the client hears of; None where it is offered none, or a fault keeps it from hearing."""
        heard = self.strike is None or self.strike.fault.keeps_offer
        return self.answer.release if heard and isinstance(self.answer, Offer) else None

    @property
    def status(self) -> int:
        """The HTTP status that goes out; 0 where a fault lets nothing out."""
        plain = _STATUS[type(self.answer)] if not isinstance(self.answer, Denied) else self.answer.status
        return plain if self.strike is None else self.strike.fault.told_status(plain)


_STATUS: dict[type[Answer], int] = {Offer: 200, NoUpdate: 204, Refusal: 400}


class Fetch(Struct, frozen=True, kw_only=True):
    """What becomes of a download: `denied`, spoiled by `strike`, or neither. The rest is as for a decision."""

    denied: Denied | None = None
    strike: Strike | None = None
    spends: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
