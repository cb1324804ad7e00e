"""The picker of faults as a test holds it."""

from __future__ import annotations

import pytest

from hotswap_dev.dashboard.screens.faults import FaultPicker
from hotswap_dev.domain.facts import FaultArmed
from hotswap_dev.domain.model import ArmedFault
from tests.dashboard.scripted import Desk
from tests.unit.making import NOW

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 36), id="120x36")]


def armed(override: int = 7, fault: str = "hang", **more: object) -> FaultArmed:
    """A fault that is armed already."""
    parameters = {"hang": {"seconds": 30}, "download/http-error": {"status": 503}}.get(fault, {})
    return FaultArmed(
        at=NOW,
        armed=ArmedFault(override=override, fault=fault, parameters=parameters, **more),  # type: ignore[arg-type]
    )


async def at_the_phone(desk: Desk) -> None:
    """The phone is selected, which is called Pixel."""
    await desk.press("2", "j")


def picker(desk: Desk) -> FaultPicker:
    """The picker, on top of the screens."""
    assert isinstance(desk.app.screen, FaultPicker)
    return desk.app.screen
