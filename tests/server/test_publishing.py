"""From a tree to an offer: what the engine commits, skips, refuses, and what survives (design §5, §9; hardening E)."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.facts import Fact, SequenceFloorRaised
from hotswap_dev.domain.observations import BuildRefused, BuildSkipped, BuildStarted, Published
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.archive import Packer
from hotswap_dev.packing.signing import new_key
from hotswap_dev.storage.journal import Journal
from tests.server.asking import Asking, happened, so_far, write_frontend
from tests.server.conftest import Serve
from tests.server.publishing import settle

# Saves.


async def test_a_save_in_the_watched_folder_is_offered(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        first = await happened(server.engine, Published)
        assert (first.sequence, first.origin, first.offered_ms) == (1, "build", None)
        assert (await server.check(0)).json["sequence"] == 1

        write_frontend(dist, "saved")

        second = await happened(server.engine, Published, lambda event: event.sequence == 2)
        assert second.changed == 2
        assert second.offered_ms is not None
        assert 0 < second.pack_ms < second.offered_ms < 5_000
        assert (await server.check(1)).json["sequence"] == 2


async def test_the_same_content_is_not_published_again_and_the_release_that_has_it_is_named(
    serve: Serve, dist: Path, tmp_path: Path
) -> None:
    async with serve() as server:
        await settle(server, dist)
        await server.publish(write_frontend(tmp_path / "other", "by hand"))

        os.utime(dist / "app.js")
        assert await settle(server, dist)

        skipped = await happened(server.engine, BuildSkipped)
        assert skipped.channel == "production"
        assert skipped.sequence == 1
        assert server.engine.controls.last_sequence == 2
        assert len(list(server.engine.store.folder.glob("*.tar.gz"))) == 2


async def test_what_was_published_by_hand_is_not_undone_by_the_next_look(
    serve: Serve, dist: Path, tmp_path: Path
) -> None:
    async with serve(dist=dist) as server:
        await happened(server.engine, Published)
        await server.publish(write_frontend(tmp_path / "other", "by hand"))

        os.utime(dist / "app.js")

        await happened(server.engine, BuildSkipped)
        assert (await server.check(1)).json["sequence"] == 2


async def test_a_tree_that_must_not_be_published_is_told_and_leaves_what_is_served(
    serve: Serve, dist: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("of somebody else")

    def link_out() -> None:
        (dist / "leak").symlink_to(tmp_path / "secret")

    def lose_index() -> None:
        (dist / "leak").unlink()
        (dist / "index.html").unlink()

    def key_inside() -> None:
        write_frontend(dist, "again")
        (dist / "deploy.key").write_text("untrusted comment: minisign encrypted secret key\nRWRT")

    async with serve() as server:
        await settle(server, dist)
        for spoil, code, path in (
            (link_out, "symlink-outside", "leak"),
            (lose_index, "no-index", None),
            (key_inside, "secret", "deploy.key"),
        ):
            spoil()

            assert await settle(server, dist)

            refused = (await so_far(server.engine, BuildRefused))[-1]
            assert refused.code == code
            assert path is None or refused.path == path
            assert refused.detail
            assert (await server.check()).json["sequence"] == 1
            assert len(list(server.engine.store.folder.glob("*.tar.gz"))) == 1
        assert server.engine.building is None


async def test_B10_a_bundle_that_no_client_would_download_is_refused_and_the_one_before_is_served(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.engine._publisher._maker._packer, "_limit", 100_000)
    large = write_frontend(tmp_path / "large", "large", noise=120_000)

    assert await settle(server, large)

    refused = await happened(server.engine, BuildRefused)
    assert refused.code == "too-large"
    assert "max_bundle_size" in refused.detail
    assert (await server.check()).json["sequence"] == 1
    assert list(server.engine.store.folder.glob(".tmp-*")) == []


async def test_versions_count_per_version_of_the_app(serve: Serve, tmp_path: Path) -> None:
    async with serve(app_version="0.4.1") as server:
        versions = []
        for number, app in enumerate(("0.4.1", "0.4.1", "0.5.0", "0.4.1")):
            server.engine.set_app_version(app)
            release = await server.publish(write_frontend(tmp_path / "dist", str(number)))
            versions.append((release.version, release.min_binary_version))

    assert versions == [
        ("0.4.1-ota.1", "0.4.1"),
        ("0.4.1-ota.2", "0.4.1"),
        ("0.5.0-ota.1", "0.5.0"),
        ("0.4.1-ota.3", "0.4.1"),
    ]


async def test_while_it_builds_it_says_what_and_answers_go_on(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(Packer, "pack", _held(Packer.pack, go_on))
    folder = write_frontend(tmp_path / "slow", "slow")
    try:
        publishing = asyncio.create_task(server.publish(folder))
        await happened(server.engine, BuildStarted, lambda event: event.path == str(folder))

        assert (await server.control("/api/state")).json["builds"]["building"] == str(folder)
        assert (await server.check()).json["sequence"] == 1
    finally:
        go_on.set()
    assert (await publishing).sequence == 2
    assert (await server.control("/api/state")).json["builds"]["building"] is None


# What others know, and what a start finds.


async def test_a_restart_knows_releases_counters_and_clients(serve: Serve, dist: Path) -> None:
    async with serve(app_version="0.4.1") as server:
        await settle(server, dist)
        await server.check(headers={"X-Device-Id": "anna"}, binary_version="0.4.1")
        await server.check(headers={"X-Device-Id": "ben"}, binary_version="0.4.1")
        before, clients = server.engine.controls, list(server.engine.clients.items())
    async with serve(app_version="0.4.1") as server:
        assert server.engine.controls == before
        assert list(server.engine.clients.items()) == clients
        assert await so_far(server.engine, Fact) == []

        await settle(server, dist)
        assert await so_far(server.engine, BuildSkipped) != []
        write_frontend(dist, "new")
        await settle(server, dist)

        newest = server.engine.controls.releases[2]
        assert newest.version == "0.4.1-ota.2"
        assert (await server.check(1, binary_version="0.4.1")).json["sequence"] == 2


async def test_E3_the_first_sequence_is_above_every_floor_and_the_source_is_said(
    serve: Serve, dist: Path
) -> None:
    floors = ((3, "--sequence-floor"), (41, "the app's own folder"), (7, "the key"))
    async with serve(floors=floors) as server:
        [raised] = await so_far(server.engine, SequenceFloorRaised)
        assert (raised.floor, raised.source) == (41, "the app's own folder")
        assert (await server.publish(dist)).sequence == 42
    async with serve(floors=floors) as server:
        assert await so_far(server.engine, SequenceFloorRaised) == []
        assert (await server.publish(dist)).sequence == 43


async def test_the_last_sequence_of_all_is_the_last(serve: Serve, dist: Path) -> None:
    async with serve(floors=((2**64 - 2, "--sequence-floor"),)) as server:
        assert (await server.publish(dist)).sequence == 2**64 - 1

        with pytest.raises(HotswapError) as refused:
            await server.publish(dist)

        assert refused.value.code == "sequences-used-up"
        assert (await server.check()).json["sequence"] == 2**64 - 1


async def test_the_settings_choose_the_build_channel_until_somebody_else_does(
    serve: Serve, dist: Path
) -> None:
    async with serve(channel="beta") as server:
        await settle(server, dist)
        assert server.engine.controls.releases[1].channel == "beta"
        assert (await server.check()).reason == "channel-unknown"
    async with serve(channel="nightly") as server:
        assert server.engine.controls.build_channel == "nightly"
        assert (await server.check(channel="nightly")).reason == "no-release"
        # Another channel has not had this content.
        await settle(server, dist)
        assert server.engine.controls.releases[2].channel == "nightly"


async def test_another_key_signs_the_same_content_again(serve: Serve, dist: Path) -> None:
    """What the old key signed, an app that was built with the new one refuses."""
    async with serve() as server:
        await settle(server, dist)
    other = new_key()
    async with serve(key=other) as server:
        await settle(server, dist)

        newest = server.engine.controls.newest("production")
        assert newest is not None
        assert (newest.sequence, newest.bundle.key_id) == (2, other.key_id)
        await settle(server, dist)
        assert server.engine.controls.last_sequence == 2


async def test_E1_what_a_kill_left_is_swept_and_what_is_published_stays(serve: Serve, dist: Path) -> None:
    async with serve() as server:
        await server.publish(dist)
        folder = server.engine.store.folder
    before = sorted(path.name for path in folder.iterdir())
    for name in (".tmp-0123.tar.gz", f"{'a' * 64}.tar.gz", f"{'a' * 64}.files.json"):
        (folder / name).write_bytes(b"left")
    async with serve() as server:
        assert sorted(path.name for path in folder.iterdir()) == before
        assert (await server.get((await server.check()).json["url"])).status == 200


async def test_a_start_that_fails_lets_everything_go(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise HotswapError("no room", code="disk-full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        with pytest.raises(HotswapError, match="no room"):
            async with serve():
                pass
        assert [thread.name for thread in threading.enumerate() if thread.name == "history"] == []
    async with serve() as server:
        assert (await server.publish(dist)).sequence == 1


async def test_E3_a_client_that_is_ahead_of_everything_is_told_so_and_one_command_jumps_past_it(
    serve: Serve, dist: Path
) -> None:
    """The state was deleted, or another checkout published: 204 for ever would be silence."""
    async with serve() as server:
        for _ in range(3):
            await server.publish(dist)

        ahead = await server.check(7)
        assert (ahead.status, ahead.reason) == (204, "client-ahead")
        assert (await server.check(3)).reason == "up-to-date"

        answer = await server.control("/api/commands/jump-sequence", {"to": 8})
        assert answer.status == 200, answer.body
        offered = (await server.check(7)).json
        assert offered["sequence"] == 8
        assert (await server.get(offered["url"])).status == 200
        assert (await server.publish(dist)).sequence == 9


async def test_E8_two_checkouts_of_one_app_never_give_a_number_to_two_bundles(
    serve: Serve, tmp_path: Path
) -> None:
    """They share the key's home, and the devices that hear of both remember every number."""
    folders = [write_frontend(tmp_path / f"checkout{number}", f"checkout {number}") for number in range(4)]
    async with serve(workspace=tmp_path / "one") as one, serve(workspace=tmp_path / "other") as other:
        first = [await one.publish(folders[0]), await other.publish(folders[1])]
        second = [await one.publish(folders[2]), await other.publish(folders[3])]

    taken = [release.sequence for release in (*first, *second)]
    assert sorted(taken) == taken
    assert len(set(taken)) == 4


async def test_bundles_that_somebody_deleted_are_not_offered_and_are_made_again(
    serve: Serve, dist: Path
) -> None:
    async with serve(dist=dist) as server:
        await happened(server.engine, Published)
        for path in server.engine.store.folder.iterdir():
            path.unlink()

    async with serve(dist=dist) as server:
        again = await happened(server.engine, Published)
        assert again.sequence == 2
        assert (await server.get((await server.check()).json["url"])).status == 200


def _held(function: Callable[..., Any], go_on: threading.Event) -> Callable[..., Any]:
    def held(*args: Any, **kwargs: Any) -> Any:
        go_on.wait(5)
        return function(*args, **kwargs)

    return held
