"""Publishes that come at once, and some that are cut off: each number once, and memory as the disk (design §5, §9)."""

from __future__ import annotations

import asyncio
import functools
import itertools
import threading
import types
from collections.abc import Callable, Coroutine, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain import retention
from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.facts import ReleaseAdded
from hotswap_dev.domain.observations import BuildStarted
from hotswap_dev.engine.builds import BundleMaker, Made
from hotswap_dev.packing.archive import Packer
from hotswap_dev.storage.journal import Journal
from tests.server.asking import Asking, happened, until, write_frontend
from tests.server.conftest import Serve
from tests.server.publishing import bundles, demand_sound, settle


async def test_publishes_at_once_get_sequences_of_their_own(server: Asking, tmp_path: Path) -> None:
    folders = [write_frontend(tmp_path / str(number), str(number)) for number in range(8)]

    releases = await asyncio.gather(*(server.publish(folder) for folder in folders))

    assert sorted(release.sequence for release in releases) == list(range(2, 10))
    assert len({release.version for release in releases}) == 8
    assert len({release.bundle.hash for release in releases}) == 8
    demand_sound(server.engine)


async def test_a_publish_that_is_cut_off_leaves_memory_as_the_disk(server: Asking, tmp_path: Path) -> None:
    """Cancelled at every place where it waits, from the first to the last."""
    folder = tmp_path / "next"
    places = 0
    for place in itertools.count():
        write_frontend(folder, f"build {place}")
        publish = server.engine.run(Publish(path=str(folder)))

        whole = await asyncio.create_task(_came_to_its_end(publish, cut_off_at=place))

        await server.engine.commit(lambda _: [])  # what was being committed goes first
        demand_sound(server.engine)
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
    verifying, go_on, before = threading.Event(), threading.Event(), bundles(server.engine)
    verify = Packer.verify

    def held(self: Packer, *arguments: Any) -> None:
        verifying.set()
        go_on.wait(5)
        verify(self, *arguments)

    monkeypatch.setattr(Packer, "verify", held)
    publishing = asyncio.create_task(server.publish(write_frontend(tmp_path / "next", "next")))
    await until(verifying.is_set, "it is verified")
    publishing.cancel()
    asyncio.get_running_loop().call_soon(go_on.set)
    await asyncio.wait({publishing})

    assert publishing.cancelled()
    assert bundles(server.engine) == before


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

        demand_sound(server.engine)
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


async def _came_to_its_end(work: Coroutine[Any, Any, object], *, cut_off_at: int) -> bool:
    # A task takes no generator, and since Python 3.12 none of `types.coroutine` either.
    return await _cut_off(work, at=cut_off_at)


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
