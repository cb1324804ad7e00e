"""WHY of a struck check, a download, a report and an outcome: which fault, for whom, what comes next, what ends it."""

from __future__ import annotations

from typing import Any

import pytest

from hotswap_dev.dashboard.selectors import why_lines
from hotswap_dev.dashboard.spans import cells, plain
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.observations import FaultOutcome, Observation
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
from tests.dashboard.views import Scene, a_morning, row_where, texts


def why_of(scene: Scene, width: int = 117, height: int = 7, **fields: Any) -> str:
    """WHY of the newest row with these fields, its lines joined as a sentence."""
    view = row_where(scene.view(), **fields)
    return " ".join(texts(why_lines(view, width, height)).split())


def after(*events: Observation) -> Scene:
    return a_morning().later(1).happens(*events)


def test_a_struck_check_says_which_fault_for_whom_how_long_and_what_it_would_have_been() -> None:
    said = why_of(a_struck_check("hang", sequence=12), client="px")
    assert "By the fault hang, armed for px, until it is disarmed. Without it: newer-release." in said


def test_next_of_a_struck_check_is_what_the_client_does_under_the_fault() -> None:
    said = why_of(a_struck_check("check/http-error"), client="px")
    assert "NEXT Its check fails with `HTTP 503: update check failed`, and it keeps what it runs." in said


def test_the_key_that_ends_the_fault_stands_beside_why() -> None:
    view = row_where(a_struck_check("hang").view(), client="px")
    lines = why_lines(view, 117, 7)
    assert any(span.role == "key" for line in lines for span in line) or "disarm-fault 1" in texts(lines)


def test_a_fault_that_counts_down_is_the_same_answer_as_then() -> None:
    scene = a_struck_check("hang", times=4)
    assert "NOW" not in why_of(scene, client="px")
    assert "3 more to come" in why_of(scene, client="px")


def test_once_it_is_disarmed_what_holds_now_is_said_too() -> None:
    scene = a_struck_check("hang").later(1).done(DisarmFault(id=1))
    said = why_of(scene, client="px", fault="hang")
    assert "By the fault hang" in said
    assert "NOW Release 14" in said


def test_another_fault_of_the_same_name_is_another_answer() -> None:
    scene = a_struck_check("check/http-error").later(1).done(DisarmFault(id=1))
    scene.done(ArmFault(fault="check/http-error", client="px", parameters={"status": 418}))
    said = why_of(scene, client="px", fault="check/http-error")
    assert "HTTP 418" in said
    assert "NOW" in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "Pixel got a fault (reset) at attempt 2 of 4, after 600 kB of release 14 in 40 ms."),
        ({}, "The plugin tries 2 more times by itself, next in 2 s."),
        ({"attempt": 4}, "That was the plugin's last attempt by itself."),
        ({"fault": "download/http-error", "status": 503}, "Pixel got HTTP 503 at attempt 2 of 4"),
        ({"fault": None, "status": 403, "bytes": 0}, "Pixel was refused with 403 at attempt 2 of 4."),
        ({"fault": None, "status": 0, "bytes": 0}, "Pixel was answered nothing at attempt 2 of 4."),
        ({"fault": None}, "Pixel broke off attempt 2 of 4 after 600 kB of release 14 in 40 ms."),
    ],
)
def test_a_download_says_what_it_came_to_and_when_the_next_attempt_is_due(
    changes: dict[str, Any], says: str
) -> None:
    assert says in why_of(after(fetch(**changes)), attempt=changes.get("attempt", 2))


def test_what_struck_a_download_is_named_as_long_as_it_is_armed() -> None:
    scene = a_morning().later(1).done(ArmFault(fault="download/connection-reset", times=3)).happens(fetch())
    assert "struck it: armed for everyone, 3 more to come." in why_of(scene, attempt=2)

    scene.done(DisarmFault(id=1))
    assert "struck it; it is not armed any more." in why_of(scene, attempt=2)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (reported(), "Pixel says ready-confirmed: confirmed 14."),
        (reported("apply-error", error="no room left"), "Pixel says apply-error: failed 14: no room left."),
        (reported(client=None), "Nobody can tell which client that is: its page may send `device`."),
        (completed(), "Anna's Mac completed frontend 0.4.1-ota.14 with success."),
        (completed(), f"It was offered 14 by request {REQUEST}."),
        (completed(status="failed", detail="bad checksum"), "with failed: bad checksum."),
        (completed(sequence=None, flags=("unknown-request",)), "But no such request was answered here."),
        (became(), "Under check/http-error (1) Pixel did what it was expected to do: it asked again, at 12."),
        (became(outcome="unexpected"), "did something else than it was expected to do: it asked again"),
        (became(outcome="cannot-tell", detail=""), "did what can't be told from here."),
    ],
)
def test_reports_completions_and_outcomes_are_told_in_a_sentence(event: Observation, says: str) -> None:
    # A line has 110 columns: here it is about the words.
    view = row_where(after(event).view(), at=after(event).now)
    assert says in " ".join(texts(why_lines(view, 117, 9)).split())


def test_an_outcome_offers_the_key_that_ends_the_fault_while_it_is_armed() -> None:
    scene = a_struck_check("check/http-error").later(1).happens(became())
    lines = why_lines(row_where(scene.view(), outcome="as-expected"), 117, 7)
    assert "disarm" in texts(lines) or any(span.role == "key" for line in lines for span in line)


def test_a_check_of_the_second_protocol_is_explained_as_any_other() -> None:
    scene = after(asked_by_post())
    assert "WHY Release 14 (0.4.1-ota.14) is newer than the client's 12." in why_of(scene, request_id=REQUEST)


HOSTILE = ("[@click=app.leave]x[/]", "\x1b]52;c;aGVsbG8=\x07", "a\u202eb", "half\udcff", "漢字" * 90, "")


def drawn(view: View, width: int) -> None:
    for line in why_lines(view, width, 7):
        assert plain(line).isprintable()
        assert cells(line) <= width


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [40, 77, 117, 197])
def test_C3_no_text_of_a_report_draws_by_itself_in_why(text: str, width: int) -> None:
    events: list[Observation] = [
        reported(text, error=text, client=text or None, peer=text),
        completed(status=text, detail=text, version=text, request_id=text, update_type=text, flags=(text,)),
        FaultOutcome(
            at=became().at,
            client=text,
            override=1,
            fault=text,
            sequence=None,
            outcome="unexpected",
            detail=text,
        ),
        fetch(fault=text or None, client=None, peer=text),
        asked_by_post(
            text or "x", fault=text or None, product=text, request_id=text, args={"fault": text, "id": text}
        ),
    ]
    for event in events:
        scene = after(event)
        drawn(row_where(scene.view(), at=scene.now), width)


def test_the_same_check_again_stays_explained_while_the_fault_stands() -> None:
    scene = struck_once_more(a_struck_check("hang").later(1))
    assert why_of(scene, client="px").startswith("WHY By the fault hang")
