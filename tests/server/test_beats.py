"""The beats of the demo, played headless: each comes to what it says, whatever somebody pressed before it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.beats import beats, cast
from hotswap_dev.scenario.model import Do, Step
from hotswap_dev.scenario.own_server import own_server
from hotswap_dev.scenario.playing import play
from hotswap_dev.scenario.stage import Stage, staged
from hotswap_dev.scenario.verdict import Told, Verdict
from tests.unit.scenario.playing_on import a_stage

# No program is started, but its stories take as long.
pytestmark = pytest.mark.processes

BEATS = beats()
BY_NAME = {beat.file.partition("-")[0]: beat for beat in BEATS}


async def _told() -> tuple[list[Verdict], list[Told]]:
    """All beats, one after the other, and everything that was told."""
    told: list[Told] = []
    async with a_stage(tell=told.append) as stage:
        verdicts = [await play(beat, stage, told.append) for beat in BEATS]
    return verdicts, told


async def test_all_beats_come_to_what_they_say_and_a_second_run_tells_the_same_story_event_by_event() -> None:
    verdicts, told = await _told()
    again, retold = await _told()

    assert [(one.title, one.failure) for one in verdicts] == [(beat.title, None) for beat in BEATS]
    assert all(one.ok for one in verdicts)
    assert again == verdicts
    assert retold == told, "moments included: no time of the machine is in a story"
    did = Counter(one.what for one in told if isinstance(one, Happened))
    assert min(did[what] for what in ("fetched", "confirmed", "crashed", "fell-back", "failed")) >= 3


def test_the_beats_are_those_of_the_story_and_each_says_what_happens_and_what_to_watch() -> None:
    assert [beat.title for beat in BEATS] == [
        "A build is saved",
        "Ten percent get it",
        "And then all of them",
        "A bad build",
        "They fall back, again and again",
        "Withheld",
        "The fixed build",
        "A poisoned bundle",
        "A phone that is ahead",
    ]
    for beat in BEATS:
        assert beat.about, beat.file
        said = [(step.say, step.watch) for step in beat.steps if step.say or step.watch]
        assert said, beat.file
        assert all(say and watch for say, watch in said), beat.file
        assert max(len(text) for pair in said for text in pair if text) <= 110, beat.file


def test_a_beat_that_goes_on_where_another_ended_knows_which_one_that_is() -> None:
    assert {
        beat.file[:2]: {name: other.file[:2] for name, other in beat.needs.items()}
        for beat in BEATS
        if beat.needs
    } == {"03": {"rolling": "02"}, "05": {"bad": "04"}, "06": {"bad": "04"}}


def test_the_cast_is_mixed() -> None:
    crews = cast().crews
    assert 8 <= sum(crew.count for crew in crews) <= 12
    assert all(len(crew.names) == crew.count for crew in crews)
    assert {platform for crew in crews for platform in crew.platforms} >= {"android", "ios", "linux", "macos"}
    assert any(crew.clicks is None for crew in crews)
    assert any("beta" in crew.channels for crew in crews)
    assert any(not crew.reports for crew in crews)


@pytest.mark.parametrize("number", sorted(BY_NAME))
async def test_any_beat_can_be_the_first_and_be_played_again(number: str) -> None:
    beat = BY_NAME[number]
    async with a_stage() as stage:
        first = await play(beat, stage)
        again = await play(beat, stage)

    assert (first.failure, again.failure) == (None, None)


async def test_played_again_a_rollout_begins_anew_and_does_not_pass_for_nothing() -> None:
    async with a_stage() as stage:
        await play(BY_NAME["03"], stage)
        was = stage.names["rolling"]
        await play(BY_NAME["03"], stage)

        assert stage.names["rolling"] > was


async def test_played_again_a_phone_that_is_ahead_is_another_phone_further_ahead() -> None:
    async with a_stage() as stage:
        await play(BY_NAME["09"], stage)
        first = dict(stage.fleet.phones)
        await play(BY_NAME["09"], stage)

        [new] = [phone for one, phone in stage.fleet.phones.items() if one not in first]
        assert new.plan.name == "Max (from elsewhere) 2"
        assert new.plan.sequence > max(phone.running for phone in first.values() if phone.running > 0) - 20
        assert {new.running} == {stage.names["jumped"]}


async def test_what_bends_the_answers_is_lifted_before_a_beat() -> None:
    async with a_stage() as stage:
        await play(BY_NAME["01"], stage)
        for command, arguments in (
            ("force-204", {"on": True}),
            ("set-mandatory", {"on": True}),
            ("arm-fault", {"fault": "check/http-error", "parameters": {"status": 500}}),
            ("pause-channel", {"channel": "production"}),
            ("set-build-channel", {"channel": "beta"}),
            ("arm-fault", {"fault": "crash-on-load", "channel": "production"}),
            ("pin-client", {"client": stage.client("Ada"), "sequence": 1}),
            ("set-required-header", {"channel": "production", "header": "X-Key", "status": 401}),
        ):
            await stage.control.command(command, arguments)

        assert (await play(BY_NAME["02"], stage)).ok


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("withhold", {}),
        ("set-targets", {"platforms": ["windows"]}),
        ("edit-release", {"min_binary_version": "9.0.0"}),
        ("reoffer", {}),
    ],
)
async def test_a_release_that_a_beat_needs_is_made_again_where_somebody_changed_it(
    command: str, arguments: dict[str, Any]
) -> None:
    async with a_stage() as stage:
        await play(BY_NAME["02"], stage)
        was = stage.names["rolling"]
        await stage.control.command(command, {"sequence": was, **arguments})

        assert (await play(BY_NAME["03"], stage)).ok
        assert stage.names["rolling"] > was


async def test_a_beat_at_a_server_that_is_gone_fails_and_says_so() -> None:
    async with own_server() as (meeting, _):
        stage = await (opened := staged(meeting)).__aenter__()
    try:
        verdict = await play(BY_NAME["03"], stage)
    finally:
        await opened.__aexit__(None, None, None)

    failure = verdict.failure
    assert failure is not None
    assert verdict.title == "And then all of them"
    assert "does not answer" in failure.seen
    assert [step.outcome for step in verdict.steps[1:]] == ["skipped"] * (len(verdict.steps) - 1)


# --- somebody presses keys ----------------------------------------------------------------------------------------


async def _pressed(stage: Stage, drawn: random.Random) -> str:
    """One of the things that somebody at the dashboard may do; what, in words. A refusal is one of the outcomes."""
    controls = (await stage.control.state()).controls
    sequence = drawn.choice([*controls.releases, 1])
    client = drawn.choice(list(stage.fleet.phones) or ["nobody"])
    channel = drawn.choice([*controls.channels, "beta"])
    on = drawn.choice([True, False])
    pressed: list[tuple[str, dict[str, Any]]] = [
        ("withhold", {"sequence": sequence}),
        ("restore", {"sequence": sequence}),
        ("reoffer", {"sequence": sequence}),
        ("roll-back-to", {"sequence": sequence}),
        ("promote", {"sequence": sequence, "channel": channel}),
        ("set-rollout", {"sequence": sequence, "percent": drawn.choice([0, 10, 50, 100])}),
        ("set-targets", {"sequence": sequence, "platforms": ["android"]}),
        ("edit-release", {"sequence": sequence, "min_binary_version": drawn.choice(["0.1.0", "9.0.0"])}),
        ("publish", {}),
        ("pause-channel", {"channel": channel}),
        ("resume-channel", {"channel": channel}),
        ("set-build-channel", {"channel": channel}),
        ("force-204", {"on": on}),
        ("force-204", {"on": on, "client": client}),
        ("set-mandatory", {"on": on}),
        ("pin-client", {"client": client, "sequence": drawn.choice([None, sequence])}),
        ("name-client", {"client": client, "name": drawn.choice(["", "Ada", "somebody"])}),
        ("forget-client", {"client": client}),
        ("arm-fault", {"fault": "hang", "parameters": {"seconds": 1}, "times": 1}),
        ("arm-fault", {"fault": "malformed-json", "probability": 0.5}),
        ("arm-fault", {"fault": "truncate", "parameters": {"percent": 50}, "client": client}),
        ("arm-fault", {"fault": drawn.choice(["blank-page", "no-index", "not-gzip"])}),
        ("arm-fault", {"fault": "offline"}),
        ("clear-overrides", {}),
        ("jump-sequence", {"to": controls.last_sequence + drawn.choice([1, 7, 100])}),
        ("set-required-header", {"channel": channel, "header": "X-Key", "status": 401}),
        ("set-required-header", {"channel": channel, "header": "X-Key", "status": None}),
    ]
    command, arguments = drawn.choice(pressed)
    try:
        await stage.control.command(command, arguments)
    except ServerRefused as refused:
        return f"{command} {arguments}: {refused.code}"
    return f"{command} {arguments}"


def _named(verdict: Verdict) -> bool:
    """Whether a beat that failed says why: what was expected, and what there was instead."""
    failure = verdict.failure
    return verdict.ok if failure is None else bool(failure.expected and failure.seen)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_pressed_between_beats_none_raises_and_one_that_fails_says_why(seed: int) -> None:
    drawn = random.Random(seed)
    pressed: list[str] = []
    outcomes: list[Verdict] = []
    async with a_stage() as stage:
        for beat in BEATS:
            pressed += [await _pressed(stage, drawn) for _ in range(drawn.randrange(4))]
            outcomes.append(await play(beat, stage))
            await stage.live(stage.clock.now + drawn.choice([0.0, 5.0]))

    assert len(outcomes) == len(BEATS), pressed
    assert all(map(_named, outcomes)), (pressed, [one.failure for one in outcomes])


async def test_a_key_that_is_pressed_while_a_beat_is_played_fails_it_with_a_reason_and_the_next_goes_on() -> (
    None
):
    """The build is withheld between its save and the wait for it: nobody can come to it any more."""
    async with a_stage() as stage:
        beat = BY_NAME["07"]
        withheld = replace(
            beat,
            steps=(
                beat.steps[0],
                Step(action=Do(command="withhold", arguments={"sequence": "@fixed"}), line=0),
                *beat.steps[1:],
            ),
        )

        verdict = await play(withheld, stage)
        after = await play(beat, stage)

    failure = verdict.failure
    assert failure is not None
    assert failure.expected == "all 8 of phones have confirmed 1 (@fixed), within 60 s"
    assert (
        failure.seen == "none of 8 has confirmed 1; 8 run the embedded page, last answered release-withheld"
    )
    assert after.ok
