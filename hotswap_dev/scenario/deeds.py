"""What a step does, in words: for progress, for a report, and for what was expected where it could not be done."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hotswap_dev import wire
from hotswap_dev.domain.text import shown
from hotswap_dev.scenario.how_many import STATIONS, how_many, is_counted, is_lone, so_many
from hotswap_dev.scenario.model import Act, Action, Condition, Do, Expect, Live, Save, Wait

_LONGEST = 60


def in_words(action: Action) -> str:
    """A step in a few words, much as it stands in the file."""
    match action:
        case Save(folder=folder):
            return f"save {shown(Path(folder).name)}"
        case Do(command=command, arguments=arguments, refused=refused):
            return f"{command}{_given(command, arguments)}" + (f", refused as {refused}" if refused else "")
        case Act() as act:
            version = f" to {act.binary_version}" if act.binary_version else ""
            one, many = _ACTS[act.act]
            return f"{_who(act.group, act.client)} {one if act.client else many}{version}"
        case Wait(until=condition, within=within):
            return f"wait until {_condition(condition)} (within {within:g} s)"
        case Expect(that=condition):
            return f"expect {_condition(condition)}"
        case Live(seconds=seconds):
            return f"live {seconds:g} s"


def judges(action: Action) -> bool:
    """Whether it waits or expects, or a refusal is expected of it: what a report counts as a test."""
    return isinstance(action, Wait | Expect) or (isinstance(action, Do) and action.refused is not None)


def promised(action: Action) -> str:
    """What was expected of a step that could not be done."""
    match action:
        case Save(folder=folder):
            return f"a save of {shown(Path(folder).name)} becomes a release"
        case Do(command=command, refused=str(refused)):
            return f"{command} is refused as {refused}"
        case Do(command=command, arguments=arguments):
            return f"{command}{_given(command, arguments)} is done"
        case Act() as act:
            return f"{_who(act.group, act.client)} can {_ACTS[act.act][1]}"
        case Wait(until=condition) | Expect(that=condition):
            return _condition(condition)
        case Live(seconds=seconds):
            return f"the clients live for {seconds:g} s"


def _who(group: str | None, client: str | None) -> str:
    return shown(client or group or "all clients")


def _given(command: str, arguments: Mapping[str, Any]) -> str:
    secret = _secrets(command)
    told = [f"{name}={'***' if name in secret else _value(name, value)}" for name, value in arguments.items()]
    return f" {' '.join(told)}" if told else ""


@functools.cache
def _secrets(command: str) -> frozenset[str]:
    """Its arguments that are shown nowhere (JSON Schema: `writeOnly`): what is told of a step goes into logs."""
    properties = next(
        one["arguments"]["properties"] for one in wire.command_schemas() if one["name"] == command
    )
    return frozenset(name for name, schema in properties.items() if schema.get("writeOnly"))


def _value(name: str, value: object) -> str:
    if name == "path":
        return shown(Path(str(value)).name)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ",".join(shown(str(one), _LONGEST) for one in value)
    if isinstance(value, dict):
        return ",".join(f"{shown(str(key))}:{shown(str(one), _LONGEST)}" for key, one in value.items())
    return "none" if value is None else shown(str(value), _LONGEST)


def _condition(condition: Condition) -> str:
    sequence = "" if condition.sequence is None else f" {shown(condition.sequence)}"
    where = f" in {condition.channel}" if condition.channel else ""
    if condition.is_ == "newest":
        return f"{sequence[1:]} is the newest{where}"
    if condition.is_ == "withheld":
        return f"{sequence[1:] or 'latest'}{where} is withheld"
    code = f" {condition.code}" if condition.code else ""
    one, many = _VERBS[condition.is_]
    if condition.is_ == "answered" and not condition.all_of:
        of = _who(condition.group, condition.client) if condition.group or condition.client else ""
        checks = f"{so_many(condition, 'check', 'checks')}{f' of {of}' if of else ''}"
        return f"{checks} {one if is_lone(condition) else many}{code}"
    if condition.client is not None and not condition.all_of and not is_counted(condition):
        return f"{_who(None, condition.client)} {one}{code}{sequence}{where}"
    lone = is_lone(condition) and not condition.all_of
    if condition.group or condition.client:
        number = "all" if condition.all_of else how_many(condition)
        who = f"{number} of {_who(condition.group, condition.client)}"
    else:
        who = "all clients" if condition.all_of else so_many(condition, "client", "clients")
    return f"{who} {one if lone else many}{code}{sequence}{where}"


_ACTS: Mapping[str, tuple[str, str]] = {
    "check": ("checks", "check"),
    "update": ("updates", "update"),
    "restart": ("restarts", "restart"),
    "upgrade": ("upgrades", "upgrade"),
    "rollback": ("rolls back", "roll back"),
}
_VERBS: Mapping[str, tuple[str, str]] = {
    **STATIONS,
    "labelled": ("is labelled", "are labelled"),
    "answered": ("is answered", "are answered"),
}
