"""What holds for every command of the registry, whatever was done before: a new one is held to it by being there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.commands import Built, Command, registered
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides
from hotswap_dev.domain.commands.releases import JumpSequence, Promote, Publish, Reoffer, RollBackTo
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import Fact, ReleaseAdded, ReleaseWithheld
from hotswap_dev.domain.model import Release
from hotswap_dev.errors import HotswapError
from tests.unit.making import NOW, all_controls, bundles_for, commands, histories, leads_to

LATER = NOW + timedelta(days=2)
COPYING = (Promote, Reoffer, RollBackTo, JumpSequence)
DOES_IT_AGAIN = {
    "publish",
    "promote",
    "reoffer",
    "roll-back-to",
    "jump-sequence",
    "annotate",
    "forget-client",
}
"""What asks for something to happen; all others ask for a state, which may be there already."""

FEWER = settings(max_examples=40)  # each of them tries every command


def applied(controls: Controls, facts: list[Fact]) -> Controls:
    for fact in facts:
        controls = apply(controls, fact)
    return controls


@st.composite
def one_of_each(draw: st.DrawFn, controls: Controls) -> list[tuple[Command, Built | None, list[Fact]]]:
    """A command of every kind, what was built for it, and what it leads to as things are."""
    asked = []
    for kind in registered().values():
        command, made = draw(commands(kind, controls)), draw(bundles_for(kind))
        asked.append((command, made, leads_to(command, controls, LATER, made)))
    return asked


@FEWER
@given(histories(12), st.data())
def test_a_command_changes_nothing_that_it_is_given_and_says_the_same_twice(
    facts: list[Fact], data: st.DataObject
) -> None:
    controls, untouched = replay(facts), replay(facts)
    for command, made, first in data.draw(one_of_each(controls)):
        assert leads_to(command, controls, LATER, made) == first
        assert controls == untouched


@FEWER
@given(all_controls(12), st.data())
def test_what_a_command_leads_to_comes_back_from_the_journal_and_can_be_applied(
    controls: Controls, data: st.DataObject
) -> None:
    for command, _, facts in data.draw(one_of_each(controls)):
        assert [wire.decode_fact(wire.encode(fact)) for fact in facts] == facts
        assert {fact.at for fact in facts} <= {LATER}
        applied(controls, facts)
        assert wire.read_command(command.verb, wire.plain(command)) == command


@FEWER
@given(all_controls(12), st.data())
def test_a_command_that_asks_for_a_state_leads_to_nothing_the_second_time(
    controls: Controls, data: st.DataObject
) -> None:
    for command, made, facts in data.draw(one_of_each(controls)):
        again = leads_to(command, applied(controls, facts), LATER, made)
        if command.verb not in DOES_IT_AGAIN:
            assert again == [], f"{command} is so already"


@FEWER
@given(all_controls(12), st.data())
def test_a_command_that_leads_to_facts_changes_the_controls(controls: Controls, data: st.DataObject) -> None:
    for command, _, facts in data.draw(one_of_each(controls)):
        if facts and command.verb not in ("annotate", "forget-client"):
            assert applied(controls, facts) != controls


@FEWER
@given(all_controls(12), st.data())
def test_only_a_release_takes_a_sequence_and_it_takes_the_next(
    controls: Controls, data: st.DataObject
) -> None:
    for command, _, facts in data.draw(one_of_each(controls)):
        after = applied(controls, facts)
        assert controls.releases.keys() <= after.releases.keys()
        for sequence, release in controls.releases.items():
            assert after.releases[sequence].bundle == release.bundle
        new = [after.releases[sequence] for sequence in after.releases.keys() - controls.releases.keys()]
        if not new:
            floor = command.to - 1 if isinstance(command, JumpSequence) and facts else controls.last_sequence
            assert after.last_sequence == floor
            continue
        expected = command.to if isinstance(command, JumpSequence) else controls.next_sequence
        assert sorted(one.sequence for one in new) == list(range(expected, after.last_sequence + 1))
        assert all(one.published_at >= LATER for one in new)
        if isinstance(
            command, (DisarmFault, ClearOverrides)
        ):  # the healthy content again, for each poisoned one
            assert all(one.origin == "reoffer" and one.targets.having for one in new)
            continue
        assert len(new) == 1
        assert isinstance(command, (Publish, ArmFault, *COPYING))


@FEWER
@given(all_controls(12), st.data())
def test_a_copy_is_the_same_bundle_and_version_and_neither_mandatory_nor_withheld(
    controls: Controls, data: st.DataObject
) -> None:
    for kind in COPYING:
        command = data.draw(commands(kind, controls))
        facts = leads_to(command, controls, LATER)
        for copy in (fact.release for fact in facts if isinstance(fact, ReleaseAdded)):
            assert copy.from_sequence is not None
            source = controls.releases[copy.from_sequence]
            kept = ("bundle", "version", "binary_version", "min_binary_version", "notes", "update_type")
            assert {name: getattr(copy, name) for name in kept} == {
                name: getattr(source, name) for name in kept
            }
            assert (copy.mandatory, copy.withheld) == (False, False)
            assert copy.channel == (command.channel if isinstance(command, Promote) else source.channel)
            assert controls.has_bytes(source)


@given(all_controls(), st.data())
def test_a_roll_back_withholds_all_above_it_in_its_channel_and_nothing_else(
    controls: Controls, data: st.DataObject
) -> None:
    command = data.draw(commands(RollBackTo, controls))
    facts = leads_to(command, controls, LATER)
    if not facts:
        return
    after = applied(controls, facts)
    target = controls.releases[command.sequence]
    copy = after.releases[after.last_sequence]
    for sequence, release in controls.releases.items():
        above = (
            sequence > target.sequence
            and release.channel == target.channel
            and release.update_type == target.update_type
        )
        assert after.releases[sequence].withheld == (release.withheld or above)
    assert after.newest(target.channel) == copy
    assert sum(isinstance(fact, ReleaseWithheld) for fact in facts) == len(facts) - 1


@given(all_controls(), st.data())
def test_a_jump_goes_on_at_the_number_asked_for_and_brings_back_nothing_that_was_withheld(
    controls: Controls, data: st.DataObject
) -> None:
    command = data.draw(commands(JumpSequence, controls))
    facts = leads_to(command, controls, LATER)
    after = applied(controls, facts)
    having = controls.channels.get(controls.build_channel)
    offered: list[Release] = [
        release
        for release in map(controls.releases.__getitem__, having.releases if having else ())
        if not release.withheld
        and controls.has_bytes(release)
        and release.update_type == "frontend"
        and release.origin != "poisoned"
        and release.targets.having is None
    ]
    if not offered:
        assert after.next_sequence == command.to
        assert after.releases == controls.releases
    else:
        copy = after.releases[command.to]
        assert (copy.from_sequence, copy.origin) == (offered[0].sequence, "reoffer")
        assert after.next_sequence == command.to + 1


@pytest.mark.parametrize("name", list(registered()))
def test_what_is_refused_is_refused_with_a_sentence_a_way_out_and_a_code(name: str) -> None:
    """With nothing there yet, and arguments that name what does not exist."""
    given = {
        "sequence": 7,
        "channel": "nowhere",
        "client": "nobody",
        "on": True,
        "name": "x",
        "to": 2**64,
        "text": "x",
        "percent": 5,
        "fault": "nowhere",
        "id": 7,
        "header": "nobody @",
        "status": 401,
        "product": "x",
    }
    kind = registered()[name]
    command = wire.read_command(name, {key: given[key] for key in kind.__struct_fields__ if key in given})
    try:
        facts = command.events(Controls(), NOW)
    except HotswapError as refused:
        named = {"nothing-built": "nothing"}.get(refused.code) or "7|nowhere|nobody|18446744073709551616"
        assert any(one in refused.message for one in named.split("|"))
        assert refused.hint or refused.code == "nothing-built"
        assert refused.code != "error"
    else:
        assert all(isinstance(fact, Fact) for fact in facts)
