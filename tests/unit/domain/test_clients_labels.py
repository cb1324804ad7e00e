"""What a client's check-ins prove, and what they only suggest: its label, in codes and in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.clients import MAX_TURNS, Client, advance, label_sentence, remarks
from hotswap_dev.domain.labels import CODES, STEPS, Turn, inferred, readings, turn_sentence
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from tests.unit.domain.clients import Story, a_download, an_offer
from tests.unit.making import NOW, an_answered_check

# What is proved


def test_a_new_client_at_0_runs_the_embedded_page() -> None:
    story = Story().reports(0)
    assert story.label == "embedded"
    assert label_sentence(story.client) == "It runs the embedded page, sequence 0."


def test_a_new_client_that_runs_something_came_by_it_elsewhere() -> None:
    story = Story().reports(14)
    assert story.label == "running"
    assert "no download of it by this client was seen" in label_sentence(story.client)


def test_what_it_fetched_and_then_reports_is_applied_and_nothing_says_confirmed() -> None:
    story = Story().applies(14)
    assert story.label == "applied"
    assert not inferred(_label(story))
    assert label_sentence(story.client) == (
        "It fetched 14 and reports it: applied. Whether notifyReady() confirmed it can't be seen from here."
    )


def test_a_download_whose_end_is_noticed_after_the_check_still_proves_it() -> None:
    story = Story().offered(14).reports(14)
    assert story.label == "running"
    assert story.fetched(14).label == "applied"


def test_what_it_fetched_and_does_not_report_is_not_activated_and_the_causes_are_named() -> None:
    story = Story().offered(14).fetched(14).offered(14)
    assert story.label == "not-activated"
    assert label_sentence(story.client) == (
        "All of 14 was sent to it, and it still reports the embedded page: not activated. Its signature was refused, "
        "its extraction failed, it hung up before the end (max_bundle_size), or it was downloaded and activate() not "
        "called; or it ran, nobody confirmed it, and it was rolled back before this check, or the app was installed "
        "anew, or a newer binary discarded it. (Inferred.)"
    )


def test_of_what_the_next_start_would_discard_that_is_named_too() -> None:
    story = Story(minimum="0.9.0").offered(14).fetched(14).offered(14)
    assert story.label == "not-activated"
    assert "Or it ran and was discarded at a start, as it will be each time: binary 1.0.0 > min 0.9.0." in (
        label_sentence(story.client)
    )
    assert "discarded" in readings(_label(story))


def test_whoever_still_runs_something_has_discarded_nothing() -> None:
    story = Story(minimum="0.9.0").reports(13).offered(14, at=13).fetched(14).offered(14, at=13)
    assert set(readings(_label(story))).isdisjoint({"discarded", "reinstalled"})


@pytest.mark.parametrize(
    ("first", "second", "label"),
    [("1.0.0", "0.9.0", "discarded"), ("0.9.0", "1.0.0", "discarded"), ("1.0.0", "1.0.0", "rolled-back")],
)
def test_a_fall_to_0_asks_the_minimum_of_all_that_may_have_run(first: str, second: str, label: str) -> None:
    story = Story().applies(13, minimum=first).offered(14, at=13, minimum=second).fetched(14).reports(0)
    assert story.label == label


def test_each_further_download_that_came_to_nothing_is_counted() -> None:
    story = Story().offered(14)
    for _ in range(3):
        story.fetched(14).offered(14)
    assert (
        "All of 14 was sent to it for the 3rd time, and it still reports the embedded page"
        in label_sentence(story.client)
    )


def test_checking_again_does_not_make_one_download_two() -> None:
    story = Story().offered(14).fetched(14).offered(14).offered(14).reports(0)
    assert _label(story).args["times"] == 1


def test_a_download_that_is_activated_later_is_applied() -> None:
    assert Story().offered(14).fetched(14).offered(14).reports(14).label == "applied"


def test_less_than_before_but_not_0_is_rolled_back() -> None:
    story = Story().applies(13).applies(14, at=13).offered(14, at=13)
    assert story.label == "rolled-back"
    assert readings(_label(story)) == ("rolled-back",)
    assert label_sentence(story.client) == (
        "It reported 14, now 13: rolled back. 14 was not confirmed by notifyReady() before a start, or the app called "
        "rollback()."
    )


def test_back_at_0_is_rolled_back_or_reinstalled_or_another_binary_was_there() -> None:
    story = Story().applies(14).offered(14)
    assert story.label == "rolled-back"
    assert readings(_label(story)) == ("rolled-back", "reinstalled", "discarded")
    assert label_sentence(story.client) == (
        "It reported 14, now 0: rolled back to the embedded page, or reinstalled, or discarded by a newer binary that "
        "ran in between. If rolled back: 14 was not confirmed by notifyReady() before a start, or the app called "
        "rollback(). (Inferred.)"
    )


def test_back_at_0_with_a_binary_newer_than_the_minimum_is_discarded() -> None:
    story = Story(minimum="0.9.0").applies(14).offered(14)
    assert story.label == "discarded"
    assert label_sentence(story.client) == (
        "It reported 14, now 0: 14 was discarded at a start, because binary 1.0.0 > min 0.9.0 (binary_cache_policy "
        "discard_on_upgrade, the default); or rolled back, or reinstalled. (Inferred.)"
    )


def test_a_fall_that_does_not_end_at_0_is_no_discard_whatever_the_minimum() -> None:
    story = Story(minimum="0.9.0").applies(13).applies(14, at=13).reports(13)
    assert story.label == "rolled-back"


def test_a_fall_stays_what_it_was_when_it_checks_again() -> None:
    story = Story().applies(12).applies(13, at=12).offered(14, at=13).fetched(14).reports(12).reports(12)
    assert story.label == "rolled-back"


def test_what_was_fetched_meanwhile_may_be_what_was_rolled_back() -> None:
    story = Story().applies(13).applies(14, at=13).offered(15, at=14).fetched(15).offered(15, at=13)
    assert label_sentence(story.client).startswith(
        "It reported 14, now 13: rolled back. 15, which it had fetched, or 14 was not confirmed"
    )


def test_the_second_time_is_a_loop_and_applying_again_says_so_too() -> None:
    story = Story().applies(13).applies(14, at=13)
    story.offered(14, at=13).fetched(14).reports(14)
    assert label_sentence(story.client).endswith("It gave 14 up before.")
    story.offered(14, at=13)
    assert story.label == "rollback-loop"
    assert "It gave 14 up for 13 for the 2nd time: a rollback loop." in label_sentence(story.client)
    story.fetched(14).reports(14).offered(14, at=13)
    assert "for the 3rd time" in label_sentence(story.client)


def test_giving_up_another_one_is_no_loop() -> None:
    story = Story().applies(13).applies(14, at=13).offered(14, at=13).applies(15, at=13).reports(13)
    assert story.label == "rolled-back"


def test_a_newer_binary_at_0_is_upgraded_and_its_bundle_most_likely_discarded() -> None:
    story = Story().applies(14).reports(0, binary_version="1.1.0")
    assert story.label == "upgraded"
    assert readings(_label(story)) == ("discarded", "rolled-back", "reinstalled")
    assert label_sentence(story.client) == (
        "Its binary was 1.0.0, now 1.1.0: upgraded. It reported 14, now 0: 14 was discarded because the binary is "
        "newer than its minimum, or rolled back, or the app was installed anew. (Inferred.)"
    )


def test_a_newer_binary_that_kept_its_bundle_is_upgraded() -> None:
    story = Story().applies(14).reports(14, binary_version="1.1.0")
    assert (story.label, readings(_label(story))) == ("upgraded", ("kept",))
    assert label_sentence(story.client).endswith("It reports 14 as before.")


def test_an_upgrade_does_not_count_as_a_fall() -> None:
    story = Story().applies(14).reports(0, binary_version="1.1.0")
    assert (story.client.fell_from, story.client.falls) == (None, 0)


def test_an_older_binary_leaves_its_bundle_on_the_disk() -> None:
    story = Story().applies(14).reports(0, binary_version="0.9.0")
    assert story.label == "downgraded"
    assert "it is too old for 14, which waits on the disk" in label_sentence(story.client)
    # A newer binary may have run in between without a check, and discarded it.
    assert readings(_label(story)) == ("set-aside", "discarded", "rolled-back", "reinstalled")


def test_what_it_had_before_may_come_back_without_a_download() -> None:
    # Two confirmed, the newer one discarded; the next one crashes before it was ever reported.
    story = Story().applies(13).offered(14, at=13).fetched(14).reports(14)
    story.reports(0, binary_version="2.0.0").reports(13, binary_version="2.0.0")
    assert story.label == "running"
    assert (
        "It reports 13 again, which it had before: something newer was rolled back onto it"
        in label_sentence(story.client)
    )
    assert readings(_label(story)) == ("rolled-back", "set-aside", "elsewhere")


def test_an_older_binary_that_is_still_above_the_minimum_discards() -> None:
    story = Story(minimum="0.8.0").applies(14).reports(0, binary_version="0.9.0")
    assert "14 was discarded, or 14 was rolled back, or the app was installed anew" in label_sentence(
        story.client
    )
    assert readings(_label(story)) == ("discarded", "rolled-back", "reinstalled")


def test_a_bundle_that_waited_for_its_binary_is_not_two_clients() -> None:
    story = Story().applies(14).later(60).reports(0, binary_version="0.9.0").later(60).reports(14)
    assert story.label == "upgraded"
    assert remarks(story.client) == ()


def test_above_all_that_was_ever_given_out_is_ahead_until_the_counter_passes_it() -> None:
    story = Story().ahead(40, last=14).ahead(40, last=15)
    assert story.label == "ahead"
    assert label_sentence(story.client).startswith(
        "It reported 40, which was above 14, the highest sequence given out here until 2026-07-01 12:00 UTC: "
    )
    assert story.reports(40, reason="forced-204", args={}).label == "ahead"
    assert story.offered(41, at=40).label == "running"
    assert story.fetched(41).reports(41).label == "applied"


@pytest.mark.parametrize(
    "code", ["binary-too-old", "release-withheld", "pinned", "not-targeted", "not-in-rollout"]
)
def test_what_is_passed_over_above_it_shows_that_it_is_ahead_no_longer(code: str) -> None:
    story = Story().ahead(40, last=14).reports(40, reason=code, args={"sequence": 41})
    assert story.label == "running"


def test_a_switch_of_channel_is_told_and_changes_no_label() -> None:
    story = Story().applies(14).reports(14, channel="beta").reports(14, channel="production").reports(14)
    assert story.label == "applied"
    assert story.codes[-2:] == ["channel-switched", "channel-switched"]
    assert turn_sentence(story.client.story[-2]) == "It asks for channel beta now, before for production."


# Laws

_VERSIONS = st.sampled_from((None, "0.9.0", "1.0.0", "1.1.0", "not a version"))
_MINIMA = st.sampled_from(("0.9.0", "1.0.0", "same-as-client"))


@st.composite
def _observations(draw: st.DrawFn) -> list[CheckAnswered | DownloadEnded]:
    """A client's requests in any order at all, on a clock that may go backwards."""
    seen: list[CheckAnswered | DownloadEnded] = []
    at = NOW
    for kind in draw(st.lists(st.sampled_from("ccccoooofffbx"), max_size=25)):
        at += timedelta(seconds=draw(st.sampled_from((1, 1, 60, 7200, -86400))))
        number = draw(st.integers(0, 5))
        who: dict[str, Any] = {
            "at": at,
            "sequence": number,
            "binary_version": draw(_VERSIONS),
            "peer": draw(st.sampled_from(("127.0.0.1", "::1", "10.0.0.7"))),
            "channel": draw(st.sampled_from((None, "beta"))),
        }
        if kind == "c":
            seen.append(
                an_answered_check(reason=draw(st.sampled_from(("up-to-date", "client-ahead"))), **who)
            )
        elif kind == "o":
            seen.append(an_offer(draw(st.integers(0, 6)), minimum=draw(_MINIMA), **who))
        elif kind == "x":
            seen.append(an_answered_check(status=400, reason="bad-request", **{**who, "sequence": None}))
        else:
            seen.append(a_download(number, at=at, complete=kind == "f"))
    return seen


