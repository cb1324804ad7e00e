"""A bad release at ten percent: how many it hits where somebody watches and withholds it, and where nobody does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from hotswap_dev.domain.rollout import bucket
from hotswap_dev.export.report import Report, Series, render
from hotswap_dev.fleet.adoption import Tally
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.plan import planned
from hotswap_dev.scenario.model import Do, Expect, Scenario
from hotswap_dev.scenario.over_time import fell_by, hit_series
from hotswap_dev.scenario.own_server import own_server
from hotswap_dev.scenario.playing import play
from hotswap_dev.scenario.reading import read_file
from hotswap_dev.scenario.stage import staged

_FILE = Path(__file__).parents[2] / "fixtures" / "scenarios" / "halt-a-bad-release.toml"
_PERCENT = 10.0
_BAD = 2


def of(count: int, *, watched: bool) -> Scenario:
    """The example with so many clients; unwatched without the step that withholds it, and what that leads to."""
    scenario = read_file(_FILE)
    (crew,) = scenario.crews
    steps = list(scenario.steps)
    if not watched:
        (withheld,) = [
            step for step in steps if isinstance(step.action, Do) and step.action.command == "withhold"
        ]
        steps = [step for step in steps if step is not withheld]
        assert isinstance(steps[-1].action, Expect)
        del steps[-1]
    return replace(scenario, crews=(replace(crew, count=count),), steps=tuple(steps))


async def hit(scenario: Scenario) -> tuple[frozenset[str], Sequence[tuple[float, int]]]:
    """Who was hit by the bad release, and how many until when."""
    happened: list[Happened] = []
    async with (
        own_server(app_version=scenario.app_version) as (meeting, _),
        staged(meeting, tell=happened.append) as stage,
    ):
        verdict = await play(scenario, stage)
    assert verdict.failure is None
    tally = Tally()
    for step in happened:
        tally(step)
    (curve,) = [one for one in hit_series(fell_by(happened)) if one.sequence == _BAD]
    assert curve.points[-1][1] == len(tally.who(_BAD)["crashed"])
    return tally.who(_BAD)["crashed"], curve.points


async def _demand_halted(count: int, page: Path) -> None:
    scenario = of(count, watched=True)
    reached = frozenset(
        phone.id for phone in planned(scenario.crews, scenario.seed) if bucket(phone.id, _BAD) < _PERCENT
    )
    unwatched, curve = await hit(of(count, watched=False))
    watched, halted = await hit(scenario)

    # Nobody beyond the ten percent is ever hit, all of them where nobody watches, and few where somebody does.
    assert unwatched == reached
    assert watched < unwatched
    assert len(watched) <= len(unwatched) / 2
    print(f"{count} clients: {len(unwatched)} hit, {len(watched)} where it was withheld")  # -rP
    runs = {"nobody watches": curve, "withheld": halted}
    hits = [Series(name=name, points=_since_the_first(points)) for name, points in runs.items()]
    report = Report(
        title="A bad release at ten percent",
        when=datetime.now(UTC),
        seconds=max(at for one in hits for at, _ in one.points),
        seed=scenario.seed,
        hits=tuple(hits),
    )
    page.write_text(render(report), encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in runs)
    for one in hits:
        print(one.name, *(f"{at:.0f}s:{hits}" for at, hits in one.points))


def _since_the_first(points: Sequence[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    """In seconds since it hit the first client: until then the runs are the same."""
    began = next(at for at, hits in points if hits)
    return tuple((round(at - began, 3), hits) for at, hits in points if hits)


async def test_a_bad_release_that_is_withheld_hits_a_part_of_those_whom_it_was_meant_for(
    tmp_path: Path,
) -> None:
    await _demand_halted(120, tmp_path / "halting.html")


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_of_500_clients_the_ten_percent_are_hit_and_only_a_part_of_them_where_it_is_withheld(
    tmp_path: Path,
) -> None:
    await _demand_halted(500, tmp_path / "halting.html")
