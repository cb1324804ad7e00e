"""Overrides belong to a run: what its end makes of them, in order or by kill -9, in a process of its own."""

from __future__ import annotations

import http.client
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.client.control import ControlClient
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.storage.workspace import find_server
from tests.e2e.server_process import ServerProcess, run_command, write_frontend
from tests.unit.engine.engines import facts_on_disk

PATIENCE = 10.0
ENDS = ["SIGTERM", "SIGINT"] if sys.platform == "win32" else ["SIGTERM", "SIGINT", "SIGHUP"]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return write_frontend(tmp_path / "dist")


def served(dist: Path, *options: str) -> ServerProcess:
    return ServerProcess(dist, "--port", "0", *options, cwd=dist.parent, everything=True)


def control(dist: Path) -> ControlClient:
    found = find_server(dist.parent / ".hotswap-dev")
    return ControlClient(found.control, found.token or "")


def arm(dist: Path, fault: str, **arguments: Any) -> Any:
    return control(dist).command("arm-fault", {"fault": fault, **arguments})["result"]


def on_disk(dist: Path) -> Controls:
    return replay(facts_on_disk(dist.parent / ".hotswap-dev"))


def left(controls: Controls) -> dict[int, int | None]:
    return {one.override: one.left for one in controls.faults}


def is_kept(server: ServerProcess, named: str) -> None:
    """The first thing that it says is what is still in force."""
    notice = server.event("notice", lambda one: one["code"] == "overrides-kept")
    assert named in notice["message"]
    assert notice["hint"] == "hotswap-dev clear-overrides ends them"


def test_E1_a_kill_forgets_no_strike_that_is_older_than_a_moment(dist: Path) -> None:
    with served(dist) as server:
        server.event("published")
        arm(dist, "check/http-error", times=5)
        assert [server.check()[0] for _ in range(3)] == [503, 503, 503]
        struck = time.monotonic()
        while left(on_disk(dist)) != {1: 2}:
            assert time.monotonic() - struck < PATIENCE, "what was struck is not on the disk"
            time.sleep(0.01)
        server.kill()
    with served(dist) as server:
        is_kept(server, "check/http-error")
        assert [server.check()[0] for _ in range(4)] == [503, 503, 200, 200]


def test_E1_killed_in_the_middle_of_its_strikes_it_has_no_more_left_than_it_was_armed_for(dist: Path) -> None:
    with served(dist) as server:
        server.event("published")
        arm(dist, "check/http-error", times=6)
        before = [server.check()[0] for _ in range(4)]
        server.kill()
    assert before == [503] * 4
    with served(dist) as server:
        after = [server.check()[0] for _ in range(8)]
        struck = after.count(503)
        # What was answered within the last moment may be given back; never more, and in one piece.
        assert 2 <= struck <= 6
        assert after == [503] * struck + [200] * (8 - struck)
        assert control(dist).get("/api/state")["controls"]["faults"] == []


@pytest.mark.parametrize("name", ENDS)
def test_a_signal_takes_a_poisoned_release_back_and_who_took_it_is_taken_on_afterwards(
    dist: Path, name: str
) -> None:
    with served(dist) as server:
        server.event("published")
        assert arm(dist, "crash-on-load")["sequence"] == 2
        _, manifest = server.check(1)
        assert manifest is not None
        assert manifest["sequence"] == 2
        server.send(getattr(signal, name))
    assert on_disk(dist).faults == ()
    assert on_disk(dist).releases[2].withheld
    with served(dist) as server:
        told = [server.check(sequence) for sequence in range(4)]
        assert [manifest and manifest["sequence"] for _, manifest in told] == [1, None, 3, None]


def test_kill_9_leaves_a_poisoned_release_offered_says_so_and_one_command_takes_it_back(dist: Path) -> None:
    with served(dist) as server:
        server.event("published")
        arm(dist, "crash-on-load")
        server.kill()
    with served(dist) as server:
        is_kept(server, "crash-on-load")
        _, manifest = server.check(1)
        assert manifest is not None
        assert manifest["sequence"] == 2
        cleared = run_command("clear-overrides", cwd=dist.parent)
        assert cleared.returncode == 0, cleared.stderr
        assert [server.check(sequence)[0] for sequence in (0, 1, 2)] == [200, 204, 200]


def test_offline_outlives_a_kill_and_the_line_is_back_when_it_is_cleared(dist: Path) -> None:
    with served(dist) as server:
        server.event("published")
        arm(dist, "offline")
        server.kill()
    with served(dist) as server:
        is_kept(server, "offline")
        until_it(server, refuses=True)
        control(dist).command("clear-overrides", {})
        until_it(server, refuses=False)
        assert server.check()[0] == 200


def until_it(server: ServerProcess, *, refuses: bool) -> None:
    """Wait until connections are refused, or no longer."""
    deadline = time.monotonic() + PATIENCE
    while refused(server) is not refuses:
        assert time.monotonic() < deadline, f"refuses: not {refuses} within {PATIENCE} s"
        time.sleep(0.01)


def refused(server: ServerProcess) -> bool:
    try:
        server.check()
    except (ConnectionError, http.client.HTTPException):
        return True
    return False


def test_what_is_to_be_kept_is_kept_by_an_end_in_order_too(dist: Path) -> None:
    with served(dist, "--keep-overrides") as server:
        server.event("published")
        arm(dist, "check/http-error", times=3)
        arm(dist, "crash-on-load", client="Pixel")
        assert server.check()[0] == 503
        server.send(signal.SIGTERM)
    assert {one.fault: one.left for one in on_disk(dist).faults} == {
        "check/http-error": 2,
        "crash-on-load": None,
    }
    with served(dist, "--keep-overrides") as server:
        is_kept(server, "crash-on-load")
        assert [server.check()[0] for _ in range(3)] == [503, 503, 200]
