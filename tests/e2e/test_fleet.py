"""`fleet` against a server of its own: who gets what is what the server's plan says, and nothing is left running."""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from hotswap_dev.client.updating.archive import entries
from hotswap_dev.client.updating.signature import refusal
from hotswap_dev.client.updating.storage import listed
from hotswap_dev.domain.plugin import Extract, Get, Received, Verify
from hotswap_dev.domain.rollout import bucket
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.fleet import Fleet
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.life import Asked, Given, Life, Report, Until
from hotswap_dev.fleet.page import CRASHES, starts
from hotswap_dev.fleet.plan import Crew, Phone, planned
from tests.e2e.server_process import ServerProcess, clean_environment, run_command, write_frontend
from tests.e2e.test_imports import loaded

_VERSION = "1.0.0"


class Site:
    """A server with one release, and what its control site says."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        file = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
        self.server, self.folder = server, folder
        self.url = str(server.ready["site"])
        self.pubkey = str(server.ready["pubkey"])
        self.control = ControlClient(file["control"], file["token"])

    def publish(self, text: str, percent: float = 100.0) -> int:
        """Another release, which so many are offered from the start; its sequence."""
        tree = write_frontend(self.folder / text.partition("<")[0].strip(), text)
        (event,) = self.control.command("publish", {"path": str(tree)})["events"]
        sequence = int(event["release"]["sequence"])
        if percent < 100:
            self.control.command("set-rollout", {"sequence": sequence, "percent": percent})
        return sequence

    def state(self) -> wire.State:
        return wire.decode_state(self.control.request("GET", "/api/state"))

    def fleet(self, *words: str) -> dict[str, Any]:
        """Run `fleet --json` to its end; its object."""
        ended = run_command("fleet", "--json", *words, cwd=self.folder)
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with _served(tmp_path) as server:
        server.event("published")
        yield Site(server, tmp_path)


def _served(folder: Path) -> ServerProcess:
    dist = write_frontend(folder / "dist")
    return ServerProcess(dist, "--port", "0", "--app-version", _VERSION, cwd=folder)


def demand_as_planned(site: Site, sequence: int, percent: float, clients: int, found: dict[str, Any]) -> None:
    """Exactly those run the newest release whom the rollout reaches, all others the one before; each label is true."""
    rows = site.state().clients
    reached = {client.id for client in rows if bucket(client.id, sequence) < percent}
    assert len(rows) == clients
    assert {client.id for client in rows if client.sequence == sequence} == reached
    assert {client.sequence for client in rows if client.id not in reached} == {sequence - 1}
    of_release = next(one for one in found["releases"] if one["sequence"] == sequence)
    for station in ("offered", "fetched", "running", "confirmed"):
        assert of_release[station] == len(reached)
    assert of_release["percent"] == percent
    assert found["labels"] == {"judged": clients, "wrong": []}
    assert found["failures"] == found["lost_reports"] == 0


def test_a_rollout_reaches_exactly_the_clients_that_its_percentage_means(site: Site) -> None:
    newest = site.publish("second", percent=30)

    # Each checks at least twice: it takes the release, and then reports it.
    found = site.fleet(
        *("--clients", "50", "--poll", "1s", "--clicks", "0s", "--ignores", "0", "--failure-rate", "0"),
        *("--reopens", "never", "--for", "3s"),
    )

    demand_as_planned(site, newest, 30, 50, found)
    assert found["bundles_verified"] == 2
    assert found["downloads"] == 50


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_rollout_of_ten_percent_among_500_clients_reaches_exactly_those_it_means(tmp_path: Path) -> None:
    with _served(tmp_path) as server:
        server.event("published")
        site = Site(server, tmp_path)
        newest = site.publish("second", percent=10)

        words = [
            *("--clients", "500", "--poll", "10s", "--clicks", "2s", "--ignores", "0", "--failure-rate", "0"),
            *("--reopens", "20s", "--for", "60s"),
        ]
        ended = subprocess.run(
            [sys.executable, "-m", "hotswap_dev", "fleet", "--json", *words],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )

        found = json.loads(ended.stdout)
        demand_as_planned(site, newest, 10, 500, found)
        (checks, *_) = found["latencies"]
        print(f"server: {checks}; {found['lateness']}; {found['memory']}")  # -rP


def test_pages_that_do_not_start_fall_back_and_the_servers_labels_are_true_all_the_same(site: Site) -> None:
    bad = site.publish(f"bad{CRASHES}")

    found = site.fleet(
        *("--clients", "20", "--poll", "1s", "--clicks", "0s", "--ignores", "0", "--failure-rate", "0"),
        *("--reopens", "never", "--for", "5s"),
    )

    of_bad = next(one for one in found["releases"] if one["sequence"] == bad)
    assert of_bad["crashed"] == 20
    assert of_bad["fell_back"] > 0
    assert of_bad["confirmed"] == 0
    assert found["labels"] == {"judged": 20, "wrong": []}


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal can be sent there")
def test_ctrl_c_ends_it_with_what_came_of_it_so_far_and_its_page(site: Site) -> None:
    page = site.folder / "report.html"
    words = ["fleet", "--clients", "20", "--poll", "1s", "--for", "5m", "--report", str(page)]
    running = subprocess.Popen(
        [sys.executable, "-m", "hotswap_dev", *words],
        cwd=site.folder,
        env=clean_environment(site.folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _until(lambda: len(site.state().clients) == 20)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)

    assert running.returncode == 130, err
    assert "20 clients for" in out
    assert "ended before its time" in out
    assert "A fleet of 20" in page.read_text(encoding="utf-8")


def test_a_fleet_survives_a_server_that_goes_and_says_what_failed(site: Site) -> None:
    words = ["fleet", site.url, "--pubkey", site.pubkey, "--clients", "10", "--poll", "500ms", "--for", "3s"]
    running = subprocess.Popen(
        [sys.executable, "-m", "hotswap_dev", *words, "--json"],
        cwd=site.folder,
        env=clean_environment(site.folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _until(lambda: len(site.state().clients) == 10)
    site.server.kill()
    out, err = running.communicate(timeout=20)

    assert running.returncode == 0, err
    found = json.loads(out)
    assert found["failures"] > 10
    assert all(text.startswith("network error: ") for text in found["errors"])
    assert found["labels"] is None


@pytest.mark.parametrize("module", ["command", "running", "ended", "under_locust"])
def test_nothing_of_it_imports_locust_which_would_change_this_process(tmp_path: Path, module: str) -> None:
    assert loaded(f"import hotswap_dev.cli.fleet.{module}", ("locust", "gevent"), tmp_path) == []


# --- one life, driven twice ---------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="a server has no such signal to end by there")
async def test_what_locusts_users_live_is_what_the_fleets_phones_live(tmp_path: Path) -> None:
    """Of each client: the same checks, answers, downloads and reports in the same order, by the servers' own books."""
    crew = Crew(
        count=12, poll=10.0, clicks=2.0, ignores=0.2, reopens=25.0, failure_rate=0.3, upgrades_to="1.1.0",
        upgrades_after=30.0,
    )  # fmt: skip
    phones = planned([crew], 3)
    books = []
    for which in ("fleet", "life"):
        folder = tmp_path / which
        folder.mkdir()
        with _served(folder) as server:
            server.event("published")
            site = Site(server, folder)
            site.publish("second", percent=50)
            if which == "fleet":
                async with Fleet(
                    phones, site=site.url, pubkey=site.pubkey, clock=Clock(0), tell=lambda _: None
                ) as fleet:
                    await fleet.live(until=60.0)
            else:
                for phone in phones:
                    _live(phone, site, until=60.0)
            books.append(_book(site))

    assert len(books[0]) == 12
    for client in books[0]:
        assert books[0][client] == books[1][client], client


