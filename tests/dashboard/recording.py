"""A recording of the demo for the README: `python -m tests.dashboard.recording` makes it anew.

The real command in a terminal of its own, its keys pressed as a person presses them; what is kept is what the terminal
showed, cell by cell (tests/dashboard/film.py draws it). The story is told a little faster than it lives.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyte

from tests.dashboard.film import Cell, Frame, animated, paced
from tests.dashboard.picture import PICTURES
from tests.e2e.terminal import Terminal, hotswap_dev

RECORDING = PICTURES / "demo.svg"
TITLE = "hotswap-dev demo: builds are saved, rolled out, fall back and are mended, on twelve phones that live"
COLUMNS, LINES = 100, 28

_PACE = 0.35
"""Seconds that one of the story takes."""
_READING = 1.8
"""Seconds for which a finished beat stays to be looked at, and for which nothing is shown for longer."""
_SHORTEST = 0.6
_LAST = 2.5
_PATIENCE = 90.0
_TELLING = "rollback loop ×"
_BEATS = re.compile(r"a story in (\d+) beats")

_INK, _PAPER = "#e8ebf0", "#10141a"
_NAMED = {
    "black": "#000000",
    "red": "#cd3131",
    "green": "#0dbc79",
    "brown": "#e5e510",
    "blue": "#2472c8",
    "magenta": "#bc3fbc",
    "cyan": "#11a8cd",
    "white": "#e5e5e5",
}
"""Colours that are the terminal's own to choose; a full screen gives its own as numbers."""

_BEGINS, _ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
"""Around what a program wants to be seen at once."""


def main() -> None:
    """Write it."""
    with tempfile.TemporaryDirectory() as folder:
        frames = paced(filmed(Path(folder)), shortest=_SHORTEST, longest=_READING)
    RECORDING.write_text(film(frames), encoding="utf-8")
    print(
        f"{RECORDING}  {RECORDING.stat().st_size} bytes, {len(frames)} frames, {frames[-1].at + _LAST:.0f} s",
        file=sys.stderr,
    )


def film(frames: Sequence[Frame]) -> str:
    """The film; where nothing may move, it is the last frame on which phones fall back again and again."""
    told = [number for number, frame in enumerate(frames) if _TELLING in text_of(frame)]
    poster = told[-1] if told else len(frames) - 1
    return animated(frames, seconds=frames[-1].at + _LAST, title=TITLE, poster=poster)


def text_of(frame: Frame) -> str:
    """What a frame says, line by line."""
    return "\n".join("".join(cell.text for cell in row) for row in frame.rows)


def filmed(folder: Path, beats: str = "all") -> list[Frame]:
    """What the terminal shows from the first screen on until the last of these beats was told.

    AssertionError with the screen where a beat came to something else than it should.
    """
    words = hotswap_dev("demo", "--pace", str(_PACE), "--beats", beats)
    with FilmedTerminal(*words, cwd=folder, columns=COLUMNS, lines=LINES) as terminal:
        terminal.wait_until(lambda: bool(_BEATS.search(terminal.text())), terminal.text)
        count = int(_BEATS.findall(terminal.text())[0])
        _look_at(terminal)
        for number in range(1, count + 1):
            terminal.type("]")
            terminal.wait_for_beat(number, count)
            _look_at(terminal)
        frames = list(terminal.frames)
        terminal.type("q")
        assert terminal.exit_code() == 0, terminal.text()
    return frames


def _look_at(terminal: FilmedTerminal) -> None:
    """As long as a person does."""
    until = time.monotonic() + _READING
    terminal.wait_until(lambda: time.monotonic() > until, terminal.text)


class FilmedTerminal(Terminal):
    """A terminal that keeps every picture that it shows, with its time in seconds."""

    def __init__(self, *words: str | Path, cwd: Path, columns: int, lines: int) -> None:
        self.frames: list[Frame] = []
        super().__init__(
            *words,
            cwd=cwd,
            columns=columns,
            lines=lines,
            environ={"COLORTERM": "truecolor", "LANG": "C.UTF-8"},
        )

    def wait_for_beat(self, number: int, count: int) -> None:
        """Wait until this beat came to what it should."""
        deadline = time.monotonic() + _PATIENCE
        while f"{number} of {count} · ✓" not in self.text():
            assert f"{number} of {count} · ✗" not in self.text(), self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)

    def _draw(self, data: bytes) -> None:
        super()._draw(data)
        latest = bytes(self.written[-(1 << 20) :])
        if self.screen is self._alternate and latest.rfind(_ENDS) > latest.rfind(_BEGINS):
            self.frames.append(Frame(time.monotonic(), shown(self.screen)))


def shown(screen: pyte.Screen) -> tuple[tuple[Cell, ...], ...]:
    """What is on a screen now."""
    return tuple(
        tuple(_cell(screen.buffer[line][column]) for column in range(screen.columns))
        for line in range(screen.lines)
    )


@lru_cache(maxsize=1 << 16)
def _cell(char: Any) -> Cell:
    ink, ground = _colour(char.fg, _INK), _colour(char.bg, _PAPER)
    if char.reverse:
        ink, ground = ground, ink
    return Cell(char.data, ink, ground, bool(char.bold))


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _NAMED.get(name.removeprefix("bright")) or f"#{name}"


if __name__ == "__main__":
    main()
