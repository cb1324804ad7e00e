"""The laws of `decide`, that hold whatever commands were given and whatever is asked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import Fact, OverrideSpent
from hotswap_dev.domain.model import Forced204, Release
from hotswap_dev.domain.policy import (
    Decision,
    Denied,
    NoUpdate,
    Offer,
    Refusal,
    decide,
    ineligible,
    manifest,
    newest_whole,
)
from hotswap_dev.domain.reasons import CODES
from hotswap_dev.domain.versions import parse
from tests.unit.making import CHANNELS, NOW, a_check, all_controls, checks, histories, instances


def offered(decision: Decision) -> int | None:
    """The sequence that an answer offers."""
    return decision.answer.release.sequence if isinstance(decision.answer, Offer) else None


def fitting(controls: Controls, check: Check) -> list[Forced204]:
    """The forced 204 that are meant for a check."""
    return [
        one
        for one in controls.forced
        if one.client in (None, check.client) and one.channel in (None, check.channel or "production")
    ]


def unspoiled(controls: Controls) -> Controls:
    """The same without faults, and with every door open: what is offered, and no more."""
    return replace(controls, faults=(), required={})


PLAIN = all_controls().map(unspoiled)


def stopped(controls: Controls, check: Check) -> bool:
    """Whether nobody in this check's place is offered anything, whatever there is."""
    channel = controls.channels.get(check.asked_channel)
    return bool(fitting(controls, check)) or channel is None or channel.paused


def struck(release: Release, check: Check) -> bool:
    """Whether a poisoned release is offered still, to everyone or to this client by its name."""
    if release.withheld:
        return False
    return not release.targets.clients or check.client in release.targets.clients


def newer(controls: Controls, check: Check) -> list[Release]:
    """What a client's channel has above its sequence, for an app, newest first."""
    channel = controls.channels.get(check.asked_channel)
    return [
        controls.releases[sequence]
        for sequence in (channel.releases if channel else ())
        if sequence > check.sequence
        and controls.releases[sequence].update_type == "frontend"
        and controls.releases[sequence].targets.having in (None, check.sequence)
        and (controls.releases[sequence].origin != "poisoned" or struck(controls.releases[sequence], check))
    ]


@given(all_controls(), checks(), instances(BadCheck))
def test_every_question_has_one_answer_with_a_code_that_is_documented(
    controls: Controls, check: Check, bad: BadCheck
) -> None:
    decision = decide(controls, check, NOW)
    assert isinstance(decision.answer, Offer | NoUpdate | Denied)
    assert decision.reason.code in CODES
    assert all(one.reason.code in CODES for one in decision.considered)
    assert (decision.reason.code == "fault") == (decision.strike is not None)
    assert (decision.reason.code == "access-denied") == isinstance(decision.answer, Denied)
    if decision.strike is None:
        assert (decision.reason.code == "newer-release") == isinstance(decision.answer, Offer)
    refused = decide(controls, bad, NOW)
    assert isinstance(refused.answer, Refusal)
    assert (refused.reason.code, refused.considered, refused.spends) == ("bad-request", (), ())


@given(histories(), checks())
def test_the_same_question_to_the_same_history_has_the_same_answer(facts: list[Fact], check: Check) -> None:
    assert decide(replay(facts), check, NOW) == decide(replay(facts), replace(check), NOW)


@given(PLAIN, checks())
def test_an_offer_is_newer_than_what_the_client_runs_and_fits_its_binary_its_channel_and_its_pin(
    controls: Controls, check: Check
) -> None:
    answer = decide(controls, check, NOW).answer
    if not isinstance(answer, Offer):
        return
    release = answer.release
    assert release.sequence > check.sequence
    assert release.channel == check.asked_channel
    assert not release.withheld
    assert controls.has_bytes(release)
    assert release == controls.releases[release.sequence]
    assert not controls.channels[release.channel].paused
    assert fitting(controls, check) == []
    assert controls.pins.get(check.client) in (None, release.sequence)
    assert answer.mandatory == (release.mandatory or controls.mandatory_for_all)
    told = manifest(
        answer, binary_version=check.binary_version, url="http://h/b", pub_date="2026-07-01T12:00:00Z"
    )
    if check.binary_version is not None:
        assert parse(told.min_binary_version) <= parse(check.binary_version)


