"""What a person reads of what happens."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.cli.lines import clock, line, size
from hotswap_dev.domain.text import shown

AT = "2026-04-05T12:00:00Z"


def read(event: str, **fields: Any) -> str:
    """The line for an event, without time and colour."""
    text = line({"event": event, "at": AT, **fields})
    assert text is not None
    return click.unstyle(text).split("  ", 1)[1]


def a_check(**changes: Any) -> dict[str, Any]:
    fields = {
        "client": "Pixel",
        "sequence": 13,
        "status": 204,
        "reason": "up-to-date",
        "args": {"channel": "beta", "current": 13, "newest": 13},
        "offered": None,
    }
    return {**fields, **changes}


def test_an_offer_says_to_whom_what_and_why() -> None:
    args = {"sequence": 14, "version": "0.4.1-ota.14", "current": 13}
    text = read("check-answered", **a_check(status=200, reason="newer-release", args=args, offered=14))
    assert (
        " ".join(text.split()) == "Pixel at 13 ↓ 14 Release 14 (0.4.1-ota.14) is newer than the client's 13."
    )


def test_nothing_newer_says_so_and_proposes_nothing() -> None:
    text = read("check-answered", **a_check())
    assert " ".join(text.split()) == "Pixel at 13 204 The client has 13, the newest release of channel beta."


def test_a_refusal_names_the_command_that_would_change_it() -> None:
    args = {"sequence": 14, "binary_version": "0.4.0", "min_binary_version": "0.5.0"}
    text = read("check-answered", **a_check(reason="binary-too-old", args=args))
    assert "Release 14 needs binary 0.5.0, the client runs 0.4.0." in text
    assert "→ hotswap-dev edit-release 14 --min-binary-version" in text


def test_a_release_says_what_it_took() -> None:
    text = read(
        "published",
        sequence=14,
        version="0.4.1-ota.14",
        channel="beta",
        origin="build",
        files=1,
        bundle_size=1_240_000,
        changed=1,
        pack_ms=27.6,
        offered_ms=340.2,
    )
    assert text == (
        "▸ release 14  0.4.1-ota.14  beta  1 file, 1.2 MB, 1 changed; packed in 28 ms, offered 340 ms after the save"
    )


def test_a_download_that_broke_off_is_told_with_its_attempt() -> None:
    fields = {"client": None, "peer": "10.0.2.2", "sequence": 14, "duration_ms": 40.0, "range": False}
    text = read("download-ended", **fields, bytes=500, complete=False, attempt=2)
    assert " ".join(text.split()) == "10.0.2.2 broken off 500 B of release 14 in 40 ms, attempt 2 of 4"


def test_what_another_line_says_better_says_nothing() -> None:
    release = {"sequence": 2, "version": "1", "channel": "beta", "from_sequence": None}
    assert line({"event": "build-started", "at": AT, "path": "dist"}) is None
    assert line({"event": "override-spent", "at": AT, "override": 1, "times": 1}) is None
    assert line({"event": "build-channel-set", "at": AT, "channel": "beta", "configured": True}) is None
    for origin in ("build", "publish"):
        assert line({"event": "release-added", "at": AT, "release": {**release, "origin": origin}}) is None


def test_a_change_is_told_in_words_and_by_the_name_of_its_client() -> None:
    pinned = {"event": "client-pinned", "at": AT, "client": "p1", "sequence": 3}
    assert "QA phone (p1) is offered 3 and nothing else" in click.unstyle(
        line(pinned, {"p1": "QA phone"}) or ""
    )
    assert read("note-added", text="QA round 2") == "— QA round 2"


def test_a_run_of_equal_answers_says_how_many_and_until_when() -> None:
    until = "2026-04-05T12:09:30Z"
    assert f" ×12 until {clock(until)}  The client has 13" in read(
        "check-answered", **a_check(times=12, until=until)
    )
    assert read("check-answered", **a_check(more=4)).endswith("204 ×4 more")


def test_what_the_plugin_never_sends_is_marked() -> None:
    flags = ["platform-unknown", "arch-unknown", "binary-version-empty"]

    assert read("check-answered", **a_check(flags=flags)).endswith(
        "channel beta.  ! no known platform, no known arch, no binary version"
    )
    assert "!" not in read("check-answered", **a_check(flags=[]))


def test_a_client_is_called_by_its_name() -> None:
    text = line({"event": "check-answered", "at": AT, **a_check()}, {"Pixel": "QA phone"}) or ""
    assert "QA phone" in text
    assert "Pixel" not in text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9999, "10 kB"), (999_499, "999 kB"),
        (999_500, "1.0 MB"), (14_000_000, "14 MB"), (2_500_000_000, "2.5 GB"),
    ],
)  # fmt: skip
def test_sizes_are_in_the_unit_that_a_person_would_use(count: int, text: str) -> None:
    assert size(count) == text


@given(st.text())
def test_C3_no_text_of_a_client_draws_anything(hostile: str) -> None:
    """Observations hold what `shown` made of it; the line adds only its own colours and line breaks."""
    clean = shown(hostile)
    text = read("check-answered", **a_check(client=clean, args={"channel": clean, "current": 1, "newest": 1}))
    notice = read("notice", level="error", code="x", message=hostile, hint="")
    assert text.isprintable()
    assert notice.isprintable()


# Faults, downloads by their attempts, reports


def test_a_fault_that_struck_is_told_by_what_went_out() -> None:
    args = {"fault": "hang", "id": 3, "client": "", "channel": "", "left": 1, "instead": "newer-release"}
    silent = read("check-answered", **a_check(status=0, reason="fault", args=args, fault="hang"))
    page = read("check-answered", **a_check(status=200, reason="fault", args=args, fault="html-page"))
    late = read("check-answered", **a_check(status=200, reason="fault", args=args, fault="x", offered=14))

    assert " ".join(silent.split()) == (
        "Pixel at 13 ✗ nothing By the fault hang, armed for everyone, 1 more to come. "
        "Without it: newer-release. → hotswap-dev disarm-fault 3"
    )
    assert " ".join(page.split()).startswith("Pixel at 13 ✗ 200 By the fault")
    assert " ".join(late.split()).startswith("Pixel at 13 ✗ ↓ 14 By the fault")


def test_who_is_not_let_in_is_told_the_header_and_never_its_value() -> None:
    args = {"status": 401, "header": "X-API-Key", "channel": "beta"}
    text = " ".join(read("check-answered", **a_check(status=401, reason="access-denied", args=args)).split())

    assert text.startswith("Pixel at 13 401 Channel beta demands the header X-API-Key")
    assert text.endswith("→ hotswap-dev set-required-header beta X-API-Key none")


def test_a_check_of_the_second_protocol_says_so_and_which_product_it_is() -> None:
    text = read("check-answered", **a_check(protocol="update-server", product="my [bold]app"))

    assert text.endswith("  (update-server, product my [bold]app)")
    assert "update-server" not in read("check-answered", **a_check(protocol="hotswap", product=None))


def a_download(**changes: Any) -> dict[str, Any]:
    fields = {
        "client": "Pixel", "peer": "127.0.0.1", "sequence": 14, "bytes": 500, "complete": False, "attempt": 1,
        "duration_ms": 40.0, "range": False, "status": 200, "fault": None,
    }  # fmt: skip
    return {**fields, **changes}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"attempt": 1}, "Pixel broken off 500 B of release 14 in 40 ms, attempt 1 of 4, next in 1 s"),
        ({"attempt": 2}, "Pixel broken off 500 B of release 14 in 40 ms, attempt 2 of 4, next in 2 s"),
        ({"attempt": 3}, "Pixel broken off 500 B of release 14 in 40 ms, attempt 3 of 4, next in 4 s"),
        ({"attempt": 4}, "Pixel broken off 500 B of release 14 in 40 ms, attempt 4 of 4, the last"),
        ({"attempt": 5}, "Pixel broken off 500 B of release 14 in 40 ms"),
        (
            {"status": 503, "fault": "download/http-error", "attempt": 2},
            "Pixel ✗ 503 instead of release 14 in 40 ms, by the fault download/http-error, attempt 2 of 4, next in 2 s",
        ),
        (
            {"status": 0, "fault": "stall"},
            "Pixel ✗ nothing instead of release 14 in 40 ms, by the fault stall, attempt 1 of 4, next in 1 s",
        ),
        (
            {"fault": "truncate"},
            "Pixel broken off 500 B of release 14 in 40 ms, by the fault truncate, attempt 1 of 4, next in 1 s",
        ),
        ({"complete": True}, "Pixel fetched 500 B of release 14 in 40 ms"),
        ({"complete": True, "attempt": 3}, "Pixel fetched 500 B of release 14 in 40 ms, attempt 3 of 4"),
        (
            {"complete": True, "fault": "corrupt-byte"},
            "Pixel fetched 500 B of release 14 in 40 ms, though the fault corrupt-byte struck",
        ),
        ({"range": True}, "Pixel fetched a range: 500 B of release 14 in 40 ms"),
    ],
)
def test_a_download_says_which_attempt_it_was_and_when_the_plugin_comes_again(
    changes: dict[str, Any], text: str
) -> None:
    assert " ".join(read("download-ended", **a_download(**changes)).split()) == text


def test_what_an_app_reports_of_its_update_is_told_in_its_own_words() -> None:
    report = {"client": "Pixel", "peer": "127.0.0.1", "sequence": 14, "version": "1", "error": ""}

    ready = read("lifecycle-reported", **report, lifecycle="ready-confirmed")
    failed = read(
        "lifecycle-reported", **{**report, "error": "HTTP 503", "sequence": None}, lifecycle="check-error"
    )
    whose = read("lifecycle-reported", **{**report, "client": None}, lifecycle="apply")

    assert " ".join(ready.split()) == "Pixel says ready-confirmed 14"
    assert " ".join(failed.split()) == "Pixel says check-error: HTTP 503"
    assert " ".join(whose.split()) == "127.0.0.1 says apply 14 (nobody can tell which client)"


def test_a_completion_says_what_became_of_which_update_and_what_is_odd_about_it() -> None:
    told = {
        "client": "Pixel", "peer": "p", "request_id": "r", "update_type": "frontend", "status": "failed",
        "sequence": 14, "version": "1", "detail": "no space", "flags": ["hash-mismatch"],
    }  # fmt: skip

    assert " ".join(read("update-reported", **told).split()) == (
        "Pixel reports failed: frontend of release 14: no space ! hash-mismatch"
    )
    well = read(
        "update-reported", **{**told, "status": "success", "sequence": None, "detail": "", "flags": []}
    )
    assert " ".join(well.split()) == "Pixel reports success: frontend of an update"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("as-expected", "as expected"),
        ("unexpected", "not as expected"),
        ("cannot-tell", "nobody can tell"),
        ("of-tomorrow", "of-tomorrow"),  # a newer server may tell more of them apart
    ],
)
def test_what_a_fault_led_to_is_told_beside_what_was_expected(outcome: str, words: str) -> None:
    fields = {
        "client": "Pixel",
        "override": 3,
        "fault": "hang",
        "sequence": None,
        "detail": "It asked again.",
    }

    text = read("fault-outcome", **fields, outcome=outcome)

    assert " ".join(text.split()) == f"Pixel fault hang: {words}. It asked again."


@given(st.text())
def test_C3_no_text_of_a_report_draws_anything(hostile: str) -> None:
    report = {"client": None, "peer": "p", "sequence": None, "version": None, "error": hostile}
    told = {
        "client": "c", "peer": "p", "request_id": "r", "update_type": hostile, "status": hostile,
        "sequence": None, "version": None, "detail": hostile, "flags": [hostile],
    }  # fmt: skip
    for text in (
        read("lifecycle-reported", **report, lifecycle=hostile),
        read("update-reported", **told),
        read("check-answered", **a_check(protocol="update-server", product=hostile)),
    ):
        assert text.isprintable()
