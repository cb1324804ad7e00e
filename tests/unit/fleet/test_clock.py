"""Story time: as fast as life, faster, or as fast as the work goes."""

from __future__ import annotations

import asyncio
import time

import pytest

from hotswap_dev.fleet.clock import Clock


async def test_at_pace_0_time_jumps_to_what_is_waited_for_and_never_back() -> None:
    clock = Clock(0)
    began = time.monotonic()
    await clock.until(86_400)
    assert clock.now == 86_400
    await clock.until(5)
    assert clock.now == 86_400
    assert time.monotonic() - began < 5


async def test_a_faster_pace_makes_a_minute_short() -> None:
    clock = Clock(0.001)
    began = time.monotonic()
    await clock.until(clock.now + 60)
    assert clock.now >= 60
    assert 0.06 <= time.monotonic() - began < 30


@pytest.mark.parametrize("pace", [0, 1])
async def test_a_wait_ends_early_where_something_else_came_up(pace: float) -> None:
    clock, came_up = Clock(pace), asyncio.Event()
    asyncio.get_running_loop().call_soon(came_up.set)
    async with asyncio.timeout(10):
        await clock.until(3600, unless=came_up)
    assert clock.now < 3600


def test_time_runs_backwards_nowhere() -> None:
    with pytest.raises(ValueError, match="pace -1"):
        Clock(-1)


@pytest.mark.parametrize("pace", [float("nan"), float("inf"), 1e-320])
def test_a_pace_at_which_no_moment_ever_comes_is_refused(pace: float) -> None:
    with pytest.raises(ValueError, match=f"pace {pace}"):
        Clock(pace)
