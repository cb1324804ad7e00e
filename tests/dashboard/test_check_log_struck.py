"""Struck checks, outcomes, reports and completions in the list: what folds, what ends a run, what a filter finds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.dashboard.check_log import CheckLog, Happened
from hotswap_dev.dashboard.searching import FIELDS, matching, unknown_fields
from hotswap_dev.domain.facts import ChannelPaused, FaultArmed
from hotswap_dev.domain.model import ArmedFault
from tests.dashboard.struck import REQUEST, asked_by_post, became, completed, fetch, reported
from tests.unit.making import NOW, an_answered_check


def struck(fault: str = "hang", **changes: Any) -> Happened:
    args = {"fault": fault, "id": 1, "left": "", "client": "", "channel": "", "instead": "up-to-date"}
    return an_answered_check(
        "px", **{"reason": "fault", "status": 0, "args": args, "fault": fault, **changes}
    )


def log_of(*events: Happened) -> CheckLog:
    log = CheckLog()
    for second, event in enumerate(events):
        log.add(replace(event, at=NOW + timedelta(seconds=second)))
    return log


def found(wanted: str, *events: Happened) -> list[str]:
    rows = matching(log_of(*events).rows(), wanted, {"px": "Pixel"})
    return [str(type(row.event).__struct_config__.tag) for row in rows]


def test_checks_that_one_fault_struck_are_one_row_and_those_of_another_are_another() -> None:
    log = log_of(
        struck(), struck(), struck("empty-response"), struck("empty-response"), an_answered_check("px")
    )
    assert [row.times for row in log.rows()] == [1, 2, 2]


def test_what_became_of_each_folds_beside_them() -> None:
    log = log_of(struck(), became(), struck(), became(), struck(), became())
    assert [(type(row.event).__name__, row.times) for row in log.rows()] == [
        ("FaultOutcome", 3),
        ("CheckAnswered", 3),
    ]


def test_another_outcome_is_another_row() -> None:
    log = log_of(became(), became(outcome="unexpected"), became(outcome="unexpected", detail="it took 14"))
    assert [row.times for row in log.rows()] == [1, 1, 1]


@pytest.mark.parametrize("between", [reported(), completed(client="px"), fetch()])
def test_what_a_client_says_or_fetches_ends_its_runs(between: Happened) -> None:
    log = log_of(struck(), became(), between, struck(), became())
    assert [row.times for row in log.rows()] == [1, 1, 1, 1, 1]


def test_a_report_of_nobody_known_ends_no_run() -> None:
    log = log_of(struck(), reported(client=None), struck())
    assert [row.times for row in log.rows()] == [2, 1]


def test_each_request_of_the_second_protocol_stands_alone_and_equal_refusals_fold() -> None:
    nothing = asked_by_post(status=204, reason="up-to-date", offered=None, request_id=None)
    log = log_of(asked_by_post(request_id="a"), asked_by_post(request_id="b"), nothing, nothing)
    assert [row.times for row in log.rows()] == [2, 1, 1]


EVENTS: tuple[Happened, ...] = (
    struck(),
    struck("empty-response"),
    an_answered_check("px"),
    an_answered_check("mac"),
    became(),
    became(outcome="unexpected"),
    became(client="mac"),
    reported(),
    reported(client=None),
    completed(),
    asked_by_post(),
    fetch(),
    ChannelPaused(at=NOW, channel="beta"),
)


def told_of(log: CheckLog) -> list[tuple[object, int, object]]:
    return [(row.event, row.times, row.first_at) for row in log.rows()]


@given(st.lists(st.sampled_from(EVENTS), max_size=14), st.data())
def test_however_they_come_live_or_in_pages_the_rows_are_the_same(
    events: list[Happened], data: st.DataObject
) -> None:
    timed = [replace(event, at=NOW + timedelta(seconds=second)) for second, event in enumerate(events)]
    live_from = data.draw(st.integers(0, len(timed)))
    cut = data.draw(st.integers(0, live_from))
    every, paged = CheckLog(), CheckLog()
    for event in timed:
        every.add(event)
    # What came before the dashboard did is read afterwards, in two pages, newest first.
    for event in timed[live_from:]:
        paged.add(event)
    paged.add_older(reversed(timed[cut:live_from]), complete=False, before=cut)
    paged.add_older(reversed(timed[:cut]), complete=True)

    assert sorted(map(repr, told_of(paged))) == sorted(map(repr, told_of(every)))


# --- the filter ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "tags"),
    [
        ("hang", ["check-answered"]),
        ("fault:hang", ["check-answered"]),
        ("fault:reset", ["download-ended"]),
        ("fault:http", ["fault-outcome"]),
        ("protocol:update", ["check-answered"]),
        ("product:my-pro", ["check-answered"]),
        (REQUEST, ["check-answered", "update-reported"]),
        (f"request:{REQUEST[:4]}", ["check-answered", "update-reported"]),
        ("confirmed", ["lifecycle-reported"]),
        ("event:lifecycle", ["lifecycle-reported"]),
        ("reason:ready", ["lifecycle-reported"]),
        ("status:success", ["update-reported"]),
        ("status:as-expected", ["fault-outcome"]),
        ("status:0 fault:hang", ["check-answered"]),
        ("client:pixel !fault:hang", ["download-ended", "fault-outcome", "lifecycle-reported"]),
        ("!fault:hang !event:download-ended !px", ["check-answered", "update-reported"]),
    ],
)
def test_a_word_finds_faults_protocols_requests_and_reports(wanted: str, tags: list[str]) -> None:
    events = (struck(), asked_by_post(), completed(), reported(), became(), fetch())
    assert sorted(found(wanted, *events)) == sorted(tags)


def test_a_fault_that_was_armed_is_found_by_its_name() -> None:
    armed = FaultArmed(at=NOW, armed=ArmedFault(override=1, fault="hang", client="px"))
    assert found("fault:hang", armed, struck(), an_answered_check("px")) == ["check-answered", "fault-armed"]


def test_the_new_fields_are_fields_of_the_filter() -> None:
    assert unknown_fields("fault:x protocol:y product:z request:1") == ()
    assert {"fault", "protocol", "product", "request"} <= set(FIELDS)


@given(st.text(max_size=20))
def test_whatever_is_typed_a_filter_ends(wanted: str) -> None:
    rows = log_of(*EVENTS).rows()
    assert {row.number for row in matching(rows, wanted, {})} <= {row.number for row in rows}
