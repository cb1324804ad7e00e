"""From a tree to an offer: what the engine commits, skips, refuses, and what survives (design §5, §9; hardening E)."""

from __future__ import annotations

import asyncio
import errno
import functools
import itertools
import os
import threading
import types
from collections.abc import Callable, Coroutine, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain import retention
from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.controls import replay
from hotswap_dev.domain.facts import BundlesPruned, Fact, ReleaseAdded, SequenceFloorRaised
from hotswap_dev.domain.observations import BuildRefused, BuildSkipped, BuildStarted, Noticed, Published
from hotswap_dev.engine import engine as engine_module
from hotswap_dev.engine.builds import BundleMaker, Made
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.archive import Packer
from hotswap_dev.packing.signing import new_key
from hotswap_dev.packing.tree import scan
from hotswap_dev.storage.bundles import BundleStore
from hotswap_dev.storage.journal import Journal
from tests.server.asking import Asking, happened, so_far, until, write_frontend
from tests.server.conftest import Serve


async def settle(server: Asking, dist: Path) -> bool:
    """Hand a tree over as the watcher does; whether it need not be handed over again."""
    return await server.engine.publish_settled(scan(dist), changed_at=None) is None


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


async def test_the_first_sequence_is_above_every_floor_and_the_source_is_said(
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


async def test_what_a_kill_left_is_swept_and_what_is_published_stays(serve: Serve, dist: Path) -> None:
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


# Disks that are full.


@pytest.mark.parametrize("place", ["packing", "keeping", "journaling", "marking"])
async def test_E5_a_full_disk_leaves_what_was_and_the_next_publish_works(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before, files = server.engine.controls, _bundles(server)
    folder = write_frontend(tmp_path / "next", "next")
    with monkeypatch.context() as patch:
        if place == "packing":
            patch.setattr(os, "write", _full)
        elif place == "keeping":
            patch.setattr(BundleStore, "keep", _full)
        elif place == "journaling":
            connection = server.engine._journal._connection
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages}")
            folder = write_frontend(tmp_path / "next", "next")
            notes = "x" * 4096
        else:
            patch.setattr(type(server.engine._key_home), "claim", _unwritable)

        with pytest.raises(HotswapError) as refused:
            while True:
                # Only the journal may have a page with room left in it.
                await server.publish(folder, **({"notes": notes} if place == "journaling" else {}))
                before, files = server.engine.controls, _bundles(server)

        assert refused.value.code in ("disk-full", "key-home-not-writable")
        assert refused.value.hint
        assert server.engine.controls == before
        assert _bundles(server) == files
        assert (await server.check()).json["sequence"] == before.last_sequence
        assert replay(server.engine._journal.replay()) == before
        if place == "journaling":
            connection.execute("PRAGMA max_page_count=1000000")

    release = await server.publish(folder)

    # A number that was claimed and then not committed is skipped, never given to something else.
    assert release.sequence > before.last_sequence
    assert (await server.get((await server.check()).json["url"])).status == 200


async def test_a_full_disk_is_told_of_a_save(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve() as server:
        with monkeypatch.context() as patch:
            patch.setattr(BundleStore, "keep", _full)
            assert not await settle(server, dist)

        refused = await happened(server.engine, BuildRefused)
        assert refused.code == "disk-full"
        assert "space" in refused.hint
        assert server.engine.building is None
        assert _bundles(server) == []


async def test_a_journal_that_refuses_a_prune_does_not_refuse_the_release(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = server.engine.controls.releases[1].bundle.hash
    append = server.engine._journal.append

    def refusing(facts: Any) -> None:
        if any(isinstance(fact, BundlesPruned) for fact in facts):
            raise HotswapError("no room", "make some", code="disk-full")
        append(facts)

    monkeypatch.setattr(server.engine._journal, "append", refusing)
    monkeypatch.setattr(engine_module, "prunable", lambda *_: (old,))

    release = await server.publish(write_frontend(tmp_path / "next", "next"))

    assert release.sequence == 2
    assert await so_far(server.engine, BuildRefused) == []
    notice = await happened(server.engine, Noticed)
    assert (notice.level, notice.code) == ("warning", "disk-full")
    assert old not in server.engine.controls.pruned
    assert (await server.get("/channels/production/latest.json")).json["sequence"] == 2


# Many at once, and some cut off.


async def test_publishes_at_once_get_sequences_of_their_own(server: Asking, tmp_path: Path) -> None:
    folders = [write_frontend(tmp_path / str(number), str(number)) for number in range(8)]

    releases = await asyncio.gather(*(server.publish(folder) for folder in folders))

    assert sorted(release.sequence for release in releases) == list(range(2, 10))
    assert len({release.version for release in releases}) == 8
    assert len({release.bundle.hash for release in releases}) == 8
    _demand_consistent(server.engine)


async def test_a_publish_that_is_cut_off_leaves_memory_as_the_disk(server: Asking, tmp_path: Path) -> None:
    """Cancelled at every place where it waits, from the first to the last."""
    folder = tmp_path / "next"
    places = 0
    for place in itertools.count():
        write_frontend(folder, f"build {place}")
        publish = server.engine.run(Publish(path=str(folder)))

        whole = await asyncio.create_task(_cut_off(publish, at=place))

        await server.engine.commit(lambda _: [])  # what was being committed goes first
        _demand_consistent(server.engine)
        if whole:
            break
        places += 1
    assert places >= 2
    last = server.engine.controls.last_sequence
    assert 2 <= last <= places + 2
    assert (await server.publish(folder)).sequence == last + 1
    assert (await server.get((await server.check()).json["url"])).status == 200


async def test_a_publish_that_is_cut_off_does_not_let_two_pack_at_once(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, go_on, packing, most = Packer.pack, threading.Event(), [], []

    def counting(self: Packer, *args: Any, **kwargs: Any) -> Any:
        packing.append(self)
        most.append(len(packing))
        try:
            go_on.wait(5)
            return pack(self, *args, **kwargs)
        finally:
            packing.pop()

    monkeypatch.setattr(Packer, "pack", counting)
    folder = write_frontend(tmp_path / "next", "next")
    first = asyncio.create_task(server.publish(folder))
    await until(lambda: most, "the first one packs")
    first.cancel()
    second = asyncio.create_task(server.publish(folder))
    await happened(server.engine, BuildStarted, lambda event: event.path == str(folder))
    go_on.set()
    await asyncio.wait({first, second})

    assert max(most) == 1
    assert first.cancelled()
    assert second.result().sequence == 2


async def test_a_publish_that_is_cut_off_late_leaves_no_bundle(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifying, go_on, before = threading.Event(), threading.Event(), _bundles(server)
    verify = Packer.verify

    def held(self: Packer, packed: Any) -> None:
        verifying.set()
        go_on.wait(5)
        verify(self, packed)

    monkeypatch.setattr(Packer, "verify", held)
    publishing = asyncio.create_task(server.publish(write_frontend(tmp_path / "next", "next")))
    await until(verifying.is_set, "it is verified")
    publishing.cancel()
    asyncio.get_running_loop().call_soon(go_on.set)
    await asyncio.wait({publishing})

    assert publishing.cancelled()
    assert _bundles(server) == before


@pytest.mark.parametrize("how", ["by hand", "settled"])
async def test_content_that_comes_again_is_not_pruned_on_its_way(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Its bundle is made, the same one of an old release is pruned, it is published: with its bytes."""
    monkeypatch.setattr(retention, "KEPT_IN_ALL", 2)
    monkeypatch.setattr(retention, "KEPT_PER_CHANNEL", 2)
    monkeypatch.setattr(retention, "OFFERED_WITHIN", timedelta(0))
    old, other, newer = (write_frontend(tmp_path / name, name) for name in ("old", "other", "newer"))
    make, others = BundleMaker.make, set[asyncio.Task[Any]]()

    async def dawdling(self: BundleMaker, tree: Any, **kwargs: Any) -> Made | None:
        made = await make(self, tree, **kwargs)
        if getattr(tree, "root", tree) == old:
            # Whoever may go on meanwhile does.
            await asyncio.wait(others, timeout=0.3)
        return made

    async with serve() as server:
        await server.publish(old)
        await server.publish(other)
        monkeypatch.setattr(BundleMaker, "make", dawdling)

        others.add(asyncio.create_task(asyncio.sleep(0)))
        publishing = server.publish(old) if how == "by hand" else settle(server, old)
        again: asyncio.Task[object] = asyncio.create_task(publishing)
        others.add(asyncio.create_task(server.publish(newer)))
        await asyncio.gather(again, *others)

        _demand_consistent(server.engine)
        assert server.engine.controls.last_sequence == 4
        having = [one for one in server.engine.controls.releases.values() if one.sequence in (3, 4)]
        assert all(server.engine.controls.has_bytes(release) for release in having)


async def test_what_is_being_committed_is_committed_before_the_end(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()
    append = Journal.append

    def slow(self: Journal, facts: Any) -> None:
        if any(isinstance(fact, ReleaseAdded) for fact in facts):
            began.set()
            go_on.wait(5)
        append(self, facts)

    monkeypatch.setattr(Journal, "append", slow)
    async with serve() as server:
        publishing = asyncio.create_task(server.publish(dist))
        await until(began.is_set, "the journal is asked")
        publishing.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    async with serve() as server:
        assert server.engine.controls.last_sequence == 1
        assert (await server.get((await server.check()).json["url"])).status == 200


@types.coroutine
def _cut_off(work: Coroutine[Any, Any, object], *, at: int) -> Generator[Any, None, bool]:
    """Run it, and cancel it where it waits for the nth time, as `Task.cancel` does. Whether it came to its end."""
    step: Callable[[], Any] = functools.partial(work.send, None)
    for place in itertools.count():
        try:
            waits_for = step()
        except StopIteration:
            return True
        except asyncio.CancelledError:
            return False
        if place == at:
            waits_for.cancel()
        try:
            yield waits_for
        except BaseException as error:
            step = functools.partial(work.throw, error)
        else:
            step = functools.partial(work.send, None)
    raise AssertionError("count() has no end")


def _demand_consistent(engine: Engine) -> None:
    """Memory is what a replay of the disk gives, and what is offered can be fetched."""
    assert replay(engine._journal.replay()) == engine.controls
    for release in engine.controls.releases.values():
        if engine.controls.has_bytes(release):
            assert engine.bundle_file(release).exists(), f"release {release.sequence} has no bytes"
    assert [path.name for path in engine.store.folder.iterdir() if path.name.startswith(".tmp-")] == []


def _bundles(server: Asking) -> list[str]:
    return sorted(path.name for path in server.engine.store.folder.iterdir())


def _full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unwritable(*_: object) -> Any:
    raise HotswapError("can't write high-water", "make room", code="key-home-not-writable")


def _held(function: Callable[..., Any], go_on: threading.Event) -> Callable[..., Any]:
    def held(*args: Any, **kwargs: Any) -> Any:
        go_on.wait(5)
        return function(*args, **kwargs)

    return held


async def test_two_checkouts_of_one_app_never_give_a_number_to_two_bundles(
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


async def test_a_save_that_met_a_full_disk_is_published_when_there_is_room(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotswap_dev.engine.engine.RETRY_SECONDS", 0.05)
    async with serve(dist=dist) as server:
        await happened(server.engine, Published)
        with monkeypatch.context() as patch:
            patch.setattr(BundleStore, "keep", _full)
            write_frontend(dist, "saved once")
            assert (await happened(server.engine, BuildRefused)).code == "disk-full"

        assert (await happened(server.engine, Published, lambda event: event.sequence > 1)).origin == "build"
