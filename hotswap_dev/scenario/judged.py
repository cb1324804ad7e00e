"""Verdicts as what `export.junit` renders."""

from __future__ import annotations

from datetime import datetime

from hotswap_dev.export.junit import Case, Suite
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.verdict import Ended, Verdict


def suite(verdict: Verdict, *, began: datetime | None = None) -> Suite:
    """A scenario as a suite: a case for each step that judges, and for any other one that failed.

    The other steps only lead there; that they were done is told by those behind them.
    """
    cases = [_case(step) for step in verdict.steps if step.judges or step.outcome == "failed"]
    if not cases:  # no build machine takes a file without tests for a success
        cases = [Case(name="played to its end", seconds=verdict.seconds)]
    return Suite(
        name=verdict.title,
        file=verdict.file,
        at=began,
        properties={"seed": str(verdict.seed)},
        cases=tuple(cases),
    )


def not_played(scenario: Scenario) -> Suite:
    """One that was not played, or not to its end, because all was ended before: not one that passed."""
    missed = Case(name="played to its end", skipped="it was ended before")
    return Suite(
        name=scenario.title, file=scenario.file, properties={"seed": str(scenario.seed)}, cases=(missed,)
    )


def _case(step: Ended) -> Case:
    return Case(
        name=f"{step.number} {step.text}",
        seconds=step.seconds,
        failed=step.expected if step.outcome == "failed" else None,
        seen=step.seen,
        skipped="a step before it failed" if step.outcome == "skipped" else None,
        told=" ".join(one for one in (step.say, step.watch) if one),
        line=step.line,
    )