@given(PLAIN, checks())
def test_what_was_passed_over_is_exactly_what_is_newer_than_the_answer(
    controls: Controls, check: Check
) -> None:
    decision = decide(controls, check, NOW)
    if stopped(controls, check):
        assert decision.considered == ()
        return
    floor = offered(decision) or check.sequence
    expected = [release for release in newer(controls, check) if release.sequence > floor]
    assert [one.sequence for one in decision.considered] == [release.sequence for release in expected]
    for one, release in zip(decision.considered, expected, strict=True):
        assert one.reason == ineligible(controls, release, check)


@given(PLAIN, checks())
def test_nobody_is_left_without_an_update_that_suits_unless_they_are_stopped(
    controls: Controls, check: Check
) -> None:
    suits = [one.sequence for one in newer(controls, check) if ineligible(controls, one, check) is None]
    expected = None if stopped(controls, check) or not suits else max(suits)
    assert offered(decide(controls, check, NOW)) == expected


@given(PLAIN, checks())
def test_a_client_that_took_its_offer_is_up_to_date_or_was_passed_over(
    controls: Controls, check: Check
) -> None:
    sequence = offered(decide(controls, check, NOW))
    if sequence is not None:
        after = decide(controls, replace(check, sequence=sequence), NOW)
        assert offered(after) is None
        assert after.reason.code in (
            "up-to-date",
            "release-withheld",
            "binary-too-old",
            "pinned",
            "not-targeted",
            "not-in-rollout",
        )


@given(all_controls(24).map(unspoiled), checks())
def test_an_answer_spends_the_narrowest_counted_override_and_no_other(
    controls: Controls, check: Check
) -> None:
    decision = decide(controls, check, NOW)
    meant = fitting(controls, check)
    assert (decision.reason.code == "forced-204") == bool(meant)
    if not meant:
        assert decision.spends == ()
        return
    # Design §6: client, channel, all; both together are narrower than either.
    narrowest = min(meant, key=lambda one: (one.client is None, one.channel is None))
    assert decision.spends == (() if narrowest.left is None else (narrowest.override,))
    after = controls
    for override in decision.spends:
        after = apply(after, OverrideSpent(at=NOW, override=override))
    for one in controls.forced:
        left = next((other.left for other in after.forced if other.override == one.override), 0)
        assert left == (one.left - 1 if one.override in decision.spends and one.left else one.left)


@given(all_controls(24))
def test_there_is_one_forced_204_for_each_scope_each_with_a_number_of_its_own_and_something_left(
    controls: Controls,
) -> None:
    scopes = [(one.client, one.channel) for one in controls.forced]
    numbers = [one.override for one in controls.forced]
    assert len(set(scopes)) == len(scopes)
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number <= controls.last_override for number in numbers)
    assert all(one.left is None or one.left > 0 for one in controls.forced)


@given(all_controls(), checks())
def test_what_is_set_for_another_client_changes_nothing(controls: Controls, check: Check) -> None:
    mine = replace(
        controls,
        pins={client: pin for client, pin in controls.pins.items() if client == check.client},
        names={},
        forced=tuple(one for one in controls.forced if one.client in (None, check.client)),
        faults=tuple(one for one in controls.faults if one.client in (None, check.client)),
    )
    assert decide(controls, check, NOW) == decide(mine, check, NOW)


@settings(max_examples=60)
@given(PLAIN, st.sampled_from((*CHANNELS, "nowhere")))
def test_latest_json_shows_what_whoever_asks_would_be_offered_without_overrides_rollouts_and_targets(
    controls: Controls, channel: str
) -> None:
    shown = newest_whole(controls, channel)
    anyone = a_check(0, client="nobody", binary_version=None, channel=channel)
    partial = {
        sequence: replace(release, withheld=release.withheld or not release.whole)
        for sequence, release in controls.releases.items()
    }
    plain = replace(controls, forced=(), releases=partial)
    assert (shown.sequence if shown else None) == offered(decide(plain, anyone, NOW))
