"""Every answer can be explained, in a sentence that nothing from outside can disturb."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck, Check, client_id, read_check
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import (
    BundlesPruned,
    ChannelCreated,
    ChannelPaused,
    ClientPinned,
    FaultArmed,
    Forced204Set,
    RequiredHeaderSet,
)
from hotswap_dev.domain.model import MAX_SEQUENCE, ArmedFault, RequiredHeader, Targets
from hotswap_dev.domain.policy import Offer, decide, ineligible
from hotswap_dev.domain.reasons import CODES, Reason, change, sentence
from hotswap_dev.errors import HotswapError
from tests.unit.making import (
    NOW,
    a_bundle,
    a_check,
    a_release,
    added,
    all_controls,
    built,
    checks,
    controls_with,
    meant_by,
)

HOSTILE = st.text(st.characters(), max_size=300)
CLIENT_IDS = st.text(st.sampled_from("-aé '\"$`\\;:/none\n"), min_size=1, max_size=140).map(
    lambda sent: client_id(sent, peer="::1", platform="linux", arch="arm")
)


def reads_well(reason: Reason) -> None:
    words = sentence(reason)
    assert words.isprintable()
    assert words[0].isupper() or words.startswith(str(reason.args.get("client")))
    assert words.endswith(".")
    assert "None" not in words
    assert "{" not in words
    command = change(reason)
    assert command == "" or command.startswith("hotswap-dev ")
    assert shlex.join(shlex.split(command)) == command, "it can be pasted into a shell as it is"


def done(controls: Controls, line: str) -> Controls:
    """The controls after a line of the command line."""
    verb, arguments = meant_by(line, latest=max(controls.releases, default=0))
    command = wire.read_command(verb, arguments)
    for fact in command.events(controls, NOW, built("new") if command.builds else None):
        controls = apply(controls, fact)
    return controls


@given(all_controls(), checks())
def test_every_answer_and_everything_passed_over_has_a_sentence_and_a_way_out(
    controls: Controls, check: Check
) -> None:
    decision = decide(controls, check, NOW)
    reads_well(decision.reason)
    for one in decision.considered:
        reads_well(one.reason)


@given(all_controls(), checks())
def test_the_command_that_is_named_does_change_the_answer(controls: Controls, check: Check) -> None:
    decision = decide(controls, check, NOW)
    line = change(decision.reason)
    if not line:
        args = decision.reason.args
        ends_by_itself = decision.reason.code in ("forced-204", "fault") and args["left"] == 0
        # It is for who took a poisoned release, and nobody can be made to have taken it.
        ends_by_itself |= decision.reason.code == "not-targeted" and args["what"] == "sequence"
        assert ends_by_itself or (
            decision.reason.code == "client-ahead" and int(args["current"]) >= 2**63 - 1
        )
        return
    try:
        after = done(controls, line)
    except HotswapError as refused:
        # No check says that the newest release's bytes are gone where its channel is not even known.
        assert (decision.reason.code, refused.code) == ("channel-unknown", "bundle-gone")
        return
    changed = decide(after, check, NOW)
    assert (changed.answer, changed.reason) != (decision.answer, decision.reason), line


@given(all_controls(24), checks())
def test_what_was_passed_over_is_no_longer_refused_for_that_once_its_command_was_run(
    controls: Controls, check: Check
) -> None:
    for one in decide(controls, check, NOW).considered:
        if "cause" not in one.reason.args and change(
            one.reason
        ):  # bytes that are gone do not come back: something newer does
            after = done(controls, change(one.reason))
            assert ineligible(after, after.releases[one.sequence], check) != one.reason


@pytest.mark.parametrize(
    ("sequence", "gone"), [(1, True), (2, False), (2, True)], ids=["bytes gone", "from elsewhere", "both"]
)
def test_where_something_newer_has_to_be_built_it_is_named_for_the_channel_that_was_asked(
    sequence: int, gone: bool
) -> None:
    controls = controls_with(a_release(1, channel="beta"), a_release(2))
    if gone:
        controls = apply(controls, BundlesPruned(at=NOW, hashes=(a_bundle("1").hash,)))
    for check in (a_check(sequence, channel="beta"), *([a_check(0, channel="beta")] if gone else [])):
        decision = decide(controls, check, NOW)
        line = change(decision.reason)
        assert line == "hotswap-dev publish --channel beta"
        assert isinstance(decide(done(controls, line), check, NOW).answer, Offer)


@example("-1")
@example("--on")
@given(CLIENT_IDS)
def test_the_command_about_a_client_names_it_whatever_its_id_is(client: str) -> None:
    controls = controls_with(a_release(1), a_release(2))
    for command in (PinClient(client=client, sequence=1), Force204(on=True, client=client)):
        set_for_it = controls
        for fact in command.events(controls, NOW):
            set_for_it = apply(set_for_it, fact)
        line = change(decide(set_for_it, a_check(1, client=client), NOW).reason)
        assert line
        after = done(set_for_it, line)
        assert (after.pins, after.forced) == ({}, ())


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
    controls = replay(
        [
            *added(
                a_release(1, withheld=True),
                a_release(2, channel="beta"),
                a_release(3, channel="new", min_binary_version="9.0.0"),
                a_release(4, channel="pins"),
                a_release(5, channel="rolling", percent=0.0),
                a_release(6, channel="meant", targets=Targets(platforms=("ios",))),
            ),
            ChannelCreated(at=NOW, channel="empty"),
            ChannelCreated(at=NOW, channel="paused"),
            ChannelPaused(at=NOW, channel="paused"),
            ClientPinned(at=NOW, client="pinned", sequence=1),
            Forced204Set(at=NOW, override=1, client="forced"),
            FaultArmed(at=NOW, armed=ArmedFault(override=2, fault="hang", client="struck")),
            RequiredHeaderSet(
                at=NOW, channel="closed", required=RequiredHeader(header="X-API-Key", status=401)
            ),
        ]
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
        a_check(client="pinned", channel="pins"),
        a_check(client="forced"),
        a_check(channel="paused"),
        a_check(channel="rolling"),
        a_check(channel="meant"),
        a_check(client="struck"),
        a_check(channel="closed"),
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
            Reason(
                "up-to-date",
                {"channel": "beta", "current": 5, "newest": 5, "came_from": "", "withheld": "yes"},
            ),
            (
                "The client has 5, which is withheld meanwhile, and nothing in channel beta is newer: no offer "
                "takes a client back to a lower sequence."
            ),
        ),
        (
            Reason("forced-204", {"client": "Pixel", "channel": "", "left": 0}),
            "No update is forced for Pixel, this once.",
        ),
        (
            Reason("forced-204", {"client": "Pixel", "channel": "beta", "left": 2}),
            "No update is forced for Pixel on channel beta, 2 more to come.",
        ),
        (
            Reason("forced-204", {"client": "", "channel": "", "left": ""}),
            "No update is forced for everyone, until it is off.",
        ),
        (
            Reason("forced-204", {"client": "", "channel": "beta", "left": ""}),
            "No update is forced for who asks for channel beta, until it is off.",
        ),
        (
            Reason("pinned", {"sequence": 5, "pinned": 3, "client": "Pixel", "current": 1, "elsewhere": ""}),
            "Pixel is pinned to 3, so 5 is not for it.",
        ),
        (
            Reason("pinned", {"sequence": 5, "pinned": 3, "client": "Pixel", "current": 4, "elsewhere": ""}),
            "Pixel is pinned to 3 and has 4: no offer takes a client back, and 5 is not for it.",
        ),
        (
            Reason(
                "pinned", {"sequence": 5, "pinned": 3, "client": "Pixel", "current": 1, "elsewhere": "beta"}
            ),
            "Pixel is pinned to 3, which is of channel beta: it is offered there alone.",
        ),
        (
            Reason("release-withheld", {"sequence": 3, "cause": "bundle gone", "channel": "beta"}),
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


@pytest.mark.parametrize("code", [*CODES, "of-tomorrow"])
def test_what_another_version_wrote_without_a_value_is_said_and_takes_no_list_with_it(code: str) -> None:
    assert sentence(Reason(code)).startswith(code)
    assert change(Reason(code)) == ""


def test_a_client_that_is_ahead_is_passed_by_the_command_that_is_named() -> None:
    reason = decide(controls_with(a_release(2)), a_check(7), NOW).reason
    assert "7" in sentence(reason)
    assert change(reason) == "hotswap-dev jump-sequence 8"


@pytest.mark.parametrize(
    ("more", "then"),
    [
        ({"channel": "beta", "build_channel": "beta"}, ""),
        ({"channel": "beta", "build_channel": "production"}, " && hotswap-dev promote latest beta"),
    ],
)
def test_a_client_that_is_ahead_in_another_channel_is_passed_there(more: dict[str, str], then: str) -> None:
    """A jump offers the build channel's newest again, which is nothing to who asks for another one."""
    args: dict[str, str | int] = {"current": 7, "last": 2, **more}

    assert change(Reason("client-ahead", args)) == f"hotswap-dev jump-sequence 8{then}"


def test_nobody_is_told_to_use_up_every_sequence_to_pass_a_client_at_the_end_of_u64() -> None:
    assert change(decide(controls_with(a_release(2)), a_check(MAX_SEQUENCE), NOW).reason) == ""
