"""What an open dashboard costs, and whether it keeps up: a server under load with a terminal on it, and without.

    python -m tests.benchmarks.bench_dashboard              2,000 checks a second of 300 clients, 30 s
    python -m tests.benchmarks.bench_dashboard --seconds 10 --rate 500

Printed are the answers' latency without and with the dashboard, by turns; then, over the whole time, what the
dashboard takes, how soon a key acts, and whether every figure on the screen is the server's in the end. Then a
dashboard in this process under the same load: what one painting costs, and whether it knows every client as the server
does. Last, two dashboards and a script: how long until both show what the script changed.

`wrk -t1` asks, each connection after a pause of its own, so the rate is fixed and no answer waits for another's. A
third of the clients report another sequence each time: each of their checks is a row of its own, their stories turn.
Where other programs want the machine too, latencies say little: the server's time for a check says more. How long it
was kept waiting for a processor is printed with them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from tests.benchmarks import wrk
from tests.benchmarks.bench_checks import _memory, _processor_time
from tests.benchmarks.wrk import WrkResult
from tests.dashboard.attached import attached_to
from tests.e2e.server_process import ServerProcess, write_frontend
from tests.e2e.terminal import Terminal, hotswap_dev

CLIENTS = 300
COLUMNS, LINES = 120, 36
_RELEASES = 3
_PATIENCE = 30.0
_CHANGES = 20
_TURN = 5
"""Seconds of a turn without a dashboard, or with one."""


_LUA = """
math.randomseed(SEED)
local turn = 0
function delay() return math.random(PAUSE_FROM, PAUSE_TO) end
request = function()
  local client = turn % CLIENTS
  local round = math.floor(turn / CLIENTS)
  turn = turn + 1
  local sequence = client % 3
  if RESTLESS and sequence == 2 then sequence = round % 4 end
  local path = "/api/ota/" .. sequence .. "?binary_version=0.1.0&platform=linux&arch=x86_64"
  return wrk.format("GET", path, {["X-Device-Id"] = "device-" .. client})
end
"""


def load(
    site: str, *, seconds: float, rate: int, clients: int = CLIENTS, restless: bool = True, seed: int = 1
) -> WrkResult:
    """So many checks a second of so many clients, each on a connection of its own.

    `restless`: a third of them report another sequence each time.
    """
    pause = clients / rate * 1000
    names = {
        "SEED": seed,
        "PAUSE_FROM": round(pause * 0.6),
        "PAUSE_TO": round(pause * 1.4),
        "CLIENTS": clients,
        "RESTLESS": "true" if restless else "false",
    }
    script = re.sub(r"\b[A-Z_]{4,}\b", lambda found: str(names[found[0]]), _LUA)
    return wrk.run(f"{site}/", seconds, connections=clients, script=script)


class QuietTerminal(Terminal):
    """A terminal that takes what is written without drawing it, until somebody looks: drawing wants a core."""

    def __init__(self, *words: str | Path, cwd: Path, columns: int = COLUMNS, lines: int = LINES) -> None:
        self._draws = True
        self._undrawn = bytearray()
        super().__init__(*words, cwd=cwd, columns=columns, lines=lines)

    def look_away(self) -> None:
        """From now on nothing is drawn."""
        with self._lock:
            self._draws = False

    def look(self) -> None:
        """Draw what was written meanwhile, and go on drawing."""
        with self._lock:
            self._draws = True
            missed = bytes(self._undrawn)
            self._undrawn.clear()
            self._draw(missed)

    def _draw(self, data: bytes) -> None:
        if self._draws:
            super()._draw(data)
        else:
            self._undrawn += data


def figures(state: wire.State) -> tuple[str, ...]:
    """What must be on the screen where this is what the server has: how many of what, and the newest release's way."""
    newest = max(state.controls.releases)
    asking = [client for client in state.clients if (client.channel or "production") == "production"]
    running = sum(client.sequence == newest for client in asking)
    return (
        f"Releases {len(state.controls.releases)} ",
        f"Clients {len(state.clients)} ",
        f"/{len(asking)} ▸ fetched",
        f"running {running} ",
    )


