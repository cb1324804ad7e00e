"""How fast checks are answered, against a bare Node server that answers the same bytes and keeps nothing.

    python -m tests.benchmarks.bench_checks             medians of the ratios, p99, rows, memory
    python -m tests.benchmarks.bench_checks --readers   the same with a stopped and a slow reader of the event stream
    python -m tests.benchmarks.bench_checks --million   a million checks of many clients: none lost, memory flat

Both are asked in turns by `wrk -t1 -c32`, after the same warm-up. What counts is the ratio: the rate is this machine's.
Where other programs want the machine too, rates say little; the processor time that a check takes (µs, of the server's
process, all its threads) says more. It is read where there is a /proc.
`wrk` hangs up on what is under way when its time is over, so up to 32 rows more than it counted are as they should be.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import math
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks import wrk
from tests.benchmarks.wrk import WrkResult
from tests.e2e.server_process import ServerProcess, write_frontend

CONNECTIONS = 32
_QUERY = "binary_version=0.1.0&platform=linux&arch=x86_64"
_PLAIN_SERVER = Path(__file__).with_name("plain_server.mjs")
_PATIENCE = 30.0

MANY_CLIENTS = """
-- Ids by turns: no answer can be remembered for the next request.
local turn = 0
request = function()
  turn = turn + 1
  return wrk.format("GET", nil, {["X-Device-Id"] = "device-" .. turn % CLIENTS})
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked: the sequence that the client says it has, and how many clients ask by turns."""

    label: str
    sequence: int
    clients: int = 1


LOADS = (
    Load("offer, one client", 0),
    Load("no update, one client", 1),
    Load("offer, 5,000 clients", 0, clients=5_000),
    Load("offer, a million clients", 0, clients=1_000_000),
)


def main() -> None:
    options = _arguments()
    missing = next((name for name in ("wrk", "node") if shutil.which(name) is None), None)
    if missing is not None:
        print(f"skipped: {missing} is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dist = write_frontend(folder / "dist")
        with ServerProcess(dist, "--port", "0", cwd=folder) as server:
            server.event("published")
            with _readers(server) if options.readers else contextlib.nullcontext():
                if options.million:
                    a_million(server, folder)
                else:
                    in_turns(server, folder, rounds=options.rounds, seconds=options.seconds)


def in_turns(server: ServerProcess, folder: Path, *, rounds: int, seconds: int) -> None:
    """Every load on both servers by turns; the medians of all rounds."""
    ours = str(server.ready["site"])
    print(
        f"{'load':<26}{'Node/s':>9}{'ours/s':>9}{'ratio':>7}{'p99 ms':>8}{'Node p99':>10}"
        f"{'Node µs':>9}{'our µs':>8}  rows"
    )
    for load in LOADS:
        with _plain_server(server, load, folder) as (node, node_pid):
            for site in (node, ours):
                ask(site, load, seconds=2)
            pairs = []
            costs: list[tuple[float, float]] = []
            before, answered = _settled_rows(folder), 0
            for _ in range(rounds):
                spent = _processor_time(node_pid), _processor_time(server.process.pid)
                other = ask(node, load, seconds=seconds)
                run = ask(ours, load, seconds=seconds)
                costs.append(
                    (
                        (_processor_time(node_pid) - spent[0]) / other.requests * 1e6,
                        (_processor_time(server.process.pid) - spent[1]) / run.requests * 1e6,
                    )
                )
                answered += run.requests
                pairs.append((other, run))
        rows = _settled_rows(folder) - before
        ratio = statistics.median(run.rate / other.rate for other, run in pairs)
        print(
            f"{load.label:<26}{statistics.median(other.rate for other, _ in pairs):>9,.0f}"
            f"{statistics.median(run.rate for _, run in pairs):>9,.0f}{ratio:>7.2f}"
            f"{statistics.median(run.p99_ms for _, run in pairs):>8.1f}"
            f"{statistics.median(other.p99_ms for other, _ in pairs):>10.1f}"
            f"{statistics.median(cost for cost, _ in costs):>9.1f}"
            f"{statistics.median(cost for _, cost in costs):>8.1f}"
            f"  {_verdict(rows, answered, runs=rounds)}"
        )
    print(f"memory: {_memory(server.process.pid):.0f} MB")


def a_million(server: ServerProcess, folder: Path, *, checks: int = 1_000_000) -> None:
    """A million checks in stretches; memory after each fifth."""
    site = str(server.ready["site"])
    load = Load("offer, a million clients", 0, clients=checks)
    before, answered, runs = _settled_rows(folder), 0, 0
    worst, fifth = 0.0, 1
    began = time.monotonic()
    while answered < checks:
        run = ask(site, load, seconds=5)
        answered, runs, worst = answered + run.requests, runs + 1, max(worst, run.p99_ms)
        while answered >= checks * fifth / 5 and fifth <= 5:
            print(
                f"{20 * fifth:>3} %: {answered:>9,} checks, {_memory(server.process.pid):.0f} MB", flush=True
            )
            fifth += 1
    seconds = time.monotonic() - began
    rows = _settled_rows(folder) - before
    print(
        f"{_verdict(rows, answered, runs=runs)}; {answered / seconds:,.0f} a second, worst p99 {worst:.1f} ms"
    )


def ask(site: str, load: Load, *, seconds: int) -> WrkResult:
    """Ask one server for some seconds."""
    script = MANY_CLIENTS.replace("CLIENTS", str(load.clients)) if load.clients > 1 else None
    url = f"{site}/api/ota/{load.sequence}?{_QUERY}"
    result = wrk.run(url, seconds, connections=CONNECTIONS, script=script)
    if not result.clean:
        raise SystemExit(f"{load.label}: not every answer was one: {result}")
    return result


@contextlib.contextmanager
def _plain_server(server: ServerProcess, load: Load, folder: Path) -> Iterator[tuple[str, int]]:
    """The bare server with our answer to this load: its URL and its process."""
    answer, log = folder / "answer.json", folder / "node.log"
    answer.write_text(json.dumps(_answer(server, load)))
    with log.open("wb") as out, subprocess.Popen(["node", _PLAIN_SERVER, answer], stdout=out) as node:
        try:
            _until(lambda: b"\n" in log.read_bytes(), "Node listens")
            yield f"http://127.0.0.1:{int(log.read_bytes().split()[0])}", node.pid
        finally:
            node.kill()


def _answer(server: ServerProcess, load: Load) -> dict[str, object]:
    address = urlsplit(server.ready["site"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", f"/api/ota/{load.sequence}?{_QUERY}")
        response = connection.getresponse()
        # Node writes its own Date.
        headers = [(name, value) for name, value in response.getheaders() if name != "Date"]
        return {"status": response.status, "headers": headers, "body": response.read().decode()}


@contextlib.contextmanager
def _readers(server: ServerProcess) -> Iterator[None]:
    """A reader of the event stream that never reads, and one that reads 4 KiB ten times a second."""
    address = urlsplit(server.ready["control"])
    token = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())["token"]
    ask = (
        f"GET /api/events?after=0 HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    ended = threading.Event()

    def read(reader: socket.socket) -> None:
        while not ended.wait(0.1):
            reader.recv(4096)

    with contextlib.ExitStack() as stack:
        readers = []
        for _ in range(2):
            reader = socket.create_connection((address.hostname or "", address.port or 0), timeout=_PATIENCE)
            stack.enter_context(reader)
            reader.sendall(ask.encode())
            readers.append(reader)
        slow = threading.Thread(target=read, args=(readers[1],), daemon=True)
        slow.start()
        stack.callback(slow.join)
        stack.callback(ended.set)
        yield


def _settled_rows(folder: Path) -> int:
    """How many checks history.db has, once it gets no more of them."""
    found = -1

    def settled() -> bool:
        nonlocal found
        before, found = found, _rows(folder)
        return before == found

    _until(settled, "the recorder has written all of it", every=0.5)
    return found


def _rows(folder: Path) -> int:
    path = folder / ".hotswap-dev" / "history.db"
    with contextlib.closing(
        sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)
    ) as database:
        counted = "SELECT count(*) FROM observations WHERE event = 'check-answered'"
        return int(database.execute(counted).fetchone()[0])


def _verdict(rows: int, answered: int, *, runs: int) -> str:
    if answered <= rows <= answered + CONNECTIONS * runs:
        return f"all {answered:,} recorded"
    return f"LOST: {answered:,} answered, {rows:,} recorded"


def _memory(pid: int) -> float:
    """A process's resident memory in MB."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024


def _processor_time(pid: int) -> float:
    """Seconds that a process has used so far, in user and system mode; NaN where nothing tells."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return math.nan
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _until(holds: Callable[[], bool], what: str, *, every: float = 0.02) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {_PATIENCE:.0f} s")
        time.sleep(every)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--readers", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
