"""The pictures of the README: whole by themselves, and of a dashboard that really ran."""

from __future__ import annotations

import asyncio
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.dashboard.picture import PICTURES, look, svg, write_project
from tests.dashboard.scripted import ScriptedControl, dashboard_on
from tests.e2e.server_process import ServerProcess

SVG = "{http://www.w3.org/2000/svg}"


def texts_of(picture: str) -> str:
    """What a picture says, line by line as it is drawn."""
    drawn = ET.fromstring(picture)
    return "\n".join(one.text or "" for one in drawn.iter(f"{SVG}text"))


async def test_a_picture_says_what_the_screen_says_and_loads_nothing() -> None:
    async with dashboard_on(ScriptedControl(), size=(80, 24)) as desk:
        strips = desk.app.screen._compositor.render_strips()
        drawn = svg(strips, desk.app.screen.rich_style)
    said = texts_of(drawn)
    assert "my-app 1.0.0" in said
    assert "A dev build (tauri dev) bypasses OTA" in said
    assert not re.search(r"url\(|@import|@font-face|href=|<image|<script", drawn)


@pytest.mark.parametrize("name", ["dashboard.svg", "why.svg", "rollout.svg", "faults.svg"])
def test_the_pictures_that_are_kept_are_small_and_stand_alone(name: str) -> None:
    drawn = (PICTURES / name).read_text(encoding="utf-8")
    assert len(drawn) < 60_000
    assert "tide-clock" in texts_of(drawn) or "WHY" in texts_of(drawn)
    assert not re.search(r"url\(|@import|@font-face|href=|<image|<script", drawn)


@pytest.mark.slow
def test_the_pictures_are_of_what_really_happened(tmp_path: Path) -> None:
    project = tmp_path / "tide-clock"
    write_project(project)
    with ServerProcess("--project", project, "--port", "0", cwd=project, everything=True) as server:
        pictures = asyncio.run(look(server, project / "dist"))
    whole, why, rollout, faults = (texts_of(drawn) for drawn in pictures.values())
    for said in ("tide-clock 0.4.1", "fell back 1", "rolled back 6", "withheld", "no update ×1 iPad"):
        assert said in whole
    assert "Release 8 needs binary 0.5.0, the client runs 0.4.1." in why
    assert "7 withheld" in why
    assert "rollout and targets of 6" in rollout
    assert "flips in at" in rollout
    assert "legacy-signature" in faults
    assert "Unexpected signature" in faults
