"""The picker of faults, its form, and the rows and pages of what faults did, as they look.

`pytest --snapshot-update tests/dashboard/test_snapshots_faults.py` writes the files anew; their difference shows what
moved.
"""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from hotswap_dev.domain.commands.faults import ArmFault
from tests.dashboard.scripted import Desk, dashboard_on
from tests.dashboard.struck import (
    a_struck_check,
    asked_by_post,
    became,
    completed,
    fetch,
    reported,
)
from tests.dashboard.test_snapshots import DARK, LIGHT, Holding, after, picture
from tests.dashboard.views import Scene, a_morning

pytestmark = [pytest.mark.screens, pytest.mark.usefixtures("universal_time")]

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=lambda size: f"{size[0]}x{size[1]}")


def an_afternoon() -> Scene:
    """Everything that can be seen of faults, of reports and of the second protocol, one after the other."""
    scene = a_struck_check("check/connection-reset", times=3)
    scene.later(1).happens(became(fault="check/connection-reset", detail="it asked again 1 s later, at 12"))
    scene.done(ArmFault(fault="download/http-error", times=2)).later(1).asks("px", 12)
    scene.later(1).happens(fetch(attempt=1, fault="download/http-error", status=503, bytes=0))
    scene.later(1).happens(reported("download-error", error="HTTP 503: bundle download failed"))
    scene.later(1).happens(reported())
    scene.later(1).happens(asked_by_post(), completed(status="failed", detail="bad checksum"))
    scene.later(1).happens(completed(flags=("hash-mismatch",)))
    return scene.later(1).happens(fetch())


async def at(desk: Desk, scene: Scene) -> None:
    await after(desk, scene)
    await desk.press("2", "j")


@SIZES
@pytest.mark.parametrize("theme", [DARK, LIGHT])
async def test_the_picker(size: tuple[int, int], theme: str, snapshot: SnapshotAssertion) -> None:
    scene = a_morning().later(1).done(ArmFault(fault="hang", client="px")).done(ArmFault(fault="slow-3g"))
    async with dashboard_on(Holding(scene), size=size, theme=theme) as desk:
        await at(desk, scene)
        await desk.press("X")
        assert picture(desk.app) == snapshot


@SIZES
async def test_the_picker_finding(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    scene = a_morning()
    async with dashboard_on(Holding(scene), size=size, theme=DARK) as desk:
        await at(desk, scene)
        await desk.press("x", *"reset", "down", "tab")
        assert picture(desk.app) == snapshot


@SIZES
async def test_the_form_of_a_fault(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    scene = a_morning()
    async with dashboard_on(Holding(scene), size=size, theme=DARK) as desk:
        await at(desk, scene)
        await desk.press("x", *"truncate", "enter", "tab", "2", "tab", "7")
        assert picture(desk.app) == snapshot


@SIZES
@pytest.mark.parametrize("theme", [DARK, LIGHT])
async def test_rows_of_faults_and_reports(
    size: tuple[int, int], theme: str, snapshot: SnapshotAssertion
) -> None:
    scene = an_afternoon()
    async with dashboard_on(Holding(scene), size=size, theme=theme) as desk:
        await after(desk, scene)
        assert picture(desk.app) == snapshot


async def test_the_page_of_a_struck_check(snapshot: SnapshotAssertion) -> None:
    scene = a_struck_check("check/http-error", parameters={"status": 503}, times=3)
    async with dashboard_on(Holding(scene), size=(100, 40), theme=DARK) as desk:
        await after(desk, scene)
        await desk.press("enter")
        assert picture(desk.app) == snapshot


async def test_the_picker_in_ascii(snapshot: SnapshotAssertion) -> None:
    scene = a_morning().later(1).done(ArmFault(fault="hang", client="px"))
    async with dashboard_on(Holding(scene), size=(80, 24), theme=DARK) as desk:
        desk.app.in_ascii = True
        await at(desk, scene)
        await desk.press("x")
        drawn = picture(desk.app)
        assert drawn.isascii()
        assert drawn == snapshot
