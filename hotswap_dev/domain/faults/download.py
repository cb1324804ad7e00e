"""Faults of a bundle's bytes on their way, counted by attempts: the plugin makes four (plugin: updater.rs)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from hotswap_dev.domain.faults.check import ErrorStatus, Jitter, Milliseconds
from hotswap_dev.domain.faults.registry import Fault, Stage

Percent = Annotated[float, Meta(ge=0, lt=100, description="% of the bundle that is sent before")]


class DownloadFault(Fault, frozen=True):
    """A fault that strikes a download."""

    stage: ClassVar[Stage] = "download"


class DownloadHttpError(DownloadFault, frozen=True):
    """Answer a download with an HTTP error."""

    summary = "Answer downloads with an HTTP error"

    status: ErrorStatus = 503

    def told_status(self, status: int) -> int:
        """The error's."""
        return self.status


class DownloadDelay(DownloadFault, frozen=True):
    """Send the bundle rightly, but begin late. The plugin waits 300 s for a download."""

    summary = "Begin downloads late"

    ms: Milliseconds = 3000
    jitter: Jitter = 0


class Bandwidth(DownloadFault, frozen=True):
    """Send the bundle no faster than so many kB a second: toxiproxy's `bandwidth`, in its unit."""

    summary = "Send bundles slowly"

    kb_s: Annotated[int, Meta(ge=1, le=1_000_000, description="kB a second (1 kB = 1,000 bytes)")] = 50


class Truncate(DownloadFault, frozen=True):
    """Announce the whole length, send a part, and close."""

    summary = "Send a part of the bundle and close"

    percent: Percent = 50.0


class Stall(DownloadFault, frozen=True):
    """Send a part, then nothing for a while, then the rest."""

    summary = "Stop in the middle of a bundle for a while, then go on"

    percent: Percent = 50.0
    seconds: Annotated[int, Meta(ge=1, le=600, description="s of silence")] = 10


class DownloadConnectionReset(DownloadFault, frozen=True):
    """Send a part, then reset the connection (TCP RST)."""

    summary = "Reset the connection in the middle of a bundle"

    percent: Percent = 50.0


class NoContentLength(DownloadFault, frozen=True):
    """Send the whole bundle chunked, without its length."""

    summary = "Send bundles without their length"


class HugeContentLength(DownloadFault, frozen=True):
    """Announce 600 MB, more than the plugin takes by default (`max_bundle_size`, 512 MB)."""

    summary = "Announce a length above the plugin's limit"


class CorruptByte(DownloadFault, frozen=True):
    """Send the whole bundle with one byte changed."""

    summary = "Change one byte of the bundle on its way"
