"""Who is inside of a rollout, and what they and the others are told."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hotswap_dev.domain.commands.releases import Promote, Reoffer
from hotswap_dev.domain.commands.rollouts import SetRollout
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import BundlesPruned, RolloutSet
from hotswap_dev.domain.model import SAME_AS_CLIENT, Release, Targets
from hotswap_dev.domain.policy import Decision, Offer, decide, newest_whole
from hotswap_dev.domain.reasons import sentence
from hotswap_dev.domain.rollout import bucket, depends_on_client, inside, reach
from hotswap_dev.errors import HotswapError, NotFound
from tests.unit.making import NOW, a_check, a_release, controls_with

FIRST, LAST = "client-37", "client-23"
"""Clients that stand at opposite ends of release 2, see the first test."""


def offered(decision: Decision) -> int | None:
    return decision.answer.release.sequence if isinstance(decision.answer, Offer) else None


def done(controls: Controls, command: SetRollout | Promote | Reoffer) -> Controls:
    for fact in command.events(controls, NOW):
        controls = apply(controls, fact)
    return controls


def offers(controls: Controls, client: str, sequence: int = 0) -> int | None:
    return offered(decide(controls, a_check(sequence, client=client), NOW))


@pytest.fixture
def two() -> Controls:
    return controls_with(a_release(1), a_release(2))


def test_a_place_never_changes() -> None:
    """Written down: another hash or another text would deal anew, and take an offer from who is inside today."""
    assert bucket("phone", 1) == 16.96
    assert bucket("phone", 2) == 67.32
    assert (bucket(FIRST, 2), bucket(LAST, 2)) == (2.35, 99.4)


def test_who_is_outside_is_offered_the_older_whole_release_and_both_places_are_named(two: Controls) -> None:
    rolling = done(two, SetRollout(sequence=2, percent=50))

    assert offers(rolling, FIRST) == 2
    outside = decide(rolling, a_check(client=LAST), NOW)
    assert offered(outside) == 1
    [passed] = outside.considered
    assert (passed.sequence, passed.reason.code) == (2, "not-in-rollout")
    assert passed.reason.args["percent"] == "50"
    assert passed.reason.args["bucket"] == "99.40"
    assert sentence(passed.reason) == (
        "Release 2 is rolled out to 50 %, and the client comes in above 99.40 %."
    )
    has_it = decide(rolling, a_check(1, client=LAST), NOW)
    assert (offered(has_it), has_it.reason.code) == (None, "not-in-rollout")


def test_the_first_percent_above_a_clients_place_lets_it_in(two: Controls) -> None:
    assert offers(done(two, SetRollout(sequence=2, percent=2.35)), FIRST) == 1
    assert offers(done(two, SetRollout(sequence=2, percent=2.36)), FIRST) == 2


@pytest.mark.parametrize("client", ["phone", FIRST, LAST, "", "Ünal's ☎", "x" * 128])
def test_at_0_nobody_is_inside_and_at_100_everybody(client: str) -> None:
    assert not inside(a_release(2, percent=0.0), client)
    assert inside(a_release(2, percent=100.0), client)


def test_who_is_named_is_always_inside_and_may_be_named_no_longer(two: Controls) -> None:
    named = done(two, SetRollout(sequence=2, percent=0, always=(LAST,)))
    assert (offers(named, LAST), offers(named, FIRST)) == (2, 1)

    still = done(named, SetRollout(sequence=2, percent=5))
    assert still.releases[2].always == (LAST,), "left out, the names stay"
    assert (offers(still, LAST), offers(still, FIRST)) == (2, 2)

    gone = done(still, SetRollout(sequence=2, percent=5, always=()))
    assert (offers(gone, LAST), offers(gone, FIRST)) == (1, 2)


def test_who_has_taken_it_keeps_it_when_the_percent_falls(two: Controls) -> None:
    for percent in (50, 0):
        assert offers(done(two, SetRollout(sequence=2, percent=percent)), FIRST, 2) is None
    lowered = decide(done(two, SetRollout(sequence=2, percent=0)), a_check(2, client=FIRST), NOW)
    assert lowered.reason.code == "up-to-date"


def test_a_copy_begins_whole_again(two: Controls) -> None:
    rolling = done(two, SetRollout(sequence=2, percent=5, always=(LAST,)))
    for command in (Reoffer(sequence=2), Promote(sequence=2, channel="beta")):
        copy = done(rolling, command).releases[3]
        assert (copy.percent, copy.always, copy.targets) == (100.0, (), Targets())


def test_latest_json_has_no_release_that_is_rolling(two: Controls) -> None:
    rolling = done(two, SetRollout(sequence=2, percent=99.99))
    shown = newest_whole(rolling, "production")
    assert shown is not None
    assert shown.sequence == 1


@pytest.mark.parametrize(
    ("asked", "becomes"), [(12.5, 12.5), (33.333, 33.33), (0.001, 0.0), (99.996, 100.0), (7, 7.0)]
)
def test_a_percent_is_kept_to_two_places(two: Controls, asked: float, becomes: float) -> None:
    facts = SetRollout(sequence=2, percent=asked).events(two, NOW)
    expected = [RolloutSet(at=NOW, sequence=2, percent=becomes)]
    assert facts == ([] if becomes == 100.0 else expected)


def test_a_name_that_is_given_twice_is_kept_once(two: Controls) -> None:
    [fact] = SetRollout(sequence=2, percent=1, always=("b", "a", "b")).events(two, NOW)
    assert isinstance(fact, RolloutSet)
    assert fact.always == ("b", "a")


def test_a_release_that_is_not_there_and_a_name_that_no_client_has_are_refused(two: Controls) -> None:
    with pytest.raises(NotFound, match="no release 9"):
        SetRollout(sequence=9, percent=5).events(two, NOW)
    with pytest.raises(HotswapError, match="can't be a client's id"):
        SetRollout(sequence=2, percent=5, always=("a\x1b[2J",)).events(two, NOW)


# How far it reaches


def test_the_reach_counts_whom_it_is_meant_for_and_names_who_comes_next(two: Controls) -> None:
    rolling = done(two, SetRollout(sequence=2, percent=5)).releases[2]
    seen = [
        *(a_check(client=name) for name in (FIRST, LAST, "phone")),
        a_check(client="elsewhere", channel="beta"),
    ]
    found = reach(rolling, seen)
    assert (found.sequence, found.percent, found.inside, found.of) == (2, 5.0, 1, 3)
    assert (found.next, found.next_at) == ("phone", 67.33)

    targeted = replace(rolling, targets=Targets(clients=(FIRST, LAST)))
    assert (reach(targeted, seen).inside, reach(targeted, seen).of) == (1, 2)
    assert (reach(targeted, seen).next, reach(targeted, seen).next_at) == (LAST, 99.41)


def test_where_all_are_inside_nobody_comes_next() -> None:
    found = reach(a_release(2), [a_check(client=FIRST)])
    assert (found.inside, found.of, found.next, found.next_at) == (1, 1, None, None)
    nobody = reach(a_release(2, percent=0.0), [])
    assert (nobody.inside, nobody.of, nobody.next, nobody.next_at) == (0, 0, None, None)


# Whether anyone's id matters at all


@pytest.mark.parametrize(
    ("releases", "matters"),
    [
        ([a_release(1), a_release(2)], False),
        ([a_release(1), a_release(2, percent=50.0)], True),
        ([a_release(1, percent=50.0), a_release(2)], False),
        ([a_release(1), a_release(2, percent=50.0, withheld=True)], False),
        # An older binary goes past the whole one to the rolling one below.
        ([a_release(1, percent=50.0, min_binary_version="0.9.0"), a_release(2)], True),
        ([a_release(1, percent=50.0, min_binary_version="2.0.0"), a_release(2)], False),
        ([a_release(1, percent=50.0, min_binary_version=SAME_AS_CLIENT), a_release(2)], True),
        ([a_release(1, percent=50.0), a_release(2, min_binary_version=SAME_AS_CLIENT)], False),
        ([a_release(1, percent=50.0), a_release(2, update_type="sidecar")], True),
        ([a_release(1), a_release(2, percent=50.0, update_type="sidecar")], False),
        ([a_release(1, percent=50.0), a_release(2, targets=Targets(platforms=("ios",)))], True),
        ([a_release(1, percent=50.0), a_release(2, withheld=True)], True),
    ],
)
def test_it_depends_on_who_asks_only_where_a_rollout_can_be_met(
    releases: list[Release], matters: bool
) -> None:
    assert depends_on_client(controls_with(*releases)) is matters


def test_a_rollout_whose_bytes_are_gone_is_met_by_nobody() -> None:
    controls = controls_with(a_release(1), a_release(2, percent=50.0))
    hashes = (controls.releases[2].bundle.hash,)
    assert not depends_on_client(apply(controls, BundlesPruned(at=NOW, hashes=hashes)))


def test_a_release_of_another_type_reaches_only_who_asks_for_other_types() -> None:
    sidecar = a_release(2, update_type="sidecar", percent=50.0)
    plugins = [a_check(client=f"plugin-{number}") for number in range(20)]
    others = [a_check(client=f"other-{number}", protocol="update-server") for number in range(20)]

    among_all, among_others = reach(sidecar, [*plugins, *others]), reach(sidecar, others)

    assert reach(sidecar, plugins).of == 0
    assert among_all == among_others
    assert among_all.of == 20
    assert reach(replace(sidecar, update_type="frontend"), [*plugins, *others]).of == 40
