"""A demo told as lines, and what may be asked of it."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from hotswap_dev.cli.demo.command import SEED, numbers
from hotswap_dev.cli.demo.lines import JsonLines, TextLines, in_words
from hotswap_dev.cli.demo.phones import MOST, cast_of, played
from hotswap_dev.domain.rollout import bucket
from hotswap_dev.errors import UsageError
from hotswap_dev.fleet.happened import Happened, What
from hotswap_dev.fleet.plan import planned
from hotswap_dev.scenario.beats import beats, cast
from hotswap_dev.scenario.model import Live, Scenario, Step
from hotswap_dev.scenario.verdict import Begun, Ended, Verdict

BEAT = Scenario(title="Ten percent get it", file="x", steps=(Step(action=Live(seconds=1), line=1),))


def happened(what: str = "checked", **more: object) -> Happened:
    return Happened(**{"client": "a-1", "what": what, "sequence": 1, "at": 1.5, **more})  # type: ignore[arg-type]


def ended(outcome: str, **more: str) -> Ended:
    return Ended(number=1, line=3, text="wait until 2 run it", outcome=outcome, at=9.5, **more)  # type: ignore[arg-type]


def verdict(step: Ended) -> Verdict:
    return Verdict(title=BEAT.title, file="x", seed=1, steps=(step,))


def test_a_beat_is_told_with_its_steps_what_phones_did_and_what_came_of_it() -> None:
    said: list[str] = []
    lines = TextLines(said.append, lambda client: {"a-1": "Ada"}[client])
    lines.begins(2, 9, BEAT)
    lines.told(Begun(number=1, of=1, text="wait", say="A tenth gets it.", watch="The 10 %.", at=3.5))
    lines.told(happened("fetched", offered=5))
    lines.told(ended("passed"))
    lines.ends(2, verdict(ended("passed")))
    lines.over(0, 9)

    assert [plain(one) for one in said] == [
        "",
        "2 of 9 · Ten percent get it",
        "  A tenth gets it.",
        "  watch: The 10 %.",
        "      Ada                  fetched 5",
        "    ✓ wait until 2 run it",
        "  ✓ as it should be",
        "",
        "9 of 9 beats came to what they should",
    ]


def test_a_beat_that_went_otherwise_says_what_was_expected_and_seen() -> None:
    said: list[str] = []
    failed = ended("failed", expected="2 run it", seen="1 runs it")
    lines = TextLines(said.append, str)
    lines.told(failed)
    lines.ends(2, verdict(failed))
    lines.over(1, 9)

    assert "  ✗ expected: 2 run it; seen: 1 runs it" in map(plain, said)
    assert said[-1] == "8 of 9 beats came to what they should"


def test_a_check_that_is_answered_as_the_last_one_is_no_news() -> None:
    said: list[str] = []
    lines = TextLines(said.append, str)
    for told in (
        happened(detail="up-to-date"),
        happened(detail="up-to-date", at=4.5),
        happened(detail="newer-release", offered=2),
        happened("applied", sequence=2),
        happened(sequence=2, detail="up-to-date"),
    ):
        lines.told(told)

    assert len(said) == 4


@pytest.mark.parametrize("what", get_args(What))
def test_whatever_a_phone_does_has_words(what: str) -> None:
    said = in_words(happened(what, offered=5, detail="why"))

    assert what == "fetched" or said != f"{what} 5: why"
    assert "why" in said
    assert "{" not in said


def test_json_lines_are_one_object_each_and_a_step_is_told_once() -> None:
    said: list[str] = []
    lines = JsonLines(said.append)
    lines.begins(2, 9, BEAT)
    lines.told(Begun(number=1, of=1, text="wait", at=3.5))
    lines.told(happened())
    lines.told(ended("passed"))
    lines.ends(2, verdict(ended("passed")))
    lines.over(0, 9)

    objects = [json.loads(one) for one in said]
    assert [one["event"] for one in objects] == ["beat", "happened", "step", "outcome", "over"]
    assert objects[1]["at"] == 1.5
    assert objects[3]["ok"] is True


def test_the_numbers_of_beats_are_all_or_a_list() -> None:
    assert numbers("all") is None
    assert numbers("1, 5,2") == (1, 5, 2)


@pytest.mark.parametrize("text", ["", "0", "-1", "1,,2", "one", "1;2", "٣", "99999999999"])
def test_numbers_of_beats_that_cannot_be_meant_are_refused_with_what_they_may_be(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        numbers(text)
    assert "1,2,5" in refused.value.hint


def test_a_beat_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert played(None) == beats()
    assert played((2, 1)) == (beats()[1], beats()[0])
    with pytest.raises(UsageError) as refused:
        played((1, 99))
    assert "beat 99" in refused.value.message
    assert beats()[0].title in refused.value.hint


def test_more_phones_join_the_cast_and_change_none_of_it() -> None:
    alone = planned(cast_of(None), 7)
    more = planned(cast_of(len(alone) + 20), 7)

    assert cast_of(None) == cast_of(len(alone)) == cast().crews
    assert len(more) == len(alone) + 20
    assert [phone.id for phone in more[: len(alone)]] == [phone.id for phone in alone]


@pytest.mark.parametrize("phones", [0, 1, MOST + 1])
def test_a_story_needs_its_cast_and_a_dashboard_is_no_place_for_thousands(phones: int) -> None:
    with pytest.raises(UsageError) as refused:
        cast_of(phones)
    assert "hotswap-dev fleet" in refused.value.hint


def plain(text: str) -> str:
    import click

    return click.unstyle(text)


def test_with_the_seed_of_a_demo_the_dice_choose_one_of_ten_and_that_is_ada() -> None:
    # Sequence 3 is what the beat "Ten percent get it" saves, where the story is told in its order.
    inside = [phone.name for phone in planned(cast_of(None), SEED) if bucket(phone.id, 3) < 10]

    assert inside == ["Ada"]


def test_what_the_phones_do_begins_below_each_other_however_long_a_name_of_the_story_is() -> None:
    said: list[str] = []
    phones = [phone for beat in beats() for phone in planned(beat.crews, SEED)]
    called = {phone.id: phone.name for phone in phones}
    lines = TextLines(said.append, lambda client: called[client])
    for client in called:
        lines.told(happened("fetched", client=client, offered=5))

    assert {line.index("fetched") for line in map(plain, said)} == {6 + 20 + 1}
