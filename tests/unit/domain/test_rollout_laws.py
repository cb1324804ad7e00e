"""The laws of rollouts (issue 6, §2.3): what holds for any percent, any clients and any history."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.commands.registry import Command
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.policy import Decision, Offer, decide, ineligible
from hotswap_dev.domain.preview import changes, next_check, told
from hotswap_dev.domain.rollout import (
    Reach,
    bucket,
    depends_on_client,
    inside,
    may_ask_for,
    missed_target,
    reach,
)
from tests.unit.making import (
    BINARY_VERSIONS,
    NOW,
    a_check,
    a_release,
    all_controls,
    an_answered_check,
    checks,
    commands,
    leads_to,
)

MANY = 100_000
IDS = st.one_of(st.integers(0, 10**6).map("client-{}".format), st.text(max_size=40))
PERCENTS = st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)
SEQUENCES = st.one_of(st.integers(1, 50), st.integers(1, 2**64 - 1))


def offered(decision: Decision) -> int | None:
    return decision.answer.release.sequence if isinstance(decision.answer, Offer) else None


def rolled(controls: Controls, sequence: int, percent: float, always: tuple[str, ...] = ()) -> Controls:
    facts = SetRollout(sequence=sequence, percent=percent, always=always).events(controls, NOW)
    for fact in facts:
        controls = apply(controls, fact)
    return controls


def without_faults(controls: Controls) -> Controls:
    return replace(controls, faults=(), forced=(), required={}, pins={})


# One release


@given(IDS, SEQUENCES)
def test_a_place_is_of_ten_thousand_and_the_same_each_time(client: str, sequence: int) -> None:
    place = bucket(client, sequence)
    assert place == bucket(client, sequence)
    assert 0 <= place <= 99.99
    assert round(place * 100) / 100 == place


@given(st.lists(IDS, max_size=30), SEQUENCES, PERCENTS, PERCENTS)
def test_raising_only_adds(clients: list[str], sequence: int, one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    few = {client for client in clients if inside(a_release(sequence, percent=lower), client)}
    many = {client for client in clients if inside(a_release(sequence, percent=higher), client)}
    assert few <= many


@given(st.lists(IDS, min_size=1, max_size=30, unique=True), SEQUENCES, PERCENTS, st.data())
def test_whoever_is_named_is_inside_and_moves_nobody_else(
    clients: list[str], sequence: int, percent: float, data: st.DataObject
) -> None:
    named = data.draw(st.sets(st.sampled_from(clients)))
    plain = a_release(sequence, percent=percent)
    naming = replace(plain, always=tuple(named))
    for client in clients:
        assert inside(naming, client) == (client in named or inside(plain, client))


def test_between_two_percents_that_can_be_asked_for_no_place_is_lost() -> None:
    """What `next_at` relies on: floats of hundredths compare as the hundredths do."""
    for hundredths in range(10_000):
        place = hundredths / 100
        at = round(place + 0.01, 2)
        assert place < at == (hundredths + 1) / 100
        assert round(at - 0.01, 2) <= place


# Statistics. The ids are given, so that what is found here is found each time.


def at_most(freedom: int) -> float:
    """What chi-square stays below in 9,999 of 10,000 fair deals (Wilson and Hilferty's approximation)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + 3.719 * math.sqrt(part)) ** 3)


def chi_square(counts: Counter[int], cells: int) -> float:
    expected = counts.total() / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))


def kinds_of_ids() -> dict[str, Iterable[str]]:
    return {
        "counted": (f"device-{number}" for number in range(MANY)),
        "addresses": (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/android/aarch64" for n in range(MANY)),
    }


@pytest.mark.parametrize("kind", ["counted", "addresses"])
@pytest.mark.parametrize("sequence", [1, 2, 1_000_003, 2**64 - 1])
def test_a_hundred_thousand_clients_are_spread_evenly_whatever_their_ids_are_like(
    kind: str, sequence: int
) -> None:
    places = Counter(int(bucket(client, sequence)) for client in kinds_of_ids()[kind])
    assert places.total() == MANY
    assert chi_square(places, 100) < at_most(99)
    for percent in (1, 10, 50, 90):
        reached = sum(count for place, count in places.items() if place < percent)
        share = percent / 100
        assert abs(reached - MANY * share) < 4 * math.sqrt(MANY * share * (1 - share))


def test_the_hundredths_are_spread_evenly_too() -> None:
    places = Counter(round(bucket(client, 3) * 100) for client in kinds_of_ids()["counted"])
    assert chi_square(places, 10_000) < at_most(9_999)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (9, 10), (1, 11), (2, 2**63)])
