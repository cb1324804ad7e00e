"""Plays a recorded build through the watcher's rules: a real folder, and a clock that jumps.

What stands in a timeline is told in fixtures/timelines/README.md.
"""

from __future__ import annotations

import heapq
import json
import math
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hotswap_dev.packing.tree import Scan
from hotswap_dev.watching.seen import Seen, Settled
from hotswap_dev.watching.settling import Heard, Pace, State, advance, next_look
from hotswap_dev.watching.watch import look_at

FIXTURES = Path(__file__).parents[3] / "fixtures" / "timelines"
MOST_LOOKS = 3000
ROOT_CHECK = 0.2

Reports = Literal["all", "none", "the first only"]


@dataclass(frozen=True)
class Told:
    """Something that was seen, and when the look that saw it began."""

    at: float
    seen: Seen


@dataclass(frozen=True)
class Timeline:
    """What happened, in seconds; when builds were under way; and what should be seen of it."""

    name: str
    events: list[dict[str, Any]]
    builds: list[tuple[float, float]]
    expect: list[dict[str, Any]]

    def under_way(self, at: float) -> bool:
        return any(start <= at < end for start, end in self.builds)


def read(name: str) -> Timeline:
    content = json.loads((FIXTURES / f"{name}.json").read_text())
    builds = [(start, end) for start, end in content["builds"]]
    return Timeline(name, content["events"], builds, content["expect"])


@dataclass
class Replay:
    """One run. Reports come `lag` seconds after a change, looks take `took`, each Seen keeps its reader `busy`."""

    parent: Path
    timeline: Timeline
    pace: Pace = field(default_factory=Pace)
    reports: Reports = "all"
    lag: float = 0.02
    took: float = 0.004
    busy: float = 0.0
    looks: int = 0
    told: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = self.parent / "dist"
        self._events = sorted(self.timeline.events, key=lambda event: float(event["at"]))
        self._reported: list[tuple[float, bool]] = []  # when, and whether the reports end with it
        self._root_checks: list[float] = []
        self._heard: Heard | None = None
        self._listening = False
        self._written = 0
        self._state = State(self.pace)

    def run(self, until: float | None = None) -> list[Told]:
        """Play to the end, and 12 s on; return what was seen."""
        end = until if until is not None else self._events[-1]["at"] + 12
        now = 0.0
        self._happen_until(0.0)
        while True:
            at = max(now, next_look(self._state, self._heard))
            soonest = min(
                [event["at"] for event in self._events[:1]]
                + [at for at, _ in self._reported[:1]]
                + self._root_checks[:1],
                default=math.inf,
            )
            if soonest < at and soonest <= end:
                self._happen_until(max(now, soonest))
                continue
            if at > end:
                return self.told
            now = self._look(at)

    def _look(self, at: float) -> float:
        self.looks += 1
        assert self.looks < MOST_LOOKS, f"looks without end at {at}"
        look = look_at(self.root, self._state.look, lambda: at)
        now = at + self.took
        self._happen_until(now)
        self._state, seen = advance(self._state, look, self._heard)
        self._heard = self._heard.since(at) if self._heard else None
        if self.reports != "none" and look.scan is not None and not self._listening:
            self._listening = _identity(self.root) == look.scan.root_id
            if not self._listening:
                heapq.heappush(self._reported, (now, True))
        if seen is not None:
            self.told.append(Told(at, seen))
            now += self.busy
        return now

    def _happen_until(self, now: float) -> None:
        while self._events and self._events[0]["at"] <= now:
            event = self._events.pop(0)
            before = _identity(self.root)
            self._happen(event)
            over = event.get("remove") == "dist" or event.get("rename", [""])[0] == "dist"
            inside = any(str(value).startswith("dist/") for value in event.values())
            if self._listening and (over or inside):
                heapq.heappush(self._reported, (event["at"] + self.lag, over))
                self._listening = not over and self.reports == "all"
                if self.reports == "the first only":
                    self.reports = "none"
            if _identity(self.root) != before:
                self._root_checks.append(math.floor(event["at"] / ROOT_CHECK + 1) * ROOT_CHECK)
        while self._root_checks and self._root_checks[0] <= now:
            at = self._root_checks.pop(0)
            if _identity(self.root) != self._seen_root():
                heapq.heappush(self._reported, (at, False))
        while self._reported and self._reported[0][0] <= now:
            at, ended = heapq.heappop(self._reported)
            ended = ended or (self._heard is not None and self._heard.ended)
            self._heard = Heard(self._heard.first if self._heard else at, at, ended)

    def _seen_root(self) -> tuple[int, int] | None:
        look = self._state.look
        return look.scan.root_id if look and look.scan else None

    def _happen(self, event: dict[str, Any]) -> None:
        self._written += 1
        match event:
            case {"write": path, "text": text}:
                self._write(path, text.encode(), event["at"])
            case {"write": path, "size": size}:
                self._write(path, bytes([self._written % 256]) * size, event["at"])
            case {"again": path}:
                self._write(path, (self.parent / path).read_bytes(), event["at"])
            case {"touch": path}:
                self._stamp(path, event["at"])
            case {"mkdir": path}:
                (self.parent / path).mkdir(parents=True, exist_ok=True)
            case {"rename": [old, new]}:
                (self.parent / old).rename(self.parent / new)
            case {"remove": path}:
                there = self.parent / path
                shutil.rmtree(there) if there.is_dir() else there.unlink()
            case _:
                raise AssertionError(f"{self.timeline.name}: what is {event}?")

    def _write(self, path: str, content: bytes, at: float) -> None:
        there = self.parent / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
        self._stamp(path, at)

    def _stamp(self, path: str, at: float) -> None:
        # The replay is faster than a file system's clock ticks: each write gets a time of its own.
        written_ns = int(1.7e18 + at * 1e9) + self._written
        os.utime(self.parent / path, ns=(written_ns, written_ns))

    def settled(self) -> list[tuple[float, Settled]]:
        return [(told.at, told.seen) for told in self.told if isinstance(told.seen, Settled)]


def contents(scan: Scan) -> dict[str, int]:
    """A tree's paths and sizes."""
    return {path: stamp[0] for path, stamp in scan.files.items()}


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        there = root.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino
