from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.faults import Fault, bundle, check, download, every_fault, presets, signature
from hotswap_dev.domain.faults.outcomes import ENOUGH_CHECKS
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.domain.observations import DownloadEnded
from tests.unit.domain.fault_stories import (
    CLIENT,
    OFFERED,
    RUNS,
    Story,
    does_as_expected,
    does_otherwise,
)
from tests.unit.making import NOW, an_answered_check

each = pytest.mark.parametrize(
    "kind",
    [kind for kind in every_fault().values() if kind is not presets.Offline],
    ids=lambda kind: kind.named,
)


@each
@pytest.mark.parametrize("reports", [False, True], ids=["silent", "reporting"])
def test_who_does_what_is_expected_is_never_called_unexpected_and_something_is_said(
    kind: type[Fault], reports: bool
) -> None:
    story = does_as_expected(kind(), reports=reports)

    assert story.outcomes, "nothing was said"
    assert "unexpected" not in story.outcomes, story.detail


@each
def test_who_reports_what_is_expected_is_told_so(kind: type[Fault]) -> None:
    story = does_as_expected(kind(), reports=True)

    nobody_hears = reaction(kind()).events == ("check-start",)
    assert story.outcomes[-1] == ("cannot-tell" if nobody_hears else "as-expected")


@each
def test_who_does_otherwise_is_unexpected(kind: type[Fault]) -> None:
    story = does_otherwise(kind())

    # Whether https is required is the app's own affair, and nothing else would show it.
    assert story.outcomes == ["cannot-tell" if kind is check.InsecureUrl else "unexpected"]


@given(st.sampled_from([download.DownloadHttpError(), download.Truncate()]), st.integers(1, 6), st.booleans())
def test_whoever_retries_as_the_plugin_does_is_as_expected_however_often_it_was_struck(
    fault: Fault, times: int, reports: bool
) -> None:
    assert does_as_expected(fault, times=times, reports=reports).outcomes == ["as-expected"]


# Downloads


def test_four_attempts_and_then_nothing_are_as_expected() -> None:
    story = Story(download.DownloadHttpError()).fails_to_fetch(4).asks()

    assert story.outcomes == ["as-expected"]
    assert story.detail == "4 attempts at 2, then nothing; it still reports 1"


def test_three_attempts_where_four_were_expected_may_have_causes_that_nobody_sees_here() -> None:
    story = Story(download.DownloadHttpError()).fails_to_fetch(3).asks()

    assert story.outcomes == ["cannot-tell"]
    assert story.detail == (
        "3 attempts at 2, 4 were expected, and it still reports 1: it was closed, or its max_retries is another"
    )


def test_a_page_that_checks_while_the_plugin_waits_between_two_attempts_is_waited_for() -> None:
    story = Story(download.DownloadHttpError()).fails_to_fetch(3).asks(later=3)
    assert story.outcomes == []

    assert story.fails_to_fetch(1).asks().outcomes == ["as-expected"]


def test_a_fault_that_was_disarmed_between_two_attempts_is_no_reason_to_be_surprised() -> None:
    story = Story(download.DownloadHttpError()).fails_to_fetch(2).fetches().asks(OFFERED)

    assert story.outcomes == ["as-expected"]
    assert story.detail == "3 attempts at 2, and it runs 2"
    assert story.followed is None


def test_one_attempt_that_failed_where_the_next_would_have_come_through_is_not_taken_for_a_success() -> None:
    story = Story(download.Truncate(), times=1).fails_to_fetch(1).asks_on()

    assert story.outcomes == ["cannot-tell"]
    assert story.detail == (
        "it fetched 2 once, and it still reports 1; none of them came whole: it was closed, or its max_retries is "
        "another"
    )


def test_what_came_whole_though_late_and_does_not_run_is_perhaps_not_activated_yet() -> None:
    story = Story(download.Stall()).fetches(struck=True).asks_on()

    assert story.outcomes == ["cannot-tell"]
    assert "not activated yet" in story.detail


