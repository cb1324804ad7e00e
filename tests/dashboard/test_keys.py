"""What the keys that bend answers ask for: on the selection, on everyone, and pressed again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.dashboard.keys import KEYS, Ask, Confirm, Say, Send, plan
from hotswap_dev.dashboard.keys.plans import ACTING
from hotswap_dev.dashboard.view import Link, LinkState, Pending
from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.commands.channels import PauseChannel, ResumeChannel, SetBuildChannel
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import ClearOverrides, Force204, SetMandatory
from hotswap_dev.domain.commands.releases import JumpSequence, Withhold
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.facts import (
    ChannelCreated,
    ChannelPaused,
    ClientPinned,
    Fact,
    Forced204Set,
    MandatorySet,
    NoteAdded,
    ReleaseWithheld,
)
from hotswap_dev.domain.model import FURTHEST_JUMP
from tests.dashboard.moments import a_view, asked, on_client, on_release, on_row, planned, pressed, then
from tests.unit.domain.clients import a_download, an_offer
from tests.unit.making import (
    CLIENTS,
    NOW,
    a_release,
    added,
    all_controls,
    an_answered_check,
    controls_with,
)

TWO = controls_with(a_release(14), a_release(15))


def with_facts(*facts: Fact) -> Controls:
    return replay([*added(a_release(14), a_release(15)), *facts])


# --- n and N -------------------------------------------------------------------------------------------------------


def test_n_forces_no_update_once_then_until_cleared_then_no_longer() -> None:
    sent, after = pressed(on_client(TWO), "n", "n", "n")

    assert sent == [
        Force204(on=True, client="phone", times=1),
        Force204(on=True, client="phone"),
        Force204(on=False, client="phone"),
    ]
    assert after.expected.forced == ()


def test_N_does_the_same_for_everyone() -> None:
    sent, _ = pressed(a_view(TWO), "N", "N", "N", "N")

    assert sent == [
        Force204(on=True, times=1),
        Force204(on=True),
        Force204(on=False),
        Force204(on=True, times=1),
    ]


def test_n_leaves_what_is_forced_for_another_scope_alone() -> None:
    view = on_client(
        with_facts(Forced204Set(at=NOW, override=1), Forced204Set(at=NOW, override=2, client="tablet"))
    )

    assert asked("n", view) == Force204(on=True, client="phone", times=1)


def test_a_count_that_a_script_set_becomes_until_cleared() -> None:
    view = on_client(with_facts(Forced204Set(at=NOW, override=1, client="phone", times=5)))

    assert asked("n", view) == Force204(on=True, client="phone")


@given(st.integers(0, 12), all_controls(), st.sampled_from(CLIENTS))
def test_n_has_a_period_of_three_in_any_state(before: int, controls: Controls, client: str) -> None:
    view = on_client(controls, an_answered_check(client))
    _, start = pressed(view, *["n"] * before)

    sent, end = pressed(start, "n", "n", "n")

    assert {(one.on, one.times) for one in sent if isinstance(one, Force204)} == {
        (True, 1),
        (True, None),
        (False, None),
    }
    left = [(one.client, one.channel, one.left) for one in end.expected.forced]
    was = [(one.client, one.channel, one.left) for one in start.expected.forced]
    counted = (client, None)
    assert [one for one in left if one[:2] != counted] == [one for one in was if one[:2] != counted]


def test_n_counts_from_what_is_pending_not_from_what_the_server_has_said() -> None:
    view = then(on_client(TWO), Force204(on=True, client="phone", times=1))

    assert view.controls.forced == ()
    assert asked("n", view) == Force204(on=True, client="phone")


@pytest.mark.parametrize("event", [an_answered_check("phone"), a_download(15, client="phone")])
def test_n_on_a_row_is_for_the_client_that_the_row_is_about(event: object) -> None:
    assert asked("n", on_row(TWO, event)) == Force204(on=True, client="phone", times=1)  # type: ignore[arg-type]


def test_n_without_a_client_says_what_to_select() -> None:
    for view in (a_view(TWO), on_release(TWO, 15), on_row(TWO, NoteAdded(at=NOW, text="x"))):
        said = planned("n", view)
        assert isinstance(said, Say)
        assert "select a client" in said.hint


# --- m and M -------------------------------------------------------------------------------------------------------


def test_m_makes_the_selected_release_mandatory_and_again_not() -> None:
    sent, _ = pressed(on_release(TWO, 14), "m", "m")

    assert sent == [SetMandatory(on=True, sequence=14), SetMandatory(on=False, sequence=14)]


def test_M_makes_every_answer_mandatory_and_again_not() -> None:
    sent, _ = pressed(a_view(TWO), "M", "M")

    assert sent == [SetMandatory(on=True), SetMandatory(on=False)]


# --- W -------------------------------------------------------------------------------------------------------------


def test_W_pauses_the_channel_that_is_shown_and_again_resumes_it() -> None:
    view = a_view(controls_with(a_release(1), a_release(2, channel="beta")), channel="beta")

    assert pressed(view, "W", "W")[0] == [PauseChannel(channel="beta"), ResumeChannel(channel="beta")]


def test_W_means_the_channel_that_is_shown_whatever_is_selected() -> None:
    view = on_release(controls_with(a_release(1), a_release(2, channel="beta")), 1, channel="beta")

    assert asked("W", view) == PauseChannel(channel="beta")


def test_W_with_all_channels_shown_pauses_that_of_the_selection() -> None:
    controls = controls_with(a_release(1), a_release(2, channel="beta"))

    assert asked("W", on_release(controls, 2)) == PauseChannel(channel="beta")
    assert asked("W", on_client(controls, an_answered_check(channel="beta"))) == PauseChannel(channel="beta")
    assert asked("W", on_row(controls, an_answered_check(channel="beta"))) == PauseChannel(channel="beta")
    assert asked("W", on_row(controls, an_answered_check(channel=None))) == PauseChannel(channel="production")
    assert asked("W", on_row(controls, a_download(2))) == PauseChannel(channel="beta")
    assert asked("W", on_row(controls, ChannelPaused(at=NOW, channel="beta"))) == PauseChannel(channel="beta")


def test_W_with_nothing_selected_pauses_the_channel_that_builds_go_to() -> None:
    controls = replace(controls_with(a_release(1, channel="beta")), build_channel="beta")

    assert asked("W", a_view(controls)) == PauseChannel(channel="beta")


def test_W_says_so_where_the_channel_that_was_asked_for_does_not_exist() -> None:
    said = planned("W", on_client(TWO, an_answered_check(channel="nightly")))

    assert isinstance(said, Say)
    assert "nightly" in said.message


# --- z and Z -------------------------------------------------------------------------------------------------------


def test_z_clears_what_is_set_for_the_client_one_thing_after_the_other() -> None:
    view = on_client(
        with_facts(
            Forced204Set(at=NOW, override=1, client="phone"),
            Forced204Set(at=NOW, override=2, client="phone", channel="beta"),
            ChannelCreated(at=NOW, channel="beta"),
            ClientPinned(at=NOW, client="phone", sequence=14),
        )
    )

    sent, after = pressed(view, "z", "z", "z")

    assert sent == [
        Force204(on=False, client="phone", channel="beta"),
        Force204(on=False, client="phone"),
        PinClient(client="phone", sequence=None),
    ]
    assert isinstance(planned("z", after), Say)


def test_z_leaves_what_is_set_for_everyone_and_names_the_key_for_that() -> None:
    said = planned("z", on_client(with_facts(Forced204Set(at=NOW, override=1))))

    assert isinstance(said, Say)
    assert said.hint.startswith("Z ")


def test_z_on_a_release_takes_its_mandatory_away() -> None:
    view = on_release(with_facts(MandatorySet(at=NOW, on=True, sequence=14)), 14)

    assert asked("z", view) == SetMandatory(on=False, sequence=14)
    assert isinstance(planned("z", on_release(TWO, 14)), Say)


def test_Z_clears_every_override_and_says_so_where_there_is_none() -> None:
    assert asked("Z", a_view(with_facts(Forced204Set(at=NOW, override=1)))) == ClearOverrides()
    assert isinstance(planned("Z", a_view(TWO)), Say)


# --- J -------------------------------------------------------------------------------------------------------------


def ahead(sequence: int) -> object:
    return an_answered_check(sequence=sequence, reason="client-ahead", args={"current": sequence, "last": 15})


def test_J_asks_before_it_jumps_past_the_client_that_is_ahead() -> None:
    found = planned("J", on_client(TWO, ahead(499)))  # type: ignore[arg-type]

    assert isinstance(found, Confirm)
    assert found.command == JumpSequence(to=500)
    assert "499" in found.question


def test_J_without_a_client_that_is_ahead_asks_where_to_and_proposes_what_passes_all() -> None:
    assert planned("J", on_client(TWO)) == Ask("jump-sequence", {})
    someone = on_client(TWO, ahead(499))  # type: ignore[arg-type]
    assert planned("J", replace(someone, selected=None)) == Ask("jump-sequence", {"to": 500})


def test_J_says_so_where_no_jump_can_pass_the_client() -> None:
    said = planned("J", on_client(TWO, ahead(FURTHEST_JUMP)))  # type: ignore[arg-type]

    assert isinstance(said, Say)
    assert "plugin's folder" in said.hint


# --- p, t and ; ----------------------------------------------------------------------------------------------------


def test_p_publishes_the_watched_folder_and_asks_for_one_where_none_is_watched() -> None:
    view = a_view(TWO)

    assert asked("p", view) == Publish()
    assert planned("p", replace(view, builds=replace(view.builds, dist=None))) == Ask("publish")


def test_p_held_down_publishes_once() -> None:
    view = a_view(TWO, pending=(Pending(number=1, command=Publish(), words=""),))

    assert isinstance(planned("p", view), Say)


def test_t_lets_builds_go_to_the_channel_that_is_shown() -> None:
    view = a_view(with_facts(ChannelCreated(at=NOW, channel="beta")), channel="beta")

    assert asked("t", view) == SetBuildChannel(channel="beta")
    assert planned("t", a_view(TWO)) == Ask("set-build-channel")
    assert isinstance(planned("t", then(view, SetBuildChannel(channel="beta"))), Say)


def test_a_note_is_asked_for() -> None:
    assert planned("semicolon", a_view(TWO)) == Ask("annotate")


# --- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["starting", "gap", "reconnecting", "gone"])
@pytest.mark.parametrize("key", ACTING)
def test_no_key_sends_anything_while_the_server_is_not_there(key: str, state: LinkState) -> None:
    view = replace(on_client(TWO), link=Link(state=state, hint="start it again"))

    assert isinstance(planned(key, view), Say)


def test_a_key_that_only_moves_asks_for_nothing() -> None:
    moving = {key.key for key in KEYS} - set(ACTING)

    assert {plan(key, on_client(TWO)) for key in moving} == {None}
    assert plan("F13", on_client(TWO)) is None


@given(all_controls(), st.sampled_from(ACTING), st.sampled_from(["client", "release", "row", "none"]))
def test_in_any_state_a_key_has_a_plan_whose_command_the_domain_takes_or_refuses_in_words(
    controls: Controls, key: str, selected: str
) -> None:
    newest = max(controls.releases, default=1)
    view = {
        "client": on_client(controls, an_offer(newest)),
        "release": on_release(controls, newest),
        "row": on_row(controls, an_offer(newest)),
        "none": a_view(controls),
    }[selected]

    found = planned(key, view)

    if isinstance(found, Send | Confirm) and not found.command.builds:
        assert found.words
        assert then(view, found.command).expected != view.expected  # it is never something that is so already
    elif isinstance(found, Say):
        assert found.message
        assert found.hint


def test_what_can_be_taken_back_by_the_same_key_is_not_asked_about() -> None:
    asks = {key for key in ACTING if isinstance(planned(key, on_release(TWO, 14)), Confirm)}

    assert asks == {"b"}


def test_withheld_releases_count_when_a_key_looks_for_the_newest() -> None:
    view = on_client(with_facts(ReleaseWithheld(at=NOW, sequence=15)), an_answered_check(sequence=15))

    assert asked("w", view).verb == "restore"
    assert asked("w", on_client(TWO, an_answered_check(sequence=15))) == Withhold(sequence=15)
