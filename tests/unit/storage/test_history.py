"""The recorder takes everything, and finds it again by whatever is asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev import wire
from hotswap_dev.domain.facts import ChannelCreated, ClientForgotten, ReleaseAdded
from hotswap_dev.domain.observations import Noticed
from hotswap_dev.storage import history as history_module
from hotswap_dev.storage.history import History
from tests.unit.making import NOW, a_release, an_answered_check
from tests.unit.storage.recorded import seen_by, settled, stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with contextlib.closing(History(path)) as opened:
        yield opened


# What is recorded


def test_what_was_recorded_is_found_newest_first_as_it_was_told(history: History) -> None:
    for sequence in range(3):
        history.record(an_answered_check(sequence=sequence))
    settled(history, 3)
    found = history.checks(limit=10)
    assert [check["sequence"] for check in found] == [2, 1, 0]
    assert [check["number"] for check in found] == [3, 2, 1]
    assert {name: value for name, value in found[0].items() if name != "number"} == wire.decode(
        wire.encode(an_answered_check(sequence=2))
    )


def test_closing_writes_all_that_is_queued(path: Path) -> None:
    count = 3 * history_module._BATCH + 7
    with contextlib.closing(History(path)) as history:
        for sequence in range(count):
            history.record(an_answered_check(sequence=sequence))
    assert [check["sequence"] for check in stored(path)] == list(range(count))


def test_a_batch_is_written_in_one_statement(history: History) -> None:
    statements: list[str] = []
    history._connection.set_trace_callback(statements.append)
    for sequence in range(100):
        history.record(an_answered_check(sequence=sequence))
    settled(history, 100)
    history._connection.set_trace_callback(None)
    assert sum("INSERT INTO observations" in text for text in statements) < 20


def test_recording_goes_on_where_an_earlier_run_ended(path: Path) -> None:
    for sequence in range(2):
        with contextlib.closing(History(path)) as history:
            history.record(an_answered_check(sequence=sequence))
    assert [check["number"] for check in stored(path)] == [1, 2]


def test_events_of_other_kinds_are_kept_and_not_mixed_with_checks(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        history.record(Noticed(at=NOW, level="warning", code="x", message="m"))
        history.record(an_answered_check())
    assert len(stored(path)) == 1
    both = stored(path, events=("check-answered", "notice"))
    assert [event["event"] for event in both] == ["notice", "check-answered"]


def test_sequences_above_what_sqlite_counts_to_are_kept_exactly(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        history.record(an_answered_check(sequence=2**64 - 1))
    assert stored(path)[0]["sequence"] == 2**64 - 1


# What is asked


@pytest.fixture
def asked(history: History) -> History:
    """Twelve checks: of two clients, with two reasons and statuses, one a minute."""
    for minute in range(12):
        history.record(
            an_answered_check(
                "phone" if minute % 2 else "desk",
                at=NOW + timedelta(minutes=minute),
                sequence=minute,
                reason="newer-release" if minute % 3 == 0 else "up-to-date",
                status=200 if minute % 3 == 0 else 204,
            )
        )
    settled(history, 12)
    return history


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"client": "phone"}, [11, 9, 7, 5, 3, 1]),
        ({"reason": "newer-release"}, [9, 6, 3, 0]),
        ({"status": 204, "client": "desk"}, [10, 8, 4, 2]),
        ({"since": "2026-07-01T12:10:00Z"}, [11, 10]),
        ({"before": 3}, [1, 0]),
        ({"limit": 2}, [11, 10]),
        ({"limit": 0}, []),
        ({"before": 11, "client": "phone", "limit": 2}, [9, 7]),
        ({"client": "nobody"}, []),
        ({"client": "phone' OR 1=1 --"}, []),
    ],
)
def test_checks_are_found_by_what_they_have_in_common(
    asked: History, filters: dict[str, Any], expected: list[int]
) -> None:
    found = asked.checks(**{"limit": 100, **filters})
    assert [check["sequence"] for check in found] == expected


def test_the_pages_of_a_long_history_follow_each_other_without_a_gap(asked: History) -> None:
    pages: list[int] = []
    before: int | None = None
    while page := asked.checks(limit=5, before=before):
        pages += [check["sequence"] for check in page]
        before = page[-1]["number"]
    assert pages == list(range(11, -1, -1))


# Clients


def test_clients_are_kept_as_they_are_now_the_last_seen_first(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for minute, name in enumerate(("desk", "phone", "desk")):
            at = NOW + timedelta(minutes=minute)
            history.record(an_answered_check(name, at=at), seen_by(name, at))
    with contextlib.closing(History(path)) as history:
        assert [(client.id, client.last_seen) for client in history.clients(10)] == [
            ("desk", NOW + timedelta(minutes=2)),
            ("phone", NOW + timedelta(minutes=1)),
        ]
        assert [client.id for client in history.clients(1)] == ["desk"]


def test_the_last_seen_is_the_last_seen_within_a_second_too(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for name, micro in (("first", 0), ("second", 5)):
            at = NOW + timedelta(microseconds=micro)
            history.record(an_answered_check(name, at=at), seen_by(name, at))
        settled(history, 2)
        assert [client.id for client in history.clients(10)] == ["second", "first"]


def test_whoever_is_seen_in_a_later_batch_was_seen_later_whatever_the_size_of_the_batches(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for number in range(3):
            history.record(an_answered_check(f"phone-{number}"), seen_by(f"phone-{number}"))
        settled(history, 3)
        history.record(an_answered_check("phone-0"), seen_by("phone-0"))
        settled(history, 4)
        assert [client.id for client in history.clients(10)] == ["phone-0", "phone-2", "phone-1"]


def test_no_more_clients_are_kept_than_are_numbered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MAX_CLIENTS", 50)
    monkeypatch.setattr(history_module, "_CLIENTS_BETWEEN_COUNTS", 500)
    with contextlib.closing(History(path)) as history:
        for number in range(2_000):
            at = NOW + timedelta(seconds=number)
            history.record(an_answered_check(f"phone-{number}", at=at), seen_by(f"phone-{number}", at))
    with contextlib.closing(History(path)) as history:
        kept = [client.id for client in history.clients(10_000)]
    assert kept[:50] == [f"phone-{number}" for number in range(1_999, 1_949, -1)]
    assert len(kept) <= 50 + history_module._BATCH


def test_a_forgotten_client_is_gone_and_what_was_seen_of_it_stays(path: Path) -> None:
    with contextlib.closing(History(path)) as history:
        for name in ("desk", "phone"):
            history.record(an_answered_check(name), seen_by(name))
        settled(history, 2)
        history.forget("phone")
    with contextlib.closing(History(path)) as history:
        assert [client.id for client in history.clients(10)] == ["desk"]
        assert len(history.checks(limit=10, client="phone")) == 1


def test_a_client_that_is_forgotten_and_comes_back_at_once_is_there(path: Path) -> None:
    """Also where all of it is written in one batch."""
    with contextlib.closing(History(path)) as history:
        history.record(an_answered_check("phone"), seen_by("phone"))
        history.forget("phone")
        history.record(an_answered_check("phone"), seen_by("phone", NOW + timedelta(minutes=1)))
        history.record(an_answered_check("desk"), seen_by("desk"))
        history.forget("desk")
        assert history.recorded + history.dropped <= 3
    with contextlib.closing(History(path)) as history:
        found = history.clients(10)
        assert [(client.id, client.last_seen) for client in found] == [("phone", NOW + timedelta(minutes=1))]


# Facts


def test_facts_are_recorded_between_the_checks_that_they_changed(history: History) -> None:
    facts = [ChannelCreated(at=NOW, channel="beta"), ReleaseAdded(at=NOW, release=a_release(1))]
    history.record(an_answered_check(sequence=0))
    for fact in facts:
        history.record(fact)
    history.record(an_answered_check(sequence=1))
    settled(history, 4)
    both = history.checks(limit=10, events=("check-answered", "channel-created", "release-added"))
    assert [row["event"] for row in reversed(both)] == [
        "check-answered",
        "channel-created",
        "release-added",
        "check-answered",
    ]
    only = history.checks(limit=10, events=("channel-created", "release-added"))
    assert [row["number"] for row in only] == [3, 2]
    assert {name: value for name, value in only[0].items() if name != "number"} == wire.decode(
        wire.encode(facts[1])
    )


def test_facts_are_found_by_their_client_too(history: History) -> None:
    history.record(an_answered_check("phone"))
    history.record(ClientForgotten(at=NOW, client="phone"))
    history.record(ClientForgotten(at=NOW, client="desk"))
    settled(history, 3)
    found = history.checks(limit=10, client="phone", events=("check-answered", "client-forgotten"))
    assert [row["event"] for row in found] == ["client-forgotten", "check-answered"]
