"""The report of a run in a real browser: light, dark and on paper, with nothing loaded and nothing complained of."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotswap_dev.export.report import Report, render
from tests.e2e.browser import CHROMIUM, Tab, chromium, until
from tests.unit.export.reported import empty, halted, many_releases, red, small

pytestmark = [
    pytest.mark.screens,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.timeout(120),
]

_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_CUT = """
[...document.querySelectorAll("svg text")].filter(one => {
  const text = one.getBoundingClientRect(), whole = one.ownerSVGElement.getBoundingClientRect();
  return text.left < whole.left - 1 || text.right > whole.right + 1 || text.top < whole.top - 1 ||
    text.bottom > whole.bottom + 1;
}).map(one => one.textContent)
"""
_OVERFLOWING = """
[...document.querySelectorAll(".figures dd, h1, .lead, .key")].filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.textContent)
"""


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as browser, browser.tab() as opened:
        yield opened


async def _show(tab: Tab, page: Path, report: Report, theme: str, width: int) -> None:
    page.write_text(render(report), encoding="utf-8")
    await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    await tab.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
    )
    await tab.go(page.as_uri())
    shown = f"document.readyState === 'complete' && location.href === {page.as_uri()!r}"

    async def whether() -> bool:
        return bool(await tab.value(shown))

    await until(whether, lambda: f"{page} to be shown")


@pytest.mark.parametrize("width", [1200, 800])
async def test_every_report_fits_its_window_loads_nothing_and_cuts_no_word_off(
    tab: Tab, tmp_path: Path, width: int
) -> None:
    for name, report in {
        "halted": halted(),
        "huge": halted(5000),
        "small": small(),
        "empty": empty(),
        "red": red(),
        "forty": many_releases(),
    }.items():
        page = tmp_path / f"{name}.html"
        await _show(tab, page, report, "light", width)
        assert await tab.value(_WIDER) <= 0, name
        assert await tab.value(_CUT) == [], name
        assert await tab.value(_OVERFLOWING) == [], name
    assert {url.rpartition("/")[2] for url in tab.requested} <= {
        "halted.html",
        "huge.html",
        "small.html",
        "empty.html",
        "red.html",
        "forty.html",
    }
    assert tab.complaints == []


async def test_light_and_dark_are_the_same_page_in_other_colours_and_both_draw_their_patterns(
    tab: Tab, tmp_path: Path
) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    fill = "getComputedStyle(document.querySelector('.bar .fell')).fill"
    seen = []
    for theme in ("light", "dark"):
        await _show(tab, tmp_path / f"{theme}.html", small(), theme, 1200)
        seen.append(await tab.value(ground))
        assert await tab.value(fill) == 'url("#p-fell")'
    assert seen == ["rgb(244, 246, 248)", "rgb(15, 21, 27)"]


async def test_it_prints_on_white_and_in_a_few_pages(tab: Tab, tmp_path: Path) -> None:
    await _show(tab, tmp_path / "page.html", halted(), "dark", 1200)
    await tab.call("Emulation.setEmulatedMedia", media="print")
    assert await tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = base64.b64decode((await tab.call("Page.printToPDF", printBackground=True))["data"])
    assert 2 <= printed.count(b"/Type /Page\n") <= 8
