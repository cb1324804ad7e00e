"""Scenarios told as they are played: for people, and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import click

from hotswap_dev import wire
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.verdict import Begun, Ended, Told, Verdict

Echo = Callable[[str], None]

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("·", None)}
_LONGEST = 300
_LABEL = 10


class Lines(Protocol):
    """Who tells what is played."""

    def begins(self, scenario: Scenario) -> None:
        """A file is about to be played."""

    def told(self, told: Told) -> None:
        """A step began or ended."""

    def ends(self, verdict: Verdict) -> None:
        """A file was played."""

    def kept(self, folder: Path) -> None:
        """Its server's folder stays."""

    def wrote(self, path: Path) -> None:
        """A page about the run was written."""

    def over(self, failed: int, played: int, of: int) -> None:
        """After the last."""


class TextLines:
    """One line for each step: its mark, what it did, and how long that took in the story."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo

    def begins(self, scenario: Scenario) -> None:
        """Its title and file."""
        self._echo(f"{click.style(shown(scenario.title, _LONGEST), bold=True)}  {scenario.file}")

    def told(self, told: Told) -> None:
        """What is said before a step, and what became of it after."""
        if isinstance(told, Begun):
            if told.say:
                self._paragraph(told.say, "  ")
            if told.watch:
                self._paragraph(told.watch, "  watch: ")
        elif isinstance(told, Ended):
            mark, colour = _MARKS[told.outcome]
            took = f"  {_seconds(told.seconds)}" if told.seconds else ""
            made = f" → {told.sequence}" if told.sequence is not None else ""
            self._echo(f"  {click.style(mark, fg=colour)} {shown(told.text, _LONGEST)}{made}{took}")
            if told.outcome == "failed":
                self._labelled("expected", told.expected)
                self._labelled("seen", told.seen)

    def ends(self, verdict: Verdict) -> None:
        """Whether it came to what it should, and where it did not."""
        failure = verdict.failure
        if failure is None:
            self._echo(
                f"  {click.style('passed', fg='green')}: {len(verdict.steps)} steps, {_seconds(verdict.seconds)}"
            )
        else:
            place = f"{verdict.file}:{failure.line}"
            left = len(verdict.steps) - failure.number
            rest = f"; {left} after it not reached" if left else ""
            self._echo(
                f"  {click.style('failed', fg='red')} at step {failure.number} of {len(verdict.steps)} ({place}){rest}"
            )

    def kept(self, folder: Path) -> None:
        """Where it is, and how to go on with it."""
        self._echo(f"  kept: {folder}")
        self._echo(f"  go on with: hotswap-dev {folder / 'dist'} --workspace {folder / '.hotswap-dev'}")

    def wrote(self, path: Path) -> None:
        """Its place."""
        self._echo(f"report: {shown(str(path), LONGEST_PATH)}")

    def over(self, failed: int, played: int, of: int) -> None:
        """The sum, where there were several."""
        if of > 1 or played < of:
            missed = f", {of - played} not played" if played < of else ""
            self._echo(f"{played - failed} of {of} scenarios passed, {failed} failed{missed}")

    def _paragraph(self, text: str, first: str) -> None:
        for line in wrapped(shown(text, 1000), indent=" " * len(first), first=first):
            self._echo(click.style(line, dim=True))

    def _labelled(self, label: str, text: str) -> None:
        margin = " " * (4 + _LABEL)
        for line in wrapped(shown(text, 2000), indent=margin, first=f"    {label:<{_LABEL}}"):
            self._echo(line)


class JsonLines:
    """`step` for each step, `scenario` after each file, `over` at the end."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._file = ""

    def begins(self, scenario: Scenario) -> None:
        """Its steps are of this file."""
        self._file = scenario.file

    def told(self, told: Told) -> None:
        """A step that ended."""
        if isinstance(told, Ended):
            self._say("step", file=self._file, **wire.plain(told))

    def ends(self, verdict: Verdict) -> None:
        """What became of a file."""
        self._say(
            "scenario",
            file=verdict.file,
            title=verdict.title,
            seed=verdict.seed,
            ok=verdict.ok,
            seconds=round(verdict.seconds, 3),
        )

    def kept(self, folder: Path) -> None:
        """Where its server's folder is."""
        self._say("kept", file=self._file, folder=str(folder))

    def wrote(self, path: Path) -> None:
        """Nothing: who asked for it knows where it is."""

    def over(self, failed: int, played: int, of: int) -> None:
        """The sum."""
        self._say("over", ok=not failed and played == of, scenarios=of, played=played, failed=failed)

    def _say(self, event: str, **fields: wire.Json) -> None:
        self._echo(wire.encode({"event": event, **fields}).decode())


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
