"""Ending long work on a bundle early: who reads or hashes hundreds of megabytes asks here between two pieces.

A thread can't be cancelled, and a server must end within two seconds of a signal (hardening E16).
"""

from __future__ import annotations

import threading

from hotswap_dev.errors import HotswapError


class PackingStopped(HotswapError):
    """Whoever asked for the bundle no longer wants it."""

    def __init__(self) -> None:
        super().__init__("packing was stopped", code="packing-stopped")


def demand_wanted(stop: threading.Event | None) -> None:
    """PackingStopped once `stop` is set; where there is none, the work is never ended early."""
    if stop is not None and stop.is_set():
        raise PackingStopped
