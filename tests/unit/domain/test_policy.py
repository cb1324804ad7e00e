"""Who gets what: each rung of the ladder, and the laws that hold whatever the history and the question."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hotswap_dev.domain.checks import BadCheck
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import BundlesPruned, ChannelCreated, SequenceFloorRaised
from hotswap_dev.domain.model import MAX_SEQUENCE, SAME_AS_CLIENT, Release
from hotswap_dev.domain.policy import (
    Decision,
    NoUpdate,
    Offer,
    Refusal,
    decide,
    manifest,
    newest_whole,
)
from tests.unit.making import (
    NOW,
    a_bundle,
    a_check,
    a_release,
    added,
    controls_with,
)


def offered(decision: Decision) -> int | None:
    """The sequence that an answer offers."""
    return decision.answer.release.sequence if isinstance(decision.answer, Offer) else None


def passed_over(decision: Decision) -> list[tuple[int, str]]:
    return [(one.sequence, one.reason.code) for one in decision.considered]


def pruned(controls: Controls, *hashes: str) -> Controls:
    return apply(controls, BundlesPruned(at=NOW, hashes=hashes))


# The rungs, from the top


def test_a_question_that_can_not_be_read_is_refused_with_what_would_be_right() -> None:
    bad = BadCheck(
        client="x", parameter="sequence", value="abc", expected="a whole number", example="/api/ota/0"
    )
    decision = decide(controls_with(a_release(1)), bad, NOW)
    assert decision.answer == Refusal(
        parameter="sequence", value="abc", expected="a whole number", example="/api/ota/0"
    )
    assert decision.reason.code == "bad-request"
    assert decision.reason.args["value"] == "abc"


def test_a_channel_that_nobody_made_is_unknown_and_those_with_releases_are_named() -> None:
    controls = replay(
        [
            *added(a_release(1), a_release(2, channel="beta")),
            ChannelCreated(at=NOW, channel="empty"),
        ]
    )
    decision = decide(controls, a_check(channel="bta"), NOW)
    assert decision.answer == NoUpdate()
    assert decision.reason.code == "channel-unknown"
    assert decision.reason.args == {"channel": "bta", "asked": "yes", "known": "production, beta"}


def test_a_check_without_a_channel_means_production_even_where_it_is_unknown() -> None:
    decision = decide(controls_with(a_release(1, channel="beta")), a_check(), NOW)
    assert decision.reason.code == "channel-unknown"
    assert decision.reason.args["channel"] == "production"
    assert decision.reason.args["asked"] == "no"


def test_a_channel_without_a_release_says_so() -> None:
    controls = replay([ChannelCreated(at=NOW, channel="production")])
    assert decide(controls, a_check(5), NOW).reason.code == "no-release"


def test_a_channel_whose_releases_are_all_of_another_type_has_none_for_an_app() -> None:
    controls = controls_with(a_release(1, update_type="sidecar"))
    decision = decide(controls, a_check(), NOW)
    assert decision.reason.code == "no-release"
    assert decision.considered == ()


def test_the_newest_release_is_offered() -> None:
    decision = decide(controls_with(a_release(1), a_release(2), a_release(3)), a_check(1), NOW)
    assert offered(decision) == 3
    assert decision.reason.code == "newer-release"
    assert decision.reason.args == {
        "sequence": 3,
        "version": "1.0.0-ota.3",
        "current": 1,
        "min_binary_version": "1.0.0",
    }
    assert decision.considered == ()


def test_releases_of_other_channels_are_not_looked_at() -> None:
    controls = controls_with(a_release(1), a_release(2, channel="beta"))
    assert offered(decide(controls, a_check(), NOW)) == 1
    assert offered(decide(controls, a_check(channel="beta"), NOW)) == 2


def test_releases_of_another_type_are_not_for_this_protocol() -> None:
    controls = controls_with(a_release(1), a_release(2, update_type="sidecar"))
    assert offered(decide(controls, a_check(), NOW)) == 1
    up_to_date = decide(controls, a_check(1), NOW)
    assert up_to_date.reason.code == "up-to-date"
    assert up_to_date.reason.args["newest"] == 1


def test_whether_it_is_mandatory_is_the_releases_own_word() -> None:
    for mandatory in (True, False):
        answer = decide(controls_with(a_release(1, mandatory=mandatory)), a_check(), NOW).answer
        assert isinstance(answer, Offer)
        assert answer.mandatory is mandatory


def test_a_withheld_release_is_passed_over_for_the_next_older_one() -> None:
    controls = controls_with(a_release(1), a_release(2, withheld=True))
    decision = decide(controls, a_check(), NOW)
    assert offered(decision) == 1
    assert passed_over(decision) == [(2, "release-withheld")]


def test_a_release_whose_bytes_are_gone_is_passed_over_and_says_why() -> None:
    controls = pruned(controls_with(a_release(1), a_release(2)), a_bundle("2").hash)
    decision = decide(controls, a_check(), NOW)
    assert offered(decision) == 1
    assert decision.considered[0].reason.args["cause"] == "bundle gone"


def test_a_release_whose_content_was_built_again_after_pruning_is_offered_again() -> None:
    again = replace(a_release(3), bundle=a_bundle("1"))
    controls = pruned(controls_with(a_release(1)), a_bundle("1").hash)
    assert offered(decide(controls, a_check(), NOW)) is None
    assert offered(decide(apply(controls, added(again)[0]), a_check(), NOW)) == 3


@pytest.mark.parametrize(
    ("binary", "minimum", "fits"),
    [
        ("1.0.0", "1.0.0", True),
        ("1.0.1", "1.0.0", True),
        ("0.9.9", "1.0.0", False),
        ("1.0.0-rc.1", "1.0.0", False),
        ("1.0.0", "1.0.0+1", False),
        ("1.0.0+1", "1.0.0", True),
        ("0.10.0", "0.9.0", True),
        ("0.0.1", SAME_AS_CLIENT, True),
        (None, "99.0.0", True),
    ],
)
def test_the_minimum_is_compared_in_the_clients_order(binary: str | None, minimum: str, fits: bool) -> None:
    controls = controls_with(a_release(1, min_binary_version=minimum))
    decision = decide(controls, a_check(binary_version=binary), NOW)
    assert offered(decision) == (1 if fits else None)
    if not fits:
        assert decision.reason.code == "binary-too-old"
        assert decision.reason.args == {
            "sequence": 1,
            "binary_version": binary,
            "min_binary_version": minimum,
        }


def test_an_old_binary_gets_the_newest_release_that_it_can_run() -> None:
    controls = controls_with(
        a_release(1),
        a_release(2),
        a_release(3, min_binary_version="2.0.0"),
        a_release(4, min_binary_version="3.0.0"),
    )
    decision = decide(controls, a_check(1), NOW)
    assert offered(decision) == 2
    assert passed_over(decision) == [(4, "binary-too-old"), (3, "binary-too-old")]


def test_where_none_is_eligible_the_highest_ones_refusal_is_the_reason() -> None:
    controls = controls_with(a_release(1, withheld=True), a_release(2, min_binary_version="2.0.0"))
    decision = decide(controls, a_check(), NOW)
    assert decision.answer == NoUpdate()
    assert decision.reason.code == "binary-too-old"
    assert passed_over(decision) == [(2, "binary-too-old"), (1, "release-withheld")]


def test_a_client_at_the_newest_is_up_to_date_even_where_that_one_is_withheld() -> None:
    controls = controls_with(a_release(1), a_release(2, withheld=True))
    decision = decide(controls, a_check(2), NOW)
    assert decision.reason.code == "up-to-date"
    assert decision.considered == ()


def test_a_client_above_its_channel_only_is_up_to_date_and_the_channel_it_came_from_is_named() -> None:
    controls = controls_with(a_release(1), a_release(2, channel="beta"))
    decision = decide(controls, a_check(2), NOW)
    assert decision.reason.code == "up-to-date"
    assert decision.reason.args == {
        "channel": "production",
        "current": 2,
        "newest": 1,
        "came_from": "beta",
        "withheld": "no",
    }


def test_a_client_at_a_sequence_that_was_only_reserved_came_from_no_channel_here() -> None:
    controls = apply(
        controls_with(a_release(1)), SequenceFloorRaised(at=NOW, floor=50, source="the key store")
    )
    decision = decide(controls, a_check(40), NOW)
    assert decision.reason.code == "up-to-date"
    assert decision.reason.args["came_from"] == ""


def test_a_client_above_every_sequence_ever_given_out_is_ahead() -> None:
    controls = controls_with(a_release(1), a_release(2, channel="beta"))
    decision = decide(controls, a_check(3), NOW)
    assert decision.reason.code == "client-ahead"
    assert decision.reason.args == {"current": 3, "last": 2}
    assert decide(controls, a_check(MAX_SEQUENCE), NOW).reason.code == "client-ahead"


# What the client is told


def told(release: Release, binary_version: str | None = "1.2.3") -> dict[str, object]:
    offer = Offer(release=release, mandatory=release.mandatory)
    made = manifest(
        offer, binary_version=binary_version, url="http://h/b.tar.gz", pub_date="2026-04-05T12:00:00.000Z"
    )
    return {name: getattr(made, name) for name in made.__struct_fields__}


def test_a_manifest_has_every_field_of_the_contract() -> None:
    release = a_release(43, notes="Fixed login", mandatory=True, bundle=a_bundle(size=2_097_152))
    assert told(release) == {
        "version": "1.0.0-ota.43",
        "sequence": 43,
        "min_binary_version": "1.0.0",
        "url": "http://h/b.tar.gz",
        "signature": release.bundle.signature,
        "notes": "Fixed login",
        "pub_date": "2026-04-05T12:00:00.000Z",
        "mandatory": True,
        "bundle_size": 2_097_152,
    }


@pytest.mark.parametrize(("binary", "minimum"), [("0.3.0", "0.3.0"), ("7.0.0+5", "7.0.0+5"), (None, "1.0.0")])
def test_same_as_client_tells_each_client_its_own_version(binary: str | None, minimum: str) -> None:
    assert told(a_release(1, min_binary_version=SAME_AS_CLIENT), binary)["min_binary_version"] == minimum


# latest.json


def test_latest_json_shows_the_newest_that_everyone_may_have() -> None:
    controls = controls_with(
        a_release(1),
        a_release(2, min_binary_version="99.0.0"),
        a_release(3, update_type="sidecar"),
        a_release(4, withheld=True),
        a_release(5),
    )
    shown = newest_whole(pruned(controls, a_bundle("5").hash), "production")
    assert shown is not None
    assert shown.sequence == 2


def test_latest_json_of_an_unknown_an_empty_or_a_paused_channel_shows_nothing() -> None:
    controls = apply(controls_with(a_release(1)), ChannelCreated(at=NOW, channel="empty"))
    assert newest_whole(controls, "nowhere") is None
    assert newest_whole(controls, "empty") is None
    channel = replace(controls.channels["production"], paused=True)
    assert newest_whole(replace(controls, channels={"production": channel}), "production") is None
