"""Who is in a fleet: the same for the same seed, in shares that are as exact as whole clients can be."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.errors import HotswapError
from hotswap_dev.fleet.plan import Crew, Phone, breaks, planned, reopened_after

SEEDS = st.integers(min_value=-(2**70), max_value=2**70)
WEIGHTS = st.dictionaries(
    st.sampled_from(("android", "ios", "linux", "macos", "windows")),
    st.one_of(st.just(0.0), st.floats(min_value=1e-300, max_value=1e300)),
    min_size=1,
).filter(lambda weights: any(weights.values()))
SECONDS = st.floats(min_value=0.1, max_value=1e6)


@st.composite
def crews(draw: Any, group: str = "phones") -> Crew:
    upgrades = draw(st.none() | SECONDS)
    return Crew(
        group=group,
        count=draw(st.integers(0, 30)),
        platforms=draw(WEIGHTS),
        channels=draw(WEIGHTS),
        poll=draw(st.none() | SECONDS),
        clicks=draw(st.none() | st.floats(0, 1e6)),
        ignores=draw(st.floats(0, 1)),
        reopens=draw(st.none() | SECONDS),
        upgrades_to=None if upgrades is None else "2.0.0",
        upgrades_after=upgrades,
        failure_rate=draw(st.floats(0, 1)),
    )


@given(crews(), SEEDS)
def test_the_same_crew_and_seed_are_the_same_phones(crew: Crew, seed: int) -> None:
    assert planned([crew], seed) == planned([crew], seed)


def test_another_python_process_plans_the_same_phones() -> None:
    asked = "planned([Crew(count=40, poll=30, reopens=9, failure_rate=0.5)], 7)"
    program = (
        f"from hotswap_dev.fleet.plan import *; p = {asked}; print(p, [breaks(one, 3) for one in p], end='')"
    )
    phones = planned([Crew(count=40, poll=30, reopens=9, failure_rate=0.5)], 7)
    there = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONHASHSEED": "5"},
    )
    assert there.stdout == f"{phones} {[breaks(one, 3) for one in phones]}"


def test_a_phone_of_today_is_the_same_phone_in_a_year() -> None:
    """A scenario's outcome hangs on it: who is inside a rollout goes by the id."""
    phone = planned([Crew(count=3, poll=30, reopens=60)], 1)[1]
    assert (phone.id, phone.first_check, phone.poll, phone.reopens) == ("phones-2-be5a", 9.249, 29.02, 64.579)


@given(crews("one"), crews("other"), SEEDS)
def test_another_crew_changes_no_phone(one: Crew, other: Crew, seed: int) -> None:
    alone = planned([one], seed)
    assert planned([one, other], seed)[: len(alone)] == alone
    assert planned([other, one], seed)[other.count :] == alone


@given(crews(), crews(), SEEDS)
def test_no_two_phones_have_one_id(one: Crew, other: Crew, seed: int) -> None:
    phones = planned([one, other, replace(one, group="others")], seed)
    assert len({phone.id for phone in phones}) == len(phones) == 2 * one.count + other.count


@given(st.integers(0, 300), WEIGHTS, SEEDS)
def test_shares_are_as_exact_as_whole_clients_can_be(
    count: int, weights: Mapping[str, float], seed: int
) -> None:
    crew = Crew(count=count, platforms=dict(weights))
    found = Counter(phone.platform for phone in planned([crew], seed))
    most = max(weights.values())
    whole = math.fsum(weight / most for weight in weights.values())
    for platform, weight in weights.items():
        assert abs(found[platform] - count * (weight / most) / whole) < 1 + 1e-9
        assert weight or not found[platform]
    assert found.total() == count


@given(st.integers(1, 200), SECONDS, SEEDS)
def test_first_checks_are_spread_evenly_over_the_interval(count: int, poll: float, seed: int) -> None:
    checks = sorted(phone.first_check or 0.0 for phone in planned([Crew(count=count, poll=poll)], seed))
    for place, at in enumerate(checks):
        # Each in its own part of the interval; moments are rounded to milliseconds.
        assert place * poll / count - 0.001 <= at <= (place + 1) * poll / count + 0.001


@given(crews(), SEEDS)
def test_each_client_has_a_rhythm_of_its_own_near_the_one_asked_for(crew: Crew, seed: int) -> None:
    for phone in planned([crew], seed):
        for asked, got, off in ((crew.poll, phone.poll, 0.05), (crew.reopens, phone.reopens, 0.1)):
            if asked is None:
                assert got is None
            else:
                assert got is not None
                assert asked * (1 - off) - 0.001 <= got <= asked * (1 + off) + 0.001
        if crew.upgrades_after is not None:
            assert phone.upgrades is not None
            assert crew.upgrades_after - 0.001 <= phone.upgrades[0] <= 2 * crew.upgrades_after + 0.001


