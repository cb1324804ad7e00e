"""What the wall says of each phone: words for whatever happens to it, and never other than the server would answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.domain import labels
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.labels import Turn
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check
from hotswap_dev.server.wall import picture
from hotswap_dev.server.wall.picture import MOST_PHONES, newest_of, phone, take_picture
from tests.unit.domain.clients import Story, checked
from tests.unit.making import CLIENTS, NOW, a_release, all_controls, controls_with


def page_of(sequence: int) -> str:
    return f"page-{sequence}"


def stands(controls: Controls, client: Client) -> tuple[str, str]:
    shown = phone(controls, client, NOW, page_of)
    return shown.standing, shown.standing_words


def a_client(sequence: int = 13, name: str = "phone", **changes: Any) -> Client:
    return replace(checked(sequence=sequence, **changes), id=name)


@pytest.mark.parametrize("code", [code for code in labels.CODES if code not in labels.STEPS])
def test_every_label_has_words_of_its_own_and_a_tone_beside_its_colour(code: str) -> None:
    turn = Turn(code=code, at=NOW, args={"gave_up": 15, "of": 15, "fetched": 15, "times": 3})

    shown = phone(controls_with(a_release(13)), replace(a_client(), label=turn), NOW, page_of)

    assert code in picture._LABELS
    assert shown.words
    assert (shown.tone == "bad") == (shown.detail.split(",")[0].endswith("15"))


def test_a_label_that_a_newer_version_wrote_is_shown_by_its_code() -> None:
    turn = Turn(code="teleported", at=NOW)

    shown = phone(controls_with(a_release(13)), replace(a_client(), label=turn), NOW, page_of)

    assert (shown.tone, shown.words) == ("plain", "teleported")


def test_a_phone_stands_where_the_rollout_left_it() -> None:
    half = controls_with(a_release(13), a_release(14, percent=50.0))
    everyone = [a_client(13, f"phone-{number}") for number in range(40)]

    stand = [stands(half, one) for one in everyone]

    assert set(stand) == {("due", "offered 14"), ("outside", "outside 50 %")}
    assert stands(half, a_client(14)) == ("newest", "newest")
    assert stands(controls_with(a_release(13), a_release(14, min_binary_version="9.0.0")), a_client()) == (
        "held",
        "binary too old",
    )
    assert stands(Controls(), a_client()) == ("held", "")


def test_only_a_confirmed_newest_stands_as_confirmed() -> None:
    controls = controls_with(a_release(13), a_release(14))
    applied = Story().applies(14, at=13)

    assert stands(controls, applied.client) == ("newest", "newest")
    assert stands(controls, applied.says("ready-confirmed", 14).client) == ("confirmed", "newest")


@pytest.mark.parametrize(
    ("falls", "words"), [(1, "applied again"), (2, "rollback loop"), (3, "rollback loop")]
)
def test_who_runs_again_what_it_gave_up_is_bad_until_it_confirms_it(falls: int, words: str) -> None:
    controls = controls_with(a_release(13), a_release(14))
    story = Story().reports(13)
    for _ in range(falls):
        story.applies(14, at=13).reports(13)

    again = phone(controls, story.applies(14, at=13).client, NOW, page_of)
    confirmed = phone(controls, story.says("ready-confirmed", 14).client, NOW, page_of)

    assert (again.sequence, again.tone, again.words) == ("14", "bad", words)
    assert "from 14" in again.detail
    assert (confirmed.tone, confirmed.words, confirmed.standing) == ("good", "confirmed", "confirmed")


def test_the_rollout_is_about_the_newest_that_is_neither_withheld_nor_poisoned() -> None:
    controls = controls_with(
        a_release(12), a_release(13), a_release(14, withheld=True), a_release(15, origin="poisoned")
    )

    newest = newest_of(controls, "production")

    assert newest is not None
    assert newest.sequence == 13
    assert newest_of(controls, "nowhere") is None


@given(st.data())
def test_the_wall_never_says_other_than_the_server_would_answer(data: st.DataObject) -> None:
    controls = data.draw(all_controls())
    sequence = data.draw(st.sampled_from((0, 1, 2, 3, *controls.releases, MAX_SEQUENCE)))
    channel = data.draw(st.sampled_from((None, *controls.channels)))
    client = a_client(sequence, data.draw(st.sampled_from(CLIENTS)), channel=channel)
    check = next_check(client)
    assert check is not None
    decision = decide(controls, check, NOW)

    shown = phone(controls, client, NOW, page_of)

    if shown.standing == "due":
        assert decision.offered is not None
        assert shown.standing_words == f"offered {decision.offered.sequence}"
    elif shown.standing == "outside":
        assert decision.reason.code == "not-in-rollout"
    elif shown.standing in ("newest", "confirmed"):
        assert (shown.standing == "confirmed") == (client.confirmed == sequence)
        newest = newest_of(controls, channel or "production")
        assert newest is not None
        assert newest.sequence == sequence
    assert (shown.page is not None) == (shown.kind == "page")
    assert (shown.kind == "embedded") == (sequence == 0)
    assert (shown.kind in ("page", "gone")) == (sequence in controls.releases)
    assert wire.encode(wire.plain(shown))


async def test_a_phone_keeps_its_place_whoever_checks_and_whoever_comes() -> None:
    clients = [
        replace(a_client(13, f"phone-{number}"), first_seen=NOW + timedelta(seconds=number))
        for number in range(MOST_PHONES + 5)
    ]
    controls = controls_with(a_release(13))

    first = await take_picture("app", controls, clients, NOW, page_of)
    later = await take_picture("app", controls, [*reversed(clients), a_client(13, "new")], NOW, page_of)

    assert [one.id for one in first.phones] == [f"phone-{number}" for number in range(MOST_PHONES)]
    assert (first.more, later.more) == (5, 6)
    kept = [one.id for one in later.phones if one.id != "new"]
    assert kept == [one.id for one in first.phones][: len(kept)]


async def test_the_two_channels_that_most_ask_for_have_a_line_each() -> None:
    controls = controls_with(
        a_release(13), a_release(14, channel="beta"), a_release(15, channel="nightly", percent=10.0)
    )
    asked = ["production", "beta", "beta", "nightly", "nightly", "nightly"]
    clients = [a_client(13, f"phone-{at}", channel=channel) for at, channel in enumerate(asked)]

    shown = await take_picture("app", controls, clients, NOW, page_of)

    assert [(line.channel, line.sequence, line.percent, line.clients) for line in shown.lines] == [
        ("nightly", "15", 10.0, 3),
        ("beta", "14", 100.0, 2),
    ]
    nobody = await take_picture("app", controls, [], NOW, page_of)
    assert [line.channel for line in nobody.lines] == ["production"]
    assert nobody.phones == ()
