"""Checks and downloads that a fault struck, reports and completions, as a server observes them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    UpdateReported,
)
from tests.dashboard.views import Scene, a_morning
from tests.unit.making import NOW, an_answered_check

REQUEST = "r1.8c1f0a"


def a_struck_check(fault: str, client: str = "px", sequence: int = 12, **armed: Any) -> Scene:
    """A morning, a fault that is armed then, and a check that it strikes, observed as the server would."""
    scene = a_morning().later(1).done(ArmFault(fault=fault, client=client, **armed)).later(1)
    return struck_once_more(scene, client, sequence)


def struck_once_more(scene: Scene, client: str = "px", sequence: int = 12) -> Scene:
    """One more check of it, under what is armed now."""
    return scene.asks(client, sequence)


def asked_by_post(client: str = "mac", **changes: Any) -> CheckAnswered:
    """A check of the second protocol that was offered 14."""
    fields: dict[str, Any] = {
        "path": "/update",
        "sequence": 12,
        "binary_version": None,
        "platform": "macos",
        "arch": None,
        "channel": "beta",
        "status": 200,
        "reason": "newer-release",
        "args": {"sequence": 14, "version": "0.4.1-ota.14", "current": 12, "updates": "frontend 14, data 9"},
        "offered": 14,
        "protocol": "update-server",
        "product": "my-product",
        "request_id": REQUEST,
        **changes,
    }
    return an_answered_check(client, **fields)


def reported(lifecycle: str = "ready-confirmed", **changes: Any) -> LifecycleReported:
    """What an app says of 14."""
    made = LifecycleReported(
        at=NOW, client="px", peer="192.168.1.23", lifecycle=lifecycle, sequence=14, version="0.4.1-ota.14"
    )
    return replace(made, **changes)


def completed(**changes: Any) -> UpdateReported:
    """A completion of 14."""
    made = UpdateReported(
        at=NOW,
        client="mac",
        peer="192.168.1.24",
        request_id=REQUEST,
        update_type="frontend",
        status="success",
        sequence=14,
        version="0.4.1-ota.14",
        detail="",
    )
    return replace(made, **changes)


def became(**changes: Any) -> FaultOutcome:
    """What a client did under a fault."""
    made = FaultOutcome(
        at=NOW,
        client="px",
        override=1,
        fault="check/http-error",
        sequence=None,
        outcome="as-expected",
        detail="it asked again, at 12",
    )
    return replace(made, **changes)


def fetch(**changes: Any) -> DownloadEnded:
    """An attempt at 14 that a fault broke."""
    made = DownloadEnded(
        at=NOW,
        client="px",
        peer="192.168.1.23",
        sequence=14,
        bytes=600_000,
        complete=False,
        attempt=2,
        duration_ms=40.0,
        fault="download/connection-reset",
    )
    return replace(made, **changes)
