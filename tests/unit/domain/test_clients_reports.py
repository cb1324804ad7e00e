"""What an app's own reports add to its check-ins: a proof where those only suggest, and the words of a failure."""

from __future__ import annotations

import pytest

from hotswap_dev.domain.clients import advance, label_sentence, remarks
from hotswap_dev.domain.labels import Turn, inferred, readings
from hotswap_dev.domain.observations import Observation
from tests.unit.domain.clients import Story, a_completion

# Confirmed


def test_what_is_applied_is_confirmed_once_its_page_says_so() -> None:
    story = Story().applies(14).says("ready-confirmed", 14)
    assert story.label == "confirmed"
    assert readings(_label(story)) == ("confirmed",)
    assert not inferred(_label(story))
    assert label_sentence(story.client) == (
        "It runs 14, and its page confirmed it: its lifecycle report of notifyReady() says so."
    )


def test_it_stays_confirmed_when_it_checks_again_and_confirms_at_its_next_start() -> None:
    story = Story().applies(14).says("ready-confirmed", 14)
    before = story.codes
    story.reports(14).says("ready-confirmed", 14).reports(14)
    assert (story.label, story.codes) == ("confirmed", before)


def test_a_report_that_comes_before_the_next_check_says_what_runs_and_that_it_is_confirmed() -> None:
    story = Story().offered(14).fetched(14).says("ready-confirmed", 14)
    assert (story.label, story.client.sequence, story.client.minimum) == ("confirmed", 14, "1.0.0")
    assert story.codes == ["embedded", "fetched", "applied", "confirmed"]
    assert story.reports(14).label == "confirmed"
    assert story.codes == ["embedded", "fetched", "applied", "confirmed"]


def test_what_was_never_fetched_here_is_believed_confirmed_only_when_a_check_reports_it() -> None:
    story = Story().reports(0).says("ready-confirmed", 14)
    assert (story.label, story.client.sequence) == ("embedded", 0)
    assert story.reports(14).label == "confirmed"
    assert story.codes[-2:] == ["running", "confirmed"]


def test_a_claim_that_the_next_check_contradicts_is_forgotten() -> None:
    story = Story().reports(0).says("ready-confirmed", 14).reports(0, reason="forced-204").reports(14)
    assert story.label == "running"


def test_a_late_confirmation_of_an_older_one_takes_nothing_from_what_runs() -> None:
    story = Story().applies(13).applies(14, at=13).says("ready-confirmed", 14).says("ready-confirmed", 13)
    assert (story.label, story.client.confirmed) == ("confirmed", 14)


def test_after_a_fall_the_page_that_was_gone_back_to_confirms_itself_and_the_fall_stays_to_be_read() -> None:
    story = Story().applies(13).applies(14, at=13).offered(14, at=13).says("ready-confirmed", 13)
    assert (story.label, story.client.confirmed) == ("rolled-back", 13)


def test_what_is_downloaded_again_after_it_was_given_up_has_to_be_confirmed_again() -> None:
    story = Story().applies(14).says("ready-confirmed", 14).offered(14, at=0).fetched(14).reports(14)
    assert story.label == "applied"


def test_a_confirmed_one_that_is_gone_was_not_given_up_by_a_start() -> None:
    story = Story().applies(13).applies(14, at=13).says("ready-confirmed", 14).reports(13)
    assert story.label == "rolled-back"
    assert readings(_label(story)) == ("rolled-back",)
    assert label_sentence(story.client) == (
        "It reported 14, now 13: rolled back. 14 had been confirmed, so no start gave it up: the app called rollback()."
    )


def test_that_an_older_one_was_confirmed_says_nothing_of_the_one_that_is_gone() -> None:
    story = Story().applies(13).says("ready-confirmed", 13).applies(14, at=13).reports(13)
    assert "14 was not confirmed by notifyReady() before a start" in label_sentence(story.client)


def test_a_confirmed_one_that_is_gone_to_0_may_be_reinstalled_or_discarded_too() -> None:
    story = Story().applies(14).says("ready-confirmed", 14).reports(0)
    assert readings(_label(story)) == ("rolled-back", "reinstalled", "discarded")
    assert "was not confirmed" not in label_sentence(story.client)


def test_the_second_time_that_a_confirmed_one_is_given_up_blames_no_missing_confirmation() -> None:
    story = Story().applies(13)
    for _ in range(2):
        story.applies(14, at=13).says("ready-confirmed", 14).reports(13)
    assert story.label == "rollback-loop"
    assert "is not confirmed by notifyReady()" not in label_sentence(story.client)