def test_where_a_client_stands_for_one_release_says_nothing_of_another(one: int, other: int) -> None:
    pairs = Counter(
        int(bucket(client, one) / 10) * 10 + int(bucket(client, other) / 10)
        for client in kinds_of_ids()["counted"]
    )
    assert chi_square(pairs, 100) < at_most(99)


# Whatever was done before


@given(all_controls(), checks(), PERCENTS, PERCENTS, st.data())
def test_raising_a_rollout_takes_nothing_from_anyone_and_lowering_offers_nothing_below_what_they_have(
    controls: Controls, check: Check, one: float, other: float, data: st.DataObject
) -> None:
    assume(controls.releases)
    plain = without_faults(controls)
    sequence = data.draw(st.sampled_from(sorted(plain.releases)))
    lower, higher = sorted((one, other))
    few, many = rolled(plain, sequence, lower), rolled(plain, sequence, higher)
    before, after = offered(decide(few, check, NOW)), offered(decide(many, check, NOW))
    assert (before or 0) <= (after or 0), "raised, somebody is offered less"
    if after is None:
        return
    has_it = replace(check, sequence=after)
    assert (offered(decide(few, has_it, NOW)) or after + 1) > after, "lowered, somebody is taken back"


@given(all_controls(), checks(), PERCENTS, st.data())
def test_a_rollout_changes_the_answer_of_no_one_who_is_not_offered_it_otherwise(
    controls: Controls, check: Check, percent: float, data: st.DataObject
) -> None:
    assume(controls.releases)
    plain = without_faults(controls)
    sequence = data.draw(st.sampled_from(sorted(plain.releases)))
    whole, rolling = rolled(plain, sequence, 100.0), rolled(plain, sequence, percent)
    with_all = offered(decide(whole, check, NOW))
    with_some = offered(decide(rolling, check, NOW))
    if with_all != sequence or inside(rolling.releases[sequence], check.client):
        assert with_some == with_all
    else:
        below = [
            release.sequence
            for release in plain.releases.values()
            if check.sequence < release.sequence < sequence
            and release.channel == check.asked_channel
            and release.update_type == check.update_type
            and release.targets.having in (None, check.sequence)
            and ineligible(plain, release, check) is None
        ]
        assert with_some == max(below, default=None)


# Preview = what then happens


def seen(*names: str, **checked: object) -> list[Client]:
    found = [advance(None, an_answered_check(name, **checked)) for name in names]
    return [client for client in found if client is not None]


NARROWING: tuple[type[Command], ...] = (SetRollout, SetTargets)
NAMES = (*(f"client {number}" for number in range(8)), "phone", "local/linux/x86_64")

ALIKE = st.builds(
    lambda sequence, binary, channel: seen(
        *NAMES, sequence=sequence, binary_version=binary, channel=channel, platform="linux", arch="x86_64"
    ),
    st.integers(0, 6),
    st.sampled_from(BINARY_VERSIONS),
    st.sampled_from((None, "production", "beta")),
)
"""Clients that differ in nothing but who they are: only a rollout or a rule of their own tells them apart."""


def alone(before: Controls, after: Controls, client: Client) -> bool:
    """Whether this client hears something else: asked for it by itself, and no other question remembered."""
    check = next_check(client)
    assert check is not None
    return told(decide(before, check, NOW), check) != told(decide(after, check, NOW), check)


