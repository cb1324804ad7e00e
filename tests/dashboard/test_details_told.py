"""The pages of struck exchanges, downloads, reports, completions and outcomes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.details.copying import curl_of
from hotswap_dev.dashboard.details.exchange import Exchange
from hotswap_dev.dashboard.details.exchange_text import row_lines
from hotswap_dev.dashboard.details.fault_text import (
    fault_named,
    fault_of,
    lasting,
    reaction_lines,
    reaction_of,
)
from hotswap_dev.dashboard.details.why_text import why_text
from hotswap_dev.dashboard.spans import cells, plain
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.faults import Fault, every_fault
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.observations import CheckAnswered, Observation
from tests.dashboard.struck import (
    REQUEST,
    a_struck_check,
    asked_by_post,
    became,
    completed,
    fetch,
    reported,
)
from tests.dashboard.views import Scene, a_morning
from tests.unit.making import NOW


def page_of(scene: Scene, width: int = 100, exchange: Exchange | None = None) -> str:
    """The page of the newest row, its lines joined as a sentence."""
    view = scene.view()
    return " ".join(" ".join(map(plain, row_lines(view.rows[0], view, width, exchange))).split())


def after(*events: Observation) -> Scene:
    return a_morning().later(1).happens(*events)


def exchange(**changes: Any) -> Exchange:
    made = Exchange(
        at=NOW, client="mac", peer="127.0.0.1", method="POST", target="/update",
        headers=(("Host", "127.0.0.1:3333"), ("Content-Type", "text/plain")), status=200,
        answer_headers=(("X-Hotswap-Reason", "newer-release"),), body="{}", duration_ms=1.0,
    )  # fmt: skip
    return replace(made, **changes)


# --- a struck check ------------------------------------------------------------------------------------------------


def test_a_struck_exchange_says_the_fault_its_parameters_for_whom_and_what_it_would_have_been() -> None:
    page = page_of(a_struck_check("check/http-error", parameters={"status": 418}, times=3))
    assert "STRUCK BY A FAULT hotswap-dev disarm-fault 1" in page
    assert "fault check/http-error with status=418 armed for Pixel (px) lasts 2 more to come" in page
    assert "went out 418, an HTTP error" in page
    assert "without it Release 14 (0.4.1-ota.14) is newer than the client's 12." in page
    assert "WHAT THE CLIENT DOES THEN Its check fails with `HTTP 418: update check failed`" in page


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("hang", "Nothing: the connection stayed open for a while, then it was closed."),
        ("check/connection-reset", "Nothing: the connection was reset (TCP RST)."),
        ("empty-response", "Nothing: the connection was closed without a byte."),
    ],
)
def test_where_nothing_was_answered_the_page_says_what_became_of_the_connection(
    fault: str, says: str
) -> None:
    page = page_of(
        a_struck_check(fault), exchange=exchange(status=0, method="GET", body=None, answer_headers=())
    )
    assert f"went out {says}" in page
    assert f"ANSWERED {says}" in page
    assert "—" in page


def test_a_fault_that_is_gone_is_still_named() -> None:
    page = page_of(a_struck_check("hang"))
    assert "lasts until it is disarmed" in page
    scene = a_struck_check("hang").later(1).done(DisarmFault(id=1))
    view = scene.view()
    row = next(row for row in view.rows if row.check is not None and row.check.fault == "hang")
    gone = " ".join(" ".join(map(plain, row_lines(row, view, 100))).split())
    assert "lasts it is not armed any more" in gone
    assert "→ hotswap-dev disarm-fault" not in gone


def test_why_in_words_says_what_a_struck_client_is_answered() -> None:
    scene = a_morning().later(1).done(ArmFault(fault="hang", client="px"))
    view = scene.view()
    text = why_text(view, view.clients["px"])
    assert "ANSWER  nothing: hang (the fault hang)" in text


def test_a_check_that_nothing_struck_has_no_word_of_faults() -> None:
    assert "FAULT" not in page_of(a_morning().later(1).asks("px", 12))


# --- the second protocol -------------------------------------------------------------------------------------------


def test_a_question_of_the_second_protocol_shows_its_product_its_updates_and_its_request() -> None:
    page = page_of(after(asked_by_post()))
    assert f"product my-product updates frontend 14, data 9 request id {REQUEST}" in page
    assert "POST /update" in page
    assert "runs on macos" in page


def test_the_curl_of_such_a_question_posts_its_document() -> None:
    line = curl_of(asked_by_post(), None, exchange()).line
    assert line.startswith("curl -i -H 'Content-Type: application/json' --data ")
    assert '{"product":"my-product","version":12,"platform":"macos","locale":"en-US"}' in line
    assert "text/plain" not in line
    assert line.endswith("/update")


def test_a_hostile_product_is_quoted_for_the_shell() -> None:
    line = curl_of(asked_by_post(product="x'; rm -rf / #"), None).line
    assert """x'"'"'; rm -rf / #""" in line


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (reported(), "event ready-confirmed means confirmed 14 release 14 version 0.4.1-ota.14"),
        (
            reported("download-error", error="HTTP 503: bundle download failed"),
            "error HTTP 503: bundle download",
        ),
        (completed(), f"update frontend status success version 0.4.1-ota.14 release 14 request id {REQUEST}"),
        (completed(sequence=None, flags=("size-mismatch",)), "flagged another size than was offered"),
        (became(), "as expected"),
        (fetch(), "attempt 2 of 4, next in 2 s"),
        (
            fetch(),
            "STRUCK BY A FAULT fault download/connection-reset lasts it is not armed any more went out reset",
        ),
        (fetch(status=503, fault="download/http-error"), "status 503"),
        (fetch(status=0, fault=None, bytes=0), "status nothing was answered"),
    ],
)
def test_what_is_no_check_has_a_page_that_says_all_of_it(event: Observation, says: str) -> None:
    assert says in page_of(after(event))