def _after(seen: list[CheckAnswered | DownloadEnded]) -> Client | None:
    client = None
    for one in seen:
        client = advance(client, one)
    return client


@given(_observations())
def test_any_requests_at_all_lead_to_a_client_with_words_for_everything(
    seen: list[CheckAnswered | DownloadEnded],
) -> None:
    client = _after(seen)
    if client is None:
        return
    said = [label_sentence(client), *remarks(client), *map(turn_sentence, client.story)]
    assert all("no words" not in text for text in said)
    assert (client.label is None) == (client.sequence is None)
    assert client.label is None or client.label.code not in STEPS
    assert msgspec.json.decode(msgspec.json.encode(client), type=Client) == client


@given(_observations())
def test_what_is_kept_of_a_client_is_bounded(seen: list[CheckAnswered | DownloadEnded]) -> None:
    client = _after(seen * 3)
    if client is not None:
        assert len(client.story) <= MAX_TURNS
        assert max(len(client.told), len(client.unreported)) <= 4


@given(_observations())
def test_applied_is_said_only_of_what_it_reports_and_has_fetched_whole(
    seen: list[CheckAnswered | DownloadEnded],
) -> None:
    client: Client | None = None
    fetched: set[int] = set()
    for one in seen:
        before = client
        client = advance(client, one)
        if isinstance(one, DownloadEnded) and one.complete and before is not None:
            fetched.add(one.sequence)
        if client is not None and client.label is not None and client.label.code == "applied":
            assert client.sequence in fetched
            assert client.label.args["sequence"] == client.sequence


