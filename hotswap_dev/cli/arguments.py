"""Arguments of a command, made of their JSON schema: a new field of a new command needs no line here.

Required ones are positional in the schema's order, the rest options. `latest` is a sequence, `none` a null, switches
are `on` or `off`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from hotswap_dev import wire
from hotswap_dev.cli import completing


class Latest:
    """Stands for the newest release's sequence until a server is asked."""


class Null:
    """Stands for a null: click takes None for "not given"."""


LATEST: Final = Latest()
NULL: Final = Null()


def parameter(name: str, schema: wire.Json, *, positional: bool, required: bool) -> click.Parameter:
    """One argument of a command as click has it."""
    alternatives = schema.get("anyOf", [schema])
    nullable = any(one.get("type") == "null" for one in alternatives)
    shape: Mapping[str, wire.Json] = next((one for one in alternatives if one.get("type") != "null"), {})
    several = shape.get("type") == "array"
    kind = _kind(name, shape.get("items", {}) if several else shape, nullable)
    if positional:
        metavar = name.upper() if name != "on" else "on|off"
        return click.Argument(
            [name], required=required, type=kind, metavar=metavar if required else f"[{metavar}]"
        )
    return click.Option(
        [f"--{name.replace('_', '-')}", name],
        type=kind,
        multiple=several,
        help=schema.get("description", "") + (" (may be repeated)" if several else ""),
        metavar=kind.name if isinstance(kind, Whole | ClientWord | ChannelWord | JsonObject) else None,
    )


def _kind(name: str, shape: Mapping[str, wire.Json], nullable: bool) -> click.ParamType[Any]:
    if "enum" in shape:
        return click.Choice([str(one) for one in shape["enum"]])
    type_name = shape.get("type", "string")
    if type_name == "boolean":
        return Switch()
    if type_name == "integer":
        return Whole(sequence=name == "sequence", nullable=nullable)
    if type_name == "number":
        return click.FLOAT
    if type_name == "object":
        return JsonObject()
    if name in ("client", "clients"):
        return ClientWord()
    return ChannelWord() if name == "channel" else click.STRING


class Switch(click.Choice):  # type: ignore[type-arg]  # no generic in click 8.1
    """`on` or `off`."""

    def __init__(self) -> None:
        super().__init__(["on", "off"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """True or False."""
        return value if isinstance(value, bool) else super().convert(value, param, ctx) == "on"


class Whole(click.ParamType):  # type: ignore[type-arg]  # as above
    """A whole number; `latest` where it is a release's sequence, `none` where there may be none."""

    name = "N"

    def __init__(self, *, sequence: bool, nullable: bool) -> None:
        self._sequence = sequence
        self._words = {**({"latest": LATEST} if sequence else {}), **({"none": NULL} if nullable else {})}
        self.name = "|".join(["N", *self._words])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The number, LATEST or NULL."""
        if not isinstance(value, str):
            return value
        if value in self._words:
            return self._words[value]
        # int() alone takes 1_000 and Arabic digits (hardening C5).
        if not re.fullmatch("-?[0-9]{1,20}", value):
            self.fail(
                f"{value!r} is no whole number" + "".join(f", nor {word}" for word in self._words), param, ctx
            )
        return int(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The newest releases, where it is a sequence."""
        words = [CompletionItem(word) for word in self._words]
        return completing.matching(
            [*words, *(completing.sequences(ctx) if self._sequence else [])], incomplete
        )


class ClientWord(click.ParamType):  # type: ignore[type-arg]  # as above
    """A client: its id, the beginning of it, or its name."""

    name = "CLIENT"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Clients that were seen."""
        return completing.matching(completing.clients(ctx), incomplete)


class ChannelWord(click.ParamType):  # type: ignore[type-arg]  # as above
    """A channel's name."""

    name = "CHANNEL"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Channels that there are."""
        return completing.matching(completing.channels(ctx), incomplete)


class JsonObject(click.ParamType):  # type: ignore[type-arg]  # as above
    """A JSON object, such as '{"ms": 500}'."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The object, decoded."""
        if not isinstance(value, str):
            return value
        try:
            found = json.loads(value)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.fail(f"""{value!r} is no JSON object, such as '{{"ms": 500}}'""", param, ctx)
        return found