def _live(phone: Phone, site: Site, until: float) -> None:
    life = Life(phone, site=site.url, pubkey=site.pubkey)
    lived = life.lived()
    asked = next(lived)
    while not (isinstance(asked, Until) and (asked.at is None or asked.at > until)):
        if isinstance(asked, Until):
            life.now = asked.at or 0.0
        asked = lived.send(_answered(asked, site))


def _answered(asked: Asked, site: Site) -> Given:
    if isinstance(asked, Get):
        return _asked(site, "GET", asked.url, headers=dict(asked.headers))
    if isinstance(asked, Report):
        _asked(site, "POST", "/api/lifecycle", wire.encode(asked.body), {"Content-Type": "application/json"})
    elif isinstance(asked, Verify):
        return refusal(asked.bundle, asked.signature, asked.pubkey)
    elif isinstance(asked, Extract):
        return listed(entries(asked.bundle, asked.format), starts)
    else:
        assert isinstance(asked, Until | Happened), f"not in this story: {asked}"
    return None


def _asked(
    site: Site, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Received:
    parts = urlsplit(site.url)
    path = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path.path + (f"?{path.query}" if path.query else ""), body, headers or {})
        answer = connection.getresponse()
        return Received(status=answer.status, body=answer.read())
    finally:
        connection.close()


def _book(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    """What the server has recorded of each client, oldest first, the times apart; its end leaves nothing unwritten."""
    assert site.server.send(signal.SIGTERM) == 143
    told = ("event", "sequence", "binary_version", "platform", "reason", "offered", "attempt", "lifecycle")
    book: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    history = site.folder / ".hotswap-dev" / "history.db"
    with closing(sqlite3.connect(f"{history.as_uri()}?mode=ro", uri=True)) as database:
        for (text,) in database.execute(
            "SELECT body FROM observations WHERE client IS NOT NULL ORDER BY number"
        ):
            row = json.loads(text)
            book[row["client"]].append(tuple(row.get(name) for name in told))
    return dict(book)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
