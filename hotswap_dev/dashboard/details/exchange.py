"""An exchange of `GET /api/exchange`, as a value."""

from __future__ import annotations

from datetime import datetime

import msgspec

from hotswap_dev import wire


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A check as it came and its answer as it went; texts as `text.shown` makes them, secrets as `***`."""

    at: datetime
    client: str
    peer: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    body: str | None
    """None where the answer has none."""
    duration_ms: float


def read_exchange(found: wire.Json) -> Exchange:
    """Read the body of `GET /api/exchange`; ValueError where this version can't."""
    return msgspec.convert(found, Exchange)
