"""Every answer can be explained, in a sentence that nothing from outside can disturb."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.checks import BadCheck, Check, read_check
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import ChannelCreated
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.reasons import CODES, Reason, change, sentence
from tests.unit.making import NOW, a_check, a_release, all_controls, checks, controls_with

HOSTILE = st.text(st.characters(), max_size=300)


def reads_well(reason: Reason) -> None:
    words = sentence(reason)
    assert words.isprintable()
    assert words[0].isupper()
    assert words.endswith(".")
    assert "None" not in words
    assert "{" not in words
    command = change(reason)
    assert command == "" or command.startswith("hotswap-dev ")
    assert shlex.join(shlex.split(command)) == command, "it can be pasted into a shell as it is"


@given(all_controls(), checks())
def test_every_answer_and_everything_passed_over_has_a_sentence_and_a_way_out(
    controls: Controls, check: Check
) -> None:
    decision = decide(controls, check, NOW)
    reads_well(decision.reason)
    for one in decision.considered:
        reads_well(one.reason)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_a_refusal_shows_what_was_sent_without_letting_it_act(
    sequence: str, version: str, channel: str
) -> None:
    query = {"binary_version": [version], "platform": ["linux"], "arch": ["arm"], "channel": [channel]}
    asked = read_check(sequence, query, device=None, peer="::1")
    words = sentence(decide(Controls(), asked, NOW).reason)
    assert words.isprintable()
    assert len(words) < 600


def test_each_code_is_reached_by_some_question() -> None:
    controls = apply(
        controls_with(
            a_release(1, withheld=True),
            a_release(2, channel="beta"),
            a_release(3, channel="new", min_binary_version="9.0.0"),
        ),
        ChannelCreated(at=NOW, channel="empty"),
    )
    bad = BadCheck(client="x", parameter="arch", value="", expected="one of …", example="arch=arm")
    asked: list[Check | BadCheck] = [
        bad,
        a_check(channel="nowhere"),
        a_check(channel="empty"),
        a_check(),
        a_check(channel="new"),
        a_check(channel="beta"),
        a_check(2, channel="beta"),
        a_check(99),
    ]
    assert {decide(controls, check, NOW).reason.code for check in asked} == set(CODES)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            Reason(
                "binary-too-old", {"sequence": 5, "binary_version": "0.4.0", "min_binary_version": "0.5.0"}
            ),
            "Release 5 needs binary 0.5.0, the client runs 0.4.0.",
        ),
        (
            Reason("channel-unknown", {"channel": "bta", "asked": "yes", "known": "production, beta"}),
            "No channel is called bta. Channels with releases: production, beta.",
        ),
        (
            Reason("channel-unknown", {"channel": "production", "asked": "no", "known": ""}),
            (
                "No channel is called production (the check named none, which means production). Channels with "
                "releases: none yet."
            ),
        ),
        (
            Reason("up-to-date", {"channel": "beta", "current": 5, "newest": 5, "came_from": ""}),
            "The client has 5, the newest release of channel beta.",
        ),
        (
            Reason("up-to-date", {"channel": "production", "current": 9, "newest": 5, "came_from": "beta"}),
            (
                "The client has 9, above 5, the newest of channel production: it came from channel beta and stays "
                "there until this channel passes it."
            ),
        ),
        (
            Reason("up-to-date", {"channel": "production", "current": 9, "newest": 5, "came_from": ""}),
            (
                "The client has 9, above 5, the newest of channel production: it got it elsewhere and stays there "
                "until this channel passes it."
            ),
        ),
        (
            Reason("release-withheld", {"sequence": 3, "cause": "bundle gone"}),
            "Release 3 can't be offered: its bundle was pruned, its bytes are gone.",
        ),
        (
            Reason(
                "bad-request",
                {"parameter": "arch", "value": "", "expected": "one of x", "example": "arch=arm"},
            ),
            "The check's arch is missing; expected is one of x, for example arch=arm.",
        ),
        (
            Reason("from-the-future", {"anything": 1}),
            "from-the-future (this version has no words for it).",
        ),
    ],
)
def test_a_sentence_names_the_values_that_decided(reason: Reason, words: str) -> None:
    assert sentence(reason) == words


def test_a_client_that_is_ahead_is_passed_by_the_command_that_is_named() -> None:
    reason = decide(controls_with(a_release(2)), a_check(7), NOW).reason
    assert "7" in sentence(reason)
    assert change(reason) == "hotswap-dev serve --sequence-floor 7, then hotswap-dev publish"


def test_nobody_is_told_to_use_up_every_sequence_to_pass_a_client_at_the_end_of_u64() -> None:
    assert change(decide(controls_with(a_release(2)), a_check(MAX_SEQUENCE), NOW).reason) == ""