@given(_observations())
def test_a_label_is_about_what_the_client_reports_now(seen: list[CheckAnswered | DownloadEnded]) -> None:
    client = _after(seen)
    if client is not None and client.label is not None:
        assert client.label.args["sequence"] == client.sequence
        assert readings(client.label)


@given(_observations())
def test_the_same_check_again_proves_nothing_new(seen: list[CheckAnswered | DownloadEnded]) -> None:
    client = _after([*seen, *([an_offer(9)] * 2)])
    again = advance(client, an_offer(9))
    assert client is not None
    assert again is not None
    assert again.checks == client.checks + 1
    assert msgspec.structs.replace(again, checks=client.checks) == client


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_kebab_case(code: str) -> None:
    assert code == code.lower()
    assert code.replace("-", "").isalpha()


def test_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    turn = Turn(code="beamed-up", at=NOW)
    assert turn_sentence(turn) == "beamed-up (this version has no words for it)."
    assert readings(turn) == ()


def test_a_turn_that_lacks_a_value_is_shown_all_the_same() -> None:
    turn = Turn(code="discarded", at=NOW, args={"sequence": 0})
    assert turn_sentence(turn) == "discarded (another version wrote it, without 'was')."
    assert readings(Turn(code="rolled-back", at=NOW)) == ()


def _label(story: Story) -> Turn:
    assert story.client.label is not None
    return story.client.label
