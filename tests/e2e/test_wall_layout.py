"""How the wall of phones fills a window: phones as large as it allows, and no word of theirs cut."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotswap_dev.domain.commands.clients import NameClient
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.packing.signing import new_key
from hotswap_dev.server.run import ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome
from tests.e2e.browser import CHROMIUM, Tab, chromium
from tests.e2e.wall_tabs import holds, in_window, looking_at, resized
from tests.server.asking import Asking
from tests.server.walls import Wall, opened, runs
from tests.unit.domain.clients import a_download, a_report, an_offer

DEMANDED = os.environ.get("HOTSWAP_DEV_REQUIRE_TOOLS") == "1"
pytestmark = [
    pytest.mark.screens,
    # Where tools are demanded (in CI) their absence is a failure.
    pytest.mark.skipif(CHROMIUM is None and not DEMANDED, reason="needs chromium"),
    pytest.mark.timeout(120),
]

SAMPLES = Path(__file__).parents[2] / "sample_bundles"

NAMES = ("Pixel 8", "Galaxy S24", "iPhone 15", "QA tablet", "Windows lab", "Fairphone 5", "Ben's laptop")

LEAST_SHARES = {(1280, 577): 0.34, (1280, 720): 0.31, (1920, 1080): 0.36, (1024, 768): 0.28, (800, 600): 0.25}
"""How much of a window's height a phone of twelve takes at least."""

_CUT = """
[...document.querySelectorAll("h1, .line *, figcaption *, #legend li, .aside")].flatMap((element) => {
  const wrong = [];
  const box = element.getBoundingClientRect();
  if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight) wrong.push("out of sight");
  if (getComputedStyle(element).display !== "inline"
    && (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight + 1)) {
    wrong.push("cut");
  }
  for (const node of element.childNodes) {
    if (node.nodeType !== Node.TEXT_NODE) continue;
    for (const word of node.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (range.getClientRects().length > 1) wrong.push(`${word[0]} in pieces`);
    }
  }
  return wrong.map((how) => `${element.className || element.tagName} ${element.textContent}: ${how}`);
})
"""

_OVERLAPPING = """
(() => {
  const boxes = [...document.querySelectorAll("figure")].flatMap((figure) =>
    [".screen", "figcaption"].map((part) => figure.querySelector(part).getBoundingClientRect()));
  const foot = document.querySelector("footer").getBoundingClientRect();
  const head = document.querySelector("header").getBoundingClientRect();
  boxes.push(foot, head);
  return boxes.flatMap((one, at) => boxes.slice(at + 1).filter((other) =>
    one.left < other.right - 1 && other.left < one.right - 1
    && one.top < other.bottom - 1 && other.top < one.bottom - 1)).length;
})()
"""

_SIZES = """
(() => {
  const boxes = [...document.querySelectorAll(".screen")].map((screen) => screen.getBoundingClientRect());
  return { high: Math.min(...boxes.map((box) => box.height)), rows: new Set(boxes.map((box) => box.top)).size };
})()
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Asking]:
    options = ServerOptions(
        engine=EngineOptions(dist=None, app_version="1.0.0", channel="production"),
        workspace=tmp_path / "w",
        app="Acme Notes",
    )
    async with (
        serving(options, new_key(), KeyHome(tmp_path / "keys")) as running,
        aiohttp.ClientSession() as session,
    ):
        yield Asking(running, session)


class Cast:
    """Twelve phones of a server that has three releases: what they do, one after the other."""

    def __init__(self, server: Asking) -> None:
        self.server = server
        self.ids = [f"phones-{number:02}-3fa{number:x}" for number in range(1, 13)]

    async def enter(self) -> Wall:
        """They all run release 2, and confirmed it; some have names."""
        for bundle in ("hello-v1", "hello-v2", "crashes-on-load"):
            await self.server.publish(SAMPLES / bundle)
        for one, name in zip(self.ids, NAMES, strict=False):
            await self.server.engine.run(NameClient(client=one, name=name))
        for one in self.ids:
            self.applies(one, 2, over=1)
            self.confirms(one, 2)
        return await opened(self.server)

    def applies(self, one: str, sequence: int, *, over: int) -> None:
        """It is offered a release, fetches it and reports it."""
        self.server.engine.observe(an_offer(sequence, client=one, sequence=over, platform="android"))
        self.server.engine.observe(a_download(sequence, client=one))
        runs(self.server, one, sequence, platform="android")

    def confirms(self, one: str, sequence: int) -> None:
        """Its page called notifyReady(), and it reported so."""
        self.server.engine.observe(a_report("ready-confirmed", sequence, client=one))

    def falls_back(self, one: str, sequence: int) -> None:
        """It reports a lower sequence."""
        runs(self.server, one, sequence, platform="android")


async def without_motion(tab: Tab) -> None:
    """As a person has it who asked the system for less of it."""
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    await tab.call("Emulation.setEmulatedMedia", features=features)


async def sizes(tab: Tab) -> dict[str, Any]:
    """The phones' height, in pixels, and their rows."""
    found: dict[str, Any] = await tab.value(_SIZES)
    return found


