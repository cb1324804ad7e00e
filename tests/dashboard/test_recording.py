"""The recording of the README: of a demo that really ran, small, and whole by itself."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

import pyte

from tests.dashboard.film import Cell, paced
from tests.dashboard.recording import COLUMNS, LINES, RECORDING, film, filmed, shown, text_of

SVG = "{http://www.w3.org/2000/svg}"


def test_a_screen_is_kept_with_its_colours_and_wide_characters() -> None:
    screen = pyte.Screen(8, 2)
    pyte.Stream(screen).feed("\x1b[1;38;2;1;2;3;48;2;16;32;48ma\x1b[0m漢\x1b[7mb\x1b[0m\x1b[31mc")
    first, second = shown(screen)
    assert first[:5] == (
        Cell("a", "#010203", "#102030", bold=True),
        Cell("漢", "#e8ebf0", "#10141a"),
        Cell("", "#e8ebf0", "#10141a"),
        Cell("b", "#10141a", "#e8ebf0"),
        Cell("c", "#cd3131", "#10141a"),
    )
    assert set(second) == {Cell(" ", "#e8ebf0", "#10141a")}


def test_the_recording_that_is_kept_is_small_stands_alone_and_shows_the_whole_story() -> None:
    kept = RECORDING.read_text(encoding="utf-8")
    assert len(kept.encode()) <= 300_000
    assert "\x1b" not in kept
    assert not re.search(r"url\(|@import|@font-face|<image|<script|href=\"[^#]", kept)
    root = ET.fromstring(kept)
    said = "\n".join(one.text or "" for one in root.iter(f"{SVG}text"))
    for words in ("Ten percent get it", "rollback loop", "withheld", "A poisoned bundle", "confirmed"):
        assert words in said
    seconds = re.search(r"animation:([\d.]+)s step-end infinite", kept)
    assert seconds is not None
    assert 30 <= float(seconds[1]) <= 60


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_what_is_recorded_is_the_demo_from_its_first_screen_to_the_end_of_a_beat(tmp_path: Path) -> None:
    frames = filmed(tmp_path, beats="1")
    assert {(len(frame.rows), len(frame.rows[0])) for frame in frames} == {(LINES, COLUMNS)}
    assert "1 of 1 · ✓ A build is saved" in text_of(frames[-1])
    assert len({cell.ink for row in frames[-1].rows for cell in row}) > 5
    assert "A build is saved" in film(paced(frames, shortest=0.5, longest=1))
