"""How far releases came, counted as the clients tell it."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.fleet.adoption import RESOLUTION, Tally
from hotswap_dev.fleet.happened import Happened, What


def step(
    client: str, what: What, sequence: int, *, at: float = 0.0, offered: int | None = None, detail: str = ""
) -> Happened:
    return Happened(client=client, what=what, sequence=sequence, offered=offered, detail=detail, at=at)  # fmt: skip


def told(*steps: Happened) -> Tally:
    tally = Tally()
    for one in steps:
        tally(one)
    return tally


STEPS = st.lists(
    st.builds(
        step,
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["launched", "checked", "fetched", "applied", "confirmed", "crashed", "fell-back"]),
        st.integers(0, 3),
        offered=st.none() | st.integers(1, 3),
    )
)


@given(STEPS)
def test_everybody_who_was_heard_of_runs_exactly_one_thing(steps: list[Happened]) -> None:
    tally = told(*steps)

    runs = {one.client: one.sequence for one in steps}
    assert tally.runs == runs
    counted = {one.sequence: one.running for one in tally.adopted()}
    assert {sequence: count for sequence, count in counted.items() if count} == {
        sequence: count for sequence, count in Counter(runs.values()).items() if sequence
    }


@given(STEPS)
def test_the_counts_are_those_of_who_they_are(steps: list[Happened]) -> None:
    tally = told(*steps)

    for one in tally.adopted():
        for station, clients in tally.who(one.sequence).items():
            assert getattr(one, station) == len(clients)
        assert one.confirmed <= one.running


@given(STEPS, st.lists(st.floats(0, 0.3), min_size=50, max_size=50))
def test_the_curve_ends_where_the_count_is_and_its_points_are_apart(
    steps: list[Happened], pauses: list[float]
) -> None:
    tally, now = Tally(), 0.0
    for one, pause in zip(steps, pauses, strict=False):
        now += pause
        tally(step(one.client, one.what, one.sequence, at=now, offered=one.offered))

    for adopted in tally.adopted():
        points = tally.running(adopted.sequence)
        assert (points[-1][1] if points else 0) == adopted.running
        assert all(later - sooner >= RESOLUTION for (sooner, _), (later, _) in itertools.pairwise(points))


def test_a_client_that_falls_back_stays_counted_as_one_that_did_when_it_takes_the_release_again() -> None:
    tally = told(
        step("a", "checked", 0, offered=2, detail="newer-release"),
        step("a", "fetched", 0, offered=2),
        step("a", "applied", 2),
        step("a", "crashed", 2),
        step("a", "fell-back", 0, offered=2),
        step("a", "applied", 2),
    )

    (one,) = tally.adopted()
    assert (one.offered, one.fetched, one.running, one.crashed, one.fell_back) == (1, 1, 1, 1, 1)
    assert one.confirmed == 0


def test_what_was_confirmed_is_so_no_longer_once_another_runs() -> None:
    tally = told(step("a", "applied", 1), step("a", "confirmed", 1), step("a", "applied", 2))

    assert [(one.sequence, one.running, one.confirmed) for one in tally.adopted()] == [(1, 0, 0), (2, 1, 0)]


def test_who_falls_back_to_what_it_had_confirmed_has_it_confirmed_still() -> None:
    tally = told(
        step("a", "applied", 1),
        step("a", "confirmed", 1),
        step("a", "applied", 2),
        step("a", "fell-back", 1, offered=2),
        step("a", "launched", 1),
    )

    assert [(one.sequence, one.running, one.confirmed) for one in tally.adopted()] == [(1, 1, 1), (2, 0, 0)]


def test_failures_are_counted_by_what_the_plugin_says() -> None:
    tally = told(
        step("a", "check-failed", 0, detail="HTTP 500: update check failed"),
        step("b", "checked", 0, offered=1, detail="newer-release"),
        step("b", "failed", 0, offered=1, detail="HTTP 503: bundle download failed"),
    )

    assert (tally.checks, tally.failures, dict(tally.reasons)) == (2, 2, {"newer-release": 1})
    assert set(tally.errors) == {"HTTP 500: update check failed", "HTTP 503: bundle download failed"}
    assert [one.failed for one in tally.adopted()] == [1]


def test_the_first_launch_is_no_restart() -> None:
    assert told(step("a", "launched", 0), step("b", "launched", 0), step("a", "launched", 0)).restarts == 1