def main() -> None:
    options = _arguments()
    if not wrk.installed():
        print("skipped: wrk is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ServerProcess(write_frontend(folder / "dist"), "--port", "0", cwd=folder) as server:
            server.event("published")
            file = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
            control = ControlClient(file["control"], file["token"])
            for number in range(1, _RELEASES):
                control.command(
                    "publish", {"path": str(write_frontend(folder / f"build-{number}", f"{number}"))}
                )
            load(file["site"], seconds=2, rate=options.rate)
            in_turns(server, folder, rate=options.rate, rounds=options.rounds)
            in_a_terminal(server, control, folder, seconds=options.seconds, rate=options.rate)
            asyncio.run(in_this_process(file, rate=options.rate, seconds=max(4, options.seconds // 3)))
            asyncio.run(two_and_a_script(file))


def in_turns(server: ServerProcess, folder: Path, *, rate: int, rounds: int) -> None:
    """The load without a dashboard and with one, by turns."""
    pairs = []
    for _ in range(rounds):
        alone = _measured("without a dashboard", server, _TURN, rate)
        with attached(folder) as terminal:
            terminal.look_away()
            pairs.append((alone, _measured("with a dashboard", server, _TURN, rate)))
    ratio = statistics.median(watched.p99_ms / alone.p99_ms for alone, watched in pairs)
    least = min(watched.p99_ms for _, watched in pairs)
    print(f"p99 with against without: {ratio:.2f} (median of {rounds}); the least with: {least:.1f} ms")


@contextmanager
def attached(folder: Path) -> Iterator[QuietTerminal]:
    """`attach` in a terminal of 120x36; it must end well."""
    with QuietTerminal(*hotswap_dev("attach"), cwd=folder) as terminal:
        terminal.wait_for_dashboard()
        yield terminal
        terminal.look()
        terminal.type("q")
        if code := terminal.exit_code():
            raise SystemExit(f"the dashboard ended with {code}")


def in_a_terminal(
    server: ServerProcess, control: ControlClient, folder: Path, *, seconds: int, rate: int
) -> None:
    """A long load with keys in between: what the dashboard takes, how soon a key acts, what it shows in the end."""
    with attached(folder) as terminal:
        terminal.look_away()
        asking = threading.Thread(target=_measured, args=("with keys", server, seconds, rate))
        asking.start()
        third = seconds / 3
        asking.join(third)
        early = _memory(terminal.pid)
        spent = _processor_time(terminal.pid)
        began = time.monotonic()
        keys = []
        for _ in range(5):
            keys.append(_key_acts(terminal, control))
            asking.join(third / 10)
        asking.join(max(0.0, 2 * third - 1.0 - (time.monotonic() - began)))
        wall = time.monotonic() - began
        taken = _processor_time(terminal.pid) - spent
        print(f"the dashboard takes {taken / wall:.0%} of a core")
        print(f"dashboard's memory: {early:.1f} MB after {third:.0f} s, ", end="")
        print(f"{_memory(terminal.pid):.1f} MB at the end; server's: {_memory(server.process.pid):.0f} MB")
        print(f"a key acts after {', '.join(f'{one:.0f}' for one in keys)} ms")
        asking.join()
        terminal.look()
        state = wire.decode_state(control.request("GET", "/api/state"))
        _until(lambda: all(one in terminal.text() for one in figures(state)), "every figure right")
        print(f"right in the end: {', '.join(one.strip() for one in figures(state))}")


async def in_this_process(file: dict[str, Any], *, rate: int, seconds: int) -> None:
    """A dashboard under the same load: what a painting takes, and whether it knows what the server knows."""
    async with attached_to(file["control"], file["token"], size=(COLUMNS, LINES)) as desk:
        painting: list[float] = []
        paint = desk.app.paint

        def timed() -> None:
            began = time.thread_time()
            paint()
            painting.append((time.thread_time() - began) * 1000)

        desk.app.paint = timed  # type: ignore[method-assign] # to see what it takes
        spent, began, revision = time.thread_time(), time.monotonic(), desk.app.mirror.revision
        await asyncio.to_thread(load, file["site"], seconds=seconds, rate=rate, seed=2)
        state = wire.decode_state(await asyncio.to_thread(_client(file).request, "GET", "/api/state"))
        await desk.knows(state)
        taken, events = time.thread_time() - spent, desk.app.mirror.revision - revision
        print(
            f"in this process: {taken / (time.monotonic() - began):.0%} of a core for {events:,} events; "
            f"a view and its lines {statistics.mean(painting):.1f} ms, at most {max(painting):.1f} ms "
            f"({len(painting)} times, {len(desk.app.mirror.checks):,} rows, {len(state.clients)} clients)"
        )
        print("in the end it knows every client, release and count as the server does")


async def two_and_a_script(file: dict[str, Any]) -> None:
    """How long after a script's change both dashboards show it."""
    script = _client(file)
    async with (
        attached_to(file["control"], file["token"]) as one,
        attached_to(file["control"], file["token"]) as other,
    ):
        taken = []
        for number in range(_CHANGES):
            on = number % 2 == 0
            await asyncio.gather(
                one.press("M"), asyncio.to_thread(script.command, "force-204", {"on": on, "client": "nobody"})
            )
            changed = time.monotonic()
            armed = "no update nobody   every offer mandatory" if on else ""
            for desk in (one, other):
                await desk.says("chips", armed)
            taken.append((time.monotonic() - changed) * 1000)
        print(
            f"two dashboards and a script show the same after {statistics.median(taken):.0f} ms, "
            f"at most {max(taken):.0f} ms ({_CHANGES} times)"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--rate", type=int, default=2_000)
    return parser.parse_args()


def _client(file: dict[str, Any]) -> ControlClient:
    return ControlClient(file["control"], file["token"])


def _key_acts(terminal: Terminal, control: ControlClient) -> float:
    """Milliseconds from `N` typed until the server has set the forced 204, by its own record of when it did."""
    typed = datetime.now(UTC)
    since = typed.isoformat().replace("+00:00", "Z")
    found: list[Any] = []

    def recorded() -> bool:
        found[:] = control.get("/api/history", event="forced-204-set", since=since, limit=1)
        return bool(found)

    terminal.type("N")
    # What is asked here is answered on the checks' time: seldom is often enough, the record has the moment.
    _until(recorded, "the key acts", every=0.2)
    return (datetime.fromisoformat(found[0]["at"]) - typed).total_seconds() * 1000


def _measured(label: str, server: ServerProcess, seconds: float, rate: int) -> WrkResult:
    """The load, and what it was for the server: printed."""
    pid = server.process.pid
    spent, waited = _processor_time(pid), _waited(pid)
    result = load(str(server.ready["site"]), seconds=seconds, rate=rate)
    if not result.clean:
        raise SystemExit(f"{label}: not every answer was one: {result}")
    print(
        f"{label}: {result.requests:,} answers, {result.rate:,.0f}/s, "
        f"p50 {result.p50_ms:.1f} ms, p99 {result.p99_ms:.1f} ms, at most {result.max_ms:.0f} ms; "
        f"server {(_processor_time(pid) - spent) / result.requests * 1e6:.0f} µs a check, "
        f"kept waiting for a processor {(_waited(pid) - waited) / result.seconds:.0%} of the time",
        flush=True,
    )
    return result


def _waited(pid: int) -> float:
    """Seconds for which a process could have run and other programs did; NaN where nothing tells."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    found = [int(thread.read_text().split()[1]) for thread in threads]
    return sum(found) / 1e9 if found else math.nan


def _until(holds: Callable[[], bool], what: str, *, every: float = 0.01) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {_PATIENCE:.0f} s")
        time.sleep(every)


if __name__ == "__main__":
    main()
