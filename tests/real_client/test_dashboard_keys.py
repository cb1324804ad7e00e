"""The dashboard's keys as the actual plugin meets them: each changes its next result, and again takes it back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotswap_dev.server.run import RunningServer
from tests.dashboard.attached import Attached, attached_to
from tests.real_client.conftest import Launch
from tests.real_client.our_server import App, Serve, installed, published
from tests.real_client.our_server import serve_fixture as serve_fixture


@asynccontextmanager
async def watched(server: RunningServer) -> AsyncIterator[Attached]:
    """A dashboard on this server."""
    async with attached_to(server.file.control, server.file.token or "") as desk:
        yield desk


async def seen_asking(desk: Attached, app: App) -> None:
    """The app asks once, and its check-in is the selected row on the screen: a key acts on what was drawn."""
    asked = await app.asks()
    await desk.until(
        lambda: (
            (row := desk.app.view().row) is not None
            and desk.app.drawn == desk.app.view().selected
            and row.client == app.id
            and row.check is not None
            and row.check.reason == asked.reason
        ),
        f"the check of {app.id} is selected",
    )


async def test_a_check_is_on_the_screen_within_a_second_with_its_reason_and_why(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        assert (await pixel.asks()).reason == "newer-release"
        waited = await desk.shows("Pixel", "newer-release", "offered 1")
        assert "is newer than the client's 0" in desk.bar("why")
        print(f"on the screen after {waited * 1000:.0f} ms")  # shown by -rP
        assert waited < 1

        assert await pixel.takes() == 1
        await desk.shows("up-to-date", "↓ 1", "running 1")


async def test_m_makes_the_offer_mandatory_and_again_no_longer(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        await seen_asking(desk, pixel)

        await desk.press("m")
        await desk.shows("· release 1 is mandatory")
        assert (await pixel.asks()).mandatory is True

        await desk.press("m")
        await desk.shows("· release 1 is no longer mandatory")
        assert (await pixel.asks()).mandatory is False


async def test_M_makes_every_offer_mandatory_and_again_no_longer(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel = await installed(launch, server, "Pixel")
    laptop = await installed(launch, server, "Laptop")
    async with watched(server) as desk:
        await desk.press("M")
        await desk.says("chips", "every offer mandatory")
        assert [(await app.asks()).mandatory for app in (pixel, laptop)] == [True, True]

        await desk.press("M")
        await desk.says("chips", "")
        assert [(await app.asks()).mandatory for app in (pixel, laptop)] == [False, False]


async def test_n_keeps_one_client_waiting_once_then_until_cleared_then_no_longer(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    laptop = await installed(launch, server, "Laptop")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        await seen_asking(desk, pixel)

        await desk.press("n")
        await desk.says("chips", "no update ×1 Pixel")
        assert (await laptop.asks()).short == ("newer-release", 1)
        assert (await pixel.asks()).short == ("forced-204", None)
        assert (await pixel.asks()).short == ("newer-release", 1)
        await desk.says("chips", "")

        await desk.press("n")
        await desk.press("n")
        await desk.says("chips", "no update Pixel")
        assert (await pixel.asks()).short == ("forced-204", None)
        assert (await pixel.asks()).short == ("forced-204", None)
        assert (await laptop.asks()).short == ("newer-release", 1)

        await desk.press("n")
        await desk.says("chips", "")
        assert (await pixel.asks()).short == ("newer-release", 1)


async def test_N_keeps_everyone_waiting_once_then_until_cleared_then_no_longer(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    laptop = await installed(launch, server, "Laptop")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        await desk.press("N")
        await desk.says("chips", "no update ×1 everyone")
        assert (await laptop.asks()).short == ("forced-204", None)
        assert (await pixel.asks()).short == ("newer-release", 1)
        await desk.says("chips", "")

        await desk.press("N")
        await desk.press("N")
        await desk.says("chips", "no update everyone")
        for app in (pixel, laptop, pixel):
            assert (await app.asks()).short == ("forced-204", None)

        await desk.press("N")
        await desk.says("chips", "")
        assert [(await app.asks()).offered for app in (pixel, laptop)] == [1, 1]


async def test_w_withholds_the_offered_release_so_that_the_older_one_comes_and_again_puts_it_back(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "older")
    await published(server, tmp_path, "newer")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        await seen_asking(desk, pixel)

        await desk.press("w")
        await desk.says("chips", "2 withheld")
        assert (await pixel.asks()).short == ("newer-release", 1)
        await desk.shows("offered 1")

        # Another check of another answer came in between, and is about release 1: the one above is put back by hand.
        await desk.press("1")
        await desk.press("g")
        await desk.press("w")
        await desk.says("chips", "")
        assert (await pixel.asks()).short == ("newer-release", 2)


async def test_w_on_the_only_release_offers_none_and_again_offers_it(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        await seen_asking(desk, pixel)

        await desk.press("w")
        await desk.says("chips", "1 withheld")
        await seen_asking(desk, pixel)
        assert (await pixel.asks()).short == ("release-withheld", None)

        await desk.press("w")
        await desk.says("chips", "")
        assert (await pixel.asks()).short == ("newer-release", 1)


async def test_W_pauses_the_channel_and_again_goes_on(launch: Launch, serve: Serve, tmp_path: Path) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        await seen_asking(desk, pixel)

        await desk.press("W")
        await desk.says("chips", "production paused")
        await seen_asking(desk, pixel)
        assert (await pixel.asks()).short == ("channel-paused", None)

        await desk.press("W")
        await desk.says("chips", "")
        assert (await pixel.asks()).short == ("newer-release", 1)


@pytest.mark.parametrize("key", ["m", "M", "n", "N", "w", "W"])
async def test_a_key_of_the_dashboard_reaches_the_plugin_before_its_next_check(
    launch: Launch, serve: Serve, tmp_path: Path, key: str
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel = await installed(launch, server, "Pixel")
    async with watched(server) as desk:
        await seen_asking(desk, pixel)
        before, revision = await pixel.asks(), server.engine.bus.revision
        pressed = time.monotonic()
        await desk.press(key)
        await desk.until(lambda: server.engine.bus.revision > revision, "the server has it")
        print(f"{key}: at the server after {(time.monotonic() - pressed) * 1000:.0f} ms")  # shown by -rP
        after = await pixel.asks()

        assert (after.short, after.mandatory) != (before.short, before.mandatory)
        # Its own answer changed, so its row on the screen is a new one, and the one that is selected.
        await desk.until(
            lambda: (
                (row := desk.app.view().row) is not None
                and desk.app.drawn == desk.app.view().selected
                and row.check is not None
                and (row.check.reason, row.check.offered) == after.short
            ),
            "the changed answer is selected",
        )
