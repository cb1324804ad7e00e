"""What a client's row says beside its label: an offer that is not taken, what it should not send."""

from __future__ import annotations

from hotswap_dev.domain.clients import remarks
from tests.unit.domain.clients import Story


def test_an_offer_that_is_not_fetched_names_require_https() -> None:
    story = Story().offered(14)
    assert remarks(story.client) == (
        "14 is offered and not downloaded yet; if apply() was called: require_https refuses http.",
    )
    assert remarks(story.fetched(14).client) == ()


def test_an_offer_whose_download_broke_off_says_that() -> None:
    (remark,) = remarks(Story().offered(14).broke_off(14).client)
    assert remark.startswith("14 is offered, and its last download broke off")


def test_an_offer_whose_download_was_denied_says_that_and_promises_no_further_attempts() -> None:
    for status in (401, 403):
        (remark,) = remarks(Story().offered(14).broke_off(14).denied(14, status=status).client)
        assert remark.startswith(
            "14 is offered, and its last download was denied: it came without the header"
        )
        assert "attempts" not in remark


def test_a_download_that_a_fault_denied_or_that_breaks_off_afterwards_broke_off() -> None:
    for story in (
        Story().offered(14).denied(14, fault="download/http-error"),
        Story().offered(14).denied(14).broke_off(14),
        Story().offered(14).denied(14, status=503),
    ):
        (remark,) = remarks(story.client)
        assert remark.startswith("14 is offered, and its last download broke off")


def test_whoever_was_denied_and_then_fetches_it_is_denied_no_longer() -> None:
    assert remarks(Story().offered(14).denied(14).fetched(14).client) == ()


def test_nothing_waits_for_a_client_that_was_told_no_update() -> None:
    assert remarks(Story().offered(14).reports(0).client) == ()


def test_an_app_without_a_version_is_told_where_it_belongs() -> None:
    (remark,) = remarks(Story().reports(0, binary_version=None).client)
    assert remark.startswith("The app sends no binary version")


def test_what_was_downloaded_before_is_not_said_to_be_not_downloaded() -> None:
    """Found by a trial: it was told that require_https might refuse what it had run."""
    back = Story().applies(104).offered(104, at=0)
    elsewhere = Story().reports(104).offered(104, at=0)

    for story in (back, elsewhere):
        assert story.label == "rolled-back"
        assert remarks(story.client) == (
            "104 is offered again: it had it before, and has not downloaded it since.",
        )
    assert remarks(back.fetched(104).client) == ()
    assert "require_https" in remarks(back.offered(105).client)[0]


def test_a_platform_or_arch_that_the_plugin_never_sends_is_remarked() -> None:
    (remark,) = remarks(Story().reports(0, platform="beos", arch="").client)

    assert remark.startswith("It sends what the plugin never does: platform beos (one of macos, windows, ")
    assert "; arch empty (one of x86_64, " in remark
    assert remarks(Story().reports(0).client) == ()