@settings(max_examples=100)
@given(all_controls(), ALIKE, st.data())
def test_what_a_rollout_or_targets_are_said_to_change_is_what_they_change_for_each_client(
    controls: Controls, clients: list[Client], data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(NARROWING))
    after = controls
    for fact in leads_to(data.draw(commands(kind, controls)), controls, NOW):
        after = apply(after, fact)
    said = {change.client for change in changes(controls, after, clients, NOW)}
    assert said == {client.id for client in clients if alone(controls, after, client)}


@settings(max_examples=100)
@given(all_controls(), ALIKE)
def test_where_it_depends_on_nobody_equal_questions_have_equal_answers(
    controls: Controls, clients: list[Client]
) -> None:
    plain = without_faults(controls)
    asked = [check for client in clients if (check := next_check(client)) is not None]
    told_them = {offered(decide(plain, check, NOW)) for check in asked}
    named = any(release.targets.clients for release in plain.releases.values())
    if not named and not depends_on_client(plain):
        assert len(told_them) == 1


@given(st.lists(IDS, min_size=1, max_size=40, unique=True), st.integers(1, 9), PERCENTS)
def test_from_the_percent_that_is_named_on_the_next_client_is_inside_and_nobody_was_before(
    clients: list[str], sequence: int, percent: float
) -> None:
    release = a_release(sequence, percent=percent)
    asked = [a_check(client=client) for client in clients]
    before = reach(release, asked)
    assert before.of == len(clients)
    assert before.inside == sum(inside(release, client) for client in clients)
    if before.next is None or before.next_at is None:
        assert (before.inside, before.next, before.next_at) == (before.of, None, None)
        return
    assert before.next_at > percent
    at = reach(replace(release, percent=before.next_at), asked)
    just_below = reach(replace(release, percent=round(before.next_at - 0.01, 2)), asked)
    assert inside(replace(release, percent=before.next_at), before.next)
    assert just_below.inside == before.inside
    assert at.inside > before.inside


@given(all_controls(), ALIKE, PERCENTS, st.data())
def test_the_reach_is_those_that_neither_rollout_nor_targets_refuse(
    controls: Controls, clients: list[Client], percent: float, data: st.DataObject
) -> None:
    assume(controls.releases)
    healthy = [one for one, release in controls.releases.items() if release.origin != "poisoned"]
    assume(healthy)
    sequence = data.draw(st.sampled_from(sorted(healthy)))
    after = without_faults(rolled(controls, sequence, percent))
    release = replace(after.releases[sequence], withheld=False, min_binary_version="0.0.1")
    after = replace(after, pruned=frozenset(), releases={**after.releases, sequence: release})
    protocol = data.draw(st.sampled_from(("hotswap", "update-server")))
    asked = [
        replace(check, protocol=protocol) for client in clients if (check := next_check(client)) is not None
    ]
    theirs = [check for check in asked if may_ask_for(release, check.channel, check.protocol)]
    assert all(check.asked_channel == release.channel for check in theirs)
    assert release.update_type == "frontend" or protocol == "update-server" or not theirs
    refused = [ineligible(after, release, check) for check in theirs]
    found = reach(release, asked)
    assert found.inside == sum(reason is None for reason in refused)
    assert found.of == sum(missed_target(release, check) is None for check in theirs)
    assert found.of - found.inside == sum(
        reason is not None and reason.code == "not-in-rollout" for reason in refused
    )


@given(all_controls(), ALIKE, ALIKE, PERCENTS, st.data())
def test_the_reach_among_some_and_among_others_is_that_among_all(
    controls: Controls, some: list[Client], others: list[Client], percent: float, data: st.DataObject
) -> None:
    assume(controls.releases)
    release = replace(
        controls.releases[data.draw(st.sampled_from(sorted(controls.releases)))], percent=percent
    )
    # Not the first ones again: a client that is counted twice is two.
    more = [replace(one, id=f"{one.id}-2") for one in others]

    def among(clients: list[Client]) -> Reach:
        return reach(release, [check for one in clients if (check := next_check(one)) is not None])

    assert among(some).plus(among(more)) == among(more).plus(among(some)) == among([*some, *more])
