"""The driver itself: launches, restarts, ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.real_client.conftest import Launch
from tests.real_client.driver import LaunchRefused, RealClient, Rejected

CONFIG = {"endpoint": "https://127.0.0.1:9/{{current_sequence}}", "pubkey": "RW"}


async def test_a_fresh_app_runs_its_embedded_page(launch: Launch) -> None:
    client = await launch(CONFIG, version="1.2.3", embedded={"/index.html": "<p>built in", "a/b.js": "x"})

    assert client.started.value == {
        "version": None,
        "sequence": 0,
        "binary_version": "1.2.3",
        "active": False,
    }
    assert (await client.page("/")).text == "<p>built in"
    assert (await client.page("/a/b.js")).text == "x"
    assert (await client.page("/no/such/route")).text == "<p>built in"


async def test_a_closed_launch_is_gone_and_says_so(launch: Launch) -> None:
    client = await launch(CONFIG)
    process = client._process
    assert process is not None

    await client.close()
    await client.close()

    assert process.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    with pytest.raises(RuntimeError, match="this launch has ended"):
        await client.check()


async def test_a_launch_with_the_same_data_ends_the_one_before(launch: Launch) -> None:
    first = await launch(CONFIG)
    second = await launch(CONFIG)

    assert first._process is None
    assert await second.sequence() == 0


async def test_an_app_without_plugin_config_does_not_start(launch: Launch) -> None:
    with pytest.raises(LaunchRefused, match=r"missing or invalid 'plugins\.hotswap'"):
        await launch(None)


async def test_an_unknown_command_rejects_and_the_next_one_is_answered(launch: Launch) -> None:
    client = await launch(CONFIG)

    with pytest.raises(Rejected, match="not allowed"):
        _ = (await client.command("no_such_thing")).value
    assert await client.sequence() == 0


async def test_a_killed_app_is_reaped(real_client_binary: Path, tmp_path: Path) -> None:
    async with RealClient(real_client_binary, tmp_path, CONFIG) as client:
        process = client._process
        assert process is not None
        await client.kill()

    assert process.returncode == -9
