"""What a fault makes of an answer, and what of an answer a fault needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import ChannelPaused, FaultArmed, Forced204Set, OverrideSpent, RequiredHeaderSet
from hotswap_dev.domain.faults import every_fault, fault_kind
from hotswap_dev.domain.model import ArmedFault, RequiredHeader
from hotswap_dev.domain.policy import Decision, Fetch, NoUpdate, Offer, decide, decide_download
from hotswap_dev.domain.reasons import sentence
from tests.unit.making import NOW, a_check, a_release, all_controls, checks, controls_with

OF_MANIFESTS = tuple(name for name, kind in every_fault().items() if kind.at_offers)
OF_CHECKS = tuple(
    name for name, kind in every_fault().items() if kind.stage == "check" and not kind.at_offers
)
OF_DOWNLOADS = tuple(name for name, kind in every_fault().items() if kind.stage == "download")
OF_NEITHER = tuple(name for name, kind in every_fault().items() if kind.stage == "bundle")
LINES = ("slow-3g", "fast-3g")


def armed(controls: Controls, fault: str, **changes: Any) -> Controls:
    one = ArmedFault(override=controls.last_override + 1, fault=fault)
    return apply(controls, FaultArmed(at=NOW, armed=replace(one, **changes)))


def struck(decision: Decision | Fetch) -> str | None:
    return None if decision.strike is None else decision.strike.armed.fault


def spent(controls: Controls, decision: Decision | Fetch) -> Controls:
    """The controls once an answer counts, as the ledger does it."""
    for override in decision.spends:
        controls = apply(controls, OverrideSpent(at=NOW, override=override))
    for override in decision.missed:
        controls = apply(controls, OverrideSpent(at=NOW, override=override, times=0, missed=1))
    return controls


@pytest.fixture
def two() -> Controls:
    return controls_with(a_release(1), a_release(2))


# Where each strikes


def test_every_fault_has_a_place_in_these_tests() -> None:
    assert sorted((*OF_MANIFESTS, *OF_CHECKS, *OF_DOWNLOADS, *OF_NEITHER, *LINES, "offline")) == sorted(
        every_fault()
    )


@pytest.mark.parametrize("fault", OF_CHECKS)
def test_a_fault_of_checks_strikes_offers_and_204_alike_and_no_download(two: Controls, fault: str) -> None:
    controls = armed(two, fault, left=9)
    for sequence, instead in ((0, "newer-release"), (2, "up-to-date")):
        decision = decide(controls, a_check(sequence), NOW)
        assert struck(decision) == fault
        assert (decision.reason.code, decision.reason.args["instead"]) == ("fault", instead)
        assert decision.spends == (1,)
    assert decide_download(controls, controls.releases[2], "phone", {}) == Fetch()


@pytest.mark.parametrize("fault", OF_MANIFESTS)
def test_a_fault_of_manifests_strikes_and_counts_only_where_there_is_an_offer(
    two: Controls, fault: str
) -> None:
    controls = armed(two, fault, left=2)
    assert struck(decide(controls, a_check(1), NOW)) == fault
    assert decide(controls, a_check(1), NOW).spends == (1,)
    for nothing in (a_check(2), a_check(1, channel="nowhere"), a_check(1, binary_version="0.1.0")):
        decision = decide(controls, nothing, NOW)
        assert (struck(decision), decision.spends, decision.missed) == (None, (), ())
    paused = apply(controls, ChannelPaused(at=NOW, channel="production"))
    assert struck(decide(paused, a_check(1), NOW)) is None
    assert decide_download(controls, controls.releases[2], "phone", {}) == Fetch()


def test_a_chance_that_a_204_could_not_have_taken_is_not_used_up(two: Controls) -> None:
    controls = armed(two, "wrong-key", left=1, probability=1e-9)
    assert decide(controls, a_check(2), NOW).missed == ()
    assert decide(controls, a_check(0), NOW).missed == (1,)


@pytest.mark.parametrize("fault", OF_DOWNLOADS)
def test_a_fault_of_downloads_strikes_each_attempt_and_no_check(two: Controls, fault: str) -> None:
    controls = armed(two, fault, left=2)
    for sequence in (0, 2):
        assert struck(decide(controls, a_check(sequence), NOW)) is None
    attempts = []
    for _ in range(4):
        fetch = decide_download(controls, controls.releases[2], "phone", {})
        attempts.append(struck(fetch))
        controls = spent(controls, fetch)
    assert attempts == [fault, fault, None, None]
    assert controls.faults == ()


@pytest.mark.parametrize("fault", LINES)
def test_a_slow_line_is_slow_for_checks_and_downloads_until_it_is_cleared(two: Controls, fault: str) -> None:
    controls = armed(two, fault)
    for sequence in (0, 2):
        decision = decide(controls, a_check(sequence), NOW)
        assert (struck(decision), decision.spends) == (fault, ())
    assert decide(controls, a_check(0), NOW).offered == two.releases[2]
    assert struck(decide_download(controls, controls.releases[2], None, {})) == fault


@pytest.mark.parametrize("fault", OF_NEITHER)
def test_what_lies_in_a_bundle_changes_no_answer_by_itself(two: Controls, fault: str) -> None:
    controls = armed(two, fault)
    for sequence in (0, 2):
        assert decide(controls, a_check(sequence), NOW) == decide(two, a_check(sequence), NOW)
    assert decide_download(controls, controls.releases[2], "phone", {}) == Fetch()


def test_while_it_is_offline_whoever_would_ask_is_told_nothing(two: Controls) -> None:
    controls = armed(two, "offline")
    for sequence in (0, 2):
        decision = decide(controls, a_check(sequence), NOW)
        assert (decision.status, decision.reason.code, decision.offered) == (0, "fault", None)


def test_a_stale_manifest_needs_that_what_the_client_runs_is_known_in_its_channel(two: Controls) -> None:
    beta = controls_with(a_release(1), a_release(2), a_release(3, channel="beta"), a_release(4))
    controls = armed(beta, "stale-manifest", left=5)
    told = {sequence: struck(decide(controls, a_check(sequence), NOW)) for sequence in range(5)}
    assert told == {0: None, 1: "stale-manifest", 2: "stale-manifest", 3: None, 4: None}


# What the other protocol has no place for


PLACES: Mapping[str, bool] = {
    "missing-field": True,
    "missing-bundle": True,
    "check/http-error": True,
    "wrong-key": False,
    "bad-min-binary-version": False,
}


@pytest.mark.parametrize(("fault", "strikes"), PLACES.items())
def test_what_the_second_protocol_has_no_field_for_does_not_strike_there_and_is_not_spent(
    two: Controls, fault: str, strikes: bool
) -> None:
    check = a_check(0, protocol="update-server", arch="", binary_version=None)
    decision = decide(armed(two, fault, left=1), check, NOW)
    assert (struck(decision), decision.spends) == ((fault, (1,)) if strikes else (None, ()))


# Its place in the ladder


def forced(controls: Controls, times: int | None = 1) -> Controls:
    override = controls.last_override + 1
    return apply(controls, Forced204Set(at=NOW, override=override, times=times))


@pytest.mark.parametrize("fault", [*OF_CHECKS, *OF_MANIFESTS])
def test_a_fault_suppresses_a_forced_204_and_does_not_spend_it(two: Controls, fault: str) -> None:
    controls = armed(forced(two), fault, left=1)

    first = decide(controls, a_check(1), NOW)
    assert (struck(first), first.spends) == (fault, (2,))
    assert first.reason.args["instead"] == "newer-release"
    second = decide(spent(controls, first), a_check(1), NOW)
    assert (second.reason.code, second.spends) == ("forced-204", (1,))
    assert spent(spent(controls, first), second).overridden is False


def test_a_fault_that_lets_an_answer_go_leaves_the_forced_204_to_answer_and_counts_both(
    two: Controls,
) -> None:
    controls = armed(forced(two), "html-page", left=1, probability=1e-9)
    decision = decide(controls, a_check(), NOW)
    assert (decision.reason.code, decision.spends, decision.missed) == ("forced-204", (1,), (2,))


def test_a_bad_request_and_who_is_not_let_in_are_told_so_before_any_fault(two: Controls) -> None:
    controls = armed(two, "check/http-error", left=1)
    bad = BadCheck(client="x", parameter="sequence", value="abc", expected="a number", example="/api/ota/0")
    assert decide(controls, bad, NOW).reason.code == "bad-request"
    required = RequiredHeader(header="X-API-Key", status=401)
    shut = apply(controls, RequiredHeaderSet(at=NOW, channel="production", required=required))
    for decision in (decide(shut, bad, NOW), decide(shut, a_check(), NOW)):
        assert (struck(decision), decision.spends) == (None, ())
    assert decide(shut, a_check(), NOW).reason.code == "access-denied"
    assert decide_download(shut, two.releases[2], None, {}).strike is None
    assert decide_download(armed(shut, "truncate", left=1), two.releases[2], None, {}).spends == ()


def test_a_fault_strikes_in_a_channel_that_is_unknown_or_paused_too(two: Controls) -> None:
    controls = armed(apply(two, ChannelPaused(at=NOW, channel="production")), "hang")
    assert decide(controls, a_check(), NOW).reason.args["instead"] == "channel-paused"
    assert decide(controls, a_check(channel="nowhere"), NOW).reason.args["instead"] == "channel-unknown"


def test_no_channel_in_a_check_is_production_for_a_fault_too(two: Controls) -> None:
    controls = armed(two, "hang", channel="production")
    assert struck(decide(controls, a_check(channel=None), NOW)) == "hang"
    assert struck(decide(controls, a_check(channel="beta"), NOW)) is None


def test_a_download_is_met_by_faults_of_its_releases_channel() -> None:
    controls = armed(controls_with(a_release(1, channel="beta")), "truncate", channel="beta")
    assert struck(decide_download(controls, controls.releases[1], "phone", {})) == "truncate"
    elsewhere = armed(controls_with(a_release(1, channel="beta")), "truncate", channel="production")
    assert struck(decide_download(elsewhere, elsewhere.releases[1], "phone", {})) is None


# What the client hears, and what is said of it


@pytest.mark.parametrize(
    ("fault", "parameters", "status", "hears"),
    [
        ("check/http-error", {"status": 502}, 502, False),
        ("check/delay", {}, 200, True),
        ("hang", {}, 0, False),
        ("check/connection-reset", {}, 0, False),
        ("empty-response", {}, 0, False),
        ("malformed-json", {}, 200, False),
        ("html-page", {}, 200, False),
        ("missing-field", {}, 200, False),
        ("same-sequence", {}, 200, False),
        ("insecure-url", {}, 200, True),
        ("missing-bundle", {}, 200, True),
        ("wrong-key", {}, 200, True),
        ("garbage-signature", {}, 200, True),
    ],
)
def test_the_status_is_what_goes_out_and_an_offer_counts_only_where_it_can_be_heard(
    two: Controls, fault: str, parameters: dict[str, Any], status: int, hears: bool
) -> None:
    decision = decide(armed(two, fault, parameters=parameters), a_check(1), NOW)
    assert decision.status == status
    assert decision.offered == (two.releases[2] if hears else None)
    assert isinstance(decision.answer, Offer), "what would have been given is known all the same"


def test_a_page_with_200_stands_in_place_of_a_204(two: Controls) -> None:
    decision = decide(armed(two, "html-page"), a_check(2), NOW)
    assert (decision.status, decision.offered) == (200, None)
    assert isinstance(decision.answer, NoUpdate)


def test_the_reason_names_the_fault_its_scope_what_is_left_and_what_would_have_been(two: Controls) -> None:
    controls = armed(two, "hang", client="local/linux/x86_64", left=3)
    reason = decide(controls, a_check(1), NOW).reason
    assert sentence(reason) == (
        "By the fault hang, armed for local/linux/x86_64, 2 more to come. Without it: newer-release."
    )
    assert (reason.args["id"], reason.args["sequence"], reason.args["current"]) == (1, 2, 1)
    last = decide(armed(two, "hang", left=1), a_check(2), NOW).reason
    assert "for the last time. Without it: up-to-date." in sentence(last)
    assert "sequence" not in last.args


# Laws


def asked(controls: Controls, question: Check | int) -> Decision | Fetch:
    """A check, or by the sequence of its release a download."""
    if isinstance(question, Check):
        return decide(controls, question, NOW)
    return decide_download(controls, controls.releases[question], "phone", {})


@given(all_controls(24), st.lists(st.one_of(checks(), st.integers(1, 6)), max_size=30))
def test_whatever_is_asked_no_fault_strikes_more_often_than_it_is_armed_for(
    controls: Controls, questions: list[Check | int]
) -> None:
    left = {one.override: one.left for one in controls.faults if one.left is not None}
    strikes = dict.fromkeys(left, 0)
    for question in questions:
        if isinstance(question, int) and question not in controls.releases:
            continue
        decision = asked(controls, question)
        if decision.strike is not None and decision.strike.armed.override in left:
            strikes[decision.strike.armed.override] += 1
            assert decision.spends == (decision.strike.armed.override,)
        before = {one.override: one for one in controls.faults}
        controls = spent(controls, decision)
        for one in controls.faults:
            was = before[one.override]
            fired = one.override in decision.spends
            missed = one.override in decision.missed
            assert (one.fired, one.missed) == (was.fired + fired, was.missed + missed)
    for override, times in left.items():
        assert strikes[override] <= times
        now = next((one.left for one in controls.faults if one.override == override), 0)
        assert now == times - strikes[override]


@given(all_controls(24), checks())
def test_what_strikes_fits_its_place_and_the_answer_without_it_is_named(
    controls: Controls, check: Check
) -> None:
    decision = decide(controls, check, NOW)
    if decision.strike is None:
        return
    one, kind = decision.strike.armed, fault_kind(decision.strike.armed.fault)
    assert one in controls.faults
    assert one.client in (None, check.client)
    assert one.channel in (None, check.asked_channel)
    assert kind.stage in ("check", "signature", "preset")
    assert isinstance(decision.answer, Offer) or not kind.at_offers
    healthy = decide(replace(controls, faults=(), forced=()), check, NOW)
    assert (decision.answer, decision.reason.args["instead"]) == (healthy.answer, healthy.reason.code)
    assert decision.considered == healthy.considered
