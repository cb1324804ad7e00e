"""Facts in words: every one has some, also one that nobody thought of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.fact_words import bends_answers, changes_words, done_words, fact_words, forced_words
from hotswap_dev.domain.facts import (
    ChannelResumed,
    ClientNamed,
    Fact,
    Forced204Lifted,
    NoteAdded,
    ReleaseAdded,
    ReleaseWithheld,
    RolloutSet,
    every_fact,
)
from hotswap_dev.domain.model import Forced204
from tests.unit.making import NOW, a_release, instances


def words(fact: Fact, **names: str) -> str:
    return fact_words(wire.plain(fact), names)


@pytest.mark.parametrize("kind", every_fact())
@given(data=st.data())
@settings(max_examples=25)
def test_C3_every_fact_has_words_that_draw_nothing(kind: type[Fact], data: st.DataObject) -> None:
    told = words(data.draw(instances(kind)))

    assert told
    assert told.isprintable()


def test_a_fact_of_a_new_kind_is_told_by_its_name_and_values() -> None:
    fact = {
        "event": "moon-phase-set",
        "at": "2026-04-05T12:00:00Z",
        "sequence": 3,
        "percent": 20,
        "always": None,
    }

    assert fact_words(fact, {}) == "moon phase set sequence 3, percent 20"


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("publish", "release 4 (1.0.0-ota.4) offered on production"),
        ("promote", "release 4 (1.0.0-ota.4) is 2, offered on production"),
        ("reoffer", "release 4 (1.0.0-ota.4) is 2 again, offered on production"),
        ("roll-back", "release 4 (1.0.0-ota.4) brings 2 back on production"),
    ],
)
def test_a_release_says_where_it_comes_from(origin: Any, told: str) -> None:
    release = a_release(4, origin=origin, from_sequence=None if origin == "publish" else 2)

    assert words(ReleaseAdded(at=NOW, release=release)) == told


@pytest.mark.parametrize(
    ("client", "channel", "times", "told"),
    [
        (None, None, None, "no update for everyone, until it is off"),
        (None, "beta", 1, "no update for channel beta at the next check"),
        ("p1", None, 3, "no update for QA phone (p1) at the next 3 checks"),
        ("p2", "beta", None, "no update for p2 on channel beta, until it is off"),
    ],
)
def test_a_forced_204_says_for_whom_and_how_long(
    client: str | None, channel: str | None, times: int | None, told: str
) -> None:
    assert forced_words(client, channel, times, {"p1": "QA phone"}) == told


@pytest.mark.parametrize(
    ("forced", "told"),
    [
        (Forced204(override=3, client="p1"), "the forced 204 for QA phone (p1) is off"),
        (Forced204(override=3, channel="beta"), "the forced 204 for channel beta is off"),
        (Forced204(override=3), "the forced 204 for everyone is off"),
        (None, "a forced 204 is off"),
    ],
)
def test_a_forced_204_that_is_off_says_whose_it_was(forced: Forced204 | None, told: str) -> None:
    fact = Forced204Lifted(at=NOW, override=3, lifted=forced)

    assert words(fact, p1="QA phone") == told
    older = {name: value for name, value in wire.plain(fact).items() if name != "lifted"}
    assert fact_words(older, {}) == "a forced 204 is off"


def test_what_is_lifted_by_a_command_says_for_whom() -> None:
    forced = Force204(on=True, client="p1").events(Controls(), NOW)
    (lifted,) = Force204(on=False, client="p1").events(replay(forced), NOW)

    assert words(lifted) == "the forced 204 for p1 is off"


def test_a_channel_that_is_resumed_goes_on() -> None:
    assert words(ChannelResumed(at=NOW, channel="production")) == "channel production goes on"


def test_a_remark_or_a_name_bends_no_answer() -> None:
    note, name = NoteAdded(at=NOW, text="x"), ClientNamed(at=NOW, client="p1", name="QA phone")

    assert not bends_answers([wire.plain(note), wire.plain(name)])
    assert bends_answers([wire.plain(note), wire.plain(ReleaseWithheld(at=NOW, sequence=1))])


def test_several_facts_are_one_line_the_release_first_and_not_too_long() -> None:
    withheld = [wire.plain(ReleaseWithheld(at=NOW, sequence=number)) for number in range(2, 12)]
    release = wire.plain(ReleaseAdded(at=NOW, release=a_release(12, origin="roll-back", from_sequence=1)))

    told = done_words([*withheld, release], {})

    assert told.startswith("release 12 (1.0.0-ota.12) brings 1 back on production; release 2 is withheld; ")
    assert told.endswith("; and 6 more")
    assert done_words([wire.plain(NoteAdded(at=NOW, text="x"))], {}) == "noted: x"


def test_how_many_are_answered_otherwise_is_counted() -> None:
    assert [changes_words(count) for count in (0, 1, 2)] == [
        "no client's answer changes",
        "1 client gets another answer",
        "2 clients get another answer",
    ]


def test_a_rollout_calls_who_is_in_it_always_by_the_name_that_people_gave() -> None:
    fact = RolloutSet(at=NOW, sequence=3, percent=10.0, always=("p1", "p2"))

    assert words(fact, p1="Ada") == "release 3 is rolled out to 10 %, and always to Ada (p1), p2"
