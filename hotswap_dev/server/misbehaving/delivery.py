"""What a fault makes of a download: from which byte on something happens, and what. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.faults import Fault, download
from hotswap_dev.domain.faults.presets import line_of
from hotswap_dev.domain.faults.reactions import HUGE

Chance = Callable[[], float]
"""A number from 0 to below 1 at each call, as `random.random` has it."""


class Delivery(Struct, frozen=True, kw_only=True):
    """How a bundle of `size` bytes is sent."""

    size: int
    status: int = 200
    """Other than 200: that error with a few words, and nothing of the bundle."""
    late: float = 0.0
    """Seconds of silence before the first byte of the head."""
    announced: int | None
    """The Content-Length; None: it is not told, and the body comes chunked."""
    stop: int
    """How many bytes are sent before it stops; `size` is all of them."""
    then: Literal["go on", "close", "reset"] = "go on"
    """What comes there: the rest, a FIN, an RST."""
    silence: float = 0.0
    """Seconds of silence there, before that."""
    bytes_s: int | None = None
    """No faster than so many bytes a second."""
    changed: int | None = None
    """The number of the byte that is sent otherwise than it is."""


def delivery(fault: Fault, size: int, chance: Chance) -> Delivery:
    """What `fault` makes of a bundle of `size` bytes; TypeError for a fault that strikes no download.

    A part of so many percent is `floor(size * percent / 100)` bytes.
    """
    whole = Delivery(size=size, announced=size, stop=size)
    match fault:
        case download.DownloadHttpError():
            return replace(whole, status=fault.status, stop=0)
        case download.DownloadDelay():
            return replace(whole, late=late(fault.ms, fault.jitter, chance))
        case download.Bandwidth():
            return replace(whole, bytes_s=fault.kb_s * 1000)
        case download.Truncate():
            return replace(whole, stop=_part(size, fault.percent), then="close")
        case download.Stall():
            return replace(whole, stop=_part(size, fault.percent), silence=float(fault.seconds))
        case download.DownloadConnectionReset():
            return replace(whole, stop=_part(size, fault.percent), then="reset")
        case download.NoContentLength():
            return replace(whole, announced=None)
        case download.HugeContentLength():
            return replace(whole, announced=max(HUGE, size + 1), then="close")
        case download.CorruptByte():
            # The middle: compressed data, neither gzip's header nor the padding that a reader may skip. The signature
            # notices any byte; gzip's CRC notices this one.
            return replace(whole, changed=size // 2 if size else None)
    if (line := line_of(fault)) is not None:
        return replace(whole, late=line.delay_ms / 1000, bytes_s=line.kb_s * 1000)
    raise TypeError(f"{fault.name} strikes no download")


def late(ms: int, jitter: int, chance: Chance) -> float:
    """Seconds of a delay: `ms`, more or less by up to `jitter` ms, evenly spread; never below 0."""
    return max(0.0, ms + (2 * chance() - 1) * jitter) / 1000


def _part(size: int, percent: float) -> int:
    return math.floor(size * percent / 100)
