"""A client's story is told in sentences, with what may lie behind it; WHY and NEXT are those of the command line."""

from __future__ import annotations

import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.dashboard.details.client_story import (
    MAY_BE,
    chapters,
    client_lines,
    may_be,
    read_checks,
    step,
)
from hotswap_dev.dashboard.details.why_text import MOST_PASSED, why_lines, why_now, why_text
from hotswap_dev.domain.commands.access import SetRequiredHeader
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.controls import apply
from hotswap_dev.domain.facts import ClientNamed, ClientPinned, Fact, Forced204Set
from hotswap_dev.domain.labels import CODES, Reading, Turn, turn_sentence
from hotswap_dev.domain.observations import Observation
from hotswap_dev.domain.text import shown
from tests.dashboard.details import (
    MINUTE,
    a_moment,
    checks_of,
    hostile,
    not_activated,
    releases,
    text_of,
    too_wide,
    unprintable,
    words_of,
)
from tests.unit.domain.clients import Story, a_download, an_offer
from tests.unit.making import NOW, an_answered_check, instances


def clock(minutes: float) -> str:
    return (NOW + minutes * MINUTE).astimezone().strftime("%H:%M")


def the_words(*events: Fact | Observation, client: str = "Pixel-8", **changes: Any) -> str:
    view = a_moment(*events, controls=changes.pop("controls", releases(13, 14)))
    return words_of(client_lines(client, view, 100, checks_of(events), **changes))


def test_an_offer_a_download_and_what_came_of_it_are_one_sentence() -> None:
    words = the_words(*not_activated())

    assert (
        f"{clock(3)}:00 offered 14 · downloaded 14, 1.2 MB · not activated, at 13: offered again at {clock(9)} → "
        "signature, extraction, hung up before the end, download without activate, or rolled back"
    ) in words


def test_a_good_update_ends_with_applied() -> None:
    words = the_words(
        an_offer(14, client="Pixel-8", sequence=13),
        a_download(14, client="Pixel-8", at=NOW + MINUTE),
        an_answered_check("Pixel-8", sequence=14, at=NOW + 2 * MINUTE),
    )

    assert (
        f"{clock(0)}:00 offered 14 · downloaded 14, 1.2 MB at {clock(1)} · applied 14 at {clock(2)}" in words
    )
    assert "It fetched 14 and reports it: applied." in words


def test_each_download_begins_a_new_chapter() -> None:
    story = Story().offered(14).fetched(14).offered(14).fetched(14).offered(14).client.story

    assert [[turn.code for turn in one.turns] for one in chapters(story)][-2:] == [
        ["fetched", "not-activated"],
        ["fetched", "not-activated"],
    ]


def test_chapters_lose_no_turn_and_keep_their_order() -> None:
    story = (
        Story()
        .offered(14)
        .fetched(14)
        .reports(14)
        .reports(0)
        .offered(14)
        .fetched(14)
        .reports(14)
        .client.story
    )

    assert tuple(turn for chapter in chapters(story) for turn in chapter.turns) == story


def test_every_reading_has_words() -> None:
    assert set(MAY_BE) == set(typing.get_args(Reading))


def test_every_code_of_a_turn_is_told_in_a_few_words() -> None:
    view = a_moment()
    args: dict[str, str | int] = {
        "sequence": 14, "was": 13, "gave_up": 14, "times": 2, "fetched": 14, "last": 3, "minimum": "1.0.0",
        "binary_version": "2.0.0", "was_binary_version": "1.0.0", "channel": "beta",
        "of": 14, "stage": "download-error", "error": "HTTP 503: bundle download failed",
    }  # fmt: skip

    for code in CODES:
        turn = Turn(code=code, at=NOW, args=args)
        assert step(turn, view) != turn_sentence(turn)
        assert len(step(turn, view)) < 80


def test_a_turn_of_another_version_is_told_as_the_command_line_tells_it() -> None:
    view = a_moment()
    for turn in (Turn(code="beamed-up", at=NOW), Turn(code="applied", at=NOW)):
        assert step(turn, view) == turn_sentence(turn)


def test_what_is_proved_has_no_causes_and_what_is_inferred_names_them() -> None:
    assert may_be(Turn(code="applied", at=NOW, args={"sequence": 14})) == ""
    assert may_be(Turn(code="fetched", at=NOW, args={"sequence": 14})) == ""
    assert may_be(Turn(code="rolled-back", at=NOW, args={"sequence": 0})) == (
        "rolled back, app installed anew, or discarded by a newer binary"
    )


def test_why_and_next_are_those_of_its_next_check() -> None:
    words = the_words(*not_activated())

    assert "ANSWER 200, release 14 (1.0.0-ota.14), newer-release" in words
    assert "WHY Release 14 (1.0.0-ota.14) is newer than the client's 13. → hotswap-dev withhold 14" in words
    assert "NEXT The same offer again: it has fetched 14 and not activated it" in words


def test_what_was_passed_over_is_told_highest_first() -> None:
    controls = releases(13, 14, 15)
    held = {**controls.releases, 15: replace(controls.releases[15], withheld=True)}
    view = a_moment(*not_activated(), controls=replace(controls, releases=held))
    found = why_now(view, view.clients["Pixel-8"])
    assert found is not None

    words = words_of(why_lines(found, 100))

    assert "PASSED 15 Release 15 is withheld. → hotswap-dev restore 15" in words


