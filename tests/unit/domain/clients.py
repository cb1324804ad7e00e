"""A client's requests, one after the other, as tests tell them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    LifecycleReported,
    Observation,
    UpdateReported,
)
from tests.unit.making import NOW, an_answered_check


def a_download(sequence: int, *, client: str | None = "phone", **changes: Any) -> DownloadEnded:
    """A whole download, unless it says otherwise."""
    fields: dict[str, Any] = {
        "at": NOW,
        "peer": "127.0.0.1",
        "bytes": 1000,
        "complete": True,
        "attempt": 1,
        "duration_ms": 3.0,
        **changes,
    }
    return DownloadEnded(client=client, sequence=sequence, **fields)


def checked(client: Client | None = None, **changes: Any) -> Client:
    """The client after a check."""
    after = advance(client, an_answered_check(**changes))
    assert after is not None
    return after


def an_offer(offered: int, *, minimum: str = "1.0.0", **changes: Any) -> CheckAnswered:
    """A check that was answered with a release."""
    current = changes.get("sequence", 0)
    args = {
        "sequence": offered,
        "version": f"1.0.0-ota.{offered}",
        "current": current,
        "min_binary_version": minimum,
    }
    fields = {"status": 200, "reason": "newer-release", "args": args, "offered": offered, **changes}
    return an_answered_check(**fields)


def a_report(event: str, sequence: int | None = None, **changes: Any) -> LifecycleReported:
    """What a page hands on of its plugin's events."""
    fields: dict[str, Any] = {"at": NOW, "client": "phone", "peer": "127.0.0.1", "version": None, **changes}
    return LifecycleReported(lifecycle=event, sequence=sequence, **fields)


def a_completion(sequence: int | None, status: str = "success", **changes: Any) -> UpdateReported:
    """What a client of the second protocol says of one of its updates."""
    fields: dict[str, Any] = {
        "at": NOW,
        "client": "phone",
        "peer": "127.0.0.1",
        "request_id": "r-1",
        "update_type": "frontend",
        "version": None,
        "detail": "",
        **changes,
    }
    return UpdateReported(sequence=sequence, status=status, **fields)


class Story:
    """A client whose requests are told one by one, a minute apart: `Story().offered(14).fetched(14).reports(14)`."""

    def __init__(self, *, minimum: str = "1.0.0", **always: Any) -> None:
        self.now: datetime = NOW
        self.minimum = minimum
        self.always = always
        self.known: Client | None = None

    @property
    def client(self) -> Client:
        """As it is now."""
        assert self.known is not None
        return self.known

    @property
    def label(self) -> str:
        """The code of its label."""
        return "" if self.client.label is None else self.client.label.code

    @property
    def codes(self) -> list[str]:
        """Its story, oldest first."""
        return [turn.code for turn in self.client.story]

    def later(self, minutes: float) -> Story:
        """Nothing is heard for so long."""
        self.now += timedelta(minutes=minutes)
        return self

    def reports(self, sequence: int, **changes: Any) -> Story:
        """It checks, and there is nothing newer."""
        return self._see(an_answered_check(**self._told(sequence=sequence, **changes)))

    def offered(self, offered: int, *, at: int = 0, **changes: Any) -> Story:
        """It checks while it runs `at`, and is offered something."""
        minimum = changes.pop("minimum", self.minimum)
        return self._see(an_offer(offered, minimum=minimum, **self._told(sequence=at, **changes)))

    def ahead(self, sequence: int, *, last: int) -> Story:
        """It checks with a sequence that was never given out."""
        args = {"current": sequence, "last": last}
        return self._see(an_answered_check(**self._told(sequence=sequence, reason="client-ahead", args=args)))

    def fetched(self, sequence: int) -> Story:
        """It downloads a bundle whole."""
        return self._see(a_download(sequence, at=self.now))

    def broke_off(self, sequence: int) -> Story:
        """A download of it ends early."""
        return self._see(a_download(sequence, at=self.now, complete=False))

    def denied(self, sequence: int, *, status: int = 401, **changes: Any) -> Story:
        """A download of it is refused before it begins."""
        refused = a_download(sequence, at=self.now, complete=False, bytes=0, status=status, **changes)
        return self._see(refused)

    def says(self, event: str, sequence: int | None = None, *, error: str = "") -> Story:
        """Its page reports an event of its plugin."""
        return self._see(a_report(event, sequence, error=error, at=self.now))

    def completes(self, sequence: int | None, status: str = "success", **changes: Any) -> Story:
        """It ends a request of the second protocol."""
        return self._see(a_completion(sequence, status, at=self.now, **changes))

    def applies(self, sequence: int, *, at: int = 0, **changes: Any) -> Story:
        """Offered, downloaded, reported."""
        told = {name: changes.pop(name) for name in ("minimum",) if name in changes}
        return self.offered(sequence, at=at, **told, **changes).fetched(sequence).reports(sequence, **changes)

    def _told(self, **changes: Any) -> dict[str, Any]:
        return {"at": self.now, **self.always, **changes}

    def _see(self, seen: Observation) -> Story:
        self.known = advance(self.known, seen)
        return self.later(1)
