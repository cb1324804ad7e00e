"""How long a person waits: `--help` beside a bare interpreter, and `serve` until it answers.

python -m tests.benchmarks.bench_start
"""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.server_process import clean_environment, write_frontend

RUNS = 15


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dist = write_frontend(folder / "dist")
        timed = {
            "bare interpreter": lambda: _until_end(["-c", "pass"], folder),
            "hotswap-dev --help": lambda: _until_end(["-m", "hotswap_dev", "--help"], folder),
            "serve, until ready": lambda: _until_ready(dist, folder),
        }
        _until_ready(dist, folder)  # makes the key: what is measured is a start with one
        runs: dict[str, list[float]] = {label: [] for label in timed}
        for _ in range(RUNS):
            for label, run in timed.items():
                runs[label].append(_seconds(run))
    for label, seconds in runs.items():
        print(
            f"{label:<20} median {statistics.median(seconds) * 1000:5.0f} ms   max {max(seconds) * 1000:5.0f} ms"
        )


def _seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _until_end(arguments: list[str], folder: Path) -> None:
    subprocess.run([sys.executable, *arguments], cwd=folder, stdout=subprocess.DEVNULL, check=True)


def _until_ready(dist: Path, folder: Path) -> None:
    program = [sys.executable, "-m", "hotswap_dev", "serve", str(dist), "--port", "0", "--json"]
    with subprocess.Popen(
        program, cwd=folder, env=clean_environment(folder), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    main()
