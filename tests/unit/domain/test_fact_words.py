"""Facts in words: every one has some, also one that nobody thought of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.fact_words import changes_words, done_words, fact_words, forced_words
from hotswap_dev.domain.facts import Fact, NoteAdded, ReleaseAdded, ReleaseWithheld, every_fact
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
        "event": "rollout-set",
        "at": "2026-04-05T12:00:00Z",
        "sequence": 3,
        "percent": 20,
        "always": None,
    }

    assert fact_words(fact, {}) == "rollout set sequence 3, percent 20"


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
        "1 client is answered otherwise",
        "2 clients are answered otherwise",
    ]
