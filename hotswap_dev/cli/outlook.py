"""What a command led to, beside its facts: how far a release reaches, what an armed fault makes of a client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hotswap_dev import wire
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.domain.commands import ArmFault, Command
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.fact_words import Names, who
from hotswap_dev.domain.faults import read_fault
from hotswap_dev.domain.faults.reactions import reaction

_LABEL = 8


def outlook_lines(
    kind: type[Command], arguments: Mapping[str, wire.Json], result: wire.Json, names: Names
) -> Iterator[str]:
    """The lines below a command's own; `result` as `POST /api/commands/NAME` has it, null where there is none."""
    if result is None:
        return
    if kind in (SetRollout, SetTargets):
        yield reach_words(result, names)
    elif kind is ArmFault:
        yield from _armed(arguments, result)


def reach_words(reach: wire.Json, names: Names) -> str:
    """`3 of 8 clients; Pixel flips in at 37 %`: how far a release reaches among the known clients."""
    if reach["of"] == 0:
        return "no client that is known asks for its channel and is meant by its targets"
    clients = "client" if reach["of"] == 1 else "clients"
    text = f"{reach['inside']} of {reach['of']} {clients}"
    if reach["next"] is None:
        return text
    return f"{text}; {who(reach['next'], names)} flips in at {reach['next_at']:g} %"


def _armed(arguments: Mapping[str, wire.Json], armed: wire.Json) -> Iterator[str]:
    expected = reaction(
        read_fault(arguments["fault"], arguments.get("parameters") or {}), arguments.get("times")
    )
    yield from _labelled("client", expected.sentence)
    by_hand = f"hotswap-dev disarm-fault {armed['id']}"
    times = arguments.get("times")
    if times is None:
        yield from _labelled("ends", f"{by_hand}, or with this run of the server")
    else:
        counted = "once" if times == 1 else f"{times} times"
        yield from _labelled("ends", f"by itself when it has struck {counted}, or: {by_hand}")


def _labelled(label: str, text: str) -> Iterator[str]:
    yield from wrapped(text, indent=" " * _LABEL, first=f"{label:<{_LABEL}}")
