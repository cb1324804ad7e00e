"""What `%`, `x`, `X`, `z` and `Z` mean of rollouts, targets and faults."""

from __future__ import annotations

from hotswap_dev.dashboard.keys import Arm, Confirm, Roll, Say, key_for, words_for
from hotswap_dev.dashboard.view import Selected
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides, Force204
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import FaultArmed
from hotswap_dev.domain.model import ArmedFault, Targets
from tests.dashboard.moments import a_view, asked, on_client, on_release, on_row, planned, pressed
from tests.unit.making import NOW, a_release, an_answered_check, controls_with

TWO = controls_with(a_release(14), a_release(15))


def after(controls: Controls, *commands: ArmFault | SetRollout | SetTargets | Force204) -> Controls:
    for command in commands:
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
    return controls


def test_percent_on_a_release_opens_its_rollout() -> None:
    assert planned("percent_sign", on_release(TWO, 14)) == Roll(14)


def test_percent_on_a_client_is_about_what_it_is_offered() -> None:
    assert planned("percent_sign", on_client(TWO, an_answered_check(sequence=14))) == Roll(15)


def test_percent_on_a_client_that_is_left_out_is_about_the_release_that_leaves_it_out() -> None:
    left_out = on_client(after(TWO, SetRollout(sequence=15, percent=0.0)), an_answered_check(sequence=0))
    assert planned("percent_sign", left_out) == Roll(15)

    not_meant = after(TWO, SetTargets(sequence=15, platforms=("ios",)))
    assert planned("percent_sign", on_row(not_meant, an_answered_check(sequence=0))) == Roll(15)


def test_percent_without_a_release_says_what_to_select() -> None:
    found = planned("percent_sign", a_view(TWO))

    assert isinstance(found, Say)
    assert found.message == "no release is selected"


def test_x_is_for_the_client_of_the_selection_and_X_for_everyone() -> None:
    view = on_row(TWO, an_answered_check("tablet"))

    assert planned("x", view) == Arm("tablet")
    assert planned("X", view) == Arm()
    assert planned("X", a_view(Controls())) == Arm()
    nobody = planned("x", on_release(TWO, 14))
    assert isinstance(nobody, Say)
    assert "X is for everyone" in nobody.hint


def test_z_disarms_the_faults_of_a_client_one_after_the_other() -> None:
    controls = after(
        TWO,
        Force204(on=True, client="phone"),
        ArmFault(fault="hang", client="phone"),
        ArmFault(fault="html-page", client="phone", channel="production"),
        ArmFault(fault="hang"),
    )

    sent, view = pressed(on_client(controls), "z", "z", "z")

    assert [type(one) for one in sent] == [Force204, DisarmFault, DisarmFault]
    assert [one.fault for one in view.expected.faults] == ["hang"]
    assert isinstance(planned("z", view), Say)


def test_z_on_a_poisoned_release_disarms_what_made_it() -> None:
    release = a_release(16, origin="poisoned", from_sequence=15)
    armed = ArmedFault(override=3, fault="not-gzip", sequence=16)
    controls = apply(controls_with(a_release(14), a_release(15), release), FaultArmed(at=NOW, armed=armed))

    assert asked("z", on_release(controls, 16)) == DisarmFault(id=3)


def test_z_on_a_release_that_is_not_for_everyone_does_not_offer_it_to_all_in_one_go() -> None:
    release = a_release(15, percent=10.0, targets=Targets(platforms=("ios",)))
    found = planned("z", on_release(controls_with(a_release(14), release), 15))

    assert isinstance(found, Say)
    assert found.hint.startswith("% ")


def test_Z_ends_faults_too() -> None:
    assert asked("Z", a_view(after(TWO, ArmFault(fault="hang")))) == ClearOverrides()
    nothing = planned("Z", a_view(TWO))
    assert isinstance(nothing, Say)
    assert "no fault" in nothing.message


def test_the_line_that_rolls_a_release_out_is_named_by_its_key_where_that_key_is_about_it() -> None:
    line = "hotswap-dev set-rollout 15 100"
    controls = after(TWO, SetRollout(sequence=15, percent=0.0))

    def key(view: object) -> str:
        found = key_for(line, view)  # type: ignore[arg-type]
        return "" if found is None else found.shown

    assert key(on_client(controls, an_answered_check(sequence=14))) == "%"
    assert key(on_release(controls, 14)) == ""
    assert words_for(line) == "roll 15 out to 100 %"
    assert words_for("hotswap-dev set-targets 15") == "let 15 be for everyone"


def test_the_line_that_disarms_is_named_by_the_key_that_does_no_more_than_it_must() -> None:
    line = "hotswap-dev disarm-fault 1"
    for_phone = after(TWO, ArmFault(fault="hang", client="phone"))
    for_all = after(TWO, ArmFault(fault="hang"))

    among_others = after(for_all, Force204(on=True))
    found = [key_for(line, on_client(one)) for one in (for_phone, for_all, among_others)]

    assert [key and key.shown for key in found] == ["z", "Z", "X"]
    assert words_for(line) == "disarm fault 1"


def test_a_release_is_named_in_what_is_pending() -> None:
    release = a_release(16, origin="poisoned", from_sequence=15)
    armed = ArmedFault(override=3, fault="not-gzip", sequence=16, client="phone")
    controls = apply(controls_with(a_release(15), release), FaultArmed(at=NOW, armed=armed))
    found = planned("z", a_view(controls, pane="releases", selected=Selected("release", 16)))

    assert isinstance(found, Confirm)
    assert found.words == "fault not-gzip for phone disarmed"
