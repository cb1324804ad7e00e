"""The reference client against a server in this process. tests/real_client holds it to the real plugin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from hotswap_dev.client.updater import Disk, LaunchRefused, Memory, Outcome, Storage, Updater, here
from hotswap_dev.client.updating.archive import Refused, entries
from hotswap_dev.packing.signing import new_key
from hotswap_dev.tauri.device import read_device
from tests.real_client.scripted_server import tar_gz, zipped

KEY = new_key()
BUNDLE = tar_gz({"index.html": "new page", "assets/app.js": "1"})
Asked = list[tuple[str, dict[str, str]]]


class Server:
    """It offers one release under `sequence`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.origin = ""
        self.asked: Asked = []
        self.sequence = 7
        self.bundle = BUNDLE
        self.download: Callable[[web.Request], Awaitable[web.StreamResponse]] = self._send

    @property
    def config(self) -> dict[str, Any]:
        return {
            "endpoint": f"{self.origin}/check/{{{{current_sequence}}}}",
            "pubkey": KEY.public_key,
            "require_https": False,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "host"}
        self.asked.append((request.raw_path, headers))
        if request.path.startswith("/files"):
            return await self.download(request)
        if int(request.path.rpartition("/")[2]) >= self.sequence:
            return web.Response(status=204)
        manifest = {
            "version": f"0.1.0-ota.{self.sequence}",
            "sequence": self.sequence,
            "min_binary_version": "0.1.0",
            "url": f"{self.origin}/files/b.tar.gz",
            "signature": KEY.sign(self.bundle, comment=""),
        }
        return web.Response(text=json.dumps(manifest))

    async def _send(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self.bundle)


@pytest.fixture(name="server")
async def server_fixture() -> AsyncIterator[Server]:
    server = Server()
    application = web.Application()
    application.router.add_get("/{rest:.*}", server.handle)
    async with TestServer(application) as running:
        server.origin = str(running.make_url("")).rstrip("/")
        yield server


async def taken(app: Updater) -> Outcome:
    """What it is offered, applied."""
    assert (await app.check()).available
    return await app.apply()


@pytest.mark.parametrize("kept", ["in memory", "on a disk"])
async def test_an_update_is_offered_applied_confirmed_and_outlives_a_restart(
    kept: str, server: Server, tmp_path: Path
) -> None:
    storage: Storage = Memory() if kept == "in memory" else Disk(tmp_path / "hotswap")
    async with Updater(server.config, binary_version="0.1.0", storage=storage) as app:
        said = await taken(app)
        assert said.events == ("download-start", "download-complete", "apply")
        assert (said.result, said.signed, said.manifest and said.manifest.sequence) == (
            "0.1.0-ota.7",
            True,
            7,
        )
        assert [(request.status, request.body) for request in said.requests] == [(200, len(BUNDLE))]
        assert (await app.notify_ready()).events == ("ready-confirmed",)

        assert (await app.restart()).did == "keep"
        assert app.version.sequence == 7
        assert not (await app.check()).available
        assert (await app.restart("0.2.0")).did == "discard"
        assert app.version.sequence == 0


async def test_on_a_disk_it_leaves_what_the_plugin_would(server: Server, tmp_path: Path) -> None:
    async with Updater(server.config, binary_version="0.1.0", storage=Disk(tmp_path)) as app:
        await taken(app)

    state = read_device(tmp_path)
    assert state.current == 7
    assert [(one.sequence, one.meta and one.meta.confirmed) for one in state.installed] == [(7, False)]
    assert (tmp_path / "seq-7" / "assets" / "app.js").read_text() == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "seq-7"]


async def test_in_memory_it_knows_the_files_and_forgets_their_contents(server: Server) -> None:
    memory = Memory()
    async with Updater(server.config, binary_version="0.1.0", storage=memory) as app:
        await taken(app)

    assert memory.files == {7: {"index.html": 8, "assets/app.js": 1}}


async def test_what_nobody_confirms_is_gone_after_a_restart_and_offered_again(server: Server) -> None:
    async with Updater(server.config, binary_version="0.1.0") as app:
        await taken(app)

        start = await app.restart()

        assert (start.did, start.running) == ("roll-back", 0)
        assert any("was not confirmed" in line for line in start.log)
        assert (await app.check()).available


async def test_it_sends_what_the_plugin_sends_and_nothing_that_tells_it_apart(server: Server) -> None:
    config = {**server.config, "channel": "beta", "headers": {"X-Device-Id": "d1"}}
    async with Updater(config, binary_version="0.1.0", platform="android", arch="aarch64") as app:
        await taken(app)

    headers = {"accept": "*/*", "x-device-id": "d1"}
    assert server.asked == [
        ("/check/0?binary_version=0.1.0&platform=android&arch=aarch64&channel=beta", headers),
        ("/files/b.tar.gz", headers),
    ]


