"""The driver between a dashboard and its terminal: what a signal in the wrong moment may not do (hardening E16)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from textual.app import App

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from hotswap_dev.cli.full_screen.driver import CalmDriver


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    names = (signal.SIGTSTP, signal.SIGCONT)
    before = [signal.getsignal(name) for name in names]
    yield
    for name, handler in zip(names, before, strict=True):
        signal.signal(name, handler)


async def test_E16_a_signal_in_the_middle_of_a_write_waits_until_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is written goes through a queue, whose lock the interrupted write holds: to write from the signal's handler
    # would wait for it for ever.
    told: list[str] = []
    driver = CalmDriver(App())
    monkeypatch.setattr(driver, "suspend_application_mode", lambda: told.append("gives the terminal back"))
    monkeypatch.setattr(driver, "resume_application_mode", lambda: told.append("takes it again"))
    kill = os.kill
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append(signal.Signals(number).name))

    kill(os.getpid(), signal.SIGTSTP)
    assert told == []  # still in the middle

    await asyncio.sleep(0)
    assert told == ["gives the terminal back", "SIGSTOP"]

    kill(os.getpid(), signal.SIGCONT)
    assert told == ["gives the terminal back", "SIGSTOP"]

    await asyncio.sleep(0)
    assert told[2:] == ["takes it again"]
