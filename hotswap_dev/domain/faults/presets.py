"""Presets: what a whole line is like, standing until they are cleared (design §7)."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from hotswap_dev.domain.faults.registry import Fault, Stage


class Preset(Fault, frozen=True):
    """A fault of the whole line, for checks and downloads alike."""

    stage: ClassVar[Stage] = "preset"
    standing: ClassVar[bool] = True
    keeps_offer: ClassVar[bool] = True


class Slow3G(Preset, frozen=True):
    """A slow phone line: 2,000 ms before every first byte, 50 kB a second."""

    named = "slow-3g"
    summary = "A slow phone line: 2000 ms, 50 kB/s"


class Fast3G(Preset, frozen=True):
    """A better phone line: 560 ms before every first byte, 180 kB a second."""

    named = "fast-3g"
    summary = "A better phone line: 560 ms, 180 kB/s"


class Offline(Preset, frozen=True):
    """The client site stops listening: connections are refused, for everyone."""

    summary = "Nobody reaches the server: connections are refused"
    keeps_offer = False

    def told_status(self, status: int) -> int:
        """Nothing goes out."""
        return 0


class Line(Struct, frozen=True, kw_only=True):
    """What a preset makes of a line: ms before the first byte, kB a second."""

    delay_ms: int
    kb_s: int


def line_of(preset: Fault) -> Line | None:
    """How slow a preset's line is; None for what is no slow line."""
    return _LINES.get(type(preset))


_LINES: dict[type[Fault], Line] = {Slow3G: Line(delay_ms=2000, kb_s=50), Fast3G: Line(delay_ms=560, kb_s=180)}
