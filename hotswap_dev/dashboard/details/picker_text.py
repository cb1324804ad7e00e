"""What the picker of faults says: what is armed, every fault by its stage, and what the client does under one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hotswap_dev.dashboard.arming import Scope, armed_found, found, may_be_for
from hotswap_dev.dashboard.details.fault_text import (
    fault_of,
    lasting,
    reaction_lines,
    reaction_of,
    reaction_to,
    values_of,
)
from hotswap_dev.dashboard.details.paragraphs import broken
from hotswap_dev.dashboard.spans import Line, Span, column, cut, ends
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.fact_words import Names, armed_words, scope_words
from hotswap_dev.domain.faults import Fault, every_fault
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.text import shown

Key = int | str
"""Of an armed fault its number, of a fault of the catalogue its stage and name."""

_NAME = max(len(kind.named) for kind in every_fault().values()) + 2
_STAGES = {
    "check": "the answer to a check",
    "signature": "the signature of an offer",
    "download": "a bundle on its way",
    "bundle": "a bundle that is bad in itself",
    "preset": "the whole line",
}
"""What a fault of each stage strikes, as its group is headed."""


class Item(NamedTuple):
    """Something that can be selected: an armed fault, or a kind of fault."""

    key: Key
    armed: ArmedFault | None = None
    kind: type[Fault] | None = None


def key_of(kind: type[Fault]) -> str:
    """By what a kind of fault is selected, and armed."""
    return f"{kind.stage}/{kind.named}"


def items_of(query: str, controls: Controls) -> list[Item]:
    """What the words of a query leave, what is armed first."""
    armed = armed_found(query, controls.faults, controls.names)
    return [
        *(Item(one.override, armed=one) for one in armed),
        *(Item(key_of(kind), kind=kind) for kind in found(query, reaction_of)),
    ]


def list_lines(
    items: Sequence[Item], chosen: Key | None, scope: Scope, names: Names, width: int
) -> list[tuple[Line, Key | None]]:
    """The list: each line with the key of what it is about, None for a heading."""
    made: list[tuple[Line, Key | None]] = []
    group = ""
    for item in items:
        stage = "armed" if item.kind is None else item.kind.stage
        if stage != group:
            group = stage
            if made:
                made.append(((), None))
            strikes = "" if item.kind is None else f"   {_STAGES.get(stage, '')}"
            made.append((cut((Span(stage.upper(), "dim"), Span(strikes, "dim")), width), None))
        here = item.key == chosen
        mark = Span("▸ " if here else "  ", "accent")
        made.append((cut((mark, *_row(item, here, scope, names)), width), item.key))
    if not made:
        made.append(((Span("No fault has all of these words in it.", "warn"),), None))
    return made


def _row(item: Item, here: bool, scope: Scope, names: Names) -> Iterator[Span]:
    if item.armed is not None:
        one = item.armed
        whom = shown(scope_words(one.client, one.channel, names))
        yield Span(f"{one.override:>3}  ", "dim")
        yield Span(f"{shown(one.fault)}  ", "fault")
        yield Span(f"{whom}, {lasting(one)}", "strong" if here else "text")
        yield Span(f"  {values_of(one)}", "dim")
    elif item.kind is not None:
        fits = may_be_for(item.kind, scope)
        yield Span(column(item.kind.named, _NAME), "strong" if here else "text" if fits else "dim")
        yield Span(item.kind.summary, "text" if here and fits else "dim")


def beside_lines(item: Item | None, scope: Scope, names: Names, width: int, *, whole: bool) -> list[Line]:
    """What the client does under the selected one. `whole`: with what it does, which the list may have cut."""
    if item is None:
        return []
    if item.armed is not None:
        text = f"{item.armed.override}: {shown(armed_words(item.armed, names), 400)}"
        lines: list[Line] = [(Span(part, "fault"),) for part in broken(text, width)]
        fault = fault_of(item.armed)
        if fault is None:
            return [*lines, (Span("This version does not know it.", "dim"),)]
        return [*lines, *reaction_lines(reaction_to(fault, item.armed.left), width)]
    if item.kind is None:
        return []
    lines = [(Span(part, "strong"),) for part in broken(f"{item.kind.summary}.", width)] if whole else []
    if not may_be_for(item.kind, scope):
        lines.append((Span("It is for everyone: tab chooses them.", "warn"),))
    return [*lines, *reaction_lines(reaction_of(item.kind), width)]


def scope_line(scope: Scope, following: Scope, names: Names, width: int) -> Line:
    """For whom, and for whom `tab` makes it."""
    left: Line = (Span("for ", "dim"), Span(scope.said(names), "strong"))
    right: Line = () if following == scope else (Span("tab", "key"), Span(f" {following.said(names)}", "dim"))
    return ends(left, right, width)


def keys_line(item: Item | None, typed: bool, width: int) -> Line:
    """What the keys do now."""
    armed = item is not None and item.armed is not None
    spans = [Span("enter", "key"), Span(" disarm" if armed else " parameters, then arm", "dim")]
    if armed and not typed:
        spans += [Span("   "), Span("d", "key"), Span(" disarm", "dim")]
    spans += [Span("   "), Span("esc", "key"), Span(" all of them" if typed else " leave", "dim")]
    return cut(tuple(spans), width)
