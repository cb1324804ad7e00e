"""What the keys about releases ask for, and which release a selection means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.dashboard.keys import Ask, Confirm, Say
from hotswap_dev.dashboard.view import Pending
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.commands.overrides import SetMandatory
from hotswap_dev.domain.commands.releases import Reoffer, Restore, RollBackTo, Withhold
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.facts import BundlesPruned, Forced204Set, NoteAdded, ReleaseAdded, ReleaseWithheld
from hotswap_dev.domain.policy import Offer, decide
from tests.dashboard.moments import a_view, asked, on_client, on_release, on_row, planned, pressed
from tests.unit.domain.clients import a_download, an_offer
from tests.unit.making import NOW, a_check, a_release, added, all_controls, an_answered_check, controls_with

THREE = controls_with(a_release(13), a_release(14), a_release(15, notes="fixes the start screen"))
WITHHELD = replay([*added(a_release(14), a_release(15)), ReleaseWithheld(at=NOW, sequence=15)])


def test_w_withholds_the_selected_release_and_again_puts_it_back() -> None:
    assert pressed(on_release(THREE, 14), "w", "w")[0] == [Withhold(sequence=14), Restore(sequence=14)]


def test_w_on_an_answer_that_offered_a_release_withholds_that_one_and_again_puts_it_back() -> None:
    for view in (on_row(THREE, an_offer(15)), on_client(THREE, an_offer(15))):
        assert pressed(view, "w", "w")[0] == [Withhold(sequence=15), Restore(sequence=15)]


@pytest.mark.parametrize("key", ["w", "m", "r"])
def test_a_key_on_an_older_answer_acts_on_what_its_client_is_offered_now(key: str) -> None:
    for view in (on_row(THREE, an_offer(14)), on_client(THREE, an_offer(14))):
        assert asked(key, view).sequence == 15  # type: ignore[attr-defined]


def test_w_once_more_puts_back_what_was_withheld_though_the_client_is_offered_another_meanwhile() -> None:
    view = on_client(WITHHELD, an_offer(15, sequence=0))

    assert asked("w", view) == Restore(sequence=15)
    assert asked("m", view) == SetMandatory(on=True, sequence=14)


def test_an_answer_that_names_no_release_is_about_the_newest_that_its_channel_can_offer() -> None:
    forced = replay([*added(a_release(14), a_release(15)), ReleaseWithheld(at=NOW, sequence=15),
                     Forced204Set(at=NOW, override=1)])  # fmt: skip

    assert asked("m", on_client(forced, an_offer(15, sequence=0))) == SetMandatory(on=True, sequence=14)


def test_w_on_an_answer_that_names_a_withheld_release_puts_that_one_back() -> None:
    answer = an_answered_check(sequence=14, reason="release-withheld", args={"sequence": 15})

    assert asked("w", on_row(WITHHELD, answer)) == Restore(sequence=15)
    assert asked("w", on_client(WITHHELD, answer)) == Restore(sequence=15)


def test_a_client_is_about_what_it_was_offered_last_only_if_that_was_its_last_answer() -> None:
    offered = advance(None, an_offer(14))
    client = advance(offered, an_answered_check(sequence=14))
    assert client is not None
    assert client.offered == 14
    view = replace(on_client(THREE), clients={client.id: client})

    assert asked("w", view) == Withhold(sequence=15)


def test_an_up_to_date_answer_is_about_the_newest_release_of_its_channel() -> None:
    args = {"channel": "production", "current": 15, "newest": 15}

    assert asked("r", on_row(THREE, an_answered_check(sequence=15, args=args))) == Reoffer(sequence=15)


@pytest.mark.parametrize(
    "event",
    [
        a_download(14),
        ReleaseWithheld(at=NOW, sequence=14),
        ReleaseAdded(at=NOW, release=a_release(14)),
    ],
)
def test_a_row_that_is_no_check_means_the_release_that_it_names(event: Any) -> None:
    assert asked("m", on_row(THREE, event)).sequence == 14  # type: ignore[attr-defined]


@given(all_controls(), st.integers(0, 12), st.sampled_from([None, "production", "beta"]))
def test_w_pressed_twice_on_any_client_leaves_everything_as_it_was(
    controls: Controls, sequence: int, channel: str | None
) -> None:
    check = a_check(sequence, client="phone", channel=channel)
    decision = decide(controls, check, NOW)
    offer = decision.answer.release.sequence if isinstance(decision.answer, Offer) else None
    answer = an_answered_check(
        sequence=sequence,
        channel=channel,
        status=200 if offer else 204,
        offered=offer,
        reason=decision.reason.code,
        args=decision.reason.args,
    )
    for view in (on_client(controls, answer), on_row(controls, answer)):
        if not isinstance(planned("w", view), Say):
            (first, second), after = pressed(view, "w", "w")
            assert {type(first), type(second)} == {Withhold, Restore}
            assert after.expected.releases == controls.releases


@pytest.mark.parametrize("key", ["m", "w", "r", "b", "e", "greater_than_sign"])
def test_a_key_about_a_release_says_what_to_select_where_there_is_none(key: str) -> None:
    for view in (a_view(THREE), on_row(THREE, NoteAdded(at=NOW, text="x")), on_client(Controls())):
        said = planned(key, view)
        assert isinstance(said, Say)
        assert "select a release" in said.hint


@pytest.mark.parametrize("key", ["r", "b", "greater_than_sign"])
def test_a_release_whose_bytes_are_gone_is_not_offered_again(key: str) -> None:
    gone = BundlesPruned(at=NOW, hashes=(a_release(13).bundle.hash,))
    said = planned(key, on_release(replay([*added(a_release(13), a_release(14)), gone]), 13))

    assert isinstance(said, Say)
    assert "pruned" in said.message


def test_r_offers_the_release_again_and_once_only_while_that_is_pending() -> None:
    view = on_release(THREE, 14)

    assert asked("r", view) == Reoffer(sequence=14)
    again = on_release(THREE, 14, pending=(Pending(number=1, command=Reoffer(sequence=14), words=""),))
    assert isinstance(planned("r", again), Say)


def test_b_asks_before_it_rolls_back_and_says_what_comes_of_it() -> None:
    found = planned("b", on_release(THREE, 13))

    assert isinstance(found, Confirm)
    assert found.command == RollBackTo(sequence=13)
    assert "16" in found.question
    assert "withheld" in found.question


def test_b_on_the_newest_release_says_to_select_an_older_one() -> None:
    said = planned("b", on_release(THREE, 15))

    assert isinstance(said, Say)
    assert "older" in said.hint


def test_b_works_within_the_channel_of_the_release() -> None:
    controls = controls_with(a_release(1, channel="beta"), a_release(2))

    assert isinstance(planned("b", on_release(controls, 1)), Say)


def test_promote_asks_for_the_channel() -> None:
    assert planned("greater_than_sign", on_release(THREE, 14)) == Ask("promote", {"sequence": 14})


@pytest.mark.parametrize("reason", ["channel-unknown", "no-release"])
def test_promote_for_a_client_whose_channel_has_nothing_proposes_that_channel_and_the_newest(
    reason: str,
) -> None:
    answer = an_answered_check(
        channel="nightly", reason=reason, args={"channel": "nightly", "asked": "yes", "known": "production"}
    )

    assert planned("greater_than_sign", on_row(THREE, answer)) == Ask(
        "promote", {"sequence": 15, "channel": "nightly"}
    )


def test_edit_begins_with_what_the_release_says_today() -> None:
    assert planned("e", on_release(THREE, 15)) == Ask(
        "edit-release",
        {"sequence": 15},
        {"notes": "fixes the start screen", "min_binary_version": "1.0.0", "version": "1.0.0-ota.15"},
    )
