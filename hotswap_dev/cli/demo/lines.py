"""A demo told as lines: for people without a terminal, and as JSON for scripts. Times stand in JSON alone.

Two runs of one seed print the same lines, the JSON ones apart from `at` and `seconds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from hotswap_dev import wire
from hotswap_dev.cli.demo.story import failure
from hotswap_dev.domain.text import shown
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.verdict import Begun, Ended, Told, Verdict

Echo = Callable[[str], None]

_NAME = 20
"""Columns of a name: the longest of the story has as many."""

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("–", None)}  # noqa: RUF001 - a dash


class TextLines:
    """What a person reads. `name` is a client's, by its id; a check that says what the last one said is left out."""

    def __init__(self, echo: Echo, name: Callable[[str], str]) -> None:
        self._echo = echo
        self._name = name
        self._answered: dict[str, tuple[object, ...]] = {}

    def begins(self, number: int, count: int, beat: Scenario) -> None:
        """A beat is about to be played."""
        self._echo("")
        self._echo(click.style(f"{number} of {count} · {shown(beat.title)}", bold=True))

    def told(self, told: Told) -> None:
        """A step, or what a client did."""
        if isinstance(told, Happened):
            if self._is_news(told):
                name = shown(self._name(told.client), _NAME)
                self._echo(click.style(f"      {name:<{_NAME}} {in_words(told)}", dim=True))
        elif isinstance(told, Begun):
            if told.say:
                self._echo(f"  {shown(told.say, 300)}")
            if told.watch:
                self._echo(f"  watch: {shown(told.watch, 300)}")
        else:
            mark, colour = _MARKS[told.outcome]
            self._echo(f"    {click.style(mark, fg=colour)} {shown(told.text, 300)}")

    def ends(self, number: int, verdict: Verdict) -> None:
        """What became of a beat."""
        failed = failure(verdict)
        if failed:
            self._echo(f"  {click.style('✗', fg='red')} {shown(failed, 600)}")
        else:
            self._echo(f"  {click.style('✓', fg='green')} as it should be")

    def over(self, failed: int, count: int) -> None:
        """After the last."""
        self._echo("")
        self._echo(f"{count - failed} of {count} beats came to what they should")

    def _is_news(self, told: Happened) -> bool:
        if told.what != "checked":
            self._answered.pop(told.client, None)
            return True
        answer = (told.detail, told.offered, told.sequence)
        before = self._answered.get(told.client)
        self._answered[told.client] = answer
        return before != answer


class JsonLines:
    """One object a line: `beat`, `step`, `happened`, `outcome`, and at the end `over`."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo

    def begins(self, number: int, count: int, beat: Scenario) -> None:
        """A beat is about to be played."""
        self._say("beat", number=number, of=count, title=beat.title)

    def told(self, told: Told) -> None:
        """A step that was done, or what a client did."""
        if isinstance(told, Begun):
            return
        self._say("step" if isinstance(told, Ended) else "happened", **wire.plain(told))

    def ends(self, number: int, verdict: Verdict) -> None:
        """What became of a beat."""
        failed = failure(verdict)
        self._say("outcome", number=number, title=verdict.title, ok=verdict.ok, failed=failed)

    def over(self, failed: int, count: int) -> None:
        """After the last."""
        self._say("over", beats=count, failed=failed)

    def _say(self, event: str, **fields: wire.Json) -> None:
        self._echo(wire.encode({"event": event, **fields}).decode())


def in_words(told: Happened) -> str:
    """What a client did, in a few words."""
    about = "" if told.offered is None else f" {told.offered}"
    detail = f": {shown(told.detail, 200)}" if told.detail else ""
    if told.what == "checked":
        offered = "" if told.offered is None else f", is offered{about}"
        return f"asks from {told.sequence}{offered}{detail}"
    if told.what == "upgraded":
        return f"installs{detail.removeprefix(':')}, runs {_runs(told.sequence)}"
    words = _WORDS.get(told.what)
    if words is None:
        return f"{told.what}{about}{detail}"
    return words.format(about=about, runs=_runs(told.sequence), sequence=told.sequence) + detail


def _runs(sequence: int) -> str:
    return str(sequence) if sequence else "its embedded page"


_WORDS: Mapping[str, str] = {
    "launched": "is opened, runs {runs}",
    "check-failed": "asks in vain",
    "fetched": "fetched{about}",
    "failed": "could not take{about}",
    "applied": "runs {sequence} now",
    "confirmed": "says that {sequence} is fine",
    "crashed": "{sequence} does not start",
    "fell-back": "gives{about} up, runs {runs}",
    "discarded": "throws{about} away, runs {runs}",
    "set-aside": "is too old for{about}, runs {runs}",
    "closed": "is closed",
}
