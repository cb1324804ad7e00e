"""Arming and disarming: what is asked for, what it leads to, and how a poisoned release is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.commands.faults import Armed, ArmFault, DisarmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides
from hotswap_dev.domain.commands.registry import Command
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import (
    FaultArmed,
    FaultDisarmed,
    OverridesCleared,
    OverrideSpent,
    ReleaseAdded,
    ReleaseWithheld,
)
from hotswap_dev.domain.faults import every_fault, parameters_of, read_fault
from hotswap_dev.domain.model import SAME_AS_CLIENT, ArmedFault, Release, Targets
from hotswap_dev.domain.policy import Offer, decide
from hotswap_dev.domain.retention import prunable
from hotswap_dev.errors import HotswapError, NotFound
from tests.unit.making import (
    BINARY_VERSIONS,
    NOW,
    a_bundle,
    a_check,
    a_release,
    added,
    all_controls,
    built,
    controls_with,
)

BAD = built("a bad copy", origin="poisoned")


def done(controls: Controls, *commands: Command) -> Controls:
    for command in commands:
        for fact in command.events(controls, NOW, BAD):
            controls = apply(controls, fact)
    return controls


def offered(controls: Controls, sequence: int, **changes: Any) -> int | None:
    answer = decide(controls, a_check(sequence, **changes), NOW).answer
    return answer.release.sequence if isinstance(answer, Offer) else None


@pytest.fixture
def two() -> Controls:
    return controls_with(a_release(1), a_release(2))


# Arming


def test_arming_keeps_every_parameter_with_its_value_so_that_it_always_means_this() -> None:
    command = ArmFault(fault="check/delay", parameters={"ms": 500}, times=2, client="Pixel", channel="beta")
    [fact] = command.events(Controls(), NOW)
    assert fact == FaultArmed(
        at=NOW,
        armed=ArmedFault(
            override=1,
            fault="check/delay",
            parameters={"ms": 500, "jitter": 0},
            client="Pixel",
            channel="beta",
            left=2,
        ),
    )


def test_what_it_came_to_is_its_number() -> None:
    controls = done(Controls(), ArmFault(fault="html-page"), ArmFault(fault="hang", client="Pixel"))
    assert ArmFault(fault="hang", client="Pixel").outlook(controls, []) == Armed(id=2, fault="hang")
    assert ArmFault(fault="hang").outlook(controls, []) is None


def test_a_name_with_its_stage_is_the_same_fault() -> None:
    [fact] = ArmFault(fault="check/hang").events(Controls(), NOW)
    assert isinstance(fact, FaultArmed)
    assert fact.armed.fault == "hang"


def test_armed_as_it_is_it_leads_to_nothing_and_otherwise_it_counts_anew() -> None:
    armed = ArmFault(fault="hang", times=3)
    controls = done(Controls(), armed)
    assert armed.events(controls, NOW) == []

    struck = apply(controls, OverrideSpent(at=NOW, override=1))
    again = done(struck, armed)
    assert [(one.override, one.left, one.fired) for one in again.faults] == [(2, 3, 0)]
    for other in (
        ArmFault(fault="hang", times=4),
        ArmFault(fault="hang"),
        ArmFault(fault="hang", parameters={"seconds": 5}, times=3),
        ArmFault(fault="hang", times=3, probability=0.5),
    ):
        assert [one.override for one in done(controls, other).faults] == [2]
    for beside in (ArmFault(fault="hang", client="x"), ArmFault(fault="html-page")):
        assert len(done(controls, beside).faults) == 2


REFUSED: tuple[tuple[ArmFault, str], ...] = (
    (ArmFault(fault="delay"), "is a fault of 2 stages"),
    (ArmFault(fault="hnag"), "there is no fault 'hnag'"),
    (ArmFault(fault="hang", parameters={"second": 3}), "hang: "),
    (ArmFault(fault="hang", parameters={"seconds": 0}), "seconds"),
    (ArmFault(fault="hang", parameters={"seconds": "long"}), "seconds"),
    (ArmFault(fault="hang", seed=3), "seed: 3 means nothing without a probability"),
    (ArmFault(fault="slow-3g", times=2), "times: 2 means nothing to slow-3g"),
    (ArmFault(fault="crash-on-load", probability=0.5), "probability: 0.5 means nothing to crash-on-load"),
    (ArmFault(fault="offline", client="Pixel"), "client: Pixel means nothing to offline"),
    (ArmFault(fault="offline", channel="beta"), "channel: beta means nothing to offline"),
    (ArmFault(fault="hang", channel="a b"), "can't be a channel's name"),
    (ArmFault(fault="hang", client="a\x1b"), "can't be a client's id"),
)


@pytest.mark.parametrize(("command", "named"), REFUSED)
def test_what_can_not_be_meant_is_refused_with_its_name_and_a_way_out(
    two: Controls, command: ArmFault, named: str
) -> None:
    with pytest.raises(HotswapError) as refused:
        command.events(two, NOW, BAD)
    assert named in refused.value.message
    assert refused.value.hint


# Poisoned releases


def test_a_bundle_fault_is_a_bad_copy_of_the_newest_under_the_next_sequence(two: Controls) -> None:
    command = ArmFault(fault="crash-on-load")
    controls = done(two, command)
    bad = controls.releases[3]
    assert (bad.origin, bad.from_sequence, bad.bundle) == ("poisoned", 2, BAD.bundle)
    assert (bad.version, bad.binary_version, bad.min_binary_version) == ("1.0.0-ota.2", "1.0.0", "1.0.0")
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


def test_what_somebody_withheld_meanwhile_stays_so_and_is_not_brought_back(two: Controls) -> None:
    armed = done(two, ArmFault(fault="crash-on-load"))
    assert [type(one) for one in DisarmFault(id=1).events(done(armed, Withhold(sequence=3)), NOW)] == [
        FaultDisarmed
    ]
    healthy_gone = done(armed, Withhold(sequence=2), DisarmFault(id=1))
    assert max(healthy_gone.releases) == 3


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


# Laws


@given(all_controls(20), st.sampled_from(BINARY_VERSIONS), st.sampled_from(("phone", "local/linux/x86_64")))
def test_after_clearing_nobody_is_offered_what_is_bad_and_who_took_it_is_taken_on(
    controls: Controls, binary: str, client: str
) -> None:
    armed = {one.sequence for one in controls.faults if one.sequence is not None}
    after = replace(done(controls, ClearOverrides()), required={}, pins={})
    for sequence in armed:
        bad = controls.releases[sequence]
        assert after.releases[sequence].withheld
        check = a_check(sequence, client=client, binary_version=binary, channel=bad.channel)
        assert offered(after, 0, client=client, binary_version=binary, channel=bad.channel) != sequence
        healthy = controls.releases[bad.from_sequence or 0]
        could = offered_at(
            replace(controls, faults=(), forced=(), required={}, pins={}), bad, check.client, binary
        )
        if not could or healthy.withheld or not controls.has_bytes(healthy) or bad.withheld:
            continue
        if after.channels[bad.channel].paused:
            continue
        assert offered(after, sequence, client=client, binary_version=binary, channel=bad.channel)


def offered_at(controls: Controls, release: Release, client: str, binary: str) -> bool:
    """Whether a client could have taken this release."""
    before = release.sequence - 1
    return (
        offered(controls, before, client=client, binary_version=binary, channel=release.channel)
        == release.sequence
    )


@given(all_controls(20), st.sampled_from(sorted(every_fault())))
def test_each_fault_can_be_armed_as_things_are_or_says_why_not(controls: Controls, name: str) -> None:
    command = ArmFault(fault=name)
    try:
        facts = command.events(controls, NOW, BAD)
    except HotswapError as refused:
        assert refused.code in ("nothing-to-poison", "already-armed", "sequences-used-up")
        return
    after = done(controls, command)
    armed = next(one for one in after.faults if (one.fault, one.client, one.channel) == (name, None, None))
    assert armed.parameters == parameters_of(read_fault(name, {}))
    assert (armed.sequence is not None) == (every_fault()[name].stage == "bundle")
    assert not facts or armed.override == controls.last_override + 1