def test_running_a_bundle_that_only_ever_broke_off_is_unexpected() -> None:
    story = Story(download.Truncate()).fails_to_fetch(1).asks(OFFERED)

    assert story.outcomes == ["unexpected"]
    assert "network error: error decoding response body" in story.detail


def test_an_update_that_nobody_takes_cannot_be_told() -> None:
    story = Story(check.CheckDelay()).asks().asks()
    assert story.outcomes == []

    assert story.asks().outcomes == ["cannot-tell"]
    assert "nobody took the update" in story.detail


def test_while_a_bundle_is_on_its_way_nobody_says_that_nobody_took_it() -> None:
    story = Story(download.Bandwidth())
    assert story.followed is not None
    story.followed = replace(story.followed, fetching=True)

    assert story.asks_on().asks_on().outcomes == []
    assert story.fetches(struck=True).asks(OFFERED).outcomes == ["as-expected"]


def test_whoever_fetches_at_last_is_given_time_again_to_run_it() -> None:
    story = Story(check.CheckDelay()).asks().asks().fetches().asks()

    assert story.outcomes == []
    assert story.asks(OFFERED).outcomes == ["as-expected"]


# Signatures


def test_whoever_runs_a_bundle_with_a_bad_signature_is_unexpected() -> None:
    story = Story(signature.WrongKey()).fetches().asks(OFFERED)

    assert story.outcomes == ["unexpected"]
    assert "created with a different key" in story.detail
    assert story.followed is None


def test_it_is_unexpected_even_after_a_check_that_looked_well() -> None:
    story = Story(signature.WrongKey()).fetches().asks()
    assert story.outcomes == ["as-expected"]

    assert story.asks(OFFERED).outcomes == ["as-expected", "unexpected"]


def test_whoever_reports_that_it_verified_is_unexpected() -> None:
    assert Story(signature.GarbageSignature()).fetches().reports("download-complete", OFFERED).outcomes == [
        "unexpected"
    ]


def test_whoever_had_fetched_it_before_may_run_it_all_the_same() -> None:
    assert Story(signature.WrongKey(), before=True).fetches().asks(OFFERED).outcomes == ["cannot-tell"]


def test_what_its_page_reports_of_checks_is_nothing_to_a_fault_of_what_comes_after_them() -> None:
    story = Story(signature.WrongKey()).reports("check-error", error="boom").reports("check-complete")

    assert story.outcomes == []


def test_when_the_fault_is_over_before_anyone_fetched_there_is_nothing_to_tell() -> None:
    story = Story(signature.WrongKey()).asks(struck=False)

    assert story.outcomes == ["cannot-tell"]
    assert story.followed is None


# Checks


@pytest.mark.parametrize("fault", [check.CheckHttpError(), check.Hang(), check.HtmlPage()])
def test_after_a_check_that_failed_the_next_one_shows_that_it_goes_on(fault: Fault) -> None:
    story = Story(fault).asks()

    assert story.outcomes == ["as-expected"]
    assert story.asks().asks(struck=False).outcomes == ["as-expected"], "it is said once"


def test_whoever_fetches_what_it_should_drop_is_unexpected() -> None:
    assert Story(check.FutureMinBinaryVersion()).fetches().outcomes == ["unexpected"]


def test_whoever_was_offered_it_before_may_still_fetch_it() -> None:
    assert Story(check.HtmlPage(), before=True).fetches().outcomes == ["cannot-tell"]


def test_whoever_takes_a_lower_sequence_for_an_update_is_unexpected() -> None:
    story = Story(check.LowerSequence()).reports("check-complete", 0)

    assert story.outcomes == ["unexpected"]


def test_a_line_that_fails_by_itself_is_not_blamed_on_the_client() -> None:
    error = "network error: error sending request for url (http://192.168.1.2:3333/api/ota/1)"

    assert Story(check.SameSequence()).reports("check-error", error=error).outcomes == ["cannot-tell"]
    assert Story(check.Hang()).reports("check-error", error=error).outcomes == ["as-expected"]


