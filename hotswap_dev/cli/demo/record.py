"""What a demo remembers for the page about it (`--report`): written at the end, while its server still answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hotswap_dev.client.control import ControlClient
from hotswap_dev.errors import HotswapError
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.verdict import Told, Verdict
from hotswap_dev.storage.workspace import find_server

_MOST = 200_000
"""Steps of phones that are kept: some days of a demo."""


class Record:
    """Kept only where a page is wanted."""

    def __init__(self, file: Path | None, *, seed: int, pace: float) -> None:
        self._file = file
        self._seed = seed
        self._pace = pace
        self._began = datetime.now(UTC)
        self._happened: list[Happened] = []

    def begins(self) -> None:
        """The phones' story time is 0 now."""
        self._began = datetime.now(UTC)

    def told(self, told: Told) -> None:
        """What a phone did; steps of beats are in their verdicts."""
        if self._file is not None and isinstance(told, Happened) and len(self._happened) < _MOST:
            self._happened.append(told)

    def written(self, workspace: Path, verdicts: Sequence[Verdict]) -> str | None:
        """Write the page, and say in a line where it is, or why there is none; None where none is wanted."""
        if self._file is None:
            return None
        from hotswap_dev.export.report import render
        from hotswap_dev.scenario.reporting import gathered, look

        try:
            server = find_server(workspace)
            seen = look(ControlClient(server.control, server.token or ""), self._began)
            page = render(
                gathered(
                    seen,
                    self._happened,
                    title="Demo",
                    began=self._began,
                    seed=self._seed,
                    pace=self._pace,
                    verdicts=verdicts,
                )
            )
            self._file.write_text(page, encoding="utf-8")
        except HotswapError as error:
            return f"no report was written: {error.message}"
        except OSError as error:
            return f"no report was written: {self._file}: {error.strerror or error}"
        return f"a page about it is in {self._file}"
