"""What `run` and `serve` are given: the same words, so that one can start the other with them."""

from __future__ import annotations

import click

from hotswap_dev.cli.main import ATTACHED
from hotswap_dev.cli.options import parameters

_GIVEN = "hotswap-dev.given"


class Starting(click.Command):
    """`--json` with a value that may be left out: click itself would take a DIST behind it for the value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember the words as they were typed."""
        ctx.meta[_GIVEN] = tuple(args)
        return super().parse_args(ctx, ["--json-all" if arg == "--json=all" else arg for arg in args])


def given(ctx: click.Context) -> tuple[str, ...]:
    """The words that were typed behind the command."""
    words: tuple[str, ...] = ctx.meta[_GIVEN]
    return words


def starting_parameters() -> list[click.Parameter]:
    """`[DIST]`, every setting, `--json`."""
    return [
        click.Argument(["dist"], required=False, metavar="[DIST]"),
        *parameters(),
        click.Option(
            ["--json", "as_json"], is_flag=True, help="print events as JSON lines; --json=all: check-ins too"
        ),
        click.Option(["--json-all"], is_flag=True, hidden=True),
        click.Option([ATTACHED], is_flag=True, hidden=True),
    ]
