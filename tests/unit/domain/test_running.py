"""How many clients ran a release over time."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.running import Report, running_over_time, thinned

reports = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3))).map(
    lambda steps: [(f"{number:04}", client, reported) for number, (client, reported) in enumerate(steps)]
)


def test_clients_join_with_their_first_report_and_leave_with_the_next_other_one() -> None:
    said = [
        ("1", "anna", 5), ("2", "ben", 5), ("3", "anna", 5), ("4", "anna", 6), ("5", "cleo", 4), ("6", "anna", 5),
    ]  # fmt: skip

    assert running_over_time(said, 5) == [("1", 1), ("2", 2), ("4", 1), ("6", 2)]


def test_a_release_that_nobody_ran_has_no_steps() -> None:
    assert running_over_time([("1", "anna", 4)], 5) == []


def test_steps_of_one_moment_are_one() -> None:
    assert running_over_time([("1", "anna", 5), ("1", "ben", 5), ("2", "ben", 0)], 5) == [("1", 2), ("2", 1)]


@given(reports)
def test_the_last_step_is_who_reported_it_last(said: list[Report]) -> None:
    newest = {client: reported for _, client, reported in said}

    steps = running_over_time(said, 2)

    assert (steps[-1][1] if steps else 0) == list(newest.values()).count(2)
    assert all(abs(now - before) == 1 for (_, before), (_, now) in itertools.pairwise(steps))


@given(st.lists(st.integers()), st.integers(2, 9))
def test_what_is_thinned_keeps_its_ends_and_its_order(points: list[int], most: int) -> None:
    numbered = list(enumerate(points))

    kept = thinned(numbered, most)

    assert len(kept) == min(most, len(numbered))
    assert kept == sorted(set(kept))
    assert kept[:1] + kept[-1:] == numbered[:1] + numbered[-1:]
