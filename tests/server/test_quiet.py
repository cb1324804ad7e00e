"""The log at a bounded rate (hardening C6, D2)."""

from __future__ import annotations

import logging

import pytest

from hotswap_dev.server.quiet import PER_SECOND, TALKATIVE, RateLimit, rate_limited


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def a_record(level: int = logging.WARNING, name: str = "aiohttp.server") -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, "%s failed", ("it",), None)


def test_C6_ten_a_second_pass_and_the_next_second_says_how_many_did_not() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)

    assert [limit.filter(a_record()) for _ in range(25)] == [True] * 10 + [False] * 15
    clock.now = 1.0
    late = a_record()
    assert limit.filter(late)
    assert late.getMessage() == "it failed (15 like this one were left out before it)"
    after = a_record()
    assert limit.filter(after)
    assert after.getMessage() == "it failed"


def test_C6_what_anyone_can_provoke_drowns_no_error() -> None:
    limit = RateLimit(10, Clock())
    for _ in range(1000):
        limit.filter(a_record())

    assert limit.filter(a_record(logging.ERROR))
    assert limit.filter(a_record(name="asyncio"))


def test_C6_every_talkative_logger_is_limited_while_a_server_runs_and_not_after(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in TALKATIVE:
        caplog.clear()
        with rate_limited():
            for _ in range(100):
                logging.getLogger(name).error("again")
            assert len(caplog.records) == PER_SECOND, name
        assert caplog.messages[PER_SECOND:] == ["90 more messages were left out of the log"]
        logging.getLogger(name).error("again")
        assert len(caplog.records) == PER_SECOND + 2
