"""How long a program took, without what the machine took from it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path


class OwnTime:
    """Seconds since now, less those in which a program or one that it started was ready to run and had no core.

    "It ends within two seconds" is a promise about the program. On a machine that does ten other things at once it is
    late all the same, and that is no fault of its own. Linux says how long each thread had to wait; elsewhere it is
    the time by the clock.
    """

    def __init__(self, pid: int) -> None:
        self._began = time.monotonic()
        self._pids = _family(pid)
        self._before = {pid: _waited(pid) or 0.0 for pid in self._pids}
        self._waited = dict.fromkeys(self._pids, 0.0)

    def seconds(self) -> float:
        """Its own time until now; one that has ended waits no longer."""
        for pid in self._pids:
            waited = _waited(pid)
            if waited is not None:
                self._waited[pid] = max(self._waited[pid], waited - self._before[pid])
        return time.monotonic() - self._began - sum(self._waited.values())


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for path in Path(f"/proc/{one}/task").glob("*/children"):
                found.extend(map(int, path.read_text().split()))
    return found


def _waited(pid: int) -> float | None:
    """Seconds in all for which the threads of a process waited for a core; None where nobody says so."""
    try:
        told = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    except OSError:
        return None
    return sum(int(words[1]) for words in told) / 1e9 if told else None
