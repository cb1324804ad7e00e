"""NEXT: what a client will do with the answer it gets now."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check, read_check
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.next_step import NextStep, next_step
from hotswap_dev.domain.plugin import Cached, Folder, started
from hotswap_dev.domain.policy import Decision, NoUpdate, Offer, decide
from hotswap_dev.domain.reasons import CODES, Reason
from tests.unit.domain.clients import Story
from tests.unit.making import NOW, a_check, a_release, all_controls, checks, controls_with

ROLLS_BACK = "Unless notifyReady() confirms it, the start after that rolls it back."


def an_offer_of(sequence: int, *, current: int = 0, mandatory: bool = False, **release: Any) -> Decision:
    args: dict[str, str | int] = {"sequence": sequence, "version": "x", "current": current}
    return Decision(
        answer=Offer(release=a_release(sequence, **release), mandatory=mandatory),
        reason=Reason("newer-release", args),
    )


def no_update(code: str, **args: str | int) -> Decision:
    return Decision(answer=NoUpdate(), reason=Reason(code, args))


def after(client: Client | None, decision: Decision, *releases: int, **release: Any) -> NextStep:
    having = {sequence: a_release(sequence, **release) for sequence in releases}
    return next_step(client, decision, Controls(releases=having))


def up_to_date(current: int) -> Decision:
    return no_update("up-to-date", channel="production", current=current, newest=current, came_from="")


# An offer


def test_an_offer_is_downloaded_applied_reported_and_needs_to_be_confirmed() -> None:
    step = after(Story().reports(0).client, an_offer_of(14))
    assert step.sentence == (
        f"It downloads 14 if the app or the person wants it; after apply it reports 14 at its next check. {ROLLS_BACK}"
    )
    assert step.command == "hotswap-dev withhold 14"


def test_mandatory_is_up_to_the_app() -> None:
    step = after(Story().reports(0).client, an_offer_of(14, mandatory=True))
    assert step.sentence.startswith("It downloads 14 if the app heeds mandatory;")


def test_an_offer_below_the_binary_is_said_to_be_discarded_and_how_to_keep_it() -> None:
    step = after(
        Story().reports(0, binary_version="1.2.0").client, an_offer_of(14, min_binary_version="1.0.0")
    )
    assert step.sentence.endswith(
        "14 will be discarded at the next start: binary 1.2.0 > min 1.0.0 (unless its binary_cache_policy keeps it)."
    )
    assert step.command == "hotswap-dev edit-release 14 --min-binary-version same-as-client"


def test_an_offer_of_the_clients_own_version_is_not() -> None:
    step = after(
        Story().reports(0, binary_version="1.2.0").client,
        an_offer_of(14, min_binary_version="same-as-client"),
    )
    assert step.sentence.endswith(ROLLS_BACK)


def test_what_it_has_fetched_and_not_activated_is_the_same_offer_again() -> None:
    step = after(Story().offered(14).fetched(14).offered(14).client, an_offer_of(14))
    assert step.sentence.startswith(
        "The same offer again: it has fetched 14 and not activated it, or given it up unseen."
    )


@pytest.mark.parametrize(("minimum", "did"), [("1.0.0", "given it up"), ("0.9.0", "discarded it")])
def test_what_it_had_and_lost_is_the_same_offer_again(minimum: str, did: str) -> None:
    story = Story(minimum=minimum).applies(14).offered(14)
    assert after(story.client, an_offer_of(14)).sentence.startswith(
        f"The same offer again: it had 14 and has {did} once."
    )
    story.fetched(14).reports(14).offered(14)
    assert f"has {did} 2 times." in after(story.client, an_offer_of(14)).sentence


def test_what_it_has_again_after_a_fall_and_not_confirmed_goes_again_at_the_next_start() -> None:
    story = Story().applies(14).offered(14).fetched(14).reports(14)
    step = after(story.client, up_to_date(14))
    assert step.sentence == (
        "It has given 14 up once, and runs it again: unless notifyReady() confirms it, its next start rolls it back."
    )
    assert step.command == "hotswap-dev withhold 14"
    assert after(Story().applies(14).client, up_to_date(14)).sentence == (
        "It keeps 14 until something newer is published."
    )


def test_another_offer_after_a_fall_is_a_new_one() -> None:
    story = Story().applies(14).offered(14)
    assert after(story.client, an_offer_of(15)).sentence.startswith("It downloads 15 ")


def test_an_app_without_a_version_fails_in_the_plugins_own_words() -> None:
    step = after(Story().reports(0, binary_version=None).client, an_offer_of(14))
    assert step.sentence == (
        "Its check fails with `version error: invalid binary version: empty string, expected a semver version`: its "
        "Tauri config needs a version such as 1.0.0. Until then no update reaches it."
    )


def test_of_a_client_that_nobody_knows_only_the_usual_is_said() -> None:
    assert after(None, an_offer_of(14)).sentence == (
        "It downloads 14 if the app or the person wants it; after apply it reports 14 at its next check."
    )


def test_the_question_counts_and_not_what_the_client_asked_before() -> None:
    asked = read_check(
        "5",
        {"binary_version": ["1.2.0"], "platform": ["linux"], "arch": ["x86_64"]},
        device="phone",
        peer="127.0.0.1",
    )
    assert isinstance(asked, Check)
    step = next_step(Story().reports(0).client, an_offer_of(14), Controls(), asked)
    assert "binary 1.2.0 > min 1.0.0" in step.sentence


# No update

WAITING = [
    (up_to_date(14), "It keeps 14 until something newer is published."),
    (up_to_date(0), "It keeps the embedded page until something newer is published."),
    (
        no_update("up-to-date", channel="beta", current=14, newest=9, came_from="production"),
        "It keeps 14 until channel beta has something above it.",
    ),
    (no_update("release-withheld", sequence=15), "Nothing until 15 is back."),
    (
        no_update("release-withheld", sequence=15, cause="bundle gone"),
        "Nothing until something newer is published: the bundle of 15 is gone.",
    ),
    (no_update("channel-paused", channel="beta"), "Nothing until channel beta is resumed."),
    (no_update("no-release", channel="beta"), "Nothing until something is published to channel beta."),
    (
        no_update("channel-unknown", channel="bata", asked="yes", known="beta"),
        "Nothing until channel bata has a release, or the app asks for another one.",
    ),
    (
        no_update("binary-too-old", sequence=15, binary_version="1.0.0", min_binary_version="2.0.0"),
        "Nothing until its app is 2.0.0 or newer, or 15 asks for less.",
    ),
    (no_update("client-ahead", current=40, last=14), "Nothing until a sequence above 40 is published."),
    (
        no_update("forced-204", client="", channel="", left=""),
        "Nothing until the forced 204 is off.",
    ),
    (
        no_update("forced-204", client="phone", channel="", left=0),
        "Nothing this time; its next check is answered as usual.",
    ),
    (no_update("forced-204", client="", channel="beta", left=2), "Nothing this time and 2 times more."),
    (no_update("forced-204", client="", channel="beta", left=1), "Nothing this time and once more."),
    (
        no_update("pinned", sequence=15, pinned=9, client="phone", current=9, elsewhere=""),
        "It keeps 9 as long as it is pinned to 9.",
    ),
    (
        no_update("pinned", sequence=15, pinned=9, client="phone", current=3, elsewhere=""),
        "Nothing until 9 can be offered to it, or it is pinned to it no longer.",
    ),
    (
        no_update("pinned", sequence=15, pinned=9, client="phone", current=3, elsewhere="beta"),
        "Nothing until it asks for channel beta, or is pinned to 9 no longer.",
    ),
]


@pytest.mark.parametrize(("decision", "sentence"), WAITING, ids=lambda value: str(value)[:60])
def test_without_an_offer_it_is_said_what_it_waits_for(decision: Decision, sentence: str) -> None:
    assert after(Story().reports(0).client, decision).sentence == sentence


def test_every_reason_for_no_update_says_what_is_waited_for() -> None:
    said = {decision.reason.code for decision, _ in WAITING}
    assert set(CODES) - said <= {"newer-release", "bad-request", "not-targeted", "not-in-rollout"} | {
        "fault",
        "access-denied",
    }


def test_what_it_runs_will_be_discarded_whatever_it_is_answered() -> None:
    client = Story(minimum="0.9.0").applies(14).client
    step = after(client, up_to_date(14))
    assert step.sentence == (
        "14 will be discarded at the next start: binary 1.0.0 > min 0.9.0 (unless its binary_cache_policy keeps it). "
        "It keeps 14 until something newer is published."
    )
    assert step.command == "hotswap-dev publish --min-binary-version same-as-client"


def test_what_it_was_told_counts_and_not_what_the_release_says_since() -> None:
    client = Story(minimum="1.0.0").applies(14).client
    assert "discarded" not in after(client, up_to_date(14), 14, min_binary_version="0.1.0").sentence


def test_of_what_came_from_before_the_release_says_the_minimum() -> None:
    client = Story().reports(14).client
    assert (
        "binary 1.0.0 > min 0.1.0" in after(client, up_to_date(14), 14, min_binary_version="0.1.0").sentence
    )


def test_a_question_that_cannot_be_read_fails_in_the_plugins_own_words() -> None:
    asked = read_check("x", {}, device="phone", peer="127.0.0.1")
    step = next_step(None, decide(Controls(), asked, NOW), Controls())
    assert step.sentence == "Its check fails with `HTTP 400: update check failed`, and it keeps what it runs."


def test_a_reason_of_a_newer_version_keeps_what_runs() -> None:
    assert after(None, no_update("lottery")).sentence == "It keeps what it runs."


# Laws


@given(all_controls(), checks(), st.sampled_from((None, "known")))
def test_there_is_a_next_step_for_every_answer_and_its_command_exists(
    controls: Controls, check: Check, known: str | None
) -> None:
    client = None
    if known:
        client = Story().reports(check.sequence, binary_version=check.binary_version).client
    step = next_step(client, decide(controls, check, NOW), controls, check)
    assert step.sentence.endswith(".")
    if step.command:
        assert step.command.startswith("hotswap-dev ")
        assert step.command.split()[1] in registered()


@given(all_controls(), checks())
def test_a_discard_is_foretold_exactly_where_the_next_start_would_discard(
    controls: Controls, check: Check
) -> None:
    controls = replace(controls, faults=())  # under which something else may become of it
    decision = decide(controls, check, NOW)
    step = next_step(None, decision, controls, check)
    if not isinstance(decision.answer, Offer) or check.binary_version is None:
        return
    minimum = decision.answer.release.min_binary_version
    told = check.binary_version if minimum == "same-as-client" else minimum
    number = decision.answer.release.sequence
    applied = Cached(version="x", sequence=number, min_binary_version=told, confirmed=True)
    start = started(Folder(current=number, versions={number: applied}), binary_version=check.binary_version)
    assert ("will be discarded" in step.sentence) == (start.did == "discard")
    assert (ROLLS_BACK in step.sentence) == (start.did == "keep")


# Faults


def offering(*armed: ArmedFault, **release: Any) -> Controls:
    return replace(controls_with(a_release(1, **release)), faults=armed)


def coming(controls: Controls, **changes: Any) -> NextStep:
    check = a_check(**changes)
    return next_step(None, decide(controls, check, NOW), controls, check)


def test_a_fault_that_its_download_will_meet_is_said_with_what_ends_it() -> None:
    armed = ArmedFault(override=3, fault="download/http-error", parameters={"status": 500}, left=2)
    step = coming(offering(armed))
    assert step.sentence == "2 of its 4 attempts fail, the next comes through after 3 s: applied."
    assert step.command == "hotswap-dev disarm-fault 3"


def test_a_poisoned_release_is_not_said_to_be_like_any_other() -> None:
    armed = ArmedFault(override=3, fault="not-gzip", sequence=1)
    assert "invalid gzip header" in coming(offering(armed, origin="poisoned")).sentence


def test_a_fault_for_another_client_is_not_ahead() -> None:
    armed = ArmedFault(override=3, fault="truncate", client="another")
    assert ROLLS_BACK in coming(offering(armed)).sentence


def test_a_late_answer_without_an_offer_is_only_late() -> None:
    late = ArmedFault(override=3, fault="check/delay", parameters={"ms": 500, "jitter": 0})
    assert coming(offering(late), sequence=1).sentence == (
        "It hears of no update, only later, and keeps what it runs."
    )


def test_who_speaks_the_other_protocol_is_not_said_to_do_what_the_plugin_does() -> None:
    step = coming(offering(), protocol="update-server", binary_version=None, arch="")
    assert step.sentence == "1 is in its list of updates; its completion will say what became of it."
    waiting = coming(offering(), protocol="update-server", binary_version=None, arch="", sequence=1)
    assert waiting.sentence == "It keeps 1 until something newer is published."
