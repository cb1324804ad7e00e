"""A dashboard under load: nothing is lost, every figure is right in the end, and one that was stopped recovers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from hotswap_dev.engine.bus import RING
from tests.benchmarks import wrk
from tests.dashboard.attached import attached_to
from tests.e2e.server_process import ServerProcess, write_frontend

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.benchmarks.bench_checks import _memory
from tests.benchmarks.bench_dashboard import QuietTerminal, figures, load
from tests.e2e.terminal import hotswap_dev

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not wrk.installed(), reason="wrk is not installed"),
]

_CLIENTS = 300


class Site:
    """A server in a process of its own, and what its control site says."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        file = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
        self.server = server
        self.folder = folder
        self.address, self.token = file["control"], file["token"]
        self.url = str(server.ready["site"])
        self.control = ControlClient(self.address, self.token)

    def state(self) -> wire.State:
        return wire.decode_state(self.control.request("GET", "/api/state"))

    def answered(self) -> Counter[str]:
        """How many checks of each client are in the history."""
        path = self.folder / ".hotswap-dev" / "history.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            counted = (
                "SELECT client, count(*) FROM observations WHERE event = 'check-answered' GROUP BY client"
            )
            return Counter(dict(database.execute(counted).fetchall()))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ServerProcess(write_frontend(tmp_path / "dist"), "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        yield Site(server, tmp_path)


async def test_C9_every_check_of_a_thousand_a_second_is_counted_on_the_screen(site: Site) -> None:
    async with attached_to(site.address, site.token) as desk:
        result = await asyncio.to_thread(load, site.url, seconds=5, rate=1_000, restless=False)
        assert result.clean
        state = await asyncio.to_thread(site.state)
        await desk.knows(state)
        await desk.shows(*figures(state))

        counted: Counter[str] = Counter()
        for row in desk.app.mirror.checks.rows():
            if row.check is not None:
                counted[row.check.client] += row.times
        assert len(state.clients) == len(counted) == _CLIENTS
        assert result.requests <= counted.total() <= result.requests + result.connections
        assert desk.app.mirror.rates.last_minute(desk.app.now()) == counted.total()
        await desk.until(lambda: site.answered() == counted, "every check is recorded")


async def test_C9_a_terminal_under_load_has_every_figure_right_in_the_end_and_takes_keys_meanwhile(
    site: Site,
) -> None:
    with QuietTerminal(*hotswap_dev("attach"), cwd=site.folder) as terminal:
        terminal.wait_for_dashboard()
        terminal.look_away()
        asking = asyncio.create_task(asyncio.to_thread(load, site.url, seconds=5, rate=1_000))
        await _until(lambda: len(site.state().clients) == _CLIENTS)
        assert not asking.done()
        terminal.type("M")
        await _until(lambda: site.state().controls.mandatory_for_all)
        assert not asking.done()
        assert (await asking).clean

        terminal.look()
        state = site.state()
        for text in (*figures(state), "every offer mandatory"):
            terminal.wait_for(text)
        terminal.type("q")
        assert terminal.exit_code() == 0


async def test_C7_a_dashboard_that_was_stopped_for_longer_than_events_are_kept_recovers_and_costs_no_memory(
    site: Site,
) -> None:
    # The same load before, so that what the server keeps of its clients and of its history is there already.
    await asyncio.to_thread(load, site.url, seconds=3, rate=100_000)
    with QuietTerminal(*hotswap_dev("attach"), cwd=site.folder) as terminal:
        terminal.wait_for_dashboard()
        terminal.wait_for(f"Clients {_CLIENTS} ")
        before = _memory(site.server.process.pid)
        os.kill(terminal.pid, signal.SIGSTOP)
        try:
            stopped_at = site.state().revision
            # First what its socket and the server's buffer for it take, then a change that it must miss, and behind it
            # more than is kept.
            await _asked_for(site, stopped_at + 4 * RING)
            site.control.command("pause-channel", {"channel": "production"})
            missed_at = site.state().revision
            await _asked_for(site, missed_at + 2 * RING)
            grown = _memory(site.server.process.pid) - before
            print(
                f"the server grew by {grown:.1f} MB over {missed_at - stopped_at + 2 * RING:,} events"
            )  # -rP
            assert grown < 15
            site.server.check(channel="came-while-it-was-stopped")
        finally:
            os.kill(terminal.pid, signal.SIGCONT)

        state = site.state()
        assert len(state.clients) == _CLIENTS + 1
        for text in (*figures(state), "production paused"):
            terminal.wait_for(text)
        # And it follows again.
        site.server.check(channel="comes-now")
        terminal.wait_for("channel-unknown")
        terminal.type("N")
        await _until(lambda: bool(site.state().controls.forced))
        terminal.wait_for("no update ×1 everyone")
        terminal.type("q")
        assert terminal.exit_code() == 0


async def _asked_for(site: Site, revision: int) -> None:
    """As many checks as the server can answer, until it has come that far."""
    while site.state().revision < revision:
        assert (await asyncio.to_thread(load, site.url, seconds=1, rate=100_000)).clean


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.05)
