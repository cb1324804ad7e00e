"""What the state says beside controls and clients: the server itself, and what became of its builds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hotswap_dev import wire
from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.observations import BuildRefused, BuildSkipped, Published
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import SigningKey
from hotswap_dev.server import run
from hotswap_dev.server.run import ServerOptions
from hotswap_dev.tauri.project import TauriProject, read_project
from tests.server.asking import Asking, happened, until, write_frontend
from tests.server.conftest import Serve
from tests.server.publishing import settle

READY = ("site", "endpoint", "pubkey", "workspace", "version")


async def the_state(server: Asking) -> wire.State:
    return wire.decode_state((await server.control("/api/state")).body)


async def about(server: Asking) -> wire.About:
    told = (await the_state(server)).about
    assert told is not None
    return told


async def test_the_state_says_of_the_server_what_its_ready_line_says(
    serve: Serve, dist: Path, key: SigningKey
) -> None:
    async with serve(dist=dist, channel="beta") as server:
        told = await about(server)

        ready = json.loads(wire.encode(server.running.file))
        assert {name: getattr(told, name) for name in READY} == {name: ready[name] for name in READY}
        assert list(told.addresses) == ready["addresses"]
        assert (told.app, told.dist, told.channel_configured) == ("my-app", str(dist), "beta")
        assert told.key_id == key.short
        assert told.pubkey.endswith(told.key_id)
        assert told.production_key is False
        assert told.host_is_loopback is True
        assert (told.overlays, told.build_line, told.watch_line, told.devtools_line) == ((), None, None, None)


def the_project(folder: Path, **plugin: str) -> TauriProject:
    """A Tauri project whose plugin is configured so."""
    config = folder / "app" / "src-tauri" / "tauri.conf.json"
    config.parent.mkdir(parents=True)
    build = {"frontendDist": "../dist", "beforeBuildCommand": "npm run build"}
    config.write_text(
        json.dumps(
            {
                "productName": "My App",
                "version": "0.4.0",
                "identifier": "com.example.my",
                "build": build,
                "plugins": {"hotswap": plugin},
            }
        )
    )
    return read_project(config, platform="linux", environ={})


async def test_in_a_tauri_project_the_state_has_the_lines_that_the_greeting_prints(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve(project=the_project(tmp_path)) as server:
        told = await about(server)

        assert server.running.overlays is not None
        assert list(told.overlays) == [str(path) for path in server.running.overlays]
        assert told.build_line == server.running.build_line
        assert told.watch_line == "npm run build"
        assert told.devtools_line is not None
        assert "plugin:hotswap" in told.devtools_line
        assert told.dist is None
        assert told.production_key is False


async def test_the_state_says_that_the_key_is_the_apps_own(
    serve: Serve, tmp_path: Path, key: SigningKey
) -> None:
    async with serve(project=the_project(tmp_path, pubkey=key.public_key)) as server:
        assert (await about(server)).production_key is True


async def test_a_public_key_that_can_not_be_read_is_not_the_apps_own(serve: Serve, tmp_path: Path) -> None:
    async with serve(project=the_project(tmp_path, pubkey="RWQ no key")) as server:
        assert (await about(server)).production_key is False


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
async def test_the_state_says_whether_the_network_can_ask(
    server: Asking, key: SigningKey, host: str, loopback: bool
) -> None:
    options = ServerOptions(engine=server.engine.options, workspace=Path("w"), app="my-app", host=host)

    assert run._about(options, key, server.running.file, None, None).host_is_loopback is loopback


async def test_C3_what_the_state_says_of_the_server_draws_nothing(serve: Serve, tmp_path: Path) -> None:
    hostile = "my\x1b[31m\u202eapp"
    dist = write_frontend(tmp_path / "di\u202est")

    async with serve(dist=dist, app=hostile) as server:
        state = await the_state(server)

        assert state.about is not None
        assert state.about.app == r"my\x1b[31m\u{202e}app"
        for text in (state.about.dist, state.builds.dist):
            assert text == str(dist).replace("\u202e", r"\u{202e}")
        assert "\u202e" not in (await server.control("/api/state")).body.decode()


async def test_the_state_remembers_the_newest_release_and_why_a_later_build_was_refused(
    serve: Serve, dist: Path
) -> None:
    async with serve() as server:
        assert (await the_state(server)).builds == Builds(app_version="0.1.0")

        await settle(server, dist)
        published = await happened(server.engine, Published)
        assert (await the_state(server)).builds == Builds(app_version="0.1.0", last=published)

        (dist / "deploy.key").write_text("untrusted comment: minisign encrypted secret key\nRWRT…")
        await settle(server, dist)
        refused = await happened(server.engine, BuildRefused)
        builds = (await the_state(server)).builds
        assert (builds.last, builds.refused) == (published, refused)
        assert refused.code == "secret"

        (dist / "deploy.key").unlink()
        await settle(server, dist)
        skipped = await happened(server.engine, BuildSkipped)
        assert (await the_state(server)).builds == Builds(
            app_version="0.1.0", last=published, skipped=skipped
        )

        write_frontend(dist, "second")
        await settle(server, dist)
        second = await happened(server.engine, Published, lambda event: event.sequence == 2)
        assert (await the_state(server)).builds == Builds(app_version="0.1.0", last=second)


async def test_a_publish_by_hand_that_is_refused_is_in_the_state_until_one_succeeds(
    server: Asking, tmp_path: Path
) -> None:
    bad = write_frontend(tmp_path / "bad")
    (bad / "index.html").unlink()

    with pytest.raises(HotswapError):
        await server.publish(bad)
    refused = (await the_state(server)).builds.refused
    await server.publish(write_frontend(tmp_path / "good", "good"))

    assert refused is not None
    assert refused.code == "no-index"
    assert (await the_state(server)).builds.refused is None


async def test_a_watched_folder_that_went_away_is_still_named(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        await until(lambda: server.engine.controls.releases, "the watched folder is published")
        shutil.rmtree(dist)

        state = await the_state(server)

        assert state.builds.dist == str(dist)
        assert state.builds.last is not None
        assert state.builds.last.sequence == 1


def test_a_state_of_an_older_server_says_nothing_of_itself() -> None:
    old = wire.decode_state(
        b'{"instance": "a", "revision": 1, "controls": {}, "clients": [], "builds": {"building": null}}'
    )

    assert old.about is None
    assert old.builds == Builds()
