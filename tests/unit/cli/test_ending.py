"""What an ending signal means, by when it comes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import click
import pytest

from hotswap_dev.cli.full_screen import ending
from hotswap_dev.cli.full_screen.ending import Ending

_PATIENCE = 5.0


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes with which the process would have ended at once."""
    told: list[int] = []
    monkeypatch.setattr(os, "_exit", told.append)
    monkeypatch.setattr(ending, "_GRACE", 0.01)
    return told


@pytest.fixture
def signals() -> Iterator[Ending]:
    with Ending() as entered:
        yield entered


def insisting() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "insist"]


def test_before_the_screen_opens_it_ends_the_start_and_a_second_one_waits_for_nothing(
    signals: Ending,
) -> None:
    at_once: list[bool] = []
    signals.at_once = lambda: at_once.append(True)

    with pytest.raises(click.exceptions.Exit) as ended:
        signal.raise_signal(signal.SIGTERM)
    assert not at_once
    signal.raise_signal(signal.SIGINT)

    assert ended.value.exit_code == 143
    assert at_once == [True]


def test_while_the_screen_is_open_it_leaves_and_the_first_code_counts(
    signals: Ending, exits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "_GRACE", _PATIENCE)
    left: list[int] = []
    signals.on_end(left.append)

    signal.raise_signal(signal.SIGTERM)
    signals.screen_closed()
    signal.raise_signal(signal.SIGINT)

    assert (left, signals.code) == ([143], 143)
    for thread in insisting():
        thread.join(_PATIENCE)
    assert exits == []


def test_once_the_screen_has_closed_it_is_somebody_who_does_not_want_to_wait(signals: Ending) -> None:
    at_once: list[bool] = []
    signals.at_once = lambda: at_once.append(True)
    signals.on_end(lambda code: None)
    signals.screen_closed()

    signal.raise_signal(signal.SIGINT)

    assert at_once == [True]
    assert signals.code == 130


def test_a_screen_that_does_not_close_is_no_reason_to_stay(signals: Ending, exits: list[int]) -> None:
    tried: list[bool] = []
    signals.last_resort = lambda: tried.append(True)
    signals.on_end(lambda code: None)

    signals.end(143)
    for thread in insisting():
        thread.join(_PATIENCE)

    assert tried == [True]
    assert exits == [143]


def test_who_closes_the_screen_late_says_its_last_lines_in_peace(signals: Ending, exits: list[int]) -> None:
    signals.last_resort = signals.screen_closed
    signals.on_end(lambda code: None)

    signals.end(143)
    for thread in insisting():
        thread.join(_PATIENCE)

    assert exits == []
