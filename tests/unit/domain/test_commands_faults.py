"""Arming: what is asked for, what it leads to, and what holds whatever was armed before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.commands.faults import Armed, ArmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import (
    FaultArmed,
    OverrideSpent,
)
from hotswap_dev.domain.faults import every_fault, parameters_of, read_fault
from hotswap_dev.domain.model import ArmedFault, Release
from hotswap_dev.errors import HotswapError
from tests.unit.domain.arming import BAD, done, offered
from tests.unit.making import (
    BINARY_VERSIONS,
    NOW,
    a_check,
    a_release,
    all_controls,
    controls_with,
)


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
