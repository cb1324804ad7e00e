"""`fleet --locust --start`: a master and its workers, whose figures are the server's own, to the last request.

Locust runs in processes of its own alone: here nothing of it is imported.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev import wire
from hotswap_dev.cli.fleet.under_locust import LOCUSTFILE
from hotswap_dev.client.control import ControlClient
from tests.dashboard.attached import Attached, attached_to
from tests.e2e.server_process import ServerProcess, clean_environment, write_frontend

_EVENTS = {"check": "check-answered", "bundle": "download-ended", "lifecycle": "lifecycle-reported"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Site:
    """A server with one release, and what it has recorded."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        file = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
        self.address, self.token = str(file["control"]), str(file["token"])
        self.folder = folder
        self.control = ControlClient(self.address, self.token)

    def state(self) -> wire.State:
        return wire.decode_state(self.control.request("GET", "/api/state"))

    def recorded(self) -> Counter[str]:
        """How much of what is in the history."""
        path = self.folder / ".hotswap-dev" / "history.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            counted = "SELECT event, count(*) FROM observations GROUP BY event"
            return Counter(dict(database.execute(counted).fetchall()))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`fleet --locust --start`."""
        return subprocess.Popen(
            [sys.executable, "-m", "hotswap_dev", "fleet", "--locust", "--start", *words],
            cwd=self.folder,
            # Locust and gevent warn of themselves.
            env={**clean_environment(self.folder), "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", "--app-version", "1.0.0", cwd=tmp_path) as server:
        server.event("published")
        yield Site(server, tmp_path)


def demand_same_figures(site: Site, requests: Sequence[dict[str, Any]], table: Path) -> None:
    """No request failed, and each that locust counted is in the history, and no other.

    Users are stopped between their requests (`HotswapUser.wait_time`), so none is on its way at the end. What was
    answered is written within a moment.
    """
    counted = {one["name"]: one["requests"] for one in requests}
    assert set(counted) == set(_EVENTS)
    assert sum(one["failures"] for one in requests) == 0
    _until(lambda: all(site.recorded()[event] == counted[name] for name, event in _EVENTS.items()))
    by_checks = sum(client.checks for client in site.state().clients)
    assert by_checks == counted["check"]
    with table.open(newline="") as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert {name: int(rows[name]["Request Count"]) for name in counted} == counted
    assert {int(rows[name]["Failure Count"]) for name in counted} == {0}


@pytest.mark.timeout(90)
def test_a_hundred_users_of_two_workers_are_counted_alike_by_locust_and_by_the_server(site: Site) -> None:
    running = site.start(
        *("--clients", "100", "--workers", "2", "--poll", "2s", "--clicks", "500ms", "--for", "6s"),
        *("--failure-rate", "0.1", "--reopens", "4s", "--csv", "locust", "--json"),
    )
    out, err = running.communicate(timeout=60)

    assert running.returncode == 0, err
    found = json.loads(out)
    demand_same_figures(site, found["requests"], site.folder / "locust_stats.csv")
    # The two workers share out one plan: nobody is two, and nobody is missing.
    clients = site.state().clients
    assert len(clients) == 100
    assert {client.mixed for client in clients} == {None}
    assert {client.platform for client in clients} == {"android", "ios"}
    assert Counter(client.platform for client in clients)["android"] == 70
    assert any(client.confirmed == 1 for client in clients)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_downloads_that_break_off_are_failed_requests_and_still_counted_to_the_last_one(site: Site) -> None:
    site.control.command("arm-fault", {"fault": "download/truncate", "parameters": {"percent": 50}})
    running = site.start(
        *("--clients", "20", "--poll", "4s", "--clicks", "0s", "--ignores", "0", "--for", "6s", "--json")
    )
    out, err = running.communicate(timeout=90)

    # Some are within their four attempts when the time is over, and end them.
    assert running.returncode == 1, err
    counted = {one["name"]: one for one in json.loads(out)["requests"]}
    assert counted["bundle"]["failures"] == counted["bundle"]["requests"] >= 4 * 20 / 2
    assert counted["check"]["failures"] == counted["lifecycle"]["failures"] == 0
    _until(lambda: all(site.recorded()[_EVENTS[name]] == one["requests"] for name, one in counted.items()))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_bundle_that_the_plugin_refuses_is_said_in_its_words_and_is_no_failed_request(site: Site) -> None:
    site.control.command("arm-fault", {"fault": "wrong-key"})
    running = site.start(
        *(
            "--clients",
            "10",
            "--poll",
            "2s",
            "--clicks",
            "0s",
            "--ignores",
            "0",
            "--for",
            "4s",
            "--csv",
            "locust",
        )
    )
    _, err = running.communicate(timeout=90)

    assert running.returncode == 1
    assert "apply: signature verification failed: The signature was created with a different key" in err
    with (site.folder / "locust_stats.csv").open(newline="") as file:
        assert {row["Failure Count"] for row in csv.DictReader(file)} == {"0"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal can be sent there")
def test_ctrl_c_ends_master_and_workers_in_order(site: Site) -> None:
    running = site.start("--clients", "20", "--poll", "1s", "--for", "5m")
    _until(lambda: len(site.state().clients) == 20)
    children = _children_of(running.pid)
    assert len(children) >= 3
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)

    assert running.returncode == 130, err
    assert not any(_is_alive(one) for one in children)
    checks = sum(client.checks for client in site.state().clients)
    _until(lambda: site.recorded()["check-answered"] == checks)


@pytest.mark.parametrize("role", [["--master"], ["--worker"]])
def test_who_is_killed_leaves_no_locust_behind(role: list[str], tmp_path: Path) -> None:
    bare = [*role, "--master-port" if role == ["--worker"] else "--master-bind-port", str(free_port())]
    page = ["--web-host", "127.0.0.1", "--web-port", str(free_port())] if role == ["--master"] else []
    child = subprocess.Popen(
        [sys.executable, "-m", "hotswap_dev.cli.fleet.tied", "-f", str(LOCUSTFILE), *bare, *page],
        cwd=tmp_path,
        env={**clean_environment(tmp_path), "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stderr is not None
    assert any(
        "Starting Locust" in line or "Starting web" in line or "Failed to connect" in line
        for line in child.stderr
    )
    child.stdin.close()  # as the system does it when the other end's process is killed
    child.stdin = None
    try:
        child.communicate(timeout=15)
    finally:
        child.kill()


def test_without_a_time_it_serves_locusts_page_on_this_machine_alone(site: Site) -> None:
    running = site.start("--clients", "5")
    try:
        assert running.stderr is not None
        said = running.stderr.readline()
        port = int(said.partition("http://127.0.0.1:")[2].split()[0])
        _until(lambda: _answers("127.0.0.1", port))
    finally:
        running.terminate()
        running.communicate(timeout=30)

    assert running.returncode == 143
    assert not _answers("127.0.0.1", port)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_thousand_users_for_a_minute_fail_nowhere_and_a_dashboard_stays_usable_meanwhile(
    site: Site,
) -> None:
    running = site.start(
        *("--clients", "1000", "--workers", "2", "--poll", "20s", "--clicks", "2s", "--for", "60s"),
        *("--csv", "locust", "--json"),
    )
    told = asyncio.create_task(asyncio.to_thread(running.communicate, timeout=180))
    took: list[float] = []
    async with attached_to(site.address, site.token) as desk:
        await asyncio.to_thread(_until, lambda: len(site.state().clients) > 100)
        while not told.done():
            took.append(await _key_acts(desk, site))
            await asyncio.wait((told,), timeout=1.0)
        state = await asyncio.to_thread(site.state)
        await desk.knows(state)

    out, err = told.result()
    assert running.returncode == 0, err
    found = json.loads(out)
    demand_same_figures(site, found["requests"], site.folder / "locust_stats.csv")
    assert len(state.clients) == 1000
    took.sort()
    print(
        f"{len(took)} keys: p50 {took[len(took) // 2] * 1000:.0f} ms, worst {took[-1] * 1000:.0f} ms"
    )  # -rP
    print(found)
    assert len(took) > 20
    assert took[len(took) // 2] < 2.0


async def _key_acts(desk: Attached, site: Site) -> float:
    """Seconds from a key pressed until its command is done, known here, and painted."""
    armed = (await asyncio.to_thread(site.state)).controls.mandatory_for_all
    began = time.monotonic()
    await desk.press("M")
    await desk.until(lambda: desk.app.mirror.controls.mandatory_for_all != armed, "the key acts")
    await desk.until(lambda: desk.is_painted, "and is seen")
    return time.monotonic() - began


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _answers(host: str, port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((host, port)) == 0


def _children_of(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in found.stdout.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
