"""The rungs that a person puts in: forced 204, pauses, pins, mandatory; and which one stands above which."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from hotswap_dev.domain.checks import BadCheck
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.channels import CreateChannel, PauseChannel, ResumeChannel
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import ClearOverrides, Force204, SetMandatory
from hotswap_dev.domain.commands.releases import EditRelease, Promote, Withhold
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import BundlesPruned, OverrideSpent
from hotswap_dev.domain.policy import Decision, Offer, decide
from tests.unit.making import NOW, a_bundle, a_check, a_release, added, controls_with

PHONE = "local/linux/x86_64"
SCOPES: tuple[dict[str, Any], ...] = (
    {"client": PHONE, "channel": "production"},
    {"client": PHONE},
    {"channel": "production"},
    {},
)
"""From the narrowest to everyone."""


def after(controls: Controls, *commands: Command) -> Controls:
    for command in commands:
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
    return controls


def offered(decision: Decision) -> int | None:
    return decision.answer.release.sequence if isinstance(decision.answer, Offer) else None


def code(controls: Controls, sequence: int = 0, **changes: Any) -> str:
    return decide(controls, a_check(sequence, **changes), NOW).reason.code


# Forced 204


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_narrowest_forced_204_answers_first_in_whatever_order_they_were_set(
    order: tuple[int, ...],
) -> None:
    controls = after(
        controls_with(a_release(1)), *(Force204(on=True, times=1, **SCOPES[one]) for one in order)
    )
    answered = []
    while spends := decide(controls, a_check(), NOW).spends:
        (override,) = spends
        (spent,) = (one for one in controls.forced if one.override == override)
        answered.append({key: value for key in ("client", "channel") if (value := getattr(spent, key))})
        controls = apply(controls, OverrideSpent(at=NOW, override=override))
    assert answered == list(SCOPES)
    assert offered(decide(controls, a_check(), NOW)) == 1


def test_a_forced_204_without_a_count_spends_nothing_and_hides_the_broader_ones() -> None:
    controls = after(controls_with(a_release(1)), Force204(on=True, client=PHONE), Force204(on=True, times=5))
    decision = decide(controls, a_check(), NOW)
    assert (decision.reason.code, decision.spends) == ("forced-204", ())
    assert decide(controls, a_check(client="other"), NOW).spends == (2,)


def test_a_forced_204_is_for_its_own_channel_and_client_only() -> None:
    controls = after(
        controls_with(a_release(1), a_release(2, channel="beta")),
        Force204(on=True, client="phone", channel="beta"),
    )
    assert code(controls, client="phone", channel="beta") == "forced-204"
    assert code(controls, client="phone") == "newer-release"
    assert code(controls, client="other", channel="beta") == "newer-release"


def test_no_channel_in_a_check_is_production_for_a_forced_204_too() -> None:
    controls = after(controls_with(a_release(1)), Force204(on=True, channel="production"))
    assert code(controls) == "forced-204"


def test_one_of_the_same_scope_takes_the_place_of_the_old_one_and_starts_counting_anew() -> None:
    controls = after(controls_with(a_release(1)), Force204(on=True, times=2))
    replaced = after(controls, Force204(on=True, times=3))
    assert [(one.override, one.left) for one in replaced.forced] == [(2, 3)]
    late = apply(replaced, OverrideSpent(at=NOW, override=1))
    assert late == replaced, "what was spent of the old one is not spent of this"


# Which rung stands above which


def test_each_rung_of_the_ladder_beats_the_next() -> None:
    """All of them hold at once; taken away one by one from the top, each next one gives the answer."""
    bad = BadCheck(client=PHONE, parameter="arch", value="", expected="one of …", example="arch=arm")
    everything = [*added(a_release(1), a_release(2, withheld=True, min_binary_version="9.0.0"), a_release(3))]
    controls = after(
        replay(everything),
        PinClient(client=PHONE, sequence=1),
        PauseChannel(channel="production"),
        *(Force204(on=True, **scope) for scope in SCOPES),
    )
    assert decide(controls, bad, NOW).reason.code == "bad-request"
    for scope in SCOPES:
        decision = decide(controls, a_check(1), NOW)
        assert decision.reason.code == "forced-204"
        assert {key: decision.reason.args[key] for key in ("client", "channel")} == {
            "client": "",
            "channel": "",
            **scope,
        }
        controls = after(controls, Force204(on=False, **scope))
    assert code(controls, 1) == "channel-paused"
    controls = after(controls, ResumeChannel(channel="production"))
    assert code(controls, 1) == "pinned"
    controls = after(controls, PinClient(client=PHONE, sequence=None), Withhold(sequence=3))
    assert code(controls, 1) == "release-withheld"
    controls = apply(controls, BundlesPruned(at=NOW, hashes=(a_bundle("3").hash,)))
    decision = decide(controls, a_check(1), NOW)
    assert decision.reason.args.get("cause") == "bundle gone"
    assert [one.reason.code for one in decision.considered] == ["release-withheld", "release-withheld"]


def test_a_forced_204_is_said_even_where_the_channel_is_unknown() -> None:
    assert code(after(Controls(), Force204(on=True)), channel="nowhere") == "forced-204"


def test_a_pause_is_said_before_that_a_channel_has_no_release() -> None:
    controls = after(Controls(), CreateChannel(channel="beta"), PauseChannel(channel="beta"))
    assert code(controls, channel="beta") == "channel-paused"


@pytest.mark.parametrize("sequence", [0, 1, 99])
def test_a_paused_channel_offers_nothing_to_whoever_asks(sequence: int) -> None:
    controls = after(controls_with(a_release(1), a_release(2)), PauseChannel(channel="production"))
    assert code(controls, sequence) == "channel-paused"


def test_withheld_is_said_before_the_minimum() -> None:
    controls = controls_with(a_release(1, withheld=True, min_binary_version="9.0.0"))
    assert code(controls) == "release-withheld"


# Pins


def test_a_pinned_client_is_offered_its_release_and_no_newer_one() -> None:
    controls = after(
        controls_with(a_release(1), a_release(2), a_release(3)), PinClient(client=PHONE, sequence=2)
    )
    decision = decide(controls, a_check(), NOW)
    assert offered(decision) == 2
    assert [(one.sequence, one.reason.code) for one in decision.considered] == [(3, "pinned")]
    assert offered(decide(controls, a_check(client="other"), NOW)) == 3


def test_a_pinned_client_that_has_its_release_or_more_gets_nothing() -> None:
    controls = after(controls_with(a_release(1), a_release(2)), PinClient(client=PHONE, sequence=1))
    assert code(controls, 1) == "pinned"
    assert code(controls, 2) == "up-to-date"


def test_a_pin_to_a_release_of_another_channel_is_named_in_the_refusal() -> None:
    controls = after(
        controls_with(a_release(1), a_release(2, channel="beta")), PinClient(client=PHONE, sequence=2)
    )
    assert decide(controls, a_check(), NOW).reason.args["elsewhere"] == "beta"
    assert offered(decide(controls, a_check(channel="beta"), NOW)) == 2


@pytest.mark.parametrize(
    "spoil",
    [Withhold(sequence=1), EditRelease(sequence=1, min_binary_version="9.0.0")],
    ids=["withheld", "minimum"],
)
def test_a_pin_does_not_offer_what_is_withheld_or_does_not_fit_the_binary(spoil: Command) -> None:
    controls = after(controls_with(a_release(1)), PinClient(client=PHONE, sequence=1), spoil)
    assert offered(decide(controls, a_check(), NOW)) is None


# Mandatory


def mandatory(controls: Controls, **changes: Any) -> bool:
    answer = decide(controls, a_check(**changes), NOW).answer
    assert isinstance(answer, Offer)
    return answer.mandatory


def test_an_offer_is_mandatory_where_its_release_is_or_every_answer_is() -> None:
    plain = controls_with(a_release(1))
    one = after(plain, SetMandatory(on=True, sequence=1))
    everyone = after(plain, SetMandatory(on=True))
    assert [mandatory(controls) for controls in (plain, one, everyone)] == [False, True, True]
    assert mandatory(after(one, SetMandatory(on=True), SetMandatory(on=False)))
    assert not mandatory(after(everyone, SetMandatory(on=False)))


def test_a_copy_of_a_mandatory_release_is_not_mandatory() -> None:
    controls = after(controls_with(a_release(1, mandatory=True)), Promote(sequence=1, channel="beta"))
    assert not mandatory(controls, channel="beta")
    assert mandatory(controls)


def test_clear_overrides_leaves_pins_and_pauses() -> None:
    controls = after(
        controls_with(a_release(1)),
        PinClient(client=PHONE, sequence=1),
        PauseChannel(channel="production"),
        SetMandatory(on=True),
        Force204(on=True),
    )
    cleared = after(controls, ClearOverrides())
    assert not cleared.overridden
    assert cleared.pins == controls.pins
    assert cleared.channels["production"].paused
    assert ClearOverrides().events(cleared, NOW) == []
