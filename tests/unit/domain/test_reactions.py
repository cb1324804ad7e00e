from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.faults import Fault, check, download, every_fault, signature
from hotswap_dev.domain.faults.bundle import BundleFault, CrashOnLoad, NotGzip
from hotswap_dev.domain.faults.reactions import Requests, reaction, without_addresses
from hotswap_dev.domain.plugin.commands import CHECK_SECONDS, DOWNLOAD_SECONDS

each = pytest.mark.parametrize("kind", every_fault().values(), ids=list(every_fault()))

TRIED_AGAIN = [
    download.DownloadHttpError(),
    download.Truncate(),
    download.DownloadConnectionReset(),
    download.HugeContentLength(),
]
NEVER_TRIED_AGAIN: list[Fault] = [
    signature.WrongKey(),
    signature.LegacySignature(),
    signature.OtherFilesSignature(),
    signature.GarbageSignature(),
    download.CorruptByte(),
    NotGzip(),
]


@each
def test_what_a_reaction_says_of_check_apply_and_events_fits_together(kind: type[Fault]) -> None:
    told = reaction(kind())

    assert told.sentence.endswith(".")
    assert told.events[0] == "check-start"
    assert told.requests.check == 1, "a check is never tried again"
    assert told.available == (told.check is None and ("check-complete" in told.events) and _goes_on(told))
    assert not (told.applied and told.apply)
    assert told.applied == ("apply" in told.events)
    assert ("ready-confirmed" in told.events) == (told.applied and told.ready)
    assert (told.restart == "rolls-back") == (told.applied and not told.ready)
    for text in (told.check, told.apply):
        assert text is None or "://" not in text


def _goes_on(told: object) -> bool:
    return bool(getattr(told, "applied", False) or getattr(told, "apply", None))


@given(st.sampled_from(TRIED_AGAIN), st.integers(1, 8), st.integers(0, 6))
def test_of_so_many_attempts_the_first_that_is_not_struck_comes_through(
    fault: Fault, times: int, max_retries: int
) -> None:
    told = reaction(fault, times, max_retries)

    assert told.applied == (times <= max_retries)
    assert told.requests == Requests(check=1, download=min(times, max_retries) + 1)
    if not told.applied:
        assert told.apply == reaction(fault).apply


@given(st.sampled_from(NEVER_TRIED_AGAIN), st.integers(0, 6))
def test_what_arrived_whole_is_not_fetched_again_whatever_is_wrong_with_it(
    fault: Fault, max_retries: int
) -> None:
    told = reaction(fault, None, max_retries)

    assert told.apply is not None
    assert told.requests.download == 1
    assert told.events[-1] in ("download-start", "download-complete"), "no event says that it failed"


@given(st.sampled_from(list(every_fault().values())), st.integers(0, 6))
def test_how_often_an_app_tries_again_changes_nothing_but_downloads(
    kind: type[Fault], max_retries: int
) -> None:
    fault = kind()
    ours, usual = reaction(fault, None, max_retries), reaction(fault)

    assert (ours.check, ours.apply, ours.events, ours.restart) == (
        usual.check,
        usual.apply,
        usual.events,
        usual.restart,
    )
    assert ours.requests.download in (usual.requests.download, max_retries + 1)


@pytest.mark.parametrize("late", [0, 1])
def test_a_check_may_take_less_than_15_s_and_no_more(late: int) -> None:
    told = reaction(check.CheckDelay(ms=CHECK_SECONDS * 1000 - 1 + late))

    assert told.available == (not late)
    assert (told.check is None) == (not late)


@pytest.mark.parametrize("late", [0, 1])
def test_a_download_may_take_less_than_300_s_and_no_more(late: int) -> None:
    told = reaction(download.Stall(seconds=DOWNLOAD_SECONDS - 1 + late))

    assert told.applied == (not late)


def test_the_sentence_of_a_retry_counts_the_attempts_of_this_app() -> None:
    assert reaction(download.Truncate(), 2).sentence.startswith("2 of its 4 attempts fail")
    assert reaction(download.Truncate(), 2, 5).sentence.startswith("2 of its 6 attempts fail")


def test_a_page_that_crashes_is_rolled_back_and_offered_again() -> None:
    assert "a loop" in reaction(CrashOnLoad()).sentence


def test_a_bundle_fault_leaves_the_check_alone() -> None:
    for kind in every_fault().values():
        if issubclass(kind, BundleFault):
            assert reaction(kind()).available


def test_an_address_in_a_text_is_left_out_and_the_rest_of_the_text_stays() -> None:
    assert (
        without_addresses("network error: error sending request for url (http://a:1/b?c=d%20e)")
        == "network error: error sending request for url (…)"
    )
    assert without_addresses("insecure URL rejected: http://a/b (set require_https = false to allow)") == (
        "insecure URL rejected: … (set require_https = false to allow)"
    )
    assert without_addresses(None) is None
