"""The registry's commands on the command line: one click command for each class, made of its fields.

Required arguments are positional in their order, the rest are options; a new class needs no line here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.options import WHERE, control, echo_json, finding_a_server
from hotswap_dev.domain.commands import Command
from hotswap_dev.errors import UsageError

_TYPES: dict[str, Any] = {"integer": click.INT, "number": click.FLOAT}


def command_of(kind: type[Command]) -> click.Command:
    """A click command that has the running server do `kind`."""
    schema = next(entry for entry in wire.command_schemas() if entry["name"] == kind.verb)
    properties = schema["arguments"]["properties"]
    required = schema["arguments"]["required"]

    def call(as_json: bool, **given: Any) -> None:
        where = {name: given.pop(name) for name in WHERE}
        arguments = {name: value for name, value in given.items() if value is not None}
        if arguments.get("path") == "":
            raise UsageError(
                f"{kind.verb}: the path is empty", "name a folder, or leave it out for the watched one"
            )
        if kind.builds and "path" in arguments:
            # The server does not know where its caller is.
            arguments["path"] = str(Path(arguments["path"]).resolve())
        done = control(where).command(kind.verb, arguments)
        echo_json(done) if as_json else _say(done)

    return click.Command(
        kind.verb,
        callback=call,
        params=[
            *(_parameter(name, properties[name], name in required, kind) for name in properties),
            *finding_a_server(),
        ],
        help=f"{schema['help']}\n\n\b\nExample:\n  {schema['example']}",
        short_help=kind.summary,
    )


def _parameter(name: str, schema: wire.Json, required: bool, kind: type[Command]) -> click.Parameter:
    alternatives = schema.get("anyOf", [schema])
    type_name = next((one["type"] for one in alternatives if one.get("type") != "null"), "string")
    positional = required or (kind.builds and name == "path")
    help_text = schema.get("description", "")
    if type_name == "boolean":
        return click.Option(
            [f"--{name.replace('_', '-')}"],
            type=click.Choice(["on", "off"]),
            help=help_text,
            callback=_switch,
        )
    param_type = _TYPES.get(type_name, click.STRING)
    if positional:
        return click.Argument([name], required=required, type=param_type)
    return click.Option([f"--{name.replace('_', '-')}"], type=param_type, help=help_text)


def _switch(_: click.Context, __: click.Parameter, value: str | None) -> bool | None:
    return None if value is None else value == "on"


def _say(done: wire.Json) -> None:
    release = done.get("result")
    if isinstance(release, dict) and "sequence" in release:
        click.echo(f"release {release['sequence']}  {release['version']}  offered on {release['channel']}")
    for event in done["events"] if not release else ():
        click.echo(event["event"])
