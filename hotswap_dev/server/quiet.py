"""What libraries log, at a bounded rate: who can make a server log can fill its disk (hardening C6, D2)."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_log = logging.getLogger(__name__)

PER_SECOND = 10

TALKATIVE = (
    "aiohttp.server",
    "aiohttp.web",
    "aiohttp.internal",
    "asyncio",
    "hotswap_dev.server.connections",
    "hotswap_dev.server.guard",
    "hotswap_dev.server.listener",
)
"""Loggers that say something for each request or connection that goes wrong."""


class RateLimit(logging.Filter):
    """So many records a second of each logger and level: what anyone can provoke must not drown an error.

    The first one after a second in which there were more says how many were left out.
    """

    def __init__(self, per_second: int = PER_SECOND, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._per_second = per_second
        self._clock = clock
        self._counts: dict[tuple[str, int], _Count] = {}

    @property
    def left_out(self) -> int:
        """How many were left out that nobody was told of yet."""
        return sum(count.left_out for count in self._counts.values())

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is logged."""
        now = self._clock()
        count = self._counts.setdefault((record.name, record.levelno), _Count(since=now))
        if now - count.since >= 1:
            count.since, count.passed = now, 0
        if count.passed >= self._per_second:
            count.left_out += 1
            return False
        count.passed += 1
        if count.left_out:
            record.msg = f"{record.getMessage()} ({count.left_out} like this one were left out before it)"
            record.args = ()
            count.left_out = 0
        return True


@dataclass(slots=True)
class _Count:
    since: float
    passed: int = 0
    left_out: int = 0


@contextlib.contextmanager
def rate_limited(names: tuple[str, ...] = TALKATIVE) -> Iterator[RateLimit]:
    """While the block runs, each of these loggers says no more than a `RateLimit` lets it."""
    limit = RateLimit()
    for name in names:
        logging.getLogger(name).addFilter(limit)
    try:
        yield limit
    finally:
        for name in names:
            logging.getLogger(name).removeFilter(limit)
        if limit.left_out:
            _log.warning("%d more messages were left out of the log", limit.left_out)
