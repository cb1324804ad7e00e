"""A wall of phones in a browser's window of a size."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.browser import Browser, Tab, chromium, until
from tests.server.walls import Wall


@asynccontextmanager
async def looking_at(wall: Wall, tmp_path: Path, theme: str = "light") -> AsyncIterator[Tab]:
    """The wall in a browser of 1280 by 720, once it shows a picture."""
    async with (
        chromium(tmp_path / "profile", width=1280, height=720) as browser,
        in_window(browser, wall.url, 1280, 720, theme) as tab,
    ):
        yield tab


@asynccontextmanager
async def in_window(
    browser: Browser, url: str, width: int, height: int, theme: str = "light"
) -> AsyncIterator[Tab]:
    """The wall in a window that has this much room for a page, once it shows a picture."""
    async with browser.tab() as tab:
        await resized(tab, width, height)
        await tab.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}]
        )
        await tab.go(url)
        await holds(tab, "document.body?.dataset.shown === 'yes'")
        yield tab


async def resized(tab: Tab, width: int, height: int) -> None:
    """Give the page this much room."""
    await tab.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
    )


async def holds(tab: Tab, expression: str) -> None:
    """Wait until JavaScript finds this to be so."""

    async def whether() -> bool:
        return bool(await tab.value(expression))

    await until(whether, lambda: f"{expression}; complaints: {tab.complaints}")
