"""A recorder in a test: hearing its troubles, waiting for it, and reading what it left."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.storage.history import History
from tests.unit.making import NOW, an_answered_check

PATIENCE = 10  # seconds that a test waits before it fails


class Troubles:
    """What the recorder said of its troubles, and a way to wait for it."""

    def __init__(self) -> None:
        self.heard: list[str | None] = []
        self._changed = threading.Condition()

    def __call__(self, trouble: str | None) -> None:
        with self._changed:
            self.heard.append(trouble)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[str | None]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, PATIENCE)
            return self.heard


def settled(history: History, count: int) -> None:
    """Wait until so many were recorded or dropped."""
    until(lambda: history.recorded + history.dropped >= count)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    poll = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        poll.wait(0.002)


def stored(path: Path, *, events: tuple[str, ...] = ("check-answered",)) -> list[Any]:
    """What a next start would find, oldest first."""
    with contextlib.closing(History(path)) as reopened:
        return [dict(row) for row in reversed(reopened.checks(limit=100_000, events=events))]


def seen_by(client: str, at: datetime = NOW) -> Client:
    made = advance(None, an_answered_check(client, at=at))
    assert made is not None
    return made
