"""What keeps running beside the answers: builds that settle, a config that is edited (design §5; issue 3, "tauri")."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.observations import BuildRefused, BuildStarted, Noticed, Published
from hotswap_dev.engine import following
from hotswap_dev.engine.builds import BundleMaker
from hotswap_dev.engine.engine import Engine
from hotswap_dev.engine.following import follow_builds
from hotswap_dev.packing.archive import TreeMoved
from hotswap_dev.packing.tree import Problem, Scan, scan
from hotswap_dev.server import run
from hotswap_dev.tauri.project import TauriProject, read_project, this_platform
from hotswap_dev.watching import Polling, Seen, Settled, SettleWidened, Waiting
from tests.server.asking import Asking, happened, so_far, until, write_frontend
from tests.server.conftest import Serve


class Script:
    """A watcher that has seen what the test says, and notes when it is asked to look again."""

    def __init__(self, *seen: Seen) -> None:
        self.rescans = 0
        self._seen: asyncio.Queue[Seen] = asyncio.Queue()
        for one in seen:
            self._seen.put_nowait(one)

    def __aiter__(self) -> AsyncIterator[Seen]:
        return self

    async def __anext__(self) -> Seen:
        return await self._seen.get()

    def rescan(self) -> None:
        self.rescans += 1


@asynccontextmanager
async def following_builds(server: Asking, *seen: Seen, csp: bool = False) -> AsyncIterator[Script]:
    script = Script(*seen)
    task = asyncio.create_task(follow_builds(server.engine, script, csp=csp))
    try:
        yield script
    finally:
        task.cancel()
        await asyncio.wait({task})


def settled(dist: Path, **changes: Any) -> Settled:
    return replace(
        Settled(scan=scan(dist), changed_at=time.monotonic(), scan_seconds=0.001, first=False), **changes
    )


async def notices(server: Asking) -> list[tuple[str, str]]:
    return [(notice.level, notice.code) for notice in await so_far(server.engine, Noticed)]


# Builds.


async def test_a_tree_that_moved_while_it_was_packed_is_asked_for_again(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def moved(*_: object, **__: object) -> None:
        raise TreeMoved("it moved")

    async with serve() as server:
        with monkeypatch.context() as patch:
            patch.setattr(BundleMaker, "make", moved)
            async with following_builds(server, settled(dist)) as script:
                await until(lambda: script.rescans, "it is asked for again")
        assert await so_far(server.engine, BuildRefused) == []
        assert server.engine.building is None

        async with following_builds(server, settled(dist)) as script:
            await happened(server.engine, Published)
            assert script.rescans == 0


async def test_E5_saves_on_a_full_disk_leave_one_attempt_to_come_and_not_one_each(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    async def refused(_: Engine, found: Scan, *, changed_at: float | None) -> float:
        tries.append(found)
        return 0.05

    monkeypatch.setattr(Engine, "publish_settled", refused)
    loop, planned = asyncio.get_running_loop(), list[asyncio.TimerHandle]()
    call_later = loop.call_later

    def planning(delay: float, call: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
        handle = call_later(delay, call, *arguments)
        if getattr(call, "__name__", "") == "rescan":
            planned.append(handle)
        return handle

    async with serve() as server:
        monkeypatch.setattr(loop, "call_later", planning)
        async with following_builds(server, *(settled(dist) for _ in range(4))) as script:
            await until(lambda: len(tries) == 4 and script.rescans, "it is asked for again")

    assert [handle.cancelled() for handle in planned] == [True, True, True, False]
    assert script.rescans == 1


async def test_what_was_found_has_no_time_from_save_to_offer_and_what_came_later_has(
    serve: Serve, dist: Path
) -> None:
    async with serve() as server:
        async with following_builds(server, settled(dist, first=True)):
            found = await happened(server.engine, Published)
        async with following_builds(
            server,
            Waiting("folder-missing", "it is not there"),
            settled(write_frontend(dist, "built before our eyes"), first=True),
        ):
            built = await happened(server.engine, Published, lambda event: event.sequence == 2)

    assert found.offered_ms is None
    assert built.offered_ms is not None
    assert 0 < built.offered_ms < 5_000


async def test_a_warning_is_said_once_and_again_when_it_comes_back(serve: Serve, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    builds = [
        settled(write_frontend(tmp_path / f"dist{number}", str(number)), missing_references=lacking)
        for number, lacking in enumerate((("late.js",), ("late.js",), (), ("late.js",)))
    ]
    async with serve() as server, following_builds(server, *builds):
        await happened(server.engine, Published, lambda event: event.sequence == 4)

        said = await so_far(server.engine, Noticed)

    assert [notice.code for notice in said] == ["missing-reference", "missing-reference"]
    assert said[0].level == "warning"
    assert "late.js" in said[0].message
    assert not dist.exists()


async def test_inline_scripts_are_warned_of_only_where_the_app_has_a_policy(serve: Serve, dist: Path) -> None:
    for csp, expected in ((False, []), (True, [("warning", "inline-script")])):
        async with serve() as server:
            async with following_builds(server, settled(dist, inline_scripts=2), csp=csp):
                await happened(server.engine, BuildStarted)

            assert await notices(server) == expected


async def test_what_the_scan_warns_of_is_said_with_the_file(serve: Serve, dist: Path) -> None:
    tree = replace(scan(dist), warnings=(Problem("secret", ".env", "everyone can download it"),))
    async with serve() as server, following_builds(server, settled(dist, scan=tree)):
        notice = await happened(server.engine, Noticed)

    assert notice.level == "warning"
    assert notice.code == "secret"
    assert notice.message.startswith(".env: ")


async def test_what_the_folder_waits_for_stands_in_the_state_until_a_build_is_there(
    serve: Serve, dist: Path
) -> None:
    async with serve() as server:
        async with following_builds(server, Waiting("no-index", "there is no index.html at the top of dist")):
            notice = await happened(server.engine, Noticed)
            assert server.engine.builds.waiting == notice
        async with following_builds(server, settled(dist)):
            await happened(server.engine, Published)
            assert server.engine.builds.waiting is None


async def test_what_a_folder_lacks_is_said_with_the_next_step(serve: Serve) -> None:
    async with (
        serve() as server,
        following_builds(
            server,
            Waiting("folder-missing", "dist is not there"),
            Waiting("no-index", "dist has no index.html"),
            SettleWidened(1.5, "a slow build"),
            Polling(0.3, "no reports here"),
        ),
    ):
        await happened(server.engine, Noticed, lambda notice: notice.code == "polling")

        said = await so_far(server.engine, Noticed)

    assert [(notice.level, notice.code) for notice in said] == [
        ("info", "folder-missing"),
        ("info", "no-index"),
        ("info", "settle-widened"),
        ("warning", "polling"),
    ]
    assert said[0].hint
    assert said[1].hint
    assert "1.5 s" in said[2].message


async def test_a_bug_in_the_following_is_told_and_the_answers_go_on(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(run, "follow_builds", broken)

    async with serve(dist=dist) as server:
        notice = await happened(server.engine, Noticed)

        assert (notice.level, notice.code) == ("error", "bug")
        assert "server.log" in notice.hint
        assert (await server.check()).status == 204
    assert "a bug" in caplog.text


# The config.

Config = Callable[..., None]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(following, "_CONFIG_PAUSE", 0.01)
    path = tmp_path.resolve() / "app" / "src-tauri" / "tauri.conf.json"
    path.parent.mkdir(parents=True)
    (path.parent / "Cargo.toml").write_text('[package]\nname = "my-app"\n')
    write(path, version="0.4.1")
    return path


def write(config: Path, *, version: str | None, **hotswap: str) -> None:
    """Save the config as an editor does, in place; its time is another one even where the clock is coarse."""
    content = {
        "productName": "my-app",
        "version": version,
        "identifier": "com.example.my-app",
        "build": {"frontendDist": "../dist"},
        "plugins": {"hotswap": {"endpoint": "https://a.example", "pubkey": "RW…", **hotswap}},
    }
    before = config.stat().st_mtime_ns if config.exists() else 0
    config.write_text(json.dumps(content), encoding="utf-8")
    os.utime(config, ns=(before + 1_000_000_000, before + 1_000_000_000))


def reading(config: Path) -> TauriProject:
    return read_project(config, platform=this_platform())


def following_config(
    serve: Serve, config: Path, *, read: Callable[[], TauriProject] | None = None, **changes: Any
) -> Any:
    return serve(
        **{
            "project": reading(config),
            "read_project": read or (lambda: reading(config)),
            "version_from_project": True,
            "app_version": "0.4.1",
            **changes,
        }
    )


async def test_a_new_version_counts_from_the_next_build_and_is_said(
    serve: Serve, config: Path, dist: Path
) -> None:
    async with following_config(serve, config) as server:
        first = await server.publish(dist)
        write(config, version="0.5.0")

        told = await happened(server.engine, Noticed)
        second = await server.publish(dist)

    assert (told.level, told.code) == ("warning", "config-version")
    assert "0.5.0" in told.message
    assert "next build" in told.message
    assert (first.version, second.version) == ("0.4.1-ota.1", "0.5.0-ota.1")
    assert second.min_binary_version == "0.5.0"


async def test_a_version_that_was_given_is_not_outdone_by_the_config(
    serve: Serve, config: Path, dist: Path
) -> None:
    async with following_config(serve, config, version_from_project=False, app_version="7.0.0") as server:
        write(config, version="0.5.0")

        told = await happened(server.engine, Noticed)

        assert (await server.publish(dist)).version == "7.0.0-ota.1"
    assert told.code == "config-version"
    assert "7.0.0" in told.message
    assert "next build" not in told.message


async def test_what_is_compiled_in_says_that_the_app_must_be_rebuilt(serve: Serve, config: Path) -> None:
    async with following_config(serve, config) as server:
        write(config, version="0.4.1", endpoint="https://b.example", pubkey="RX…", channel="beta")

        await happened(server.engine, Noticed, lambda notice: notice.code == "config-channel")

        said = {notice.code: notice.message for notice in await so_far(server.engine, Noticed)}
    assert said.keys() == {"config-endpoint", "config-pubkey", "config-channel"}
    for code, value in (("endpoint", "https://b.example"), ("pubkey", "RX…"), ("channel", "beta")):
        assert value in said[f"config-{code}"]
        assert "rebuild" in said[f"config-{code}"]


async def test_a_half_written_config_is_said_and_the_next_save_is_read(serve: Serve, config: Path) -> None:
    async with following_config(serve, config) as server:
        config.write_text("{")
        broken = await happened(server.engine, Noticed)
        write(config, version="0.6.0")
        await happened(server.engine, Noticed, lambda notice: notice.code == "config-version")

        assert server.engine.app_version == "0.6.0"
    assert broken.level == "error"
    assert "tauri.conf.json" in broken.message
    assert broken.hint


async def test_an_edit_while_the_config_is_read_is_not_missed(serve: Serve, config: Path) -> None:
    """An editor that saves twice, a tool that formats after it."""

    def read() -> TauriProject:
        project = reading(config)
        if project.version == "0.5.0":
            write(config, version="0.6.0")
        return project

    async with following_config(serve, config, read=read) as server:
        write(config, version="0.5.0")

        await until(lambda: server.engine.app_version == "0.6.0", "the second edit is read")


async def test_an_edit_between_the_settings_and_the_start_is_not_missed(serve: Serve, config: Path) -> None:
    starting = following_config(serve, config)
    write(config, version="0.5.0")

    async with starting as server:
        await until(lambda: server.engine.app_version == "0.5.0", "the edit is read")


async def test_a_config_that_stays_as_it_is_says_nothing(serve: Serve, config: Path, dist: Path) -> None:
    reads: list[None] = []

    def read() -> TauriProject:
        reads.append(None)
        return reading(config)

    async with following_config(serve, config, read=read) as server:
        for number in range(3):
            os.utime(config, ns=(number * 10**9, number * 10**9))
            await until(lambda number=number: len(reads) > number, "it is read")  # type: ignore[misc]
        await server.publish(dist)

        assert await notices(server) == []
