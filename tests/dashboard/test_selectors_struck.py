"""Rows of struck checks, downloads, reports, completions and outcomes: what went out, and what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from hotswap_dev.dashboard.selectors import check_line
from hotswap_dev.dashboard.selectors.struck import went_out
from hotswap_dev.dashboard.spans import Line, cells, plain
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.faults import Fault, every_fault
from hotswap_dev.domain.observations import Observation
from tests.dashboard.struck import (
    REQUEST,
    a_struck_check,
    asked_by_post,
    became,
    completed,
    fetch,
    reported,
    struck_once_more,
)
from tests.dashboard.views import Scene, a_morning

WIDTHS = (57, 77, 117, 197)


def newest_line(scene: Scene, width: int = 117) -> Line:
    view = scene.view()
    return check_line(view.rows[0], view, width)


def said_of(*events: Observation, width: int = 117) -> str:
    return plain(newest_line(a_morning().later(1).happens(*events), width))


def roles(line: Line, text: str) -> set[str]:
    return {span.role for span in line if text in span.text}


# --- struck checks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("check/http-error", "503", "503"),
        ("hang", "—", "hang"),
        ("check/connection-reset", "—", "reset"),
        ("empty-response", "—", "not a byte"),
        ("missing-field", "200", "bent manifest"),
        ("html-page", "200", "an HTML page"),
        ("malformed-json", "200", "JSON cut off"),
        ("wrong-key", "200", "bad signature"),
        ("check/delay", "200", "late"),
    ],
)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_struck_check_says_which_fault_it_was_and_what_went_out(
    fault: str, status: str, says: str, width: int
) -> None:
    line = newest_line(a_struck_check(fault), width)
    text = plain(line)
    name = fault.rpartition("/")[2]

    assert says in text or width < 77  # where there is no room for it, the fault's name and the status say it
    assert f" {status} " in text
    assert name[:13] in text
    assert roles(line, name[:8]) == {"fault"}
    assert "newer-release" not in text


def test_what_a_fault_has_done_has_a_colour_of_its_own() -> None:
    struck = newest_line(a_struck_check("hang"))
    assert "fault" in {span.role for span in struck}
    assert "fault" not in {span.role for span in newest_line(a_morning().later(1).asks("px", 12))}


def test_a_client_that_still_hears_of_its_offer_shows_both() -> None:
    assert "bad signature  rolled back 14  offered 14" in plain(newest_line(a_struck_check("wrong-key")))
    assert "offered" not in plain(newest_line(a_struck_check("hang")))


def test_a_run_of_equal_struck_checks_is_one_row_that_is_counted() -> None:
    scene = a_struck_check("hang")
    for _ in range(4):
        struck_once_more(scene.later(1))
    assert "— ×5" in plain(newest_line(scene))


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in every_fault().items()])
def test_every_fault_has_a_few_words_for_what_went_out(kind: type[Fault]) -> None:
    status = kind().told_status(200)
    assert 0 < len(went_out(kind().name, status)) <= 16
    assert went_out(kind().name, status) != str(0)


def test_a_fault_of_another_version_says_its_status() -> None:
    assert went_out("melt-the-cable", 502) == "502"
    assert went_out("melt-the-cable", 0) == "nothing"


def test_a_refused_client_says_which_header_it_lacks() -> None:
    scene = a_morning().later(1)
    scene.told_anyhow(
        "px", 12, status=401, reason="access-denied",
        args={"status": 401, "header": "X-Api-Key", "channel": "beta"},
    )  # fmt: skip
    line = newest_line(scene)
    assert "401" in plain(line)
    assert "access-denied" in plain(line)
    assert "without X-Api-Key" in plain(line)
    assert roles(line, "401") == {"bad"}


# --- downloads -----------------------------------------------------------------------------------------------------


def test_an_attempt_says_which_it_was_and_when_the_next_one_comes() -> None:
    scene = a_morning().later(1).happens(fetch())
    assert "connection-reset" in plain(newest_line(scene))
    assert "reset  attempt 2 of 4, next in 2 s" in plain(newest_line(scene))
    assert "2/4, next in 2 s" in plain(newest_line(scene, 77))

    scene.now = scene.now.replace(microsecond=0)
    assert "next in 1 s" in plain(newest_line(scene.later(1)))
    assert "attempt 2 of 4" in plain(newest_line(scene.later(5)))
    assert "next" not in plain(newest_line(scene))


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (2, 2), (3, 4)])
def test_the_pauses_are_those_of_the_plugin(attempt: int, seconds: int) -> None:
    assert f"attempt {attempt} of 4, next in {seconds} s" in said_of(fetch(attempt=attempt))


def test_after_the_fourth_attempt_none_is_next() -> None:
    assert "attempt 4 of 4, the last" in said_of(fetch(attempt=4))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fault": "download/http-error", "status": 503, "bytes": 0}, "http-error"),
        ({"fault": "corrupt-byte", "complete": True, "attempt": 1}, "a byte changed"),
        ({"fault": "bandwidth", "complete": True, "attempt": 1}, "slowly"),
        ({"fault": None, "status": 403, "bytes": 0}, "access-denied"),
        ({"fault": None, "status": 500, "bytes": 0}, "500        refused"),
        ({"fault": "offline", "status": 0, "bytes": 0}, "nobody listens"),
    ],
)
def test_a_download_says_what_became_of_it(changes: dict[str, Any], says: str) -> None:
    assert says in said_of(fetch(**changes))


def test_a_download_that_was_answered_nothing_shows_a_dash() -> None:
    assert " — " in said_of(fetch(status=0, bytes=0))


def test_a_range_is_no_attempt_of_the_plugin() -> None:
    assert "attempt" not in said_of(fetch(range=True, fault=None))


# --- the second protocol, and reports ------------------------------------------------------------------------------


def test_a_check_of_the_second_protocol_says_its_product_its_updates_and_its_request() -> None:
    said = said_of(asked_by_post(), width=157)
    assert "offered 14" in said
    assert "and data 9" in said
    assert "my-product" in said
    assert REQUEST in said


def test_a_request_that_was_offered_nothing_has_no_id() -> None:
    said = said_of(asked_by_post(status=204, reason="up-to-date", args={}, offered=None, request_id=None))
    assert "my-product" in said
    assert "offered" not in said


@pytest.mark.parametrize(
    ("event", "says", "role"),
    [
        (reported(), "confirmed 14", "good"),
        (reported("apply"), "applied 14", "good"),
        (reported("rollback", sequence=12), "rolled back to 12", "bad"),
        (reported("rollback", sequence=None), "rolled back to the embedded page", "bad"),
        (reported("download-error", error="HTTP 503: bundle download failed"), "failed 14: HTTP 503", "bad"),
        (reported("apply-error", sequence=None, error=""), "failed: it does not say why", "bad"),
        (reported("check-start", sequence=None), "checks", "dim"),
    ],
)
def test_a_lifecycle_report_says_what_it_means(event: Observation, says: str, role: str) -> None:
    line = newest_line(a_morning().later(1).happens(event))
    assert says in plain(line)
    assert roles(line, says) == {role}
    assert "Pixel" in plain(line)


def test_an_event_of_a_newer_plugin_is_shown_by_its_name() -> None:
    assert "self-destruct" in said_of(reported("self-destruct"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "success"),
        ({"status": "failed", "detail": "bad checksum"}, "bad checksum"),
        ({"status": "not-reported"}, "not reported"),
        ({"status": ""}, "no status"),
        ({"flags": ("hash-mismatch", "repeated")}, "! another hash than was offered, it was said before"),
        ({"client": None}, "192.168.1.24"),
        ({"update_type": "data"}, "data"),
    ],
)
def test_a_completion_says_how_it_went_and_what_is_wrong_with_it(changes: dict[str, Any], says: str) -> None:
    assert says in said_of(completed(**changes), width=157)


@pytest.mark.parametrize(
    ("outcome", "says", "role"),
    [
        ("as-expected", "as expected", "good"),
        ("unexpected", "unexpected", "bad"),
        ("cannot-tell", "can't tell", "dim"),
    ],
)
def test_what_became_of_a_fault_says_whether_it_was_expected(outcome: str, says: str, role: str) -> None:
    line = newest_line(a_morning().later(1).happens(became(outcome=outcome)))
    assert f"{says}: it asked again, at 12" in plain(line)
    assert roles(line, says) == {role}
    assert roles(line, "http-error") == {"fault"}


# --- every row, whatever is in it ----------------------------------------------------------------------------------

HOSTILE = ("[@click=app.leave]x[/]", "\x1b]52;c;aGVsbG8=\x07", "a\u202eb", "half\udcff", "漢字" * 90, "")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", WIDTHS)
def test_C3_no_text_of_a_report_draws_by_itself_or_is_wider_than_the_row(text: str, width: int) -> None:
    scene = a_morning().done(ArmFault(fault="hang", client="px"))
    for event in (
        asked_by_post(text, product=text, request_id=text, args={"updates": text}, flags=(text,)),
        asked_by_post(reason="access-denied", status=403, args={"header": text}, product=text),
        asked_by_post(fault=text, status=0, reason="fault", args={"fault": text, "id": text}),
        reported(text, error=text, version=text, client=text, peer=text),
        reported("apply-error", error=text, client=None, peer=text),
        completed(status=text, detail=text, version=text, request_id=text, update_type=text, flags=(text,)),
        became(client=text, fault=text, detail=text, outcome=text),
        fetch(fault=text, client=None, peer=text),
    ):
        scene.happens(event)
    view = scene.view()
    for row in view.rows:
        line = check_line(row, view, width)
        assert plain(line).isprintable()
        assert cells(line) <= width
