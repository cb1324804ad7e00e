"""Which signals end a server or a dashboard, and which were ignored for it on purpose."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from hotswap_dev.cli.serving.ending_signals import EXIT_CODES, on_ending_signals


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = {name: signal.getsignal(getattr(signal, name)) for name in EXIT_CODES if hasattr(signal, name)}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize("name", [name for name in EXIT_CODES if hasattr(signal, name)])
def test_each_is_told_by_its_exit_code_while_the_block_runs_and_not_after_it(name: str) -> None:
    told: list[int] = []
    number = getattr(signal, name)
    before = signal.getsignal(number)

    with on_ending_signals(told.append):
        signal.raise_signal(number)

    assert told == [EXIT_CODES[name]]
    assert signal.getsignal(number) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_a_hangup_that_was_ignored_from_the_start_stays_ignored() -> None:
    told: list[int] = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with on_ending_signals(told.append):
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signal.raise_signal(signal.SIGTERM)

    assert told == [143]
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
