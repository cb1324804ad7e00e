"""The registry's commands on the command line: one click command for each class, made of its fields.

Required arguments are positional in their order, the rest are options; a new class needs no line here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.arguments import parameter, typed
from hotswap_dev.cli.meaning import Known, client_meant, known_in, latest_sequence
from hotswap_dev.cli.options import WHERE, control, echo_json, finding_a_server
from hotswap_dev.cli.outlook import outlook_lines
from hotswap_dev.cli.refusals import as_typed
from hotswap_dev.cli.tables import WIDEST_CLIENT, cut, table
from hotswap_dev.cli.words import LATEST, NULL
from hotswap_dev.client.control import ControlClient, ServerRefused
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.access import SetRequiredHeader
from hotswap_dev.domain.commands.clients import ForgetClient
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.fact_words import (
    bends_answers,
    changes_words,
    done_words,
    forced_words,
    scope_words,
    who,
)
from hotswap_dev.errors import UsageError

_CLIENT_FIELDS = ("client", "clients", "always")
_MOST_ROWS = 50
_MOST_ROWS_ASKED = 10
"""What is asked about must still stand on a terminal of 24 lines."""
_ALREADY = "nothing to do: already so"


def command_of(kind: type[Command]) -> click.Command:
    """A click command that has the running server do `kind`."""
    schema = next(entry for entry in wire.command_schemas() if entry["name"] == kind.verb)
    properties = schema["arguments"]["properties"]
    required = schema["arguments"]["required"]
    positional = [name for name in properties if name in required or (kind.builds and name == "path")]

    def call(as_json: bool, dry_run: bool, yes: bool = False, **given: Any) -> None:
        where = {name: given.pop(name) for name in WHERE}
        site = control(where)
        known = Known()
        asks = kind.final and not yes and not dry_run and _on_a_terminal()
        # Who is next to flip in is said by name.
        names_someone = kind in (SetRollout, SetTargets) or any(given.get(name) for name in _CLIENT_FIELDS)
        if dry_run or asks or names_someone:
            known = known_in(site.get("/api/state"))
        arguments = dict(_meant(kind, given, site, known))
        try:
            if asks:
                _ask(kind.verb, site, arguments, known)
            done = site.command(kind.verb, arguments, dry_run=dry_run)
        except ServerRefused as refused:
            raise as_typed(refused, kind.verb, {name: name in positional for name in properties}) from None
        if as_json:
            echo_json(done)
            return
        if kind is ForgetClient and arguments["client"] not in known:
            click.echo(
                f"{arguments['client']!r} was never seen, and nothing is set for it: nothing to forget"
            )
        elif not done["events"]:
            click.echo(_already(kind, arguments, site))
        elif dry_run:
            click.echo(f"would do: {done_words(done['events'], known.names)}")
            for text in change_lines(done["changes"], known):
                click.echo(text)
        else:
            bent = f"; {changes_words(len(done['changes']))}" if bends_answers(done["events"]) else ""
            click.echo(f"{done_words(done['events'], known.names)}{bent}")
        for text in outlook_lines(kind, arguments, done["result"], known.names):
            click.echo(text)
        if kind is SetRequiredHeader and done["events"]:
            for text in _unseen_lines(done["result"]):
                click.echo(text)

    return click.Command(
        kind.verb,
        callback=call,
        params=[
            *(
                parameter(name, properties[name], positional=name in positional, required=name in required)
                for name in properties
            ),
            click.Option(["--dry-run"], is_flag=True, help="show whose answers would change, and do nothing"),
            *([click.Option(["--yes", "-y"], is_flag=True, help="don't ask")] if kind.final else []),
            *finding_a_server(),
        ],
        help="\n\n".join(_help(schema, {name: properties[name] for name in positional})),
        short_help=kind.summary,
    )


def change_lines(changes: list[wire.Json], known: Known, most: int = _MOST_ROWS) -> Iterator[str]:
    """Whose answers change, as a table: the client, what it has, its answer before and after."""
    if not changes:
        yield changes_words(0)
        return
    cells = [("client", "has", "now", "then")]
    for one in changes[:most]:
        before, after = _told(one["before"], one["after"]), _told(one["after"], one["before"])
        at = known.seen.get(one["client"])
        cells.append(
            (
                cut(who(one["client"], known.names), WIDEST_CLIENT),
                "?" if at is None else str(at),
                before,
                after,
            )
        )
    yield from table(cells, right={1})
    if len(changes) > most:
        yield f"… and {len(changes) - most} more; --dry-run --json shows them all"


def _unseen_lines(result: wire.Json) -> Iterator[str]:
    """Of how many clients it is not known yet whether they are let in; `result` is null where the door was opened."""
    if not result or not result.get("unseen"):
        return
    clients = "client" if result["of"] == 1 else "clients"
    yield (
        f"{result['unseen']} of {result['of']} {clients} were not seen sending {result['header']} so far: "
        "whether they send it is not known before their next check"
    )


def _meant(
    kind: type[Command], given: Mapping[str, Any], site: ControlClient, known: Known
) -> Iterator[tuple[str, wire.Json]]:
    """The arguments as they are sent: what was not given is left out, words are what they stand for."""
    for name, value in given.items():
        if value is None:
            continue
        if value is NULL:
            yield name, None
        elif value is LATEST:
            yield name, latest_sequence(site)
        elif name == "path" and kind.builds:
            yield name, _absolute(kind, value)
        elif name in _CLIENT_FIELDS:
            yield (
                name,
                client_meant(value, known, say=kind is not ForgetClient)
                if isinstance(value, str)
                else [client_meant(one, known) for one in value],
            )
        else:
            yield name, value


def _absolute(kind: type[Command], path: str) -> str:
    # The server does not know where its caller is.
    if not path:
        raise UsageError(
            f"{kind.verb}: the path is empty", "name a folder, or leave it out for the watched one"
        )
    return str(Path(path).resolve())


def _help(schema: wire.Json, positional: Mapping[str, wire.Json]) -> Iterator[str]:
    yield schema["help"]
    if positional:
        # As the usage line calls them.
        called = {typed(name, positional=True): one for name, one in positional.items()}
        width = max(len(name) for name in called)
        lines = (f"  {name:<{width}}  {one.get('description', '')}".rstrip() for name, one in called.items())
        yield "\b\nArguments:\n" + "\n".join(lines)
    yield f"\b\nExample:\n  {schema['example']}"


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(verb: str, site: ControlClient, arguments: Mapping[str, wire.Json], known: Known) -> None:
    """Show what can't be taken back, and go on only if that is wanted."""
    would = site.command(verb, arguments, dry_run=True)
    if not would["events"]:
        return
    click.echo(f"{verb}: {done_words(would['events'], known.names)}", err=True)
    for text in change_lines(would["changes"], known, _MOST_ROWS_ASKED):
        click.echo(f"  {text}", err=True)
    if not click.confirm("It can't be taken back. Do it?", err=True):
        click.echo("nothing was done", err=True)
        click.get_current_context().exit(1)


