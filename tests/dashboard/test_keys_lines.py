"""The key that does what a command line would: the WHY panel's "w put 15 back"."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.dashboard.keys import GROUPS, KEYS, Arm, Ask, Confirm, Roll, Send, key_for, plan, words_for
from hotswap_dev.dashboard.keys.plans import ACTING
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.facts import (
    ChannelCreated,
    ChannelPaused,
    ClientPinned,
    Fact,
    Forced204Set,
    ReleaseWithheld,
)
from hotswap_dev.domain.policy import Offer, decide
from hotswap_dev.domain.reasons import change
from tests.dashboard.moments import a_view, on_client, on_release, on_row
from tests.unit.making import (
    NOW,
    a_check,
    a_release,
    added,
    all_controls,
    an_answered_check,
    checks,
    meant_by,
)

RELEASES = added(a_release(14), a_release(15))


def on_answer(controls: Controls, check: Check) -> tuple[View, str]:
    """A row of that check's answer, selected, and the command line that would change it."""
    decision = decide(controls, check, NOW)
    offer = decision.answer.release.sequence if isinstance(decision.answer, Offer) else None
    answer = an_answered_check(
        check.client,
        sequence=check.sequence,
        channel=check.channel,
        binary_version=check.binary_version,
        status=200 if offer else 204,
        offered=offer,
        reason=decision.reason.code,
        args=decision.reason.args,
    )
    return on_row(controls, answer), change(decision.reason)


@pytest.mark.parametrize(
    ("facts", "asks", "key", "words"),
    [
        ([], {}, "w", "withhold 15"),
        ([], {"sequence": 15}, "r", "offer 15 again"),
        ([], {"sequence": 499}, "J", "go on counting at 500"),
        ([], {"binary_version": "0.9.0"}, "e", "edit 15: minimum same-as-client"),
        ([], {"channel": "nightly"}, ">", "offer the newest on nightly"),
        ([ReleaseWithheld(at=NOW, sequence=15)], {"sequence": 14}, "w", "put 15 back"),
        ([ChannelPaused(at=NOW, channel="production")], {}, "W", "resume production"),
        ([ClientPinned(at=NOW, client="phone", sequence=14)], {"sequence": 14}, "z", "unpin phone"),
        ([Forced204Set(at=NOW, override=1)], {}, "N", "updates again for everyone"),
        ([Forced204Set(at=NOW, override=1, times=3)], {}, "Z", "updates again for everyone"),
        ([Forced204Set(at=NOW, override=1, client="phone")], {}, "n", "updates again for phone"),
        ([Forced204Set(at=NOW, override=1, client="phone", times=3)], {}, "z", "updates again for phone"),
        (
            [Forced204Set(at=NOW, override=1, channel="production")],
            {},
            "Z",
            "updates again for channel production",
        ),
    ],
)
def test_every_answer_names_a_key_that_changes_it_and_what_that_does(
    facts: list[Fact], asks: dict[str, Any], key: str, words: str
) -> None:
    view, line = on_answer(replay([*RELEASES, *facts]), a_check(**{"client": "phone", **asks}))

    found = key_for(line, view)

    assert found is not None
    assert (found.shown, words_for(line)) == (key, words)


def test_a_channel_without_a_release_is_filled_by_p_only_where_builds_go_to_it() -> None:
    controls = replay([ChannelCreated(at=NOW, channel="production"), ChannelCreated(at=NOW, channel="beta")])

    found = [key_for(line, view) for view, line in (
        on_answer(controls, a_check(channel="production")), on_answer(controls, a_check(channel="beta"))
    )]  # fmt: skip

    assert [key and key.shown for key in found] == ["p", None]


