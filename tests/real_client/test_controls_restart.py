"""The server restarts between two checks of the actual plugin: what its answers keep, and what ended with the run."""

from __future__ import annotations

import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Literal

import pytest

from hotswap_dev.domain.commands.channels import PauseChannel
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import Annotate, Force204, SetMandatory
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.packing.signing import SigningKey, new_key
from hotswap_dev.server.run import RunningServer
from tests.real_client.conftest import Launch
from tests.real_client.our_server import App, a_server, installed, port_of, published
from tests.server.asking import until

End = Literal["clean", "kept", "crash"]


class Restarts:
    """A server that ends and starts again over its workspace, at its address, with its key: `async with` ends it."""

    def __init__(self, folder: Path, **engine: Any) -> None:
        self._folder = folder
        self._key: SigningKey = new_key()
        self._engine = engine
        self._runs = 0
        self._running = AsyncExitStack()
        self.now: RunningServer

    async def __aenter__(self) -> Restarts:
        self.now = await self._start(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    async def restart(self, *apps: App, crashed: bool = False) -> None:
        """End and start; `crashed`: what lies on the disk at this moment is all that the next run has."""
        port = port_of(self.now)
        if crashed:
            # The history is written behind the answers. A crash in that moment may cost it an answer, and this is none.
            engine = self.now.engine
            await until(
                lambda: {one.id: one for one in engine.history.clients(10)} == dict(engine.clients),
                "every client as it is now is in the history",
            )
            self._runs += 1
            for part in ("", "-key"):
                shutil.copytree(self._workspace(self._runs - 1, part), self._workspace(self._runs, part))
        await self._running.aclose()
        self.now = await self._start(port)
        for app in apps:
            app.server = self.now

    def _workspace(self, run: int, part: str = "") -> Path:
        return self._folder / f"run-{run}{part}"

    async def _start(self, port: int) -> RunningServer:
        return await self._running.enter_async_context(
            a_server(self._workspace(self._runs), self._key, port=port, **self._engine)
        )


@pytest.mark.parametrize(
    ("end", "stays"), [("clean", False), ("kept", True), ("crash", True)], ids=["clean", "kept", "crash"]
)
async def test_overrides_end_with_a_clean_end_and_stay_when_they_are_kept_and_after_a_crash(
    launch: Launch, tmp_path: Path, end: End, stays: bool
) -> None:
    async with Restarts(tmp_path, keep_overrides=end == "kept") as server:
        await published(server.now, tmp_path, "new")
        pixel = await installed(launch, server.now, "Pixel")
        laptop = await installed(launch, server.now, "Laptop")
        assert (await laptop.asks()).mandatory is False
        assert (await laptop.after(SetMandatory(on=True))).mandatory is True
        await pixel.asks()
        assert (await pixel.after(Force204(on=True, client="Pixel"))).short == ("forced-204", None)

        await server.restart(pixel, laptop, crashed=end == "crash")

        assert (await laptop.asks()).mandatory is stays
        assert (await pixel.asks()).short == (("forced-204", None) if stays else ("newer-release", 1))
        if stays:
            assert (await pixel.after(Force204(on=False, client="Pixel"))).short == ("newer-release", 1)
        assert await pixel.takes() == 1
        assert await pixel.shows() == "new"


async def test_after_a_crash_a_forced_204_for_three_times_has_as_many_left_as_were_not_answered(
    launch: Launch, tmp_path: Path
) -> None:
    async with Restarts(tmp_path) as server:
        await published(server.now, tmp_path, "new")
        pixel = await installed(launch, server.now, "Pixel")
        await pixel.asks()
        assert (await pixel.after(Force204(on=True, times=3))).short == ("forced-204", None)
        assert (await pixel.asks()).short == ("forced-204", None)
        # What is spent is written within 100 ms, or with the next change.
        await server.now.engine.run(Annotate(text="the power goes"))

        await server.restart(pixel, crashed=True)

        assert (await pixel.asks()).short == ("forced-204", None)
        assert (await pixel.asks()).short == ("newer-release", 1)


@pytest.mark.parametrize("crashed", [False, True], ids=["clean", "crash"])
async def test_pins_pauses_and_what_is_withheld_outlive_every_end(
    launch: Launch, tmp_path: Path, crashed: bool
) -> None:
    async with Restarts(tmp_path) as server:
        for text in ("one", "two", "three"):
            await published(server.now, tmp_path, text)
        await published(server.now, tmp_path, "for testers", channel="beta")
        pixel = await installed(launch, server.now, "Pixel")
        laptop = await installed(launch, server.now, "Laptop")
        tester = await installed(launch, server.now, "Tester", channel="beta")
        for app in (pixel, laptop, tester):
            await app.asks()
        answers = [
            await laptop.after(Withhold(sequence=3)),
            await pixel.after(PinClient(client="Pixel", sequence=1)),
            await tester.after(PauseChannel(channel="beta")),
        ]
        assert [one.short for one in answers] == [
            ("newer-release", 2),
            ("newer-release", 1),
            ("channel-paused", None),
        ]

        await server.restart(laptop, pixel, tester, crashed=crashed)

        assert server.now.engine.clients.keys() == {"Laptop", "Pixel", "Tester"}
        assert [await laptop.asks(), await pixel.asks(), await tester.asks()] == answers
        assert (await laptop.takes(), await pixel.takes()) == (2, 1)
        assert (await laptop.shows(), await pixel.shows(), await tester.shows()) == (
            "two",
            "one",
            "embedded",
        )


@pytest.mark.parametrize("crashed", [False, True], ids=["clean", "crash"])
async def test_an_update_that_was_checked_before_a_restart_is_applied_after_it_and_told_of_its_client(
    launch: Launch, tmp_path: Path, crashed: bool
) -> None:
    """The manifest stays in the app's memory, with the address of its bundle."""
    async with Restarts(tmp_path) as server:
        await published(server.now, tmp_path, "checked")
        pixel = await installed(launch, server.now, "Pixel")
        assert (await pixel.asks()).short == ("newer-release", 1)

        await server.restart(pixel, crashed=crashed)

        assert await pixel.takes() == 1
        assert await pixel.shows() == "checked"
        assert server.now.engine.clients["Pixel"].fetched == 1
        assert await published(server.now, tmp_path, "after the restart") == 2
        assert (await pixel.asks()).short == ("newer-release", 2)
        assert await pixel.takes() == 2