def test_an_outcome_names_its_fault_and_what_the_client_was_to_do() -> None:
    scene = a_struck_check("check/http-error").later(1).happens(became())
    page = page_of(scene)
    assert "THE FAULT hotswap-dev disarm-fault 1 fault check/http-error number 1" in page
    assert "WHAT THE CLIENT DOES THEN Its check fails with `HTTP 503" in page


def test_a_row_that_was_counted_says_since_when() -> None:
    scene = after(became()).later(1).happens(became())
    assert "The last of 2 equal ones since" in page_of(scene)


# --- a fault in words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in every_fault().items()])
@pytest.mark.parametrize("width", [30, 45, 72])
def test_every_reaction_fits_its_frame_and_nothing_of_its_sentence_is_cut(
    kind: type[Fault], width: int
) -> None:
    reaction = reaction_of(kind)
    lines = reaction_lines(reaction, width)
    assert all(cells(line) <= width for line in lines)
    said = "".join("".join(map(plain, lines)).split())
    assert "".join(reaction.sentence.split()) in said


def test_a_fault_that_this_version_does_not_know_has_no_words() -> None:
    unknown = ArmedFault(override=1, fault="melt-the-cable", client="px")
    assert fault_of(unknown) is None
    assert fault_named("melt-the-cable", unknown) is None


@pytest.mark.parametrize(
    ("armed", "says"),
    [
        (ArmedFault(override=1, fault="hang"), "until disarmed"),
        (ArmedFault(override=1, fault="hang", left=2), "2 more"),
        (ArmedFault(override=1, fault="hang", probability=0.25), "until disarmed, 25% of them"),
    ],
)
def test_how_long_a_fault_lasts(armed: ArmedFault, says: str) -> None:
    assert lasting(armed) == says


HOSTILE = ("[@click=app.leave]x[/]", "\x1b]52;c;aGVsbG8=\x07", "a\u202eb", "half\udcff", "漢字" * 90, "")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_C3_no_text_of_a_report_draws_by_itself_on_its_page(text: str, width: int) -> None:
    events: list[Observation] = [
        reported(text, error=text, client=text or None, peer=text, version=text),
        completed(status=text, detail=text, version=text, request_id=text, update_type=text, flags=(text,)),
        became(client=text, fault=text, detail=text),
        fetch(fault=text or None, client=None, peer=text),
        asked_by_post(text or "x", fault=text or None, product=text, request_id=text, status=0,
                      args={"fault": text, "id": text, "client": text, "channel": text, "instead": text}),
    ]  # fmt: skip
    for event in events:
        scene = after(event)
        view = scene.view()
        row = Row(number=1, event=event, first_at=event.at)
        for line in row_lines(row, view, width):
            assert plain(line).isprintable()
            assert cells(line) <= width
        assert isinstance(event, CheckAnswered) or event.at is not None
