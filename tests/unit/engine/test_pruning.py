"""What may go is asked of the controls that it goes from: nothing that is offered loses its bytes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from hotswap_dev.domain import retention
from hotswap_dev.domain.commands.releases import EditRelease, Reoffer
from hotswap_dev.domain.facts import Fact, ReleaseAdded
from hotswap_dev.engine.engine import Engine
from hotswap_dev.packing.signing import new_key
from hotswap_dev.packing.tree import scan
from hotswap_dev.storage.journal import Journal
from tests.e2e.server_process import write_frontend
from tests.unit.engine.engines import bytes_of, demand_sound, opened, publish


async def test_what_is_reoffered_while_a_build_is_committed_keeps_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEPT_IN_ALL", 1)
    monkeypatch.setattr(retention, "KEPT_PER_CHANNEL", 1)
    writing, go_on, append = threading.Event(), threading.Event(), Journal.append

    def held(journal: Journal, facts: Sequence[Fact]) -> None:
        if any(isinstance(fact, ReleaseAdded) and fact.release.sequence == 2 for fact in facts):
            writing.set()
            assert go_on.wait(10)
        append(journal, facts)

    monkeypatch.setattr(Journal, "append", held)
    async with opened(tmp_path, new_key()) as engine:
        await publish(engine, write_frontend(tmp_path / "dist", "first"))
        second = asyncio.ensure_future(publish(engine, write_frontend(tmp_path / "dist", "second")))
        assert await asyncio.to_thread(writing.wait, 10)
        again = asyncio.ensure_future(engine.run(Reoffer(sequence=1)))
        await asyncio.sleep(0)  # it waits behind the build, and before what the build prunes
        go_on.set()
        await asyncio.gather(second, again)
        assert engine.controls.next_sequence == 4
        newest = engine.controls.newest("production")
        assert newest is not None
        assert newest.origin == "reoffer"
        assert engine.controls.has_bytes(newest)
        bytes_of(engine, newest)
        demand_sound(engine)


async def test_the_next_scan_does_not_undo_an_edited_minimum(tmp_path: Path) -> None:
    folder = write_frontend(tmp_path / "dist")

    async def found(engine: Engine) -> int:
        await engine.publish_settled(scan(folder), changed_at=None)
        return engine.controls.last_sequence

    key = new_key()
    async with opened(tmp_path, key, dist=folder) as engine:
        assert await found(engine) == 1
        await engine.run(EditRelease(sequence=1, min_binary_version="same-as-client"))
        assert await found(engine) == 1
    async with opened(tmp_path, key, dist=folder) as engine:
        assert await found(engine) == 1
    async with opened(tmp_path, key, dist=folder, min_binary_version="0.9.0") as engine:
        assert await found(engine) == 2, "another minimum for builds is another release"
