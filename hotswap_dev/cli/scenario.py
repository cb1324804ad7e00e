"""`scenario`: play scenario files against a server of their own, or against the running one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from msgspec.structs import replace

from hotswap_dev.cli.options import WHERE, parameters, running_server
from hotswap_dev.cli.scenario_lines import JsonLines, Lines, TextLines
from hotswap_dev.cli.serving.ending_signals import on_ending_signals
from hotswap_dev.cli.serving.log_file import log_to
from hotswap_dev.client.control import ControlClient
from hotswap_dev.errors import HotswapError, UsageError
from hotswap_dev.fleet.clock import LEAST_PACE
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.judged import not_played, suite
from hotswap_dev.scenario.meeting import Meeting
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.own_server import own_server
from hotswap_dev.scenario.playing import play
from hotswap_dev.scenario.reading import read_file
from hotswap_dev.scenario.reporting import Seen, gathered, look
from hotswap_dev.scenario.stage import staged
from hotswap_dev.scenario.verdict import Verdict


class _Pace(click.FloatRange):
    """Seconds that a second of the story takes."""

    def __init__(self) -> None:
        super().__init__(0, 100)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's
        pace: float = super().convert(value, param, ctx)
        if pace != 0 and not pace >= LEAST_PACE:  # nan is neither, and no range refuses it
            self.fail(f"{value} is no pace: 0, or {LEAST_PACE} to 100.", param, ctx)
        return pace


@click.command(params=parameters(WHERE))
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--join",
    is_flag=True,
    help="play against the running server: what the story changes there, real clients get, and it stays",
)
@click.option(
    "--pace",
    type=_Pace(),
    metavar="SECONDS",
    help="what a second of the story takes: 1 = real time, 0 = as fast as the work goes (default: 0; with --join: 1)",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="in place of the file's own")
@click.option(
    "--junit", type=click.Path(path_type=Path), metavar="FILE", help="write what was judged as JUnit XML"
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="write a page about the run as HTML (one scenario)",
)
@click.option("--keep", is_flag=True, help="leave the server's folder, and say where it is")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object for each step, and a last one")
def scenario(
    files: tuple[Path, ...],
    join: bool,
    pace: float | None,
    seed: int | None,
    junit: Path | None,
    report: Path | None,
    keep: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Play scenario files, each against a server of its own, and say what was expected and what was seen.

    A scenario is TOML: clients, and steps of saves, commands, waits and expectations (hotswap-dev help scenarios). Its
    server has its own temporary workspace, folder, key and port. Exit 1 where one fails, 2 where one can't be read.

    \b
    hotswap-dev scenario fixtures/scenarios/ten-percent-then-all.toml
    hotswap-dev scenario tests/*.toml --junit results.xml
    hotswap-dev scenario smoke.toml --join
    """  # noqa: D301 - click's mark for lines that stay as they are
    if join and keep:
        raise UsageError("--keep means nothing with --join", "the running server keeps its own workspace")
    if report is not None and len(files) > 1:
        raise UsageError(
            f"--report is a page about one scenario, and there are {len(files)}", "give one FILE"
        )
    # All are read before any is played: a mistake in the last one should not be told after minutes.
    read = [read_file(path) for path in files]
    scenarios = [one if seed is None else replace(one, seed=seed) for one in read]
    if junit is not None and report is not None and junit.absolute() == report.absolute():
        raise UsageError(f"--junit and --report are both {junit}", "give each a file of its own")
    for target in (junit, report):
        _demand_writable(target)
    lines: Lines = JsonLines(_echo) if as_json else TextLines(_echo)
    run = _Run(
        join, pace if pace is not None else 1.0 if join else 0.0, keep, report is not None, lines, where
    )
    code, played = asyncio.run(_until_signal(run, scenarios))
    failed = sum(not one.verdict.ok for one in played)
    lines.over(failed, len(played), len(scenarios))
    if junit is not None:
        _write(junit, _junit(played, scenarios[len(played) :]))
    if report is not None:
        if not played or played[0].seen is None:
            why = "the server is gone" if played else "the scenario was not played to its end"
            click.echo(f"{report} is not written: {why}", err=True)
        else:
            _write(report, _report(played[0], played[0].seen, run.pace))
            lines.wrote(report)
    click.get_current_context().exit(code or (1 if failed else 0))