def test_beside_a_confirmed_one_only_what_was_fetched_meanwhile_can_have_been_unconfirmed() -> None:
    story = Story().applies(13).applies(14, at=13).says("ready-confirmed", 14)
    story.offered(15, at=14).fetched(15).reports(0)
    assert "15, which it had fetched, was not confirmed before a start" in label_sentence(story.client)


# Applied


def test_apply_says_what_runs_before_the_next_check_does() -> None:
    story = Story().offered(14).fetched(14).says("apply", 14)
    assert (story.label, story.client.sequence) == ("applied", 14)
    assert remarks(story.client) == ()


def test_applied_and_gone_before_it_ever_checked_is_a_rollback_and_not_a_failed_activation() -> None:
    story = Story().applies(13).offered(14, at=13).fetched(14).says("apply", 14).reports(13)
    assert story.label == "rolled-back"
    assert _label(story).args["gave_up"] == 14


def test_an_apply_of_what_was_never_fetched_here_proves_nothing() -> None:
    story = Story().reports(13)
    before = story.client
    assert story.says("apply", 14).client is before


# Rolled back


def test_a_rollback_that_is_reported_is_the_apps_own() -> None:
    story = Story().applies(13).applies(14, at=13).says("rollback", 13)
    assert (story.label, story.client.sequence, story.client.fell_from) == ("rolled-back", 13, 14)
    assert readings(_label(story)) == ("rolled-back",)
    assert label_sentence(story.client) == (
        "It gave 14 up for 13: rolled back. The app called rollback(), by its own report."
    )
    assert story.reports(13).label == "rolled-back"


def test_a_rollback_without_a_sequence_ended_at_the_embedded_page() -> None:
    story = Story().applies(14).says("rollback")
    assert (story.label, story.client.sequence) == ("rolled-back", 0)
    assert readings(_label(story)) == ("rolled-back", "reinstalled", "discarded")
    assert label_sentence(story.client) == (
        "It gave 14 up for the embedded page: rolled back. The app called rollback(), by its own report; whether a "
        "start had left 14 before can't be seen. (Inferred.)"
    )


def test_a_check_that_was_faster_than_the_report_of_a_rollback_is_explained_by_it() -> None:
    story = Story().applies(13).applies(14, at=13).reports(13).says("rollback", 13)
    assert story.label == "rolled-back"
    assert label_sentence(story.client).endswith("The app called rollback(), by its own report.")
    assert story.codes.count("rolled-back") == 1
    assert story.client.falls == 1


def test_a_rollback_of_what_ran_without_a_check_is_one_of_what_was_fetched() -> None:
    story = Story().applies(13).offered(14, at=13).fetched(14).says("rollback", 13)
    assert (story.label, story.client.fell_from) == ("rolled-back", 14)
    assert story.reports(13).label == "rolled-back"


def test_a_rollback_with_nothing_to_leave_changes_nothing() -> None:
    story = Story().reports(0)
    before = story.client
    assert story.says("rollback").client is before


def test_a_rollback_from_what_was_never_seen_changes_nothing() -> None:
    story = Story().reports(13)
    before = story.client
    assert story.says("rollback", 14).client is before


def test_a_rollback_to_what_was_never_seen_is_left_to_the_next_check_whatever_was_fetched() -> None:
    story = Story().offered(15, at=13).fetched(15)
    before = story.client
    assert story.says("rollback", 14).client is before


def test_an_app_that_rolls_back_again_and_again_is_a_loop_of_its_own_making() -> None:
    story = Story().applies(13)
    for _ in range(2):
        story.applies(14, at=13).says("rollback", 13)
    assert story.label == "rollback-loop"
    assert "The app called rollback(), by its own report" in label_sentence(story.client)


# Failed


def test_a_download_that_failed_has_the_plugins_words() -> None:
    story = Story().offered(14).says("download-error", 14, error="HTTP 503: bundle download failed")
    assert story.label == "failed"
    assert readings(_label(story)) == ("update-failed",)
    assert label_sentence(story.client) == (
        "It could not download 14, by its own report: `HTTP 503: bundle download failed`; it keeps the embedded page."
    )
    assert remarks(story.client) == ()


def test_each_further_failure_is_counted() -> None:
    story = Story().offered(14, at=13)
    for _ in range(3):
        story.says("download-error", 14, error="HTTP 503: bundle download failed").offered(14, at=13)
    assert "could not download 14 for the 3rd time" in label_sentence(story.client)
    assert story.codes.count("failed") == 1


def test_what_the_promise_repeats_of_the_plugins_event_is_one_failure() -> None:
    said = "HTTP 503: bundle download failed"
    story = Story().offered(14).says("download-error", 14, error=said).says("apply-error", 14, error=said)
    assert "could not download 14, by" in label_sentence(story.client)
    assert story.codes.count("failed") == 1


