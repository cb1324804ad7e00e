"""Which armed fault strikes: scope, age and chance, as one draw for each answer."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import FaultArmed, OverrideSpent
from hotswap_dev.domain.faults.striking import Drawn, hits, striking
from hotswap_dev.domain.model import ArmedFault
from tests.unit.making import NOW

SCOPES = ((None, None), (None, "beta"), ("phone", None), ("phone", "beta"))
"""From the broadest to the narrowest."""


def armed(override: int, fault: str = "hang", **changes: object) -> ArmedFault:
    return replace(ArmedFault(override=override, fault=fault), **changes)


def with_faults(*faults: ArmedFault) -> Controls:
    controls = Controls()
    for one in faults:
        controls = apply(controls, FaultArmed(at=NOW, armed=one))
    return controls


def drawn(controls: Controls, client: str | None = "phone", channel: str = "beta") -> Drawn:
    return striking(controls.faults, client, channel, lambda _: True)


def struck(controls: Controls, client: str | None = "phone", channel: str = "beta") -> int | None:
    """The number of the fault that strikes."""
    strike = drawn(controls, client, channel).strike
    return None if strike is None else strike.armed.override


# Scope and age


@given(st.permutations(range(4)))
def test_the_narrowest_scope_goes_first_in_whatever_order_they_were_armed(order: list[int]) -> None:
    faults = [
        armed(number + 1, client=SCOPES[which][0], channel=SCOPES[which][1])
        for number, which in enumerate(order)
    ]
    controls = with_faults(*faults)
    narrowest = order.index(3) + 1
    assert struck(controls) == narrowest
    assert struck(controls, channel="production") == order.index(2) + 1
    assert struck(controls, client="tablet") == order.index(1) + 1
    assert struck(controls, client="tablet", channel="production") == order.index(0) + 1


def test_of_one_scope_the_newest_goes_first() -> None:
    controls = with_faults(armed(1, "hang"), armed(2, "html-page"), armed(3, "empty-response"))
    assert struck(controls) == 3


def test_one_of_the_same_name_and_scope_takes_the_place_of_the_old_one() -> None:
    controls = with_faults(armed(1, left=5, fired=2), armed(2, client="phone"), armed(3, left=1))
    assert [one.override for one in controls.faults] == [2, 3]
    assert controls.faults[1].left == 1
    assert controls.last_override == 3


def test_what_can_not_strike_is_passed_over_and_neither_spent_nor_missed() -> None:
    controls = with_faults(armed(1, "hang", left=1), armed(2, "html-page", left=1, probability=0.5))
    found = striking(controls.faults, "phone", "beta", lambda fault: fault.name == "hang")
    assert (found.spends, found.missed) == ((1,), ())


def test_a_client_that_nobody_knows_is_met_by_what_is_for_everyone_alone() -> None:
    controls = with_faults(armed(1, "hang"), armed(2, "html-page", client="phone"))
    assert struck(controls, client=None) == 1


@given(
    st.lists(
        st.builds(
            ArmedFault,
            override=st.just(0),
            fault=st.sampled_from(("hang", "html-page", "check/delay")),
            client=st.sampled_from((None, "phone", "tablet")),
            channel=st.sampled_from((None, "beta", "production")),
            left=st.one_of(st.none(), st.integers(1, 3)),
        ),
        max_size=8,
    ),
    st.sampled_from((None, "phone", "tablet")),
    st.sampled_from(("beta", "production")),
)
def test_the_one_that_strikes_fits_and_none_that_fits_is_narrower_or_as_narrow_and_newer(
    faults: list[ArmedFault], client: str | None, channel: str
) -> None:
    controls = with_faults(*(replace(one, override=number + 1) for number, one in enumerate(faults)))
    fitting = [
        one for one in controls.faults if one.client in (None, client) and one.channel in (None, channel)
    ]
    strike = drawn(controls, client, channel).strike
    if strike is None:
        assert fitting == []
        return
    best = min(fitting, key=lambda one: (one.client is None, one.channel is None, -one.override))
    assert strike.armed == best
    assert drawn(controls, client, channel).spends == ((best.override,) if best.left is not None else ())


# Chance


def outcomes(fault: ArmedFault, count: int) -> list[bool]:
    """Whether it strikes, answer after answer, each counted as the ledger does."""
    controls = with_faults(fault)
    found: list[bool] = []
    for _ in range(count):
        draw = drawn(controls)
        for override in draw.spends:
            controls = apply(controls, OverrideSpent(at=NOW, override=override))
        for override in draw.missed:
            controls = apply(controls, OverrideSpent(at=NOW, override=override, times=0, missed=1))
        found.append(draw.strike is not None)
    return found


def test_the_same_seed_strikes_the_same_answers_and_another_one_others() -> None:
    runs = {seed: outcomes(armed(1, probability=0.5, seed=seed), 64) for seed in range(4)}
    assert len({tuple(run) for run in runs.values()}) == 4
    for seed, run in runs.items():
        assert outcomes(armed(9, probability=0.5, seed=seed, client="phone"), 64) == run


def test_two_faults_of_one_seed_strike_answers_of_their_own() -> None:
    assert outcomes(armed(1, "hang", probability=0.5), 64) != outcomes(
        armed(1, "html-page", probability=0.5), 64
    )


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 7])
def test_it_strikes_as_often_as_its_probability_says(probability: float, seed: int) -> None:
    count = 20_000
    strikes = sum(hits(armed(1, probability=probability, seed=seed, fired=number)) for number in range(count))
    assert abs(strikes - count * probability) < 4 * math.sqrt(count * probability * (1 - probability))


def test_whether_one_answer_is_struck_says_nothing_of_the_next() -> None:
    run = [hits(armed(1, probability=0.5, fired=number)) for number in range(20_000)]
    same = sum(one == next_ for one, next_ in pairwise(run))
    assert abs(same - 10_000) < 4 * math.sqrt(20_000 / 4)


def test_a_probability_of_1_always_strikes_and_without_one_too() -> None:
    assert all(hits(armed(1, probability=1.0, fired=number)) for number in range(1000))
    assert all(hits(armed(1, missed=number)) for number in range(100))


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6), st.floats(0.001, 1), st.floats(0.001, 1))
def test_what_a_lower_probability_strikes_a_higher_one_strikes_too(
    seed: int, count: int, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert not hits(armed(1, probability=low, seed=seed, fired=count)) or hits(
        armed(1, probability=high, seed=seed, fired=count)
    )


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_next_draw_depends_on_how_many_there_were_and_not_on_how_they_went(
    fired: int, missed: int
) -> None:
    here = armed(1, probability=0.5, fired=fired, missed=missed)
    assert hits(here) == hits(replace(here, fired=0, missed=fired + missed))


def test_where_one_lets_an_answer_go_the_next_may_strike_it() -> None:
    rarely = armed(2, "html-page", client="phone", probability=1e-9)
    found = drawn(with_faults(armed(1, "hang", left=3), rarely))
    assert found.strike is not None
    assert found.strike.armed.override == 1
    assert (found.spends, found.missed) == ((1,), (2,))


@given(st.integers(1, 8), st.floats(0.05, 1), st.integers(0, 99))
def test_times_are_strikes_and_what_is_let_go_is_none_of_them(
    times: int, probability: float, seed: int
) -> None:
    run = outcomes(armed(1, left=times, probability=probability, seed=seed), 400)
    free = outcomes(armed(1, probability=probability, seed=seed), 400)
    assert sum(run) == min(times, sum(free))
    last = max((number for number, struck in enumerate(run) if struck), default=-1)
    assert run[: last + 1] == free[: last + 1], "counting down changes no draw"


def test_a_strike_knows_which_one_it_is_where_that_is_counted() -> None:
    counted = drawn(with_faults(armed(1, left=2, fired=3))).strike
    standing = drawn(with_faults(armed(1, fired=0))).strike
    assert counted is not None
    assert standing is not None
    assert (counted.count, standing.count) == (4, 1)