async def test_the_waits_between_attempts_are_the_callers(server: Server) -> None:
    waited: list[float] = []

    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    server.download = refuse
    async with Updater(server.config, binary_version="0.1.0", sleep=sleep) as app:
        said = await taken(app)

    assert said.error == "HTTP 503: bundle download failed"
    assert waited == [1, 2, 4]
    assert [request.status for request in said.requests] == [503] * 4


async def test_a_broken_connection_is_not_asked_a_second_time_behind_the_rules_back(server: Server) -> None:
    async def reset(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.download = reset
    async with Updater({**server.config, "max_retries": 0}, binary_version="0.1.0") as app:
        said = await taken(app)

    assert (said.error or "").startswith("network error: error sending request for url (http://127.0.0.1:")
    assert len(server.asked) == 2


async def test_lifecycle_events_are_told_as_they_happen(server: Server) -> None:
    told: list[str] = []

    async def look(_: web.Request) -> web.StreamResponse:
        told.append("downloading")
        return web.Response(body=BUNDLE)

    server.download = look
    async with Updater(
        server.config, binary_version="0.1.0", listener=lambda event: told.append(event.event)
    ) as app:
        await taken(app)

    assert told == [
        *("check-start", "check-complete", "download-start", "downloading", "download-complete", "apply"),
    ]


async def test_many_apps_share_a_session_and_keep_their_own_versions(server: Server) -> None:
    async with ClientSession() as session:
        apps = [
            Updater(
                {**server.config, "headers": {"X-Device-Id": str(n)}}, binary_version="0.1.0", session=session
            )
            for n in range(50)
        ]
        for app in apps:
            await app.__aenter__()
        await asyncio.gather(*(taken(app) for app in apps[::2]))

        assert [app.version.sequence for app in apps] == [7, 0] * 25
        for app in apps:
            await app.__aexit__(None, None, None)
        assert not session.closed


async def test_a_cancelled_update_leaves_the_app_as_it_was(server: Server) -> None:
    begun = asyncio.Event()
    over = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        begun.set()
        await over.wait()
        return web.Response(body=BUNDLE)

    server.download = hang
    async with Updater(server.config, binary_version="0.1.0") as app:
        await app.check()
        before = app.app
        applying = asyncio.create_task(app.apply())
        await asyncio.wait_for(begun.wait(), 10)
        applying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await applying
        over.set()

        assert app.app == before
        assert (await app.apply()).error is None


async def test_an_app_that_the_plugin_would_not_start_does_not_start() -> None:
    with pytest.raises(LaunchRefused, match="insecure URL rejected: http://h/"):
        await Updater({"endpoint": "http://h/", "pubkey": "RW"}, binary_version="0.1.0").__aenter__()


async def test_who_was_not_launched_can_not_be_asked(server: Server) -> None:
    with pytest.raises(RuntimeError, match="not running"):
        await Updater(server.config, binary_version="0.1.0").check()


def test_this_machine_is_called_as_the_plugin_calls_it() -> None:
    platform, arch = here()

    assert platform in ("linux", "macos", "windows")
    assert arch in ("x86_64", "aarch64", "x86", "arm")


# --- archives --------------------------------------------------------------------------------------------------------


def test_an_archive_is_walked_up_to_what_is_refused() -> None:
    walk = entries(tar_gz({"index.html": "x", "../evil": "x", "later": "x"}), "tar.gz")

    assert next(walk).path == b"index.html"
    with pytest.raises(Refused, match=r"^extraction failed: unsafe path component in archive: \.\./evil$"):
        next(walk)


@pytest.mark.parametrize(
    ("bundle", "format_", "text"),
    [
        (b"no gzip at all", "tar.gz", "extraction failed: invalid gzip header"),
        (b"short", "tar.gz", "extraction failed: unexpected end of file"),
        (BUNDLE[:40], "tar.gz", "extraction failed: incomplete deflate stream"),
        (tar_gz({"/etc/evil": "x"}), "tar.gz", "extraction failed: absolute path in archive: /etc/evil"),
        (b"no zip", "zip", "extraction failed: invalid Zip archive: Could not find EOCD"),
        (zipped({"a/../../b": "x"}), "zip", "extraction failed: unsafe path component in archive: a/../../b"),
    ],
    ids=["no gzip", "short", "cut off", "absolute path", "no zip", "climbing zip"],
)
def test_what_can_not_be_extracted_is_refused_in_the_plugins_words(
    bundle: bytes, format_: Any, text: str
) -> None:
    with pytest.raises(Refused) as refused:
        list(entries(bundle, format_))

    assert str(refused.value) == text


@pytest.mark.parametrize("bundle", [tar_gz({}), tar_gz({}, {"index.html": "real"})], ids=["empty", "a link"])
def test_an_archive_without_files_is_taken(bundle: bytes) -> None:
    assert [entry.content for entry in entries(bundle, "tar.gz") if entry.content is not None] == []