class _Run(NamedTuple):
    join: bool
    pace: float
    keep: bool
    reported: bool
    """Whether anyone wants to know what happened, client by client."""
    lines: Lines
    where: dict[str, Any]


class _Played(NamedTuple):
    verdict: Verdict
    began: datetime
    happened: Sequence[Happened]
    seen: Seen | None
    source: str


async def _until_signal(run: _Run, scenarios: Sequence[Scenario]) -> tuple[int, list[_Played]]:
    """Play them all, or until a signal ends it: then its exit code, and what was played to its end before."""
    loop = asyncio.get_running_loop()
    played: list[_Played] = []
    playing = asyncio.ensure_future(_all(run, scenarios, played))
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(playing.cancel)

    with on_ending_signals(end):
        try:
            await playing
        except asyncio.CancelledError:
            if not codes:
                raise
    return (codes[0] if codes else 0), played


async def _all(run: _Run, scenarios: Sequence[Scenario], played: list[_Played]) -> None:
    for one in scenarios:
        run.lines.begins(one)
        began = datetime.now(UTC)
        async with _meeting(run, one) as meeting:
            happened: list[Happened] = []
            # A story may be long: nobody is to remember all of it for a page that nobody wants.
            tell = happened.append if run.reported else _forget
            prefix = f"{os.urandom(2).hex()}-" if run.join else ""
            async with staged(meeting, tell=tell, pace=run.pace, prefix=prefix) as stage:
                verdict = await play(one, stage, run.lines.told)
            seen = await asyncio.to_thread(_looked, meeting, began) if run.reported else None
            played.append(_Played(verdict, began, happened, seen, meeting.site))
        run.lines.ends(verdict)


def _forget(_: Happened) -> None:
    pass


@asynccontextmanager
async def _meeting(run: _Run, one: Scenario) -> AsyncIterator[Meeting]:
    if run.join:
        server = running_server(run.where)
        # Its watched folder is somebody's build output: nothing is written there, builds are published by the command.
        yield Meeting(
            site=server.site, pubkey=server.pubkey, control=server.control, token=server.token or ""
        )
        return
    async with own_server(app_version=one.app_version, app=one.title, keep=run.keep, log_to=log_to) as (
        meeting,
        folder,
    ):
        yield meeting
    if run.keep:
        run.lines.kept(folder)


def _looked(meeting: Meeting, began: datetime) -> Seen | None:
    """What the report shows of the server; None where it is gone, which a step has said by then."""
    with contextlib.suppress(HotswapError):
        return look(ControlClient(meeting.control, meeting.token), began)
    return None


def _junit(played: Sequence[_Played], missed: Sequence[Scenario]) -> str:
    from hotswap_dev.export.junit import render

    return render(
        [*(suite(one.verdict, began=one.began) for one in played), *(not_played(one) for one in missed)]
    )


def _report(one: _Played, seen: Seen, pace: float) -> str:
    from hotswap_dev.export.report import render

    verdict = one.verdict
    return render(
        gathered(
            seen,
            one.happened,
            title=verdict.title,
            began=one.began,
            seed=verdict.seed,
            source=one.source,
            pace=pace,
            verdicts=[verdict],
        )
    )


def _demand_writable(path: Path | None) -> None:
    """Before anything is played: what can't be written then can't be written after it."""
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"{path} can't be written: it is a folder", "name a file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} can't be written: there is no folder {path.parent}", "make it first")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HotswapError(
            f"{path} can't be written: {error.strerror or error}", "name another file", code="not-written"
        ) from None


def _echo(text: str) -> None:
    click.echo(text)
