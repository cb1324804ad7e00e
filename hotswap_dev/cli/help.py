"""`help`: a page about a command, a reason, a fault, or how to begin."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from importlib import resources

import click

from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.domain.faults import every_fault, fault_kind, listed_name
from hotswap_dev.domain.reasons import CODES
from hotswap_dev.errors import NotFound, UsageError

GUIDES = ("first-app", "phones", "ci", "scenarios")
FAULTS = "faults"
"""The topic that is the whole catalogue."""

_PAGES = resources.files("hotswap_dev.cli") / "pages"


def _proposed(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    program = ctx.find_root().command
    commands = program.list_commands(ctx) if isinstance(program, click.Group) else []
    topics = (*GUIDES, *CODES, FAULTS, *every_fault(), *commands)
    return [topic for topic in topics if topic.startswith(incomplete)]


@click.command("help")
@click.argument("topic", required=False, shell_complete=_proposed)
@click.pass_context
def help(ctx: click.Context, topic: str | None) -> None:  # noqa: A001 - it is called so on the command line
    """Print the page about TOPIC.

    A command, a reason such as binary-too-old, faults (the catalogue), a fault such as hang, or first-app, phones, ci.
    """
    program = ctx.find_root().command
    if not isinstance(program, click.Group):
        raise TypeError("the program is a group of commands")
    commands = program.list_commands(ctx)
    if topic is None:
        for text in _topics():
            click.echo(text)
    elif topic in GUIDES or topic in CODES:
        click.echo(page(topic))
    elif topic == FAULTS:
        from hotswap_dev.cli.catalogue import catalogue_lines

        for text in catalogue_lines():
            click.echo(text)
    elif (fault := _fault(topic)) is not None:
        from hotswap_dev.cli.catalogue import fault_foot

        click.echo(page(fault))
        for text in fault_foot(fault):
            click.echo(text)
    elif topic in commands and (command := program.get_command(ctx, topic)):
        with click.Context(command, info_name=topic, parent=ctx.find_root()) as its_own:
            click.echo(command.get_help(its_own))
    else:
        known = [*GUIDES, *CODES, FAULTS, *every_fault(), *commands]
        near = difflib.get_close_matches(topic, known, 1)
        raise UsageError(
            f"there is no page about {topic!r}",
            f"did you mean {near[0]}?" if near else "hotswap-dev help lists them",
        )


def page(topic: str) -> str:
    """The text of a guide's, a reason's or a fault's page."""
    if topic in GUIDES:
        file = _PAGES / f"{topic}.txt"
    elif topic in CODES:
        file = _PAGES / "reasons" / f"{topic}.txt"
    else:
        file = _PAGES / FAULTS / f"{topic.replace('/', '-')}.txt"
    return file.read_text(encoding="utf-8").rstrip("\n")


def _fault(topic: str) -> str | None:
    """The fault that a topic names, with or without its stage; UsageError where two stages have one of that name."""
    try:
        return listed_name(fault_kind(topic))
    except NotFound as unknown:
        if any(kind.named == topic for kind in every_fault().values()):
            raise UsageError(unknown.message, unknown.hint) from None
        return None


def _topics() -> Iterator[str]:
    yield "hotswap-dev help TOPIC"
    yield ""
    yield f"to begin   {', '.join(GUIDES)}"
    yield "reasons    why a check is answered as it is (X-Hotswap-Reason):"
    for code in CODES:
        yield f"           {code:<18} {page(code).splitlines()[0].partition(': ')[2]}"
    yield "faults     what can be armed; faults is the page of all, with what the client does:"
    yield from wrapped(", ".join(every_fault()), indent=" " * 11)
    yield "commands   every one of hotswap-dev --help"
