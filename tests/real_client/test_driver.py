"""The driver itself: built once, launched, ended."""

from __future__ import annotations

import asyncio
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp import web

from tests.real_client import driver
from tests.real_client.conftest import Launch
from tests.real_client.driver import LaunchRefused, RealClient, Rejected, built_driver, compiled_in
from tests.real_client.scripted_server import ScriptedServer

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


async def test_a_command_without_an_answer_in_time_ends_the_app(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch({"endpoint": server.endpoint, "pubkey": "RW", "require_https": False}, limit=0.3)
    asked, never = asyncio.Event(), asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        asked.set()
        await never.wait()
        return web.Response()

    server.check = silent
    with pytest.raises(TimeoutError, match=r"no answer to check in 0\.3 s"):
        await client.check()

    assert asked.is_set()
    assert client._process is None
    never.set()


async def test_an_app_ends_with_its_stdin_though_a_check_is_under_way(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch({"endpoint": server.endpoint, "pubkey": "RW", "require_https": False})
    process = client._process
    assert process is not None
    asked, never = asyncio.Event(), asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        asked.set()
        await never.wait()
        return web.Response()

    server.check = silent
    checking = asyncio.create_task(client.check())
    await asked.wait()
    await client.close()

    with pytest.raises(RuntimeError, match="ended at check"):
        await checking
    assert process.returncode == 0
    never.set()


async def test_a_whole_tauri_config_can_be_launched(launch: Launch) -> None:
    merged = {
        "identifier": "com.example.app.hotswapdev",
        "version": "2.0.0",
        "productName": "App (dev)",
        "plugins": {"hotswap": {**CONFIG, "channel": "beta"}, "log": {}},
    }

    client = await launch(**compiled_in(merged))

    assert client.started.value["binary_version"] == "2.0.0"
    assert (await client.get_config()).value["channel"] == "beta"
    assert client.folder.is_dir()
    assert client.folder.parts[-2:] == ("com.example.app.hotswapdev", "hotswap")


@pytest.fixture
def fake_cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `cargo` that takes a moment to write its "binary", and notes each call in the file returned."""
    calls = tmp_path / "calls"
    calls.touch()
    tools = tmp_path / "bin"
    tools.mkdir()
    script = tools / "cargo"
    script.write_text(
        f"#!/bin/sh\necho called >> {calls}\n[ -z \"$FAIL\" ] || {{ echo 'error: no such crate'; exit 101; }}\n"
        'mkdir -p "$3/debug" && sleep 0.1 && cat src/main.rs > "$3/debug/hotswap-real-client"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOTSWAP_DEV_CACHE", str(tmp_path / "cache"))
    return calls


def test_builds_that_begin_together_call_cargo_once(fake_cargo: Path) -> None:
    with ThreadPoolExecutor(4) as several:
        binaries = {future.result() for future in [several.submit(built_driver) for _ in range(4)]}

    assert len(binaries) == 1
    assert binaries.pop().read_bytes() == (driver.SOURCE / "src/main.rs").read_bytes()
    assert fake_cargo.read_text() == "called\n"


def test_a_changed_driver_is_built_again_beside_the_old_one(
    fake_cargo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = built_driver()
    changed = tmp_path / "driver"
    shutil.copytree(driver.SOURCE, changed)
    (changed / "src/record.rs").write_text("// changed")
    monkeypatch.setattr(driver, "SOURCE", changed)

    after = built_driver()

    assert after != before
    assert before.exists()
    assert fake_cargo.read_text() == "called\n" * 2


def test_a_failing_build_says_cargos_last_words(fake_cargo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")

    with pytest.raises(RuntimeError, match="error: no such crate"):
        built_driver()
