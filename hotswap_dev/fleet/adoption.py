"""How far each release came among simulated clients: the truth, counted as they tell it (`happened.Happened`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from hotswap_dev.fleet.happened import Happened

RESOLUTION = 0.1
"""Seconds of story time: of what changes within them the plots have the last."""

_FAILURES = ("check-failed", "failed")


class Adopted(Struct, frozen=True, kw_only=True):
    """Clients at each station of one release's way, each counted once at each."""

    sequence: int
    offered: int
    fetched: int
    running: int
    """Who runs it now."""
    confirmed: int
    """Who runs it now, and its page said so."""
    crashed: int
    """On how many its page did not start, at any time."""
    fell_back: int
    failed: int
    """Who tried to have it and could not, at any time."""


class Tally:
    """Hears what happens, as a `Tell`, and counts. 0 is the embedded page, which is no release."""

    def __init__(self) -> None:
        self.checks = 0
        self.downloads = 0
        """Bundles that came whole and were taken."""
        self.failures = 0
        """Checks, downloads and bundles that ended with an error."""
        self.restarts = 0
        self.reasons: Counter[str] = Counter()
        """Of the checks that were answered."""
        self.errors: Counter[str] = Counter()
        """In the plugin's words."""
        self.last = 0.0
        """Story time of what was heard last."""
        self.runs: dict[str, int] = {}
        """What each client runs."""
        self._offered, self._fetched, self._confirmed, self._crashed, self._fell, self._failed = (
            defaultdict[int, set[str]](set) for _ in range(6)
        )
        self._running: Counter[int] = Counter()
        self._points: dict[int, list[tuple[float, int]]] = {}

    def __call__(self, happened: Happened) -> None:
        """Hear one step of one client."""
        client, what = happened.client, happened.what
        about = happened.sequence if happened.offered is None else happened.offered
        self.last = max(self.last, happened.at)
        match what:
            case "checked":
                self.checks += 1
                self.reasons[happened.detail] += 1
                if happened.offered is not None:
                    self._offered[happened.offered].add(client)
            case "check-failed":
                self.checks += 1
            case "fetched":
                self.downloads += 1
                self._fetched[about].add(client)
                self._confirmed[about].discard(client)  # what is extracted anew nobody has confirmed
            case "failed":
                self._failed[about].add(client)
            case "confirmed":
                self._confirmed[happened.sequence].add(client)
            case "crashed":
                self._crashed[about].add(client)
            case "fell-back":
                self._fell[about].add(client)
            case "launched":
                self.restarts += client in self.runs
            case _:
                pass
        if what in _FAILURES:
            self.failures += 1
            self.errors[happened.detail] += 1
        self._runs(client, happened.sequence, happened.at)

    def _runs(self, client: str, sequence: int, at: float) -> None:
        before = self.runs.get(client)
        if before == sequence:
            return
        self.runs[client] = sequence
        if before is not None:
            self._running[before] -= 1
            self._point(before, at)
        self._running[sequence] += 1
        self._point(sequence, at)

    def _point(self, sequence: int, at: float) -> None:
        if not sequence:
            return
        points = self._points.setdefault(sequence, [])
        if points and at - points[-1][0] < RESOLUTION:
            points[-1] = (points[-1][0], self._running[sequence])
        else:
            points.append((at, self._running[sequence]))

    def who(self, sequence: int) -> Mapping[str, frozenset[str]]:
        """The clients at each station of a release: the fields of `Adopted`, and who they are."""
        return {
            "offered": frozenset(self._offered.get(sequence, ())),
            "fetched": frozenset(self._fetched.get(sequence, ())),
            "running": frozenset(client for client, runs in self.runs.items() if runs == sequence),
            "confirmed": self._sure(sequence),
            "crashed": frozenset(self._crashed.get(sequence, ())),
            "fell_back": frozenset(self._fell.get(sequence, ())),
            "failed": frozenset(self._failed.get(sequence, ())),
        }

    def adopted(self) -> tuple[Adopted, ...]:
        """Each release that anybody was offered or ran, lowest first."""
        known = {*self._offered, *self._fetched, *self._running, *self._failed} - {0}
        return tuple(
            Adopted(
                sequence=one,
                offered=len(self._offered.get(one, ())),
                fetched=len(self._fetched.get(one, ())),
                running=self._running[one],
                confirmed=len(self._sure(one)),
                crashed=len(self._crashed.get(one, ())),
                fell_back=len(self._fell.get(one, ())),
                failed=len(self._failed.get(one, ())),
            )
            for one in sorted(known)
        )

    def _sure(self, sequence: int) -> frozenset[str]:
        """Who runs it now, and has it confirmed: also who fell back to it."""
        return frozenset(one for one in self._confirmed.get(sequence, ()) if self.runs.get(one) == sequence)

    def running(self, sequence: int) -> Sequence[tuple[float, int]]:
        """How many ran it from which story time on, oldest first."""
        return tuple(self._points.get(sequence, ()))