def test_other_words_than_the_plugins_are_quoted_beside_those_that_were_expected() -> None:
    story = Story(check.CheckHttpError()).reports("check-error", error="boom")

    assert story.outcomes == ["unexpected"]
    assert "`boom`" in story.detail
    assert "`HTTP 503: update check failed`" in story.detail


@pytest.mark.parametrize("reports", [False, True])
def test_an_app_that_does_not_require_https_shows_nothing_of_an_insecure_url(reports: bool) -> None:
    story = Story(check.InsecureUrl()).fetches()
    if reports:
        story.reports("download-complete", OFFERED).reports("apply", OFFERED)
    story.asks(OFFERED)

    assert story.outcomes == ["cannot-tell"]
    assert "https is not required" in story.detail


# Bundles


def test_what_ran_and_fell_back_is_as_expected_of_a_page_that_crashes() -> None:
    story = Story(bundle.CrashOnLoad()).fetches().asks(OFFERED).asks(RUNS)

    assert story.outcomes == ["as-expected"]
    assert story.detail == "it ran 2, and is back at 1"


def test_a_page_that_should_crash_and_says_that_it_is_ready_is_unexpected() -> None:
    story = Story(bundle.CrashOnLoad()).fetches().reports("ready-confirmed", OFFERED)

    assert story.outcomes == ["unexpected"]


def test_what_runs_on_and_on_may_be_confirmed_or_not_started_again() -> None:
    story = Story(bundle.BlankPage()).fetches()
    for _ in range(ENOUGH_CHECKS):
        story.asks(OFFERED)
    assert story.outcomes == ["cannot-tell"]

    assert story.asks(RUNS).outcomes == ["cannot-tell", "as-expected"], "then it fell back after all"


def test_whoever_runs_what_cannot_be_extracted_is_unexpected() -> None:
    assert Story(bundle.PathTraversal()).fetches().asks(OFFERED).outcomes == ["unexpected"]


# Laws

STRENGTH = ["cannot-tell", "as-expected", "unexpected"]
_EVENTS = (
    "check-start",
    "check-complete",
    "check-error",
    "download-start",
    "download-complete",
    "download-error",
    "apply",
    "ready-confirmed",
    "rollback",
    "apply-error",
    "of a later plugin",
)


@given(
    st.sampled_from([kind() for kind in every_fault().values()]),
    st.none() | st.integers(1, 5),
    st.booleans(),
    st.lists(
        st.one_of(
            st.tuples(st.just("asks"), st.integers(0, 3), st.booleans()),
            st.tuples(st.just("fetches"), st.booleans(), st.booleans()),
            st.tuples(st.just("reports"), st.sampled_from(_EVENTS), st.sampled_from([None, 0, 1, 2, 3])),
        ),
        max_size=12,
    ),
)
def test_whatever_a_client_does_each_word_on_it_is_stronger_than_the_last(
    fault: Fault, times: int | None, before: bool, steps: list[tuple[str, object, object]]
) -> None:
    story = Story(fault, times, before)
    for what, one, other in steps:
        if what == "asks":
            story.asks(int(str(one)), struck=bool(other))
        elif what == "fetches":
            story.fetches(struck=bool(one), complete=bool(other))
        else:
            story.reports(str(one), other if isinstance(other, int) else None, "some words")

    said = [STRENGTH.index(one) for one in story.outcomes]
    assert said == sorted(set(said))
    assert all(one.detail and not one.detail.endswith(".") for one in story.told)


def test_what_others_do_and_other_releases_are_nothing_to_it() -> None:
    story = Story(signature.WrongKey())
    before = story.followed
    another = DownloadEnded(
        at=NOW, client=CLIENT, peer="p", sequence=9, bytes=1, complete=True, attempt=1, duration_ms=1
    )

    story.see(another).see(replace(another, sequence=OFFERED, range=True))
    story.see(replace(an_answered_check(CLIENT), sequence=None))

    assert story.followed == before
