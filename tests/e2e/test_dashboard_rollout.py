"""A rollout is chosen on a dashboard that is attached to a real server: what was previewed is what clients then get."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from hotswap_dev.dashboard.screens.main import MainScreen
from hotswap_dev.dashboard.screens.rollout import RolloutScreen
from tests.dashboard.attached import Attached, attached_to
from tests.e2e.server_process import ServerProcess, write_frontend

pytestmark = pytest.mark.screens

CLIENTS = {f"device-{number}": ("android", "ios")[number % 2] for number in range(10)}


def offered(server: ServerProcess, client: str) -> int | None:
    """What this client is offered now: it asks as the plugin does, at 0."""
    site = urlsplit(server.ready["site"])
    asks = {"binary_version": "0.1.0", "platform": CLIENTS[client], "arch": "aarch64"}
    with contextlib.closing(http.client.HTTPConnection(site.hostname or "", site.port, timeout=20)) as to:
        to.request("GET", f"/api/ota/0?{urlencode(asks)}", headers={"X-Device-Id": client})
        answer = to.getresponse()
        body = answer.read()
    return json.loads(body)["sequence"] if answer.status == 200 else None


async def all_offered(server: ServerProcess) -> dict[str, int | None]:
    """What each client is offered."""
    return {client: await asyncio.to_thread(offered, server, client) for client in CLIENTS}


def foretold(desk: Attached) -> dict[str, Any]:
    """Whose answers the open preview says will change, and what they will be offered."""
    screen = desk.app.screen
    assert isinstance(screen, RolloutScreen)
    assert screen._outlook is not None
    return {one.client: (one.before.offered, one.after.offered) for one in screen._outlook.changes}


async def test_what_the_preview_says_is_what_each_client_then_gets(tmp_path: Path) -> None:
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        write_frontend(tmp_path / "dist", "the second build")
        newest = server.event("published")["sequence"]
        before = await all_offered(server)
        assert set(before.values()) == {newest}

        file = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
        async with attached_to(file["control"], file["token"]) as desk:
            await desk.until(lambda: len(desk.app.view().clients) == len(CLIENTS), "all clients are known")
            for keys in (("left",), ("left",), ("tab", "tab", *"android")):
                await desk.press("1")
                await desk.press("percent_sign")
                await desk.shows("rollout and targets of")
                for key in keys:
                    await desk.press(key)
                await desk.until(lambda: bool(foretold(desk)), "a change is foretold")
                said = foretold(desk)
                await desk.press("enter")
                await desk.until(lambda: isinstance(desk.app.screen, MainScreen), "it is closed")
                await desk.until(lambda: not desk.app.view().pending, "it is done")

                after = await all_offered(server)
                changed = {one: (before[one], after[one]) for one in CLIENTS if before[one] != after[one]}
                assert changed == said
                before = after
                # The next preview counts from what is known of each client after these checks.
                await desk.until(
                    lambda after=after: {  # type: ignore[misc]
                        one.id: one.status for one in desk.app.view().clients.values()
                    } == {one: 204 if got is None else 200 for one, got in after.items()},
                    "these checks are known",
                )  # fmt: skip