async def test_twelve_phones_fill_every_usual_window_and_no_word_of_theirs_is_cut_nor_do_they_change_size(
    server: Asking, tmp_path: Path
) -> None:
    cast = Cast(server)
    wall = await cast.enter()
    healthy: dict[tuple[int, int], dict[str, Any]] = {}
    async with (
        chromium(tmp_path / "profile") as browser,
        in_window(browser, wall.url, 1280, 720) as tab,
    ):
        await holds(tab, "document.querySelectorAll('figure').length === 12")
        await without_motion(tab)  # a phone that changed is smaller for a moment
        for moment in ("healthy", "looping", "ahead"):
            if moment == "looping":
                for one in cast.ids[:8]:
                    cast.applies(one, 3, over=2)
                    cast.falls_back(one, 2)
                for one in cast.ids[:4]:
                    cast.applies(one, 3, over=2)
                    cast.falls_back(one, 2)
                for one in cast.ids[:2]:
                    cast.applies(one, 3, over=2)
                await holds(tab, "document.querySelectorAll('figure[data-tone=bad]').length === 8")
            if moment == "ahead":
                for one in cast.ids[8:]:
                    args = {"current": 57, "last": 3}
                    runs(server, one, 57, reason="client-ahead", args=args, platform="android")
                await holds(tab, "document.querySelectorAll('figure[data-tone=odd]').length === 4")
            for width, height in LEAST_SHARES:
                await resized(tab, width, height)
                await holds(tab, f"innerWidth === {width} && innerHeight === {height}")
                await tab.value(
                    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
                )
                where = f"{moment} at {width}x{height}"
                assert await tab.value(_CUT) == [], where
                assert await tab.value(_OVERLAPPING) == 0, where
                found = await sizes(tab)
                assert found["rows"] > 1, where
                assert found["high"] >= LEAST_SHARES[width, height] * height, where
                assert found == healthy.setdefault((width, height), found), where


async def test_a_bad_build_shows_at_once_and_red_is_red_whatever_runs(server: Asking, tmp_path: Path) -> None:
    """Solid green is for what was confirmed alone, in the frames and in the bar."""
    cast = Cast(server)
    wall = await cast.enter()
    edges = (
        "[...document.querySelectorAll('figure')].map((f) => getComputedStyle(f.querySelector('.screen')))"
        ".map((s) => `${s.outlineStyle} ${s.outlineColor}`)"
    )
    async with looking_at(wall, tmp_path) as tab:
        await without_motion(tab)
        first, second, third = cast.ids[:3]
        cast.applies(first, 3, over=2)
        cast.applies(second, 3, over=2)
        cast.confirms(second, 3)
        cast.applies(third, 3, over=2)
        cast.falls_back(third, 2)
        cast.applies(third, 3, over=2)
        await holds(tab, "document.querySelector('.came').textContent.includes('fell back')")
        await holds(tab, "document.querySelectorAll('figure[data-tone=bad]').length === 1")
        applied, confirmed, again = (await tab.value(edges))[:3]
        paint = (
            "(name) => { const probe = document.createElement('i'); probe.style.color = `var(--${name})`;"
            " document.body.append(probe); const found = getComputedStyle(probe).color; probe.remove(); return found }"
        )
        green, red = await tab.value(f"['newest', 'bad'].map({paint})")
        assert confirmed == f"solid {green}"
        assert again == f"solid {red}"
        assert applied.startswith("dashed ")
        assert "newest" not in await tab.value("document.querySelector('figure[data-tone=bad]').innerText")
        bar = (
            "[...document.querySelectorAll('.bar i')]"
            ".map((i) => [i.className, Math.round(parseFloat(i.style.width))])"
        )
        assert await tab.value(bar) == [["confirmed", 8], ["running", 8], ["lost", 8]]
        fills = await tab.value(
            "[...document.querySelectorAll('.bar i')].map((i) => getComputedStyle(i))"
            ".map((s) => s.backgroundImage === 'none' ? s.backgroundColor : 'striped')"
        )
        assert fills == [green, "striped", red]


async def test_a_still_wall_is_one_picture_with_its_pages_and_a_headless_screenshot_of_it_ends(
    server: Asking, tmp_path: Path
) -> None:
    cast = Cast(server)
    wall = await cast.enter()
    async with (
        chromium(tmp_path / "profile") as browser,
        in_window(browser, f"{wall.url}?still", 1280, 720) as still,
    ):
        await holds(still, "document.querySelectorAll('figure').length === 12")
        await holds(
            still, "[...document.querySelectorAll('iframe')].every((f) => f.classList.contains('loaded'))"
        )
        runs(server, "late", 2)
        async with in_window(browser, wall.url, 1280, 720) as live:
            await holds(live, "document.querySelectorAll('figure').length === 13")
        await asyncio.wait_for(shot(f"{wall.url}?still", tmp_path), 30)
        assert (tmp_path / "wall.png").read_bytes().startswith(b"\x89PNG")
        assert await still.value("document.querySelectorAll('figure').length") == 12
        assert await still.value("document.getElementById('trouble').hidden")
        assert still.complaints == []


async def shot(url: str, folder: Path) -> None:
    """A picture, taken as a script takes it: the browser ends by itself once the page has no more to do."""
    assert CHROMIUM is not None
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options = ["--disable-gpu", f"--user-data-dir={folder / 'shot'}", "--virtual-time-budget=5000"]
    taking = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        *root,
        *options,
        f"--screenshot={folder / 'wall.png'}",
        url,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert await taking.wait() == 0
    finally:
        if taking.returncode is None:
            taking.kill()
            await taking.wait()
