"""Controls are what the facts say, one after the other, and nothing else."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given

from hotswap_dev.domain.controls import Controls, _applied, apply, replay
from hotswap_dev.domain.facts import (
    BuildChannelSet,
    BundlesPruned,
    ChannelCreated,
    ClientForgotten,
    ClientNamed,
    ClientPinned,
    Fact,
    Forced204Set,
    OverridesCleared,
    OverrideSpent,
    ReleaseAdded,
    ReleaseEdited,
    SequenceFloorRaised,
    every_fact,
    kebab,
)
from hotswap_dev.domain.model import Origin
from tests.unit.making import NOW, a_bundle, a_release, added, controls_with, histories


@given(histories())
def test_a_replay_is_one_fact_after_the_other(facts: list[Fact]) -> None:
    assert replay(facts) == functools.reduce(apply, facts, Controls())


@given(histories())
def test_a_replay_may_be_interrupted_anywhere(facts: list[Fact]) -> None:
    half = len(facts) // 2
    assert functools.reduce(apply, facts[half:], replay(facts[:half])) == replay(facts)


@given(histories())
def test_a_fact_never_changes_the_controls_that_it_is_applied_to(facts: list[Fact]) -> None:
    steps = [Controls()]
    for fact in facts:
        steps.append(apply(steps[-1], fact))
    assert steps == [replay(facts[:count]) for count in range(len(facts) + 1)]


@given(histories())
def test_the_last_sequence_never_falls_and_every_release_takes_a_higher_one(facts: list[Fact]) -> None:
    controls = Controls()
    for fact in facts:
        after = apply(controls, fact)
        assert after.last_sequence >= controls.last_sequence
        if isinstance(fact, ReleaseAdded):
            assert controls.last_sequence < fact.release.sequence == after.last_sequence
        assert after.next_sequence == after.last_sequence + 1
        controls = after


@given(histories())
def test_every_release_stands_in_its_channel_newest_first_and_nowhere_else(facts: list[Fact]) -> None:
    controls = replay(facts)
    for channel in controls.channels.values():
        assert list(channel.releases) == sorted(channel.releases, reverse=True)
        assert all(controls.releases[sequence].channel == channel.name for sequence in channel.releases)
    listed = [sequence for channel in controls.channels.values() for sequence in channel.releases]
    assert sorted(listed) == sorted(controls.releases)


@given(histories())
def test_a_sequence_never_means_two_bundles(facts: list[Fact]) -> None:
    known: dict[int, str] = {}
    controls = Controls()
    for fact in facts:
        controls = apply(controls, fact)
        for sequence, release in controls.releases.items():
            assert known.setdefault(sequence, release.bundle.hash) == release.bundle.hash


def test_nothing_is_known_before_the_first_fact() -> None:
    empty = Controls()
    assert (empty.last_sequence, empty.next_sequence) == (0, 1)
    assert empty.build_channel == "production"
    assert empty.newest("production") is None


def test_a_floor_moves_the_next_sequence_up_and_never_down() -> None:
    controls = replay([SequenceFloorRaised(at=NOW, floor=41, source="the plugin's folder")])
    assert controls.next_sequence == 42
    assert apply(controls, SequenceFloorRaised(at=NOW, floor=7, source="x")).next_sequence == 42


def test_a_release_makes_its_channel_and_creating_it_again_keeps_what_is_in_it() -> None:
    controls = controls_with(a_release(1, channel="beta"))
    again = apply(controls, ChannelCreated(at=NOW, channel="beta"))
    assert again == controls
    newest = again.newest("beta")
    assert newest is not None
    assert newest.sequence == 1


def test_the_build_channel_is_whatever_was_said_last_and_the_settings_word_is_remembered() -> None:
    controls = replay(
        [
            BuildChannelSet(at=NOW, channel="beta", configured=True),
            BuildChannelSet(at=NOW, channel="nightly"),
        ]
    )
    assert (controls.build_channel, controls.configured_channel) == ("nightly", "beta")


@pytest.mark.parametrize(
    ("origin", "counts"),
    [
        ("build", True),
        ("publish", True),
        ("promote", False),
        ("reoffer", False),
        ("roll-back", False),
        ("poisoned", False),
    ],
)
def test_only_what_was_built_advances_the_version(origin: Origin, counts: bool) -> None:
    first = controls_with(a_release(1))
    controls = apply(first, added(a_release(2, origin=origin))[0])
    assert controls.build_counts["1.0.0"] == (2 if counts else 1)


def test_only_the_watched_folder_is_what_its_next_scan_is_compared_with() -> None:
    """Another folder published by hand is not undone by the next look at the watched one."""
    watched = apply(Controls(), ReleaseAdded(at=NOW, release=a_release(1), watched=True))
    by_hand = apply(watched, ReleaseAdded(at=NOW, release=a_release(2, origin="publish")))
    assert by_hand.channels["production"].last_tree == a_bundle("1").tree


def test_versions_are_counted_for_each_binary_version_apart() -> None:
    controls = controls_with(a_release(1), a_release(2), a_release(3, binary_version="1.1.0"))
    assert controls.build_counts == {"1.0.0": 2, "1.1.0": 1}


def test_what_a_build_is_compared_with_is_the_minimum_that_it_had_and_not_what_was_edited() -> None:
    watched = ReleaseAdded(at=NOW, release=a_release(1, min_binary_version="1.0.0"), watched=True)
    edited = ReleaseEdited(at=NOW, sequence=1, min_binary_version="2.0.0")
    assert replay([watched, edited]).channels["production"].last_minimum == "1.0.0"


def test_the_last_tree_is_each_channels_own() -> None:
    facts = [
        ReleaseAdded(at=NOW, release=made, watched=True)
        for made in (a_release(1), a_release(2, channel="beta"))
    ]
    controls = replay(facts)
    assert controls.channels["production"].last_tree == a_bundle("1").tree
    assert controls.channels["beta"].last_tree == a_bundle("2").tree


def test_a_pruned_bundle_is_gone_for_every_release_of_it_until_it_is_made_again() -> None:
    controls = controls_with(a_release(1), a_release(2, bundle=a_bundle("1")), a_release(3))
    gone = apply(controls, BundlesPruned(at=NOW, hashes=(a_bundle("1").hash,)))
    assert [gone.has_bytes(gone.releases[sequence]) for sequence in (1, 2, 3)] == [False, False, True]
    back = apply(gone, added(a_release(4, bundle=a_bundle("1")))[0])
    assert all(back.has_bytes(release) for release in back.releases.values())


def test_forgetting_a_client_takes_what_was_set_for_it_alone_and_nothing_else() -> None:
    controls = replay(
        [
            *added(a_release(1)),
            *(ClientPinned(at=NOW, client=client, sequence=1) for client in ("phone", "tablet")),
            *(ClientNamed(at=NOW, client=client, name="QA") for client in ("phone", "tablet")),
            Forced204Set(at=NOW, override=1, client="phone"),
            Forced204Set(at=NOW, override=2, client="phone", channel="beta"),
            Forced204Set(at=NOW, override=3, client="tablet"),
            Forced204Set(at=NOW, override=4),
        ]
    )
    after = apply(controls, ClientForgotten(at=NOW, client="phone"))
    assert (after.pins, after.names) == ({"tablet": 1}, {"tablet": "QA"})
    assert [one.override for one in after.forced] == [3, 4]
    assert after.releases == controls.releases


def test_an_empty_name_takes_the_name_away() -> None:
    named = apply(Controls(), ClientNamed(at=NOW, client="phone", name="QA"))
    assert apply(named, ClientNamed(at=NOW, client="phone", name="")) == Controls()


def test_an_override_that_is_used_up_ends_and_its_number_is_not_given_again() -> None:
    forced = replay([Forced204Set(at=NOW, override=1, times=3)])
    assert apply(forced, OverrideSpent(at=NOW, override=1, times=2)).forced[0].left == 1
    ended = apply(forced, OverrideSpent(at=NOW, override=1, times=3))
    assert (ended.forced, ended.last_override) == ((), 1)
    assert apply(ended, OverrideSpent(at=NOW, override=1)) == ended
    assert apply(forced, OverridesCleared(at=NOW)).last_override == 1


def test_every_kind_of_fact_has_a_rule() -> None:
    ruled = _applied.registry.keys()
    assert set(every_fact()) == set(ruled) - {object, Fact}


def test_a_fact_without_a_rule_is_a_bug_and_named() -> None:
    with pytest.raises(TypeError, match="Fact"):
        apply(Controls(), Fact(at=NOW))


def test_names_outside_are_kebab_case() -> None:
    assert [kebab(kind.__name__) for kind in every_fact()][:2] == ["sequence-floor-raised", "channel-created"]
