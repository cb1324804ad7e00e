"""What an engine needs to be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hotswap_dev.domain.model import Format


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the engine needs to be told; `settings` fills it.

    `min_binary_version` None stands for the app's version at the time of the build. `floors` are sequences that are
    known to be taken elsewhere, each with who knows it. `keep_overrides`: they outlive a clean end of the server.
    """

    dist: Path | None
    app_version: str
    channel: str
    min_binary_version: str | None = None
    format: Format = "tar.gz"
    floors: tuple[tuple[int, str], ...] = ()
    keep_overrides: bool = False
