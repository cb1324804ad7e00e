"""The keys that are about faults: which one they are about, and what they ask before."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.keys import Arm, Confirm, Send, key_for
from hotswap_dev.dashboard.keys.meaning import fault_alone
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides, Force204
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import FaultArmed
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.reasons import change
from tests.dashboard.moments import a_view, on_client, on_release, on_row, planned
from tests.unit.making import NOW, a_check, a_release, an_answered_check, controls_with

TWO = controls_with(a_release(14), a_release(15))


def after(controls: Controls, *commands: ArmFault | Force204) -> Controls:
    for command in commands:
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
    return controls


def poisoned(**more: object) -> Controls:
    """Release 16 is a bad copy of 15, armed as fault 3."""
    release = a_release(16, origin="poisoned", from_sequence=15)
    controls = controls_with(a_release(14), a_release(15), release)
    armed = ArmedFault(override=3, fault="not-gzip", sequence=16, **more)  # type: ignore[arg-type]
    return apply(controls, FaultArmed(at=NOW, armed=armed))


def on_struck(controls: Controls) -> tuple[View, str]:
    """The row of a check that a fault struck, selected, and the command line that WHY says."""
    decision = decide(controls, a_check(client="phone", sequence=14), NOW)
    answer = an_answered_check(
        "phone", sequence=14, status=decision.status, reason="fault", args=decision.reason.args
    )
    return on_row(controls, answer), change(decision.reason)


# --- which one -----------------------------------------------------------------------------------------------------


def test_X_is_about_the_fault_that_WHY_names_of_several_for_everyone() -> None:
    view, line = on_struck(after(TWO, ArmFault(fault="slow-3g"), ArmFault(fault="hang")))
    assert line == "hotswap-dev disarm-fault 2"

    assert planned("X", view) == Arm(None, 2)
    found = key_for(line, view)
    assert found is not None
    assert found.shown == "X"


def test_X_is_not_named_for_a_fault_that_it_is_not_about() -> None:
    view, _ = on_struck(after(TWO, ArmFault(fault="slow-3g"), ArmFault(fault="hang")))

    assert key_for("hotswap-dev disarm-fault 1", view) is None
    assert key_for("hotswap-dev disarm-fault 9", view) is None


def test_x_is_about_the_fault_that_WHY_names_of_several_of_its_client() -> None:
    download = ArmFault(fault="download/http-error", client="phone")
    view = on_client(
        after(TWO, download, ArmFault(fault="hang", client="phone", probability=1e-9)),
        an_answered_check("phone", sequence=14),
    )

    assert planned("x", view) == Arm("phone", 1)
    assert planned("X", view) == Arm()
    found = key_for("hotswap-dev disarm-fault 1", view)
    assert found is not None
    assert found.shown == "x"


def test_x_opens_on_no_fault_that_is_for_others_too() -> None:
    view, line = on_struck(after(TWO, ArmFault(fault="hang"), ArmFault(fault="slow-3g")))
    assert line.startswith("hotswap-dev disarm-fault")

    assert planned("x", view) == Arm("phone")


def test_the_same_key_again_is_about_the_only_fault_that_it_armed() -> None:
    controls = after(TWO, ArmFault(fault="hang", client="phone"), ArmFault(fault="slow-3g"))

    assert planned("x", on_client(controls, an_answered_check("phone"))) == Arm("phone", 1)
    assert planned("X", a_view(controls)) == Arm(None, 2)
    assert planned("x", on_client(controls, an_answered_check("tablet"))) == Arm("tablet")


def test_the_same_key_again_is_about_nothing_that_is_being_ended_already() -> None:
    controls = after(TWO, ArmFault(fault="hang", client="phone"))
    view = replace(on_client(controls, an_answered_check("phone")), expected=TWO)

    assert planned("x", view) == Arm("phone")


def test_a_bundle_fault_is_its_clients_whatever_channel_the_server_filled_in() -> None:
    controls = poisoned(client="phone", channel="production")

    assert fault_alone(controls, "phone") == controls.faults[0]
    assert planned("x", on_client(controls, an_answered_check("phone"))) == Arm("phone", 3)


def test_a_fault_of_one_channel_is_not_what_a_key_for_everyone_armed() -> None:
    assert fault_alone(poisoned(channel="beta"), None) is None
    assert fault_alone(after(TWO, ArmFault(fault="hang", client="px", channel="beta")), "px") is None


def test_of_several_faults_the_key_is_about_none_unless_WHY_says_which() -> None:
    both = after(TWO, ArmFault(fault="hang", client="phone"), ArmFault(fault="html-page", client="phone"))

    assert fault_alone(both, "phone") is None


# --- what is asked before ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_release", [True, False])
def test_z_asks_before_it_takes_a_poisoned_release_back(from_release: bool) -> None:
    controls = poisoned(client="phone", channel="production")
    view = on_release(controls, 16) if from_release else on_client(controls, an_answered_check("phone"))

    found = planned("z", view)

    assert isinstance(found, Confirm)
    assert found.command == DisarmFault(id=3)
    assert "not-gzip" in found.question
    assert "16" in found.question


def test_z_ends_a_fault_that_made_no_release_without_asking() -> None:
    view = on_client(after(TWO, ArmFault(fault="hang", client="phone")), an_answered_check("phone"))

    assert isinstance(planned("z", view), Send)


def test_Z_asks_where_a_poisoned_release_is_among_what_it_ends() -> None:
    found = planned("Z", a_view(after(poisoned(), Force204(on=True))))

    assert isinstance(found, Confirm)
    assert found.command == ClearOverrides()
    assert "16" in found.question
    assert isinstance(planned("Z", a_view(after(TWO, ArmFault(fault="hang")))), Send)


def test_the_key_that_asks_first_is_named_all_the_same() -> None:
    found = key_for("hotswap-dev disarm-fault 3", on_release(poisoned(), 16))

    assert found is not None
    assert found.shown == "z"
