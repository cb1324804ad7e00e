"""Why: an answer with everything that explains it, and nothing spent by asking."""

from __future__ import annotations

from hypothesis import given

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.facts import ClientPinned, Forced204Set
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import told
from hotswap_dev.domain.reasons import change, sentence
from hotswap_dev.domain.why import why
from tests.unit.making import (
    NOW,
    a_check,
    a_release,
    added,
    all_controls,
    an_answered_check,
    checks,
    controls_with,
)


@given(all_controls(), checks())
def test_what_is_explained_is_the_answer_that_the_check_gets(controls: Controls, check: Check) -> None:
    decision = decide(controls, check, NOW)
    explained = why(controls, check, None, NOW)
    assert explained.check == check
    assert explained.answer == told(decision, check)
    assert explained.change == change(decision.reason)
    assert [(one.sequence, one.code, one.detail) for one in explained.considered] == [
        (one.sequence, one.reason.code, sentence(one.reason)) for one in decision.considered
    ]
    assert explained.next.sentence


def test_what_was_passed_over_names_the_command_that_would_bring_it() -> None:
    controls = replay(
        [
            *added(a_release(1), a_release(2, withheld=True), a_release(3, min_binary_version="2.0.0")),
        ]
    )
    explained = why(controls, a_check(), None, NOW)
    assert explained.answer.offered == 1
    assert [(one.sequence, one.code, one.change) for one in explained.considered] == [
        (3, "binary-too-old", "hotswap-dev edit-release 3 --min-binary-version same-as-client"),
        (2, "release-withheld", "hotswap-dev restore 2"),
    ]


def test_a_pin_is_explained_with_the_way_out_of_it() -> None:
    controls = replay(
        [*added(a_release(1), a_release(2)), ClientPinned(at=NOW, client="QA phone", sequence=1)]
    )
    explained = why(controls, a_check(1, client="QA phone"), None, NOW)
    assert explained.answer.reason == "pinned"
    assert explained.change == "hotswap-dev pin-client 'QA phone' none"


def test_a_pinned_client_that_has_the_newest_hears_of_its_pin_since_what_comes_next_is_not_for_it() -> None:
    controls = replay(
        [*added(a_release(1), a_release(2)), ClientPinned(at=NOW, client="QA phone", sequence=1)]
    )
    explained = why(controls, a_check(2, client="QA phone"), None, NOW)
    assert explained.sentence == (
        "The client has 2, the newest release of channel production. It is pinned to 1."
    )
    assert explained.change == "hotswap-dev pin-client 'QA phone' none"
    assert explained.next.sentence == "It keeps 2 as long as it is pinned to 1."


def test_asking_why_says_what_a_forced_204_would_leave_and_takes_nothing_of_it() -> None:
    controls = replay([*added(a_release(1)), Forced204Set(at=NOW, override=1, times=2)])
    first, second = (why(controls, a_check(), None, NOW) for _ in range(2))
    assert first == second
    assert "1 more to come" in first.sentence
    assert controls.forced[0].left == 2


def test_a_client_that_was_never_seen_is_answered_as_it_would_be() -> None:
    seen = advance(None, an_answered_check("phone"))
    controls = controls_with(a_release(1))
    known = why(controls, a_check(client="phone"), seen, NOW)
    imagined = why(controls, a_check(client="phone"), None, NOW)
    assert known.answer == imagined.answer
