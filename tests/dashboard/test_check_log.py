"""The check-ins as a list: equal answers are one row, what is older comes from the history, nothing grows for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hotswap_dev.dashboard.check_log import MOST_LIVE, CheckLog, Happened, matching
from hotswap_dev.domain.facts import (
    BuildChannelSet,
    ChannelPaused,
    NoteAdded,
    OverrideSpent,
    ReleaseAdded,
)
from hotswap_dev.domain.observations import BuildStarted, Noticed
from tests.unit.domain.clients import a_download, an_offer
from tests.unit.making import NOW, a_release, an_answered_check


def log_of(*events: Happened) -> CheckLog:
    log = CheckLog()
    for event in events:
        log.add(event)
    return log


def later(seconds: float) -> dict[str, object]:
    return {"at": NOW + timedelta(seconds=seconds)}


def test_equal_answers_to_one_client_are_one_row_that_is_counted() -> None:
    log = log_of(*(an_answered_check("phone", **later(second)) for second in range(38)))

    (row,) = log.rows()

    assert row.times == 38
    assert (row.first_at, row.at) == (NOW, NOW + timedelta(seconds=37))


def test_a_row_that_is_counted_further_comes_to_the_top_and_keeps_its_number() -> None:
    log = log_of(an_answered_check("phone"), an_answered_check("tablet", **later(1)))
    phone = log.rows()[1].number

    log.add(an_answered_check("phone", **later(2)))

    assert [(row.client, row.times) for row in log.rows()] == [("phone", 2), ("tablet", 1)]
    assert log.rows()[0].number == phone


@pytest.mark.parametrize(
    "changed",
    [
        {"sequence": 3},
        {"reason": "channel-paused", "args": {"channel": "production"}},
        {"binary_version": "2.0.0"},
        {"channel": "beta"},
        {"flags": ("platform-unknown",)},
        {"args": {"current": 0, "newest": 9, "channel": "production"}},
    ],
)
def test_another_question_or_another_answer_is_another_row(changed: dict[str, object]) -> None:
    log = log_of(an_answered_check("phone"), an_answered_check("phone", **changed))

    assert [row.times for row in log.rows()] == [1, 1]


@pytest.mark.parametrize(
    "between",
    [
        a_download(1, client="phone"),
        ChannelPaused(at=NOW, channel="production"),
        NoteAdded(at=NOW, text="round 2"),
    ],
)
def test_what_happens_to_a_client_or_to_everyone_ends_a_run(between: Happened) -> None:
    log = log_of(an_answered_check("phone"), between, an_answered_check("phone"))

    assert [type(row.event).__name__ for row in log.rows()] == [
        "CheckAnswered",
        type(between).__name__,
        "CheckAnswered",
    ]


def test_a_download_of_another_client_ends_no_run() -> None:
    log = log_of(an_answered_check("phone"), a_download(1, client="tablet"), an_answered_check("phone"))

    assert [row.times for row in log.rows()] == [2, 1]


@pytest.mark.parametrize(
    "silent",
    [
        OverrideSpent(at=NOW, override=1),
        BuildStarted(at=NOW, path="dist"),
        ReleaseAdded(at=NOW, release=a_release(1)),
        BuildChannelSet(at=NOW, channel="beta", configured=True),
    ],
)
def test_what_another_row_says_is_no_row(silent: Happened) -> None:
    assert log_of(silent).rows() == []


def test_what_is_older_follows_behind_and_is_folded_too() -> None:
    log = log_of(an_answered_check("phone", **later(10)))

    log.add_older([an_answered_check("phone", **later(9 - second)) for second in range(5)], complete=True)

    assert [(row.number > 0, row.times) for row in log.rows()] == [(True, 1), (False, 5)]
    assert log.rows()[1].first_at == NOW + timedelta(seconds=5)
    assert log.complete


def test_a_page_of_the_history_says_nothing_twice_that_came_live_meanwhile() -> None:
    log = CheckLog()
    page = [an_answered_check("phone", **later(5)), an_answered_check("tablet", **later(1))]
    log.add(an_answered_check("phone", **later(5)))

    log.add_older(page, complete=True)

    assert [row.client for row in log.rows()] == ["phone", "tablet"]


def test_no_more_rows_are_kept_than_the_bound_and_the_history_takes_over_where_they_end() -> None:
    log = CheckLog()
    for number in range(MOST_LIVE + 100):
        log.add(an_answered_check(f"client {number}", **later(number)))

    assert len(log.rows()) == MOST_LIVE
    assert log.oldest is not None
    assert log.oldest <= log.rows()[-1].at
    assert log.oldest >= NOW + timedelta(seconds=99)
    assert not log.complete


def test_numbers_are_never_given_twice() -> None:
    log = log_of(*(an_offer(number, client=f"c{number}") for number in range(1, 20)))
    log.add_older(
        [an_answered_check(f"o{number}", at=NOW - timedelta(seconds=number)) for number in range(1, 9)],
        complete=False,
    )
    log.add_older(
        [an_answered_check(f"p{number}", at=NOW - timedelta(hours=number)) for number in range(1, 9)],
        complete=True,
    )

    numbers = [row.number for row in log.rows()]

    assert len(numbers) == len(set(numbers)) == 35


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ("", ["Pixel-8", "iPad", None]),
        ("pix", ["Pixel-8"]),
        ("qa", ["iPad"]),
        ("up-to-date", ["iPad"]),
        ("reason:newer-release", ["Pixel-8"]),
        ("status:204", ["iPad"]),
        ("status:2", ["Pixel-8", "iPad"]),
        ("client:204", []),
        ("!pix", ["iPad", None]),
        ("!client:pix status:204", ["iPad"]),
        ("disk", [None]),
        ("event:check", ["Pixel-8", "iPad"]),
        ("nothing that there is", []),
        ("[/nope] :", []),
    ],
)
def test_a_filter_leaves_the_rows_in_which_every_word_is_found(wanted: str, left: list[str | None]) -> None:
    rows = log_of(
        Noticed(at=NOW, level="error", code="disk-full", message="the disk is full"),
        an_answered_check("iPad"),
        an_offer(3, client="Pixel-8"),
    ).rows()

    assert [row.client for row in matching(rows, wanted, {"iPad": "QA tablet"})] == left
