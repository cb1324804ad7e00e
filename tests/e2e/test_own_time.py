"""A program's own time: what it takes on a machine that does nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.own_time import OwnTime

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists() or not hasattr(os, "sched_setaffinity"),
    reason="only Linux says how long a process waited for a core",
)

_BUSY = "import os\nos.sched_setaffinity(0, {int(os.sys.argv[1])})\nprint(flush=True)\nwhile True: pass"


def busy(core: int) -> subprocess.Popen[bytes]:
    """A process that wants one core for itself, and has begun to."""
    process = subprocess.Popen([sys.executable, "-c", _BUSY, str(core)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_time_in_which_another_had_its_core_is_not_its_own() -> None:
    core = min(os.sched_getaffinity(0))
    with busy(core) as one, busy(core) as other:
        try:
            own, began = OwnTime(one.pid), time.monotonic()
            time.sleep(0.6)  # what is measured is time
            by_the_clock, its_own = time.monotonic() - began, own.seconds()
        finally:
            one.kill()
            other.kill()
    assert its_own < 0.8 * by_the_clock


def test_time_in_which_it_sleeps_or_is_gone_is_its_own() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as idle:
        own = OwnTime(idle.pid)
        idle.kill()
        idle.wait()
        began = own.seconds()
        time.sleep(0.2)
        assert own.seconds() - began >= 0.2