@given(st.integers(0, 200), st.floats(0, 1), SEEDS)
def test_as_many_people_never_click_as_their_share_says(count: int, ignores: float, seed: int) -> None:
    phones = planned([Crew(count=count, clicks=3, ignores=ignores)], seed)
    assert sum(phone.clicks is None for phone in phones) == round(count * ignores)


def test_a_release_fails_on_as_many_clients_as_the_rate_says_and_on_others_each_time() -> None:
    phones = planned([Crew(count=5_000, failure_rate=0.1)], 4)
    first, second = ({one.id for one in phones if breaks(one, sequence)} for sequence in (1, 2))
    # Four standard deviations of a binomial: one seed in 16,000 would be outside.
    assert abs(len(first) - 500) < 4 * math.sqrt(5_000 * 0.1 * 0.9)
    assert abs(len(first & second) - 50) < 4 * math.sqrt(5_000 * 0.01 * 0.99)


@given(st.integers(0, MAX_SEQUENCE), st.floats(0, 1))
def test_what_a_client_came_with_runs_on_it_and_so_does_the_page_in_the_app(
    sequence: int, rate: float
) -> None:
    phone = planned([Crew(sequence=sequence, failure_rate=rate)], 1)[0]
    assert not breaks(phone, sequence)
    assert not breaks(phone, 0)


@given(SEEDS, st.integers(1, 100))
def test_at_rate_1_everything_else_breaks_and_at_rate_0_nothing(seed: int, sequence: int) -> None:
    phone = planned([Crew()], seed)[0]
    assert not breaks(phone, sequence)
    assert breaks(replace(phone, failure_rate=1.0), sequence)


def test_a_crashed_app_is_opened_again_after_a_few_seconds() -> None:
    waits = [reopened_after(phone, 3) for phone in planned([Crew(count=200)], 2)]
    assert min(waits) >= 3
    assert max(waits) <= 8
    assert len(set(waits)) > 100


def test_the_first_of_a_crew_have_the_names_that_are_given() -> None:
    phones = planned([Crew(count=3, names=("Ada", "Grace"))], 1)
    assert [phone.name for phone in phones] == ["Ada", "Grace", ""]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"group": "two words"}, "a group is called 'two words'"),
        ({"group": "x\ny"}, "a group is called"),
        ({"count": -1}, "count of the group 'phones' is -1"),
        ({"names": ("Ada", "Grace")}, "names of the group 'phones'"),
        ({"platforms": {}}, "platforms of the group 'phones' is {}"),
        ({"platforms": {"ios": 0.0}}, "platforms of the group 'phones'"),
        ({"arches": {"x86": -1.0}}, "arches of the group 'phones'"),
        ({"channels": {"beta": math.inf}}, "channels of the group 'phones'"),
        ({"channels": {"beta": math.nan}}, "channels of the group 'phones'"),
        ({"binary_versions": {"1.0": 1.0}}, "a binary version of the group 'phones' is '1.0'"),
        ({"ignores": 1.5}, "ignores of the group 'phones' is 1.5"),
        ({"failure_rate": math.nan}, "failure_rate of the group 'phones' is nan"),
        ({"poll": 0.0}, "poll of the group 'phones' is 0.0"),
        ({"clicks": -1.0}, "clicks of the group 'phones' is -1.0"),
        ({"upgrades_to": "2.0.0"}, "upgrades_to of the group 'phones' is '2.0.0'"),
        ({"upgrades_to": "two", "upgrades_after": 3.0}, "a binary version of the group 'phones' is 'two'"),
        ({"sequence": -1}, "sequence of the group 'phones' is -1"),
    ],
)
def test_a_crew_that_can_not_be_is_refused_by_what_is_wrong_with_it(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(HotswapError) as refused:
        planned([Crew(**changes)], 1)
    assert said in refused.value.message
    assert refused.value.hint
    assert refused.value.code == "bad-crew"


def test_a_fleet_of_twenty_thousand_is_planned_in_a_moment() -> None:
    phones = planned([Crew(count=20_000, poll=60)], 1)
    assert isinstance(phones[-1], Phone)
    assert len({phone.id for phone in phones}) == 20_000
