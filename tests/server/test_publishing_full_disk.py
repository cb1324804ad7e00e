"""A disk that is full when a release is made: what was served is served on, and room is all it takes (hardening E5)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.observations import BuildRefused, Noticed, Published
from hotswap_dev.engine import engine as engine_module
from hotswap_dev.errors import HotswapError
from hotswap_dev.storage.bundles import BundleStore
from tests.server.asking import Asking, happened, so_far, until, write_frontend
from tests.server.conftest import Serve
from tests.server.publishing import bundles, demand_sound, settle


@pytest.mark.parametrize("place", ["packing", "keeping", "journaling", "marking"])
async def test_E5_a_full_disk_leaves_what_was_and_the_next_publish_works(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before, files = server.engine.controls, bundles(server.engine)
    folder = write_frontend(tmp_path / "next", "next")
    with monkeypatch.context() as patch:
        if place == "packing":
            patch.setattr(os, "write", _full)
        elif place == "keeping":
            patch.setattr(BundleStore, "keep", _full)
        elif place == "journaling":
            connection = server.engine._ledger._journal._connection
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages}")
            folder = write_frontend(tmp_path / "next", "next")
            notes = "x" * 4096
        else:
            patch.setattr(type(server.engine._ledger._key_home), "claim", _unwritable)

        with pytest.raises(HotswapError) as refused:
            while True:
                # Only the journal may have a page with room left in it.
                await server.publish(folder, **({"notes": notes} if place == "journaling" else {}))
                before, files = server.engine.controls, bundles(server.engine)

        assert refused.value.code in ("disk-full", "key-home-not-writable")
        assert refused.value.hint
        assert server.engine.controls == before
        assert bundles(server.engine) == files
        assert (await server.check()).json["sequence"] == before.last_sequence
        demand_sound(server.engine)
        if place == "journaling":
            connection.execute("PRAGMA max_page_count=1000000")

    release = await server.publish(folder)

    # A number that was claimed and then not committed is skipped, never given to something else.
    assert release.sequence > before.last_sequence
    assert (await server.get((await server.check()).json["url"])).status == 200


async def test_E5_a_full_disk_is_told_of_a_save(
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
        assert bundles(server.engine) == []


async def test_a_journal_that_refuses_a_prune_does_not_refuse_the_release(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = server.engine.controls.releases[1].bundle.hash
    append = server.engine._ledger._journal.append

    def refusing(facts: Any) -> None:
        if any(isinstance(fact, BundlesPruned) for fact in facts):
            raise HotswapError("no room", "make some", code="disk-full")
        append(facts)

    monkeypatch.setattr(server.engine._ledger._journal, "append", refusing)
    monkeypatch.setattr(engine_module, "prunable", lambda *_: (old,))

    release = await server.publish(write_frontend(tmp_path / "next", "next"))

    assert release.sequence == 2
    assert await so_far(server.engine, BuildRefused) == []
    notice = await happened(server.engine, Noticed)
    assert (notice.level, notice.code) == ("warning", "disk-full")
    assert old not in server.engine.controls.pruned
    assert (await server.get("/channels/production/latest.json")).json["sequence"] == 2


async def test_E5_a_save_that_met_a_full_disk_is_said_once_and_published_when_there_is_room(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotswap_dev.engine.publishing.RETRY_SECONDS", 0.02)
    attempts: list[object] = []

    def full(*arguments: object) -> None:
        attempts.append(arguments)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with serve(dist=dist) as server:
        await happened(server.engine, Published)
        with monkeypatch.context() as patch:
            patch.setattr(BundleStore, "keep", full)
            write_frontend(dist, "saved once")
            assert (await happened(server.engine, BuildRefused)).code == "disk-full"
            await until(lambda: len(attempts) >= 5, "it is tried again and again")
            assert len(await so_far(server.engine, BuildRefused)) == 1
            assert (await server.check()).json["sequence"] == 1

        again = await happened(server.engine, Published, lambda event: event.sequence > 1)
        assert again.origin == "build"

        # It is another matter when the disk is full once more.
        with monkeypatch.context() as patch:
            patch.setattr(BundleStore, "keep", full)
            write_frontend(dist, "saved again")
            await until(lambda: len(attempts) >= 7, "the next save is tried too")
        await happened(server.engine, Published, lambda event: event.sequence > again.sequence)
        assert [refused.code for refused in await so_far(server.engine, BuildRefused)] == ["disk-full"] * 2


def _full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unwritable(*_: object) -> Any:
    raise HotswapError("can't write high-water", "make room", code="key-home-not-writable")
