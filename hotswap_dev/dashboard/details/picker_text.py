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
from hotswap_dev.dashboard.spans import Line, Role, Span, column, cut, ends
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.fact_words import Names, armed_words, scope_words
from hotswap_dev.domain.faults import Fault, every_fault, parameters_of
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.text import shown

Key = int | str
"""Of an armed fault its number, of a fault of the catalogue its stage and name."""

ONLY_EVERYONE = "It is for everyone: X arms it"
"""Of a fault that can't be for a client or a channel alone."""

_UNDER_WAY = "…"
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
    """An armed fault, or a kind of fault. Without a key it can't be selected: it is being ended, or made."""

    key: Key | None
    armed: ArmedFault | None = None
    kind: type[Fault] | None = None
    pending: str = ""
    """What stands behind an armed fault that the server has not armed, or not ended yet."""


def key_of(kind: type[Fault]) -> str:
    """By what a kind of fault is selected, and armed."""
    return f"{kind.stage}/{kind.named}"


def items_of(query: str, view: View) -> list[Item]:
    """What the words of a query leave, what is armed first, as it is once everything pending is done."""
    armed = [item for item in _armed(view) if item.armed is not None]
    left = armed_found(query, [item.armed for item in armed if item.armed], view.expected.names)
    return [
        *(item for item in armed if item.armed in left),
        *(Item(key_of(kind), kind=kind) for kind in found(query, reaction_of)),
    ]


def _armed(view: View) -> Iterator[Item]:
    """What is armed, what is being armed, and what is being ended, marked as the chips are."""
    expected = view.expected.faults
    for one in expected:
        yield Item(one.override, armed=one, pending="" if one in view.controls.faults else _UNDER_WAY)
    for made in view.pending:
        # A bundle is made first: only the server can say what number its fault has.
        if isinstance(made.command, ArmFault) and made.command.wanted().stage == "bundle":
            command = made.command
            coming = ArmedFault(
                override=0,
                fault=command.wanted().name,
                parameters=parameters_of(command.wanted()),
                client=command.client,
                channel=command.channel,
            )
            yield Item(None, armed=coming, pending=_UNDER_WAY)
    after = {(one.fault, one.client, one.channel) for one in expected}
    for one in view.controls.faults:
        if (one.fault, one.client, one.channel) not in after:
            yield Item(None, armed=one, pending=f": ending{_UNDER_WAY}")


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
        here = item.key is not None and item.key == chosen
        mark = Span("▸ " if here else "  ", "accent")
        made.append((cut((mark, *_row(item, here, scope, names)), width), item.key))
    if not made:
        made.append(((Span("No fault has all of these words in it.", "warn"),), None))
    return made


def _row(item: Item, here: bool, scope: Scope, names: Names) -> Iterator[Span]:
    if item.armed is not None:
        one = item.armed
        whom = shown(scope_words(one.client, one.channel, names))
        yield Span(f"{one.override or '':>3}  ", "dim")
        yield Span(f"{shown(one.fault)}  ", "fault")
        role: Role = "strong" if here else "dim" if item.pending else "text"
        yield Span(f"{whom}, {lasting(one)}{item.pending}", role)
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
        lines += [(Span(part, "warn"),) for part in broken(f"{ONLY_EVERYONE}, or tab to everyone.", width)]
    return [*lines, *reaction_lines(reaction_of(item.kind), width)]


def scope_line(scope: Scope, following: Scope, names: Names, width: int) -> Line:
    """For whom, and for whom `tab` makes it."""
    left: Line = (Span("for ", "dim"), Span(scope.said(names), "strong"), Span("   "))
    right: Line = () if following == scope else (Span("tab", "key"), Span(f" {following.said(names)}", "dim"))
    return ends(left, right, width)


def keys_line(item: Item | None, typed: bool, width: int) -> Line:
    """What the keys do now."""
    armed = item is not None and item.armed is not None
    spans = [Span("enter", "key"), Span(" disarm" if armed else " parameters, then arm", "dim")]
    spans += [Span("   "), Span("esc", "key"), Span(" all of them" if typed else " leave", "dim")]
    return cut(tuple(spans), width)
