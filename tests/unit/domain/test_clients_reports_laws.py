"""Whatever an app reports, and in whatever order: what its client's label may then say, and what it never does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.clients import MAX_TURNS, Client, advance, label_sentence, remarks
from hotswap_dev.domain.labels import STEPS, readings, turn_sentence
from hotswap_dev.domain.observations import DownloadEnded, LifecycleReported, Observation
from tests.unit.domain.clients import a_completion, a_download, a_report, an_offer, checked
from tests.unit.making import NOW, an_answered_check

EVENTS = (
    "check-start",
    "check-complete",
    "check-error",
    "download-start",
    "download-complete",
    "download-error",
    "apply",
    "ready-confirmed",
    "rollback",
    "apply-error",
    "something-of-tomorrow",
)


@pytest.mark.parametrize("event", EVENTS)
def test_a_report_makes_no_client_of_somebody_who_never_asked(event: str) -> None:
    assert advance(None, a_report(event, 14)) is None
    assert advance(None, a_completion(14)) is None


@pytest.mark.parametrize("event", EVENTS)
def test_a_client_whose_checks_could_not_be_read_is_given_no_label_by_a_report(event: str) -> None:
    unread = checked(sequence=None, status=400, reason="bad-request")
    assert advance(unread, a_report(event, 14, error="x")) == unread


@st.composite
def _told(draw: st.DrawFn) -> list[Observation]:
    """Checks, downloads and reports in any order, on a clock that may go backwards."""
    seen: list[Observation] = []
    at = NOW
    for kind in draw(st.lists(st.sampled_from("ccooffrrrru"), max_size=25)):
        at += timedelta(seconds=draw(st.sampled_from((1, 60, 7200, -86400))))
        number = draw(st.integers(0, 4))
        who: dict[str, Any] = {"at": at, "sequence": number}
        if kind == "c":
            seen.append(an_answered_check(binary_version=draw(st.sampled_from(("1.0.0", "1.1.0"))), **who))
        elif kind == "o":
            seen.append(an_offer(draw(st.integers(0, 5)), **who))
        elif kind == "f":
            seen.append(a_download(number, at=at))
        elif kind == "u":
            status = draw(st.sampled_from(("success", "failed", "?")))
            seen.append(a_completion(draw(st.one_of(st.none(), st.just(number))), status, at=at))
        else:
            about = draw(st.one_of(st.none(), st.just(number)))
            seen.append(
                a_report(draw(st.sampled_from(EVENTS)), about, at=at, error=draw(st.sampled_from(("", "x"))))
            )
    return seen


def _after(seen: list[Observation]) -> Client | None:
    client = None
    for one in seen:
        client = advance(client, one)
    return client


@given(_told())
def test_any_reports_at_all_lead_to_a_client_with_words_for_everything(seen: list[Observation]) -> None:
    client = _after(seen)
    if client is None:
        return
    said = [label_sentence(client), *remarks(client), *map(turn_sentence, client.story)]
    assert all("no words" not in text and "another version" not in text for text in said)
    assert (client.label is None) == (client.sequence is None)
    assert msgspec.json.decode(msgspec.json.encode(client), type=Client) == client


@given(_told())
def test_a_label_is_about_what_the_client_runs_whoever_said_so(seen: list[Observation]) -> None:
    client = _after(seen)
    if client is not None and client.label is not None:
        assert client.label.args["sequence"] == client.sequence
        assert client.label.code not in STEPS
        assert readings(client.label)


@given(_told())
def test_reports_bring_no_more_turns_than_a_story_holds(seen: list[Observation]) -> None:
    client = _after(seen * 3)
    if client is not None:
        assert len(client.story) <= MAX_TURNS
        assert max(len(client.told), len(client.unreported)) <= 4


@given(_told())
def test_confirmed_is_said_only_with_a_report_of_that_sequence(seen: list[Observation]) -> None:
    client: Client | None = None
    confirmed: set[int | None] = set()
    for one in seen:
        client = advance(client, one)
        if isinstance(one, LifecycleReported) and one.lifecycle == "ready-confirmed":
            confirmed.add(one.sequence)
        if client is not None and client.label is not None and client.label.code == "confirmed":
            assert client.sequence in confirmed
            assert client.label.args == {"sequence": client.sequence}


@given(_told())
def test_what_runs_is_taken_from_a_check_or_from_a_report_of_what_was_fetched_or_left(
    seen: list[Observation],
) -> None:
    client: Client | None = None
    fetched: set[int] = set()
    for one in seen:
        before, client = client, advance(client, one)
        if isinstance(one, DownloadEnded) and before is not None:
            fetched.add(one.sequence)
        if isinstance(one, LifecycleReported) and before is not None and client is not None:
            was, now = before.sequence, client.sequence
            assert was is None or now is None or now <= was or now in fetched
            assert now == was or one.lifecycle in ("apply", "ready-confirmed", "rollback")


@given(_told())
def test_the_same_check_twice_proves_nothing_new_whatever_was_reported_before(
    seen: list[Observation],
) -> None:
    client = _after([*seen, *([an_offer(9)] * 2)])
    again = advance(client, an_offer(9))
    assert client is not None
    assert again is not None
    assert msgspec.structs.replace(again, checks=client.checks) == client
