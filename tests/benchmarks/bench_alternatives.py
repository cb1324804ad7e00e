"""How fast checks are answered beside what a user might pick instead: json-server, Mockoon, WireMock.

    python -m tests.benchmarks.bench_alternatives [--rounds N] [--seconds N] [--only NAME]

Each is started with its defaults and answers the very manifest that hotswap-dev answers, at the same path; one GET
each makes sure of that (as JSON: json-server prints it indented). Then `wrk -t1 -c32` asks hotswap-dev and the other in
turns, so that whatever else the machine does meets both, after a warm-up of each (WireMock's is a Java machine, which
gets faster for a while). hotswap-dev is `serve` as a person starts it: every check is recorded in history.db, and in
the end the rows are counted. What counts is the ratio of the medians: the rates are this machine's.

The programs are fetched once, by npm and Maven at fixed versions. Ends with 1 where hotswap-dev is less than three
times as fast as one of those that issue 4 names, or where a check is missing in the history.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import wrk
from tests.benchmarks.alternatives.fetching import NotToBeHad
from tests.benchmarks.alternatives.servers import ALTERNATIVES, Alternative, Running, running
from tests.e2e.server_process import ServerProcess, write_frontend

TIMES = 3.0
CONNECTIONS = 32
CHECK = "/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64"
_WARM_UP_SECONDS = 5
_RECORDING_SECONDS = 30.0


class Compared(NamedTuple):
    """Whether a target is met (or there is none), and what our server was asked for it."""

    met: bool
    asked: Sequence[wrk.WrkResult]


def main() -> int:
    """Run it all and print the table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=4, help="of each turn")
    options.add_argument("--only", default="", help="those whose name has this in it")
    given = options.parse_args()
    if not wrk.installed():
        print("skipped: wrk is not installed", file=sys.stderr)
        return 2
    chosen = [one for one in ALTERNATIVES if given.only.lower() in one.name.lower()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dist = write_frontend(folder / "dist")
        with ServerProcess(dist, "--port", "0", "--workspace", folder / "w", cwd=folder) as server:
            server.event("published")
            ours = Running(str(server.ready["site"]) + CHECK, server.process.pid)
            wrk.run(ours.url, _WARM_UP_SECONDS, CONNECTIONS)
            before = _settled(folder / "w" / "history.db")
            print(
                f"{'':<28}{'theirs/s':>10}{'ours/s':>10}{'ratio':>8}{'rounds':>14}"
                f"{'p99 theirs':>14}{'ours':>10}{'memory':>10}"
            )
            rows = [
                compare(one, ours, server, folder / f"alternative{number}", given.rounds, given.seconds)
                for number, one in enumerate(chosen)
            ]
            recorded = _settled(folder / "w" / "history.db") - before
    complete = all_recorded([run for row in rows for run in row.asked], recorded, len(rows))
    return 0 if complete and all(row.met for row in rows) else 1


def compare(
    alternative: Alternative,
    ours: Running,
    server: ServerProcess,
    folder: Path,
    rounds: int,
    seconds: int,
) -> Compared:
    """Ask both in turns and print the row."""
    body = server.get(CHECK)[1]
    try:
        with running(alternative, folder, json.loads(body), CHECK) as other:
            wrk.run(other.url, _WARM_UP_SECONDS, CONNECTIONS)
            turns = [
                (wrk.run(other.url, seconds, CONNECTIONS), wrk.run(ours.url, seconds, CONNECTIONS))
                for _ in range(rounds)
            ]
            memory = _memory(other)
    except NotToBeHad as reason:
        print(f"{alternative.name:<28}  skipped: {reason}")
        return Compared(met=True, asked=())
    theirs, our_own = [their for their, _ in turns], [our for _, our in turns]
    their_rate = statistics.median(run.rate for run in theirs)
    our_rate = statistics.median(run.rate for run in our_own)
    each = [our.rate / their.rate for their, our in turns]
    met = our_rate >= TIMES * their_rate
    print(
        f"{alternative.name:<28}{their_rate:>10,.0f}{our_rate:>10,.0f}{our_rate / their_rate:>8.2f}"
        f"{f'{min(each):.2f} to {max(each):.2f}':>14}"
        f"{statistics.median(run.p99_ms for run in theirs):>11.1f} ms"
        f"{statistics.median(run.p99_ms for run in our_own):>7.1f} ms"
        f"{memory:>7.0f} MB  "
        + ("" if not alternative.demanded else "met" if met else "MISSED").ljust(8)
        + alternative.note,
        flush=True,
    )
    unclean = [run for run in (*theirs, *our_own) if not run.clean]
    if unclean:
        print(f"  errors on the way: {unclean}")
    return Compared(met=met or not alternative.demanded, asked=our_own)


def all_recorded(asked: Sequence[wrk.WrkResult], rows: int, gets: int) -> bool:
    """Whether every answer has its row; of each run's last questions wrk did not wait for the answers."""
    answered = sum(run.requests for run in asked) + gets
    complete = answered <= rows <= answered + CONNECTIONS * len(asked)
    print(
        f"hotswap-dev answered {answered:,} checks and recorded {rows:,}: {'all' if complete else 'SOME LOST'}"
    )
    return complete


def _settled(database: Path) -> int:
    """How many checks are recorded, once there come no more."""
    deadline = time.monotonic() + _RECORDING_SECONDS
    seen, found = -1, _rows(database)
    while seen != found and time.monotonic() < deadline:
        time.sleep(0.5)
        seen, found = found, _rows(database)
    return found


def _rows(database: Path) -> int:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as history:
        counted = "SELECT count(*) FROM observations WHERE event = 'check-answered'"
        return int(history.execute(counted).fetchone()[0])


def _memory(server: Running) -> float:
    """A process's resident memory in MB."""
    said = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(server.pid)], capture_output=True, text=True, check=True
    )
    return int(said.stdout) / 1024


if __name__ == "__main__":
    raise SystemExit(main())