@given(all_controls(), checks(), st.booleans())
def test_a_key_that_is_named_does_the_command_and_nothing_else(
    controls: Controls, check: Check, from_client: bool
) -> None:
    view, line = on_answer(controls, check)
    if from_client and view.client is not None:
        view = on_client(controls, view.row.check if view.row else None)
    key = key_for(line, view)
    if key is None:
        return

    verb, arguments = meant_by(line.split(" && ")[0], latest=max(controls.releases, default=0))
    planned = plan(key.key, view)
    if isinstance(planned, Ask):
        assert planned.verb == verb
        assert planned.given.items() <= arguments.items()
    elif isinstance(planned, Roll):
        assert verb in ("set-rollout", "set-targets")
        assert planned.sequence == arguments["sequence"]
    elif isinstance(planned, Arm):
        assert (verb, planned.override) == ("disarm-fault", arguments["id"])
    else:
        assert isinstance(planned, Send | Confirm)
        if planned.command.verb == "clear-overrides":
            assert verb == "force-204" or [one.override for one in controls.faults] == [arguments["id"]]
        elif verb == "publish":
            assert arguments["channel"] == controls.build_channel
        else:
            assert planned.command == wire.read_command(verb, arguments)


def test_a_key_on_another_selection_is_not_named() -> None:
    controls = replay(RELEASES)

    assert key_for("hotswap-dev withhold 15", on_release(controls, 14)) is None
    assert key_for("hotswap-dev restore 15", on_release(controls, 15)) is None
    assert key_for("hotswap-dev withhold 15", a_view(controls)) is None


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("hotswap-dev restore 15", "w"),
        ("hotswap-dev resume-channel beta", "W"),
        ("hotswap-dev force-204 off", "Z"),
        ("hotswap-dev force-204 off --client 'QA phone'", "z"),
        ("hotswap-dev force-204 on --client Pixel --times 1", "n"),
        ("hotswap-dev set-mandatory on", "M"),
        ("hotswap-dev set-mandatory on --sequence latest", "m"),
        ("hotswap-dev pin-client -- -odd none", "z"),
        ("hotswap-dev jump-sequence 500 && hotswap-dev promote latest beta", "J"),
        ("hotswap-dev publish", "p"),
        ("hotswap-dev publish --channel beta", None),
        ("hotswap-dev pin-client Pixel 1", None),
        ("hotswap-dev name-client Pixel 'QA phone'", None),
        ("hotswap-dev restore", None),
        ("hotswap-dev restore 15 16", None),
        ("hotswap-dev restore --nothing 15", None),
        ("hotswap-dev clients", None),
        ("rm -rf dist", None),
        ("hotswap-dev 'restore", None),
        ("", None),
    ],
)
def test_without_a_moment_the_key_is_the_one_that_is_surest(line: str, shown: str | None) -> None:
    key = key_for(line)

    assert (key and key.shown) == shown


def test_two_commands_are_said_one_after_the_other() -> None:
    line = "hotswap-dev jump-sequence 500 && hotswap-dev promote latest beta"

    assert words_for(line) == "go on counting at 500, then offer the newest on beta"


def test_a_line_that_has_no_words_says_itself() -> None:
    assert words_for("hotswap-dev name-client Pixel 'QA phone'") == "name-client Pixel 'QA phone'"
    assert words_for("rm -rf dist") == "rm -rf dist"


@pytest.mark.parametrize("entry", wire.command_schemas(), ids=lambda entry: str(entry["name"]))
def test_the_example_of_every_command_has_words_and_a_key_or_none(entry: dict[str, Any]) -> None:
    key = key_for(entry["example"])

    assert words_for(entry["example"])
    assert key is None or key.key in ACTING


def test_the_table_has_each_key_once_and_all_that_it_says_of_it() -> None:
    assert len({key.key for key in KEYS}) == len({key.shown for key in KEYS}) == len(KEYS)
    assert set(ACTING) <= {key.key for key in KEYS}
    for key in KEYS:
        assert key.group in GROUPS
        assert key.help.endswith(".")
        assert len(key.label) <= 20


def test_the_keys_are_those_of_the_design() -> None:
    design = (
        "n N m M x X w W z Z p r b > % e J c t ; u v y 1 2 3 tab - enter esc j k g G F / ? : ctrl+p q ctrl+c"
    )

    assert {key.shown for key in KEYS} == set(design.split(" "))