def test_of_many_that_were_passed_over_the_first_are_told_and_the_rest_is_counted() -> None:
    view = a_moment(*not_activated(), controls=releases(*range(14, 64), withheld=True))
    found = why_now(view, view.clients["Pixel-8"])
    assert found is not None

    text = text_of(why_lines(found, 100))

    assert text.count("is withheld") <= MOST_PASSED + 1
    assert "and 38 more below" in text


def test_what_is_set_for_a_client_is_on_its_page() -> None:
    words = the_words(
        *not_activated(),
        ClientNamed(at=NOW + 10 * MINUTE, client="Pixel-8", name="Anna's phone"),
        ClientPinned(at=NOW + 10 * MINUTE, client="Pixel-8", sequence=13),
        Forced204Set(at=NOW + 10 * MINUTE, override=1, client="Pixel-8", channel=None, times=None),
        Forced204Set(at=NOW + 10 * MINUTE, override=2, client="another", channel=None, times=None),
    )

    assert words.startswith("Anna's phone Pixel-8 seen")
    assert "pinned to 13: it is offered this and nothing else" in words
    assert "armed no update for Anna's phone (Pixel-8), until it is off" in words
    assert "another" not in words


def test_its_last_check_ins_are_listed_with_what_each_was_told() -> None:
    words = the_words(*not_activated())

    assert f"{clock(9)}:00 at 13 ↓ 14 Release 14 (1.0.0-ota.14) is newer" in words
    assert f"{clock(0)}:00 at 13 204 The client has 13, the newest release" in words


def test_while_they_are_on_their_way_the_page_says_so_and_where_there_are_none_too() -> None:
    view = a_moment(*not_activated(), controls=releases(13, 14))

    assert "ITS LAST CHECK-INS Asked for" in words_of(client_lines("Pixel-8", view, 100, None, "Asked for …"))
    assert "None is in the history any more." in words_of(client_lines("Pixel-8", view, 100, ()))


def test_a_client_whose_checks_can_t_be_read_is_told_as_such() -> None:
    check = an_answered_check(
        "odd", sequence=None, binary_version=None, platform=None, arch=None, status=400, reason="bad-request",
        args={"parameter": "sequence", "value": "x", "expected": "a number", "example": "/api/ota/0"},
    )  # fmt: skip

    words = the_words(check, client="odd")

    assert "Nothing yet" in words
    assert "No check of it could be read yet" in words
    assert "runs on ?/?, binary not sent" in words


@hostile
def test_a_binary_version_that_only_another_version_can_read_leaves_the_rest_of_the_page(text: str) -> None:
    version = shown(text) or "x"
    view = a_moment(an_answered_check("odd", binary_version=version), controls=releases(14))

    assert "what it asks next is not known" in words_of(client_lines("odd", view, 100))
    assert why_now(view, view.clients["odd"]) is None


def test_a_client_that_is_gone_says_so() -> None:
    assert "This client is not known any more" in the_words(client="nobody")


def test_remarks_are_on_the_page() -> None:
    words = the_words(an_offer(14, client="Pixel-8", sequence=13))

    assert "! 14 is offered and not downloaded yet" in words


def test_the_why_to_be_pasted_names_the_client_and_its_question() -> None:
    view = a_moment(*not_activated(), controls=releases(13, 14))

    text = why_text(view, view.clients["Pixel-8"])

    assert text.split("\n")[0] == (
        "Pixel-8: at 13, binary 1.0.0, android/aarch64, channel production (none named)"
    )
    assert all(len(line) <= 80 for line in text.split("\n"))


@given(st.lists(instances(Turn), max_size=8))
def test_any_story_that_was_stored_can_be_told(story: list[Turn]) -> None:
    view = a_moment(*not_activated())
    client = replace(view.clients["Pixel-8"], story=tuple(story), label=story[-1] if story else None)

    lines = client_lines("Pixel-8", replace(view, clients={"Pixel-8": client}), 80)

    assert too_wide(lines, 80) == []


@hostile
@pytest.mark.parametrize("width", [40, 80, 200])
def test_C3_hostile_text_of_a_client_keeps_its_page(text: str, width: int) -> None:
    name = shown(text) or "x"
    check = an_answered_check(
        name, platform=name, arch=name, binary_version=name, channel=name, peer=name,
        args={"channel": text, "current": 0, "newest": 0},
    )  # fmt: skip
    view = a_moment(check, replace(check, channel="y"), ClientNamed(at=NOW, client=name, name=text))

    lines = client_lines(name, view, width, (check,), said=name)

    assert too_wide(lines, width) == []
    assert unprintable(lines) == []


def test_checks_are_read_as_the_history_lists_them() -> None:
    checks = checks_of(not_activated())
    rows = wire.decode(wire.encode(checks))

    assert read_checks(rows) == checks
    with pytest.raises(ValueError, match="event"):
        read_checks([{"at": "2026-01-01T00:00:00Z"}])


def test_what_is_armed_for_it_and_what_its_channel_demands_is_known_of_it() -> None:
    controls = releases(14)
    for command in (
        ArmFault(fault="hang", client="phone", times=2),
        ArmFault(fault="check/delay", channel="beta"),
        SetRequiredHeader(channel="production", header="X-API-Key", status=403, value="sk_test_secret"),
    ):
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
    view = a_moment(an_answered_check("phone", sequence=14), controls=controls)

    page = words_of(client_lines("phone", view, 100))

    assert "fault hang (seconds=30) for phone, 2 times more" in page
    assert "check/delay" not in page
    assert "header X-API-Key, else 403: it was not sent last" in page
    assert "sk_test" not in page
