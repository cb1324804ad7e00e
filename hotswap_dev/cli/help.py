"""`help`: a page about a command, a reason, or how to begin."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from importlib import resources

import click

from hotswap_dev.domain.reasons import CODES
from hotswap_dev.errors import UsageError

GUIDES = ("first-app", "phones", "ci")
_PAGES = resources.files("hotswap_dev.cli") / "pages"


def _proposed(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    program = ctx.find_root().command
    commands = program.list_commands(ctx) if isinstance(program, click.Group) else []
    return [topic for topic in (*GUIDES, *CODES, *commands) if topic.startswith(incomplete)]


@click.command("help")
@click.argument("topic", required=False, shell_complete=_proposed)
@click.pass_context
def help(ctx: click.Context, topic: str | None) -> None:  # noqa: A001 - it is called so on the command line
    """Print the page about TOPIC: a command, a reason such as binary-too-old, or first-app, phones, ci."""
    program = ctx.find_root().command
    if not isinstance(program, click.Group):
        raise TypeError("the program is a group of commands")
    commands = program.list_commands(ctx)
    if topic is None:
        for text in _topics():
            click.echo(text)
    elif topic in GUIDES or topic in CODES:
        click.echo(page(topic))
    elif topic in commands and (command := program.get_command(ctx, topic)):
        with click.Context(command, info_name=topic, parent=ctx.find_root()) as its_own:
            click.echo(command.get_help(its_own))
    else:
        near = difflib.get_close_matches(topic, [*GUIDES, *CODES, *commands], 1)
        raise UsageError(
            f"there is no page about {topic!r}",
            f"did you mean {near[0]}?" if near else "hotswap-dev help lists them",
        )


def page(topic: str) -> str:
    """The text of a guide's or a reason's page."""
    folder = _PAGES if topic in GUIDES else _PAGES / "reasons"
    return (folder / f"{topic}.txt").read_text(encoding="utf-8").rstrip("\n")


def _topics() -> Iterator[str]:
    yield "hotswap-dev help TOPIC"
    yield ""
    yield f"to begin   {', '.join(GUIDES)}"
    yield "reasons    why a check is answered as it is (X-Hotswap-Reason):"
    for code in CODES:
        yield f"           {code:<18} {page(code).splitlines()[0].partition(': ')[2]}"
    yield "commands   every one of hotswap-dev --help"
