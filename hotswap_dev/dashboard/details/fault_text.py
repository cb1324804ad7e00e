"""A fault in words: what the client does under it, and how long one that is armed lasts."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from hotswap_dev.dashboard.details.figures import counted
from hotswap_dev.dashboard.details.paragraphs import MARGIN, Labelled, fields, sentence
from hotswap_dev.dashboard.spans import Line, Span
from hotswap_dev.domain.faults import Fault, every_fault, reactions, read_fault
from hotswap_dev.domain.faults.reactions import Reaction
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_LONGEST = 1000


@functools.lru_cache(maxsize=1024)
def reaction_to(fault: Fault, times: int | None = None) -> Reaction:
    """What the client does under a fault that strikes so many times; the same answer is worked out once."""
    return reactions.reaction(fault, times)


def reaction_of(kind: type[Fault]) -> Reaction:
    """The same for a fault with its own defaults, until it is disarmed."""
    return reaction_to(kind())


def fault_of(armed: ArmedFault) -> Fault | None:
    """The fault that is armed; None for one that only a server of another version knows."""
    try:
        return read_fault(armed.fault, armed.parameters)
    except HotswapError:
        return None


def fault_named(name: str, armed: ArmedFault | None = None) -> Fault | None:
    """The fault of this name, with the parameters that are armed where those are still known, else its defaults."""
    if armed is not None and armed.fault == name and (known := fault_of(armed)) is not None:
        return known
    kind = every_fault().get(name)
    return None if kind is None else kind()


def lasting(armed: ArmedFault) -> str:
    """How long and how often: `2 more`, `until disarmed`, `1 of 4`."""
    left = "until disarmed" if armed.left is None else f"{armed.left:,} more"
    return left if armed.probability is None else f"{left}, {armed.probability:.0%} of them"


def values_of(armed: ArmedFault) -> str:
    """Its parameters: `ms=500 jitter=0`."""
    return shown(" ".join(f"{name}={value}" for name, value in armed.parameters.items()))


def reaction_lines(reaction: Reaction, width: int) -> list[Line]:
    """What the client does: a sentence with the texts that its page hears, then its events and requests."""
    return [*sentence(shown(reaction.sentence, _LONGEST), width, margin=0), *_told(reaction, width)]


def _told(reaction: Reaction, width: int) -> list[Line]:
    pairs: list[Labelled] = list(_pairs(reaction))
    return [_without_margin(line) for line in fields(pairs, width + MARGIN)]


def _without_margin(spans: Line) -> Line:
    """A page's line where a frame is the margin already."""
    return (Span(spans[0].text[MARGIN:], spans[0].role), *spans[1:])


def _pairs(reaction: Reaction) -> Iterator[Labelled]:
    yield "events", ", ".join(map(shown, reaction.events)) or "none"
    asks = reaction.requests
    downloads = f", {counted(asks.download, 'download')}" if asks.download else ""
    yield "requests", f"{counted(asks.check, 'check')}{downloads}"
    if reaction.needs:
        yield "only with", ", ".join(f"{name}: {_value(value)}" for name, value in reaction.needs.items())


def _value(value: bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
