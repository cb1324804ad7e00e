"""Two dashboards and a script on one server: they change things at once, and in the end all of them show the same.

How soon they do (issue 5, §2.4) is measured by `tests/benchmarks/bench_dashboard.py`, with nothing else beside it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from tests.dashboard.attached import Attached, attached_to, said
from tests.e2e.server_process import ServerProcess, write_frontend

pytestmark = pytest.mark.screens


class Together:
    """A server in a process of its own, two dashboards on it, and a script's client."""

    def __init__(self, server: ServerProcess, desks: Sequence[Attached], script: ControlClient) -> None:
        self.server = server
        self.desks = desks
        self.script = script

    async def run(self, verb: str, **arguments: wire.Json) -> None:
        """The script has a command done."""
        await asyncio.to_thread(self.script.command, verb, arguments)

    async def state(self) -> wire.State:
        """What the server has now."""
        return wire.decode_state(await asyncio.to_thread(self.script.request, "GET", "/api/state"))

    async def agree(self) -> wire.State:
        """Wait until both dashboards know what the server has, and have painted it; that state."""
        state = await self.state()
        for desk in self.desks:
            await desk.knows(state)
        first, second = self.desks
        await first.until(
            lambda: first.is_painted and second.is_painted and shown_on(first) == shown_on(second),
            "the same on both",
        )
        return state


def shown_on(desk: Attached) -> tuple[str, ...]:
    """What must be the same on every dashboard: what is armed, the newest release's way, and the counts."""
    return tuple(said(desk.bar(name)) for name in ("chips", "way", "tabs"))


@pytest.fixture
async def together(tmp_path: Path) -> AsyncIterator[Together]:
    async with _together(tmp_path) as them:
        yield them


@asynccontextmanager
async def _together(folder: Path) -> AsyncIterator[Together]:
    with ServerProcess(write_frontend(folder / "dist"), "--port", "0", cwd=folder) as server:
        server.event("published")
        file = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
        address, token = file["control"], file["token"]
        async with attached_to(address, token) as one, attached_to(address, token) as other:
            yield Together(server, (one, other), ControlClient(address, token))


async def test_what_two_dashboards_and_a_script_change_at_once_all_of_them_show_in_the_end(
    together: Together,
) -> None:
    one, other = together.desks
    for _ in range(3):
        await asyncio.gather(
            one.press("N"),
            other.press("M"),
            together.run("pause-channel", channel="production"),
            together.run("force-204", on=True, client="Pixel", times=7),
            together.run("name-client", client="Pixel", name="the tester's"),
        )
        await asyncio.gather(one.press("M"), other.press("N"), together.run("create-channel", channel="beta"))
        await together.agree()

    state = await together.agree()
    assert [(entry.client, entry.left) for entry in state.controls.forced if entry.client] == [("Pixel", 7)]
    assert state.controls.channels["production"].paused
    for desk in together.desks:
        assert "no update ×7 the tester's" in desk.bar("chips")
        assert "production paused" in desk.bar("chips")


async def test_what_one_dashboard_sets_the_other_takes_back(together: Together) -> None:
    one, other = together.desks
    await one.press("N")
    for desk in together.desks:
        await desk.says("chips", "no update ×1 everyone")
    await other.press("N")
    for desk in together.desks:
        await desk.says("chips", "no update everyone")
    await one.press("N")
    for desk in together.desks:
        await desk.says("chips", "")

    assert (await together.agree()).controls.forced == ()


async def test_a_check_that_uses_up_what_one_set_is_on_both_screens(together: Together) -> None:
    one, other = together.desks
    await one.press("N")
    await other.says("chips", "no update ×1 everyone")

    assert await asyncio.to_thread(together.server.check) == (204, None)

    for desk in together.desks:
        await desk.shows("forced-204")
        await desk.says("chips", "")
    state = await together.agree()
    assert [client.reason for client in state.clients] == ["forced-204"]


async def test_each_looks_at_what_it_likes_while_what_is_true_is_the_same(together: Together) -> None:
    one, other = together.desks
    await asyncio.to_thread(together.server.check)
    await one.press("1")
    await other.press("F")
    await one.press("w")
    await one.says("chips", "1 withheld")
    await other.says("chips", "1 withheld")

    assert (await asyncio.to_thread(together.server.check))[0] == 204

    await one.shows("204        release-withhe")
    await other.shows("paused, ")
    state = await together.state()
    for desk in together.desks:
        await desk.knows(state)
