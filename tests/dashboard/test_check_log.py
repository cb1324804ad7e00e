"""The check-ins as a list: equal answers are one row, what is older comes from the history, nothing grows for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hotswap_dev.dashboard.check_log import MOST_ROWS, CheckLog, Happened
from hotswap_dev.dashboard.searching import matching
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

    (row,) = log.rows()
    assert (row.number > 0, row.times) == (True, 6)
    assert (row.first_at, row.at) == (NOW + timedelta(seconds=5), NOW + timedelta(seconds=10))
    assert log.complete


def test_what_came_live_counts_a_row_of_the_history_further_which_keeps_its_number() -> None:
    log = CheckLog()
    log.add_older([an_answered_check("phone", **later(second)) for second in (3, 2, 1)], complete=True)
    (past,) = log.rows()

    log.add(an_answered_check("tablet", **later(4)))
    log.add(an_answered_check("phone", **later(5)))

    assert [(row.client, row.times) for row in log.rows()] == [("phone", 4), ("tablet", 1)]
    assert log.rows()[0].number == past.number


def test_after_a_gap_all_begins_anew_and_no_number_comes_again() -> None:
    log = log_of(an_answered_check("phone", **later(5)))
    log.add_older([an_answered_check("old", at=NOW)], complete=True, before=1)
    before = {row.number for row in log.rows()}

    log.clear()
    assert (log.rows(), log.began, log.before, log.complete, log.era) == ([], None, None, False, 1)
    log.add(an_answered_check("phone", **later(9)))
    log.add_older([an_answered_check("old", at=NOW)], complete=True)

    assert not before & {row.number for row in log.rows()}


def test_events_of_the_moment_in_which_this_dashboard_came_are_told_once_each() -> None:
    log = log_of(an_answered_check("live", at=NOW))

    log.add_older([an_answered_check("live", at=NOW), an_answered_check("before", at=NOW)], complete=True)

    assert [(row.client, row.times) for row in log.rows()] == [("live", 1), ("before", 1)]


def test_a_page_of_the_history_says_nothing_twice_that_came_live_meanwhile() -> None:
    log = CheckLog()
    page = [an_answered_check("phone", **later(5)), an_answered_check("tablet", **later(1))]
    log.add(an_answered_check("phone", **later(5)))

    log.add_older(page, complete=True)

    assert [row.client for row in log.rows()] == ["phone", "tablet"]


def test_neither_rows_nor_what_is_known_of_their_clients_grow_beyond_the_bound() -> None:
    log = CheckLog()
    for number in range(3 * MOST_ROWS):
        log.add(an_answered_check(f"client {number}", **later(number)))

    assert len(log.rows()) == len(log._runs) == MOST_ROWS
    assert log._edge.met == log._live_edge.met == set()
    assert log.rows()[-1].client == f"client {2 * MOST_ROWS}"
    assert log.complete
    assert log.cut


def test_no_more_of_the_history_is_kept_than_the_bound() -> None:
    log = CheckLog()
    page = [
        an_answered_check(f"c{number}", at=NOW - timedelta(seconds=number)) for number in range(MOST_ROWS + 1)
    ]

    log.add_older(page[:MOST_ROWS], complete=False)
    assert (len(log), log.complete, log.cut) == (MOST_ROWS, False, False)
    log.add_older(page[MOST_ROWS:], complete=False)

    assert (len(log), log.complete, log.cut) == (MOST_ROWS, True, True)


def test_what_was_scrolled_back_to_stays_while_new_rows_come() -> None:
    log = CheckLog()
    log.add_older([an_answered_check(f"old {number}", at=NOW) for number in range(500)], complete=False)
    for number in range(3_000):
        log.add(an_answered_check(f"client {number}", **later(1 + number)))

    assert len(log) == 3_500
    assert log.rows()[-1].client == "old 499"
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
