"""`wrk`, one run: what it counted, in numbers.

wrk's own text rounds; its `done` hook has the counts themselves, so each run is given one that prints them as JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

DONE = """
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\nWRK {"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, "max_us": %d, ' ..
    '"non_2xx": %d, "timeouts": %d, "broken": %d}\\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.timeout, errors.connect + errors.read + errors.write))
end
"""


@dataclass(frozen=True)
class WrkResult:
    """What one run counted.

    `requests` are answers read in full: at the end of a run each connection may have asked once more without
    waiting for the answer, so a server may have seen up to `connections` more. `rate` is requests a second.
    `non_2xx` are answers with a status of 400 and above. `broken` are connections refused, reset, or torn.
    """

    requests: int
    connections: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    non_2xx: int
    timeouts: int
    broken: int

    @property
    def clean(self) -> bool:
        """No answer was an error, none was late, no connection broke."""
        return self.non_2xx == self.timeouts == self.broken == 0


def installed() -> bool:
    """Whether there is a wrk to run."""
    return shutil.which("wrk") is not None


def run(
    url: str, seconds: float, connections: int = 32, script: str | None = None, threads: int = 1
) -> WrkResult:
    """Drive `url` for `seconds` (whole ones) over kept connections; `script` is Lua text without a `done`.

    Raises subprocess.CalledProcessError where wrk can't reach the address, with what it said on its output.
    """
    whole = max(1, round(seconds))
    with tempfile.TemporaryDirectory() as folder:
        lua = Path(folder, "run.lua")
        lua.write_text((script or "") + DONE)
        finished = subprocess.run(
            ["wrk", f"-t{threads}", f"-c{connections}", f"-d{whole}s", "-s", lua, url],
            check=True,
            capture_output=True,
            text=True,
            timeout=whole + 60,
        )
    line = next(line for line in finished.stdout.splitlines() if line.startswith("WRK "))
    told = json.loads(line.removeprefix("WRK "))
    taken = told["duration_us"] / 1e6
    return WrkResult(
        requests=told["requests"],
        connections=connections,
        seconds=taken,
        rate=told["requests"] / taken,
        p50_ms=told["p50_us"] / 1000,
        p99_ms=told["p99_us"] / 1000,
        max_ms=told["max_us"] / 1000,
        non_2xx=told["non_2xx"],
        timeouts=told["timeouts"],
        broken=told["broken"],
    )
