"""Arguments of a command, made of their JSON schema: a new field of a new command needs no line here.

Required ones are positional in the schema's order, the rest options. Switches are `on` or `off`, `none` is a null; a
list is separated by commas, or its option repeated, and so are the NAME=VALUE pairs of an object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.secret_values import HOW, SecretWord
from hotswap_dev.cli.words import (
    ChannelWord,
    ClientList,
    ClientWord,
    FaultNumber,
    FaultWord,
    Latest,
    Number,
    OneOf,
    Pairs,
    Switch,
    Whole,
    WordList,
)
from hotswap_dev.domain.checks import ARCHES, PLATFORMS

__all__ = ["Latest", "Whole", "parameter", "typed"]

_SHORT: Mapping[str, str] = MappingProxyType({"parameters": "-p"})
_PROPOSED: Mapping[str, Sequence[str]] = MappingProxyType({"platforms": PLATFORMS, "arches": ARCHES})
"""What the shell proposes for the items of a list whose schema leaves them open."""


def parameter(name: str, schema: wire.Json, *, positional: bool, required: bool) -> click.Parameter:
    """One argument of a command as click has it."""
    kind = _kind(name, schema)
    if positional:
        metavar = name.upper() if name != "on" else "on|off"
        return click.Argument(
            [name], required=required, type=kind, metavar=metavar if required else f"[{metavar}]"
        )
    several = isinstance(kind, WordList | Pairs)
    return click.Option(
        [f"--{name.replace('_', '-')}", *([_SHORT[name]] if name in _SHORT else []), name],
        type=kind,
        multiple=several,
        callback=kind.joined if isinstance(kind, WordList | Pairs) else None,
        help=_said_of(schema, several=several),
        metavar=None if isinstance(kind, Switch) or kind is click.STRING else kind.name,
    )


def typed(name: str, *, positional: bool) -> str:
    """What an argument is called where it is typed: SEQUENCE, or --min-binary-version."""
    if name == "on":
        return "on|off"
    return name.upper() if positional else f"--{name.replace('_', '-')}"


def _said_of(schema: Mapping[str, wire.Json], *, several: bool) -> str:
    text: str = schema.get("description", "")
    if _is_secret(schema):
        text += f"; {HOW}"
    return f"{text} (may be repeated)" if several else text


def _is_secret(schema: Mapping[str, wire.Json]) -> bool:
    """JSON Schema's word for what is given and never shown again."""
    return bool(schema.get("writeOnly", False))


def _kind(name: str, schema: Mapping[str, wire.Json]) -> click.ParamType[Any]:
    alternatives = schema.get("anyOf", [schema])
    nullable = any(one.get("type") == "null" for one in alternatives)
    shape: Mapping[str, wire.Json] = next((one for one in alternatives if one.get("type") != "null"), {})
    if "enum" in shape:
        return OneOf(shape["enum"], nullable=nullable)
    type_name = shape.get("type", "string")
    if type_name == "string" and _is_secret(schema):
        return SecretWord()
    if type_name == "array":
        return ClientList() if name in ("clients", "always") else WordList(_PROPOSED.get(name, ()))
    if type_name == "object":
        return Pairs()
    if type_name == "boolean":
        return Switch()
    if name == "id":
        return FaultNumber()
    if type_name == "integer":
        return Whole(sequence=name == "sequence", nullable=nullable)
    if type_name == "number":
        return Number(nullable=nullable)
    named: dict[str, click.ParamType[Any]] = {
        "client": ClientWord(),
        "channel": ChannelWord(),
        "fault": FaultWord(),
    }
    return named.get(name, click.STRING)
