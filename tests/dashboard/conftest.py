"""What every test of the dashboard has."""

from __future__ import annotations

import pytest

from tests.dashboard.resting import nothing_is_ready


@pytest.fixture(autouse=True)
def _the_pilot_waits_for_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("textual.pilot", "textual.app"):
        monkeypatch.setattr(f"{module}.wait_for_idle", nothing_is_ready)