def test_a_refused_signature_that_is_reported_leaves_nothing_to_guess() -> None:
    said = "signature verification failed: Unexpected signature algorithm"
    story = Story().offered(14).fetched(14).says("apply-error", 14, error=said).offered(14)
    assert story.label == "failed"
    assert label_sentence(story.client) == (
        f"It could not apply 14, by its own report: `{said}`; it keeps the embedded page."
    )


def test_the_next_download_that_comes_to_nothing_is_a_guess_again() -> None:
    story = (
        Story().offered(14).fetched(14).says("apply-error", 14, error="x").offered(14).fetched(14).offered(14)
    )
    assert story.label == "not-activated"


def test_an_apply_error_without_a_sequence_is_about_what_was_fetched_last() -> None:
    story = (
        Story().offered(14).fetched(14).says("apply-error", error="extraction failed: invalid gzip header")
    )
    assert _label(story).args["of"] == 14


def test_what_failed_before_and_works_now_is_applied() -> None:
    story = Story().offered(14).says("download-error", 14, error="x").fetched(14).reports(14)
    assert story.label == "applied"


def test_a_failure_of_what_runs_already_is_old_news() -> None:
    story = Story().applies(14)
    before = story.client
    assert story.says("download-error", 14, error="x").client is before


def test_a_check_that_failed_has_the_plugins_words_until_it_checks_again() -> None:
    story = Story().applies(14).says("ready-confirmed", 14).reports(14, status=500, reason="fault")
    story.says("check-error", error="HTTP 500: update check failed")
    assert (story.label, readings(_label(story))) == ("failed", ("check-failed",))
    assert label_sentence(story.client) == (
        "Its last check failed, by its own report: `HTTP 500: update check failed`; it keeps 14."
    )
    assert story.reports(14).label == "confirmed"


@pytest.mark.parametrize("event", ["check-complete", "download-start"])
def test_whatever_works_after_a_failed_check_ends_its_label(event: str) -> None:
    story = Story().applies(14).says("check-error", error="x").says("check-error", error="x").says(event)
    assert story.label == "applied"
    assert story.codes[-1] == "failed"


def test_a_check_that_only_starts_changes_nothing() -> None:
    story = Story().applies(14).says("check-error", error="x")
    before = story.client
    assert story.says("check-start").client is before


# The second protocol


def test_a_completion_says_that_it_is_installed_and_the_next_check_that_it_runs() -> None:
    story = Story().offered(14).fetched(14).completes(14)
    assert (story.label, story.client.sequence) == ("completed", 0)
    assert label_sentence(story.client) == (
        "Its completion says that it installed 14; its next check shows whether it runs it."
    )
    assert story.reports(14).label == "applied"


def test_a_completion_after_the_check_bears_out_what_it_reports() -> None:
    story = Story().applies(14).completes(14)
    assert label_sentence(story.client) == "It reports 14, and its completion says that it installed it."


def test_a_client_that_names_its_binary_asks_as_0_before_and_after_and_has_not_fallen() -> None:
    story = Story().offered(14).fetched(14).completes(14).offered(14)
    assert story.label == "completed"


def test_a_completion_that_failed_has_its_detail() -> None:
    story = Story().offered(14).fetched(14).completes(14, "failed", detail="hash mismatch").offered(14)
    assert label_sentence(story.client) == (
        "It could not install 14, by its own report: `hash mismatch`; it keeps the embedded page."
    )


@pytest.mark.parametrize(
    "completion",
    [
        a_completion(None),
        a_completion(12),
        a_completion(14, "perhaps"),
        a_completion(14, update_type="sidecar"),
    ],
)
def test_a_completion_of_nothing_that_was_asked_for_changes_nothing(completion: Observation) -> None:
    before = Story().reports(13).client
    assert advance(before, completion) is before


@pytest.mark.parametrize(
    "flag", ["other-client", "repeated", "unknown-request", "missing-request-id", "not-offered"]
)
@pytest.mark.parametrize("status", ["success", "failed"])
def test_a_completion_that_is_not_its_own_first_word_says_nothing_of_the_client(
    flag: str, status: str
) -> None:
    before = Story().offered(14).fetched(14).client
    assert advance(before, a_completion(14, status)) != before
    assert advance(before, a_completion(14, status, flags=(flag, "missing-size"))) is before


def test_a_completion_that_only_deviates_still_counts() -> None:
    story = Story().offered(14).fetched(14).completes(14, flags=("missing-version",))
    assert story.label == "completed"


def _label(story: Story) -> Turn:
    assert story.client.label is not None
    return story.client.label
