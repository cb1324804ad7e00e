"""What a simulated client did: the truth that a server's conclusions are held against, and the story that is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

What = Literal[
    "launched",  # the app was opened; `sequence` runs, 0 is the embedded page
    "checked",  # a check was answered; `detail` is the reason of X-Hotswap-Reason, `offered` what was offered
    "check-failed",  # `detail` is the plugin's error text
    "fetched",  # a bundle came whole and was verified and extracted
    "failed",  # download, verification or extraction ended with an error; `detail` is the plugin's text
    "applied",  # `sequence` was activated, and its page is loaded
    "confirmed",  # its page called notifyReady()
    "crashed",  # its page did not start: nothing confirms it
    "fell-back",  # a start, or rollback(), gave `offered` up for `sequence`; None: rollback() found nothing to give up
    "discarded",  # a start found the binary newer than the bundle's minimum: `offered` is gone
    "set-aside",  # a start found the binary older than the bundle's minimum: `offered` waits on the disk
    "upgraded",  # another binary was installed; `detail` is its version
    "closed",  # the app was closed
]


class Happened(Struct, frozen=True, kw_only=True):
    """One step of one client. Two runs of one seed tell the same steps in the same order, `at` apart."""

    client: str
    what: What
    sequence: int
    """What it runs after this step."""
    offered: int | None = None
    """The sequence that the step was about, where that is another one."""
    detail: str = ""
    at: float
    """Seconds of story time since the fleet began. Of one client it never falls; of several it may by seconds, where
    one of them waits between two attempts at a download."""


Tell = Callable[[Happened], None]
