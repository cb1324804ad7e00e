"""`demo`: everything alive after one command, offline; in a terminal by keys, else from beginning to end as lines."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

from hotswap_dev.errors import UsageError

PORT = 3333

SEED = 45
"""With it the dice choose Ada alone for the first ten percent: `domain.rollout.bucket` puts her, of all phones of the
cast, below 10 at sequence 3, which is what the second beat saves where the first was played before. So who looks at it
sees one of ten, and that is the one whom the beat speaks of.
"""


@click.command()
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=SEED,
    show_default=True,
    metavar="N",
    help="what chance decides; the same seed is the same story",
)
@click.option("--beats", default="all", metavar="all|N,…", help="which beats are played, by their numbers")
@click.option("--phones", type=int, metavar="N", help="how many phones, at least those of the story (12)")
@click.option(
    "--pace",
    type=click.FloatRange(0, 100),
    metavar="X",
    help="seconds that one of the story takes: 1 is real time, 0.5 twice as fast, 0 as fast as the work goes "
    "(default: 1; where it is told as lines: 0)",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    metavar="N",
    help="port of the client site; where it is in use, the next free one",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="address to listen on"
)
@click.option("--keep", is_flag=True, help="leave everything where it is, and say where")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="at the end, write a page about what happened",
)
@click.option("--headless", is_flag=True, help="tell it as lines in a terminal too")
@click.option("--json", "as_json", is_flag=True, help="tell it as JSON lines, one object each")
@click.option("--debug", is_flag=True, help="show the traceback of an unexpected error")
@click.pass_context
def demo(ctx: click.Context, /, **asked: Any) -> None:
    """A server, a few phones that live, and a story about them: offline, with nothing to configure.

    ] plays the next beat of the story, [ the same again; every other key of the dashboard does what it always does.
    Without a terminal the whole story is played at once and told as lines; exit code 1 where a beat went otherwise.
    """  # fmt: skip
    from hotswap_dev.cli.full_screen.terminal import is_terminal

    chosen = numbers(asked["beats"])
    _demand_report(asked["report"])
    if asked["headless"] or asked["as_json"] or not is_terminal(os.environ):
        from hotswap_dev.cli.demo.headless import tell_demo

        ctx.exit(tell_demo(chosen, asked))
    if asked["pace"] == 0:
        raise UsageError("--pace 0 leaves nothing to look at", "--headless tells it as lines")
    from hotswap_dev.cli.demo.shown import show_demo

    ctx.exit(show_demo(chosen, asked))


def numbers(beats: str) -> tuple[int, ...] | None:
    """The numbers of `--beats`, in their order; None for all of them."""
    if beats == "all":
        return None
    found = [part.strip() for part in beats.split(",")]
    if not all(re.fullmatch("[1-9][0-9]{0,2}", part, re.ASCII) for part in found):
        raise UsageError(f"--beats is {beats!r}", "expected is all, or numbers such as 1,2,5")
    return tuple(int(part) for part in found)


def _demand_report(file: Path | None) -> None:
    """Now: at the end of a demo is too late to find out."""
    if file is not None and not file.absolute().parent.is_dir():
        raise UsageError(
            f"--report {str(file)!r}: there is no such folder", "name a file in one that is there"
        )