def _already(kind: type[Command], arguments: Mapping[str, wire.Json], site: ControlClient) -> str:
    """Why nothing was to be done. `off` without a scope is not off for everyone: what still bends answers is named."""
    if kind is not Force204 or arguments["on"]:
        return _ALREADY
    controls = site.get("/api/state")["controls"]
    if not controls["forced"]:
        return _ALREADY
    names = controls["names"]
    scope = scope_words(arguments.get("client"), arguments.get("channel"), names)
    others = "; ".join(
        forced_words(one["client"], one["channel"], one["left"], names) for one in controls["forced"]
    )
    return (
        f"nothing to do: none was set for {scope}. Still in force: {others}.\n"
        "Each ends by force-204 off with its own --client and --channel; hotswap-dev clear-overrides ends them all, "
        "and mandatory for every answer"
    )


def _told(told: wire.Json, other: wire.Json) -> str:
    """An answer in few words; of two offers of one release, what tells them apart."""
    reason = told["reason"] if told.get("fault") is None else f"fault {told['fault']}"
    if told["status"] == 204:
        return f"no update: {reason}"
    if "offered" not in told or told["status"] != 200:
        return f"{told['status'] or 'no answer'}: {reason}"
    text = f"offer {told['offered']}: {reason}"
    differs = [
        _value(name, told.get(name))
        for name in ("version", "mandatory", "min_binary_version", "notes")
        if told["offered"] == other.get("offered") and told.get(name) != other.get(name)
    ]
    return f"{text}, {', '.join(differs)}" if differs else text


def _value(name: str, value: wire.Json) -> str:
    if name == "mandatory":
        return "mandatory" if value else "not mandatory"
    if name == "notes":
        return f"notes {value!r}" if value else "no notes"
    return f"{'minimum' if name == 'min_binary_version' else name} {value}"
