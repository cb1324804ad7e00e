"""What keys say of a poisoned release, which belongs to its fault: nothing spreads it, and nothing fails late."""

from __future__ import annotations

import pytest

from hotswap_dev.dashboard.keys import Roll, Say, Send
from hotswap_dev.dashboard.selectors.chips import chips
from hotswap_dev.dashboard.spans import plain
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import FaultArmed
from hotswap_dev.domain.model import ArmedFault, Targets
from tests.dashboard.moments import a_view, on_release, planned
from tests.unit.making import NOW, a_release, controls_with


def poisoned(*, client: str | None = "phone", withheld: bool = False) -> Controls:
    """Release 16, a bad copy of 15, and its fault armed unless it was taken back."""
    bad = a_release(16, origin="poisoned", from_sequence=15, withheld=withheld)
    controls = controls_with(a_release(15), bad)
    if withheld:
        return controls
    armed = ArmedFault(override=3, fault="not-gzip", sequence=16, client=client)
    return apply(controls, FaultArmed(at=NOW, armed=armed))


@pytest.mark.parametrize("key", ["percent_sign", "r", "b", "greater_than_sign"])
def test_a_poisoned_release_is_neither_widened_nor_offered_again(key: str) -> None:
    found = planned(key, on_release(poisoned(), 16))

    assert isinstance(found, Say)
    assert found.message == "release 16 is a poisoned copy of 15: it is for whom the fault not-gzip is"
    assert found.hint == "z on the client disarms it; select 15 instead (1)"


def test_one_for_everyone_is_disarmed_by_the_key_for_everyone() -> None:
    found = planned("r", on_release(poisoned(client=None), 16))

    assert isinstance(found, Say)
    assert found.hint.startswith("Z disarms it")


def test_one_that_was_taken_back_is_not_restored() -> None:
    found = planned("w", on_release(poisoned(withheld=True), 16))

    assert isinstance(found, Say)
    assert found.message == "release 16 is a poisoned copy of 15, and its fault is over"


def test_one_that_is_offered_may_be_withheld() -> None:
    found = planned("w", on_release(poisoned(), 16))

    assert isinstance(found, Send)
    assert found.command == Withhold(sequence=16)


def test_one_that_was_taken_back_is_on_no_chip_since_nothing_restores_it() -> None:
    assert "withheld" not in plain(chips(a_view(poisoned(withheld=True)), 120))


def test_a_release_that_takes_one_back_can_be_looked_at() -> None:
    back = a_release(17, origin="reoffer", from_sequence=15, targets=Targets(having=16))

    assert planned("percent_sign", on_release(controls_with(a_release(15), back), 17)) == Roll(17)
