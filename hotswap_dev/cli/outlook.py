"""What a command led to, beside its facts: how far a release reaches, what an armed fault makes of a client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hotswap_dev import wire
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.domain.commands import ArmFault, Command
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.fact_words import Names, reach_words
from hotswap_dev.domain.faults import read_fault
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.domain.rollout import Reach
from hotswap_dev.errors import HotswapError

_LABEL = 8


def outlook_lines(
    kind: type[Command], arguments: Mapping[str, wire.Json], result: wire.Json, names: Names
) -> Iterator[str]:
    """The lines below a command's own; `result` as `POST /api/commands/NAME` has it, null where there is none."""
    if result is None:
        return
    if kind in (SetRollout, SetTargets):
        yield from _reached(result, names)
    elif kind is ArmFault:
        yield from _armed(arguments, result)


def _reached(result: wire.Json, names: Names) -> Iterator[str]:
    try:
        yield reach_words(msgspec.convert(result, Reach), names)
    except msgspec.ValidationError:  # a server of another version counts otherwise
        return


def _armed(arguments: Mapping[str, wire.Json], armed: wire.Json) -> Iterator[str]:
    times = arguments.get("times")
    try:
        fault = read_fault(arguments["fault"], arguments.get("parameters") or {})
        yield from _labelled("client", reaction(fault, times).sentence)
    except (
        HotswapError
    ):  # one that only the server knows: it is armed, and nobody here can say what comes of it
        pass
    by_hand = f"hotswap-dev disarm-fault {armed['id']}"
    if times is None:
        yield from _labelled("ends", f"{by_hand}, or with this run of the server")
    else:
        counted = "once" if times == 1 else f"{times} times"
        yield from _labelled("ends", f"by itself when it has struck {counted}, or: {by_hand}")


def _labelled(label: str, text: str) -> Iterator[str]:
    yield from wrapped(text, indent=" " * _LABEL, first=f"{label:<{_LABEL}}")
