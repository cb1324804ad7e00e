"""Poisoned releases: what they are copies of, who is offered them, and how they are taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hotswap_dev.domain.commands.clients import ForgetClient
from hotswap_dev.domain.commands.faults import Armed, ArmFault, DisarmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides
from hotswap_dev.domain.commands.registry import Command
from hotswap_dev.domain.commands.releases import (
    JumpSequence,
    Promote,
    Reoffer,
    Restore,
    RollBackTo,
    Withhold,
)
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import (
    FaultDisarmed,
    OverridesCleared,
    ReleaseAdded,
    ReleaseWithheld,
)
from hotswap_dev.domain.model import SAME_AS_CLIENT, Release, Targets
from hotswap_dev.domain.retention import prunable
from hotswap_dev.errors import HotswapError, NotFound
from tests.unit.domain.arming import BAD, done, offered
from tests.unit.making import (
    NOW,
    a_bundle,
    a_release,
    added,
    controls_with,
)


@pytest.fixture
def two() -> Controls:
    return controls_with(a_release(1), a_release(2))


# Poisoned releases


def test_a_bundle_fault_is_a_bad_copy_of_the_newest_under_the_next_sequence(two: Controls) -> None:
    command = ArmFault(fault="crash-on-load")
    controls = done(two, command)
    bad = controls.releases[3]
    assert (bad.origin, bad.from_sequence, bad.bundle) == ("poisoned", 2, BAD.bundle)
    assert (bad.version, bad.binary_version, bad.min_binary_version) == (
        "1.0.0-ota.2-poisoned",
        "1.0.0",
        "1.0.0",
    )
    assert bad.whole
    [armed] = controls.faults
    assert (armed.fault, armed.sequence, armed.left) == ("crash-on-load", 3, None)
    assert command.outlook(controls, []) == Armed(id=1, fault="crash-on-load", sequence=3)
    assert [offered(controls, sequence) for sequence in (0, 2, 3)] == [3, 3, None]


def test_for_a_client_alone_nobody_else_is_offered_it(two: Controls) -> None:
    controls = done(two, ArmFault(fault="not-gzip", client="Pixel"))
    assert controls.releases[3].targets == Targets(clients=("Pixel",))
    assert (offered(controls, 1, client="Pixel"), offered(controls, 1)) == (3, 2)


def test_it_lies_in_the_channel_that_is_named_and_nowhere_else() -> None:
    controls = controls_with(a_release(1), a_release(2, channel="beta"))
    bad = done(controls, ArmFault(fault="no-index", channel="beta")).releases[3]
    assert (bad.channel, bad.from_sequence) == ("beta", 2)


def test_a_bad_copy_is_never_made_of_a_bad_copy_nor_of_what_nobody_is_offered(two: Controls) -> None:
    controls = done(two, ArmFault(fault="no-index"), ArmFault(fault="blank-page"))
    assert [controls.releases[one].from_sequence for one in (3, 4)] == [2, 2]
    withheld = done(two, Withhold(sequence=2), ArmFault(fault="no-index"))
    assert withheld.releases[3].from_sequence == 1


def test_without_anything_to_poison_or_twice_for_one_scope_it_is_refused(two: Controls) -> None:
    with pytest.raises(NotFound, match="it offers nothing"):
        ArmFault(fault="no-index", channel="empty").events(two, NOW, BAD)
    with pytest.raises(HotswapError, match="armed for that scope, as release 3"):
        done(two, ArmFault(fault="no-index"), ArmFault(fault="no-index"))
    with pytest.raises(HotswapError, match="no poisoned bundle was made"):
        ArmFault(fault="no-index").events(two, NOW)


# Disarming


def test_disarming_is_a_fact_that_says_what_it_was_and_a_number_that_is_none_names_those_that_are() -> None:
    controls = done(Controls(), ArmFault(fault="hang"))
    [fact] = DisarmFault(id=1).events(controls, NOW)
    assert fact == FaultDisarmed(at=NOW, override=1, disarmed=controls.faults[0])
    assert apply(controls, fact).faults == ()
    with pytest.raises(NotFound) as refused:
        DisarmFault(id=7).events(controls, NOW)
    assert (refused.value.message, refused.value.hint) == ("id: no fault 7 is armed", "there are: 1 (hang)")
    with pytest.raises(NotFound, match="no fault 1 is armed"):
        DisarmFault(id=1).events(Controls(), NOW)


def test_a_poisoned_release_is_withheld_and_who_runs_it_alone_is_offered_the_healthy_one_again(
    two: Controls,
) -> None:
    controls = done(two, ArmFault(fault="crash-on-load"), DisarmFault(id=1))
    assert controls.releases[3].withheld
    again = controls.releases[4]
    assert (again.bundle, again.origin, again.from_sequence) == (two.releases[2].bundle, "reoffer", 2)
    assert [offered(controls, sequence) for sequence in (0, 1, 2, 3, 4)] == [2, 2, None, 4, None]


def test_taken_back_from_a_client_it_is_offered_again_to_that_client(two: Controls) -> None:
    controls = done(two, ArmFault(fault="crash-on-load", client="Pixel"), DisarmFault(id=1))
    assert controls.releases[4].targets == Targets(clients=("Pixel",), having=3)
    assert (offered(controls, 3, client="Pixel"), offered(controls, 1, client="Pixel")) == (4, 2)


def test_where_something_newer_takes_everyone_on_nothing_is_offered_again(two: Controls) -> None:
    armed = done(two, ArmFault(fault="crash-on-load"))
    newer = apply(armed, added(a_release(4))[0])
    assert DisarmFault(id=1).events(newer, NOW)[:-1] == [ReleaseWithheld(at=NOW, sequence=3)]
    assert offered(done(newer, DisarmFault(id=1)), 3) == 4


@pytest.mark.parametrize(
    "newer",
    [
        a_release(4, percent=50.0),
        a_release(4, targets=Targets(platforms=("ios",))),
        a_release(4, withheld=True),
        a_release(4, channel="beta"),
        a_release(4, update_type="sidecar"),
        a_release(4, min_binary_version="2.0.0"),
        a_release(4, min_binary_version="1.0.0+5"),
    ],
    ids=["a rollout", "targets", "withheld", "beta", "sidecar", "a newer binary", "a newer build"],
)
def test_where_what_is_newer_is_not_for_everyone_the_healthy_one_is_offered_again(
    two: Controls, newer: Release
) -> None:
    armed = apply(done(two, ArmFault(fault="crash-on-load")), added(newer)[0])
    controls = done(armed, DisarmFault(id=1))
    assert offered(controls, 3) == 5
    assert controls.releases[5].bundle == two.releases[2].bundle


@pytest.mark.parametrize("minimum", ["0.1.0", "1.0.0", SAME_AS_CLIENT])
def test_what_needs_no_newer_binary_takes_everyone_on(two: Controls, minimum: str) -> None:
    armed = apply(
        done(two, ArmFault(fault="crash-on-load")), added(a_release(4, min_binary_version=minimum))[0]
    )
    assert offered(done(armed, DisarmFault(id=1)), 3) == 4


def test_who_took_what_somebody_withheld_meanwhile_is_taken_back_all_the_same(two: Controls) -> None:
    armed = done(two, ArmFault(fault="crash-on-load"))
    controls = done(armed, Withhold(sequence=3), DisarmFault(id=1))
    assert offered(controls, 3) == 4
    assert controls.releases[4].bundle == two.releases[2].bundle


def test_where_the_healthy_one_is_withheld_meanwhile_the_next_healthy_one_takes_its_place(
    two: Controls,
) -> None:
    armed = done(two, ArmFault(fault="crash-on-load"))
    controls = done(armed, Withhold(sequence=2), DisarmFault(id=1))
    assert controls.releases[4].bundle == two.releases[1].bundle
    nothing = done(armed, Withhold(sequence=1), Withhold(sequence=2), DisarmFault(id=1))
    assert max(nothing.releases) == 3


@pytest.mark.parametrize("kind", [Reoffer, RollBackTo, Restore, SetTargets])
def test_a_poisoned_release_is_never_copied_widened_or_brought_back(
    two: Controls, kind: type[Command]
) -> None:
    armed = done(two, ArmFault(fault="path-traversal", client="Pixel"))
    with pytest.raises(HotswapError, match="poisoned copy of 2"):
        kind(sequence=3).events(armed, NOW)
    for command in (Promote(sequence=3, channel="beta"), SetRollout(sequence=3, percent=50)):
        with pytest.raises(HotswapError, match="poisoned copy of 2") as refused:
            command.events(armed, NOW)
        assert refused.value.hint == "hotswap-dev disarm-fault 1 ends it"


def test_a_jump_takes_no_poison_along_and_nobody_new_in(two: Controls) -> None:
    armed = done(two, SetRollout(sequence=2, percent=10), ArmFault(fault="path-traversal", client="Pixel"))
    jumped = done(armed, JumpSequence(to=50)).releases[50]
    assert (jumped.bundle, jumped.percent) == (two.releases[2].bundle, 10)


def test_forgetting_a_client_takes_its_poison_back(two: Controls) -> None:
    armed = done(two, ArmFault(fault="crash-on-load", client="Pixel"))
    controls = done(armed, ForgetClient(client="Pixel"))
    assert controls.faults == ()
    assert controls.releases[3].withheld
    assert offered(controls, 3, client="Pixel") == 4


def test_what_only_some_may_have_is_not_poisoned_for_others(two: Controls) -> None:
    some = done(two, SetTargets(sequence=2, platforms=("android",)), ArmFault(fault="crash-on-load"))
    assert some.releases[3].targets == Targets(platforms=("android",))
    rolling = done(two, SetRollout(sequence=2, percent=0), ArmFault(fault="crash-on-load"))
    assert (rolling.releases[3].from_sequence, rolling.releases[3].percent) == (1, 100)


def test_a_poison_that_was_made_of_what_is_no_longer_the_newest_is_not_armed(two: Controls) -> None:
    made = replace(BAD, copy_of=1)
    with pytest.raises(HotswapError, match="made of release 1, and by now 2 is offered"):
        ArmFault(fault="crash-on-load").events(two, NOW, made)


def test_clearing_takes_each_poisoned_release_back_and_ends_the_rest(two: Controls) -> None:
    armed = done(
        two,
        ArmFault(fault="crash-on-load"),
        ArmFault(fault="not-gzip", client="Pixel"),
        ArmFault(fault="hang", times=3),
    )
    facts = ClearOverrides().events(armed, NOW)
    assert isinstance(facts[-1], OverridesCleared)
    controls = done(armed, ClearOverrides())
    assert not controls.overridden
    assert [controls.releases[one].withheld for one in (3, 4)] == [True, True]
    assert offered(controls, 3) == 6
    assert offered(controls, 4, client="Pixel") == 5
    assert offered(controls, 4, client="Nokia") is None
    assert [offered(controls, one) for one in (0, 1, 2, 5, 6)] == [2, 2, None, None, None]


def test_forgotten_a_client_is_offered_nothing_bad_any_more_and_taken_on_if_it_took_it(two: Controls) -> None:
    armed = done(
        two,
        ArmFault(fault="crash-on-load", client="Pixel"),
        ArmFault(fault="no-index"),
        ArmFault(fault="hang", client="Pixel"),
    )
    controls = done(armed, ForgetClient(client="Pixel"))
    assert [one.fault for one in controls.faults] == ["no-index"]
    assert [controls.releases[one].withheld for one in (3, 4)] == [True, False]
    assert (offered(controls, 3, client="Pixel"), offered(controls, 2, client="Nokia")) == (5, 4)


def test_a_jump_brings_nothing_bad_to_everyone(two: Controls) -> None:
    for client in ("Pixel", None):
        armed = done(two, ArmFault(fault="crash-on-load", client=client))
        jumped = done(armed, JumpSequence(to=100))
        assert jumped.releases[100].bundle == two.releases[2].bundle


# What must stay on the disk


def test_what_is_armed_and_what_takes_it_back_keep_their_bytes_through_any_number_of_builds(
    two: Controls,
) -> None:
    controls = done(two, ArmFault(fault="crash-on-load"))
    for sequence in range(4, 104):
        content = a_bundle(f"build {sequence}")
        controls = apply(controls, added(a_release(sequence, bundle=content))[0])
    healthy, bad = controls.releases[2].bundle.hash, controls.releases[3].bundle.hash
    later = NOW + timedelta(days=1)
    gone = prunable(controls, {}, later)
    assert controls.releases[1].bundle.hash in gone
    assert {healthy, bad}.isdisjoint(gone)
    assert {healthy, bad} <= set(prunable(done(controls, DisarmFault(id=1)), {}, later))


def test_a_rollout_and_what_is_for_some_keep_their_bytes_until_they_are_withheld(two: Controls) -> None:
    for changes in ({"percent": 0.0}, {"targets": Targets(arches=("arm",))}):
        releases = dict(two.releases) | {1: replace(two.releases[1], **changes)}
        controls = replace(two, releases=releases)
        for sequence in range(3, 103):
            controls = apply(
                controls, ReleaseAdded(at=NOW, release=a_release(sequence, bundle=a_bundle(str(sequence))))
            )
        kept = controls.releases[1].bundle.hash
        assert kept not in prunable(controls, {}, NOW)
        assert kept in prunable(done(controls, Withhold(sequence=1)), {}, NOW)
