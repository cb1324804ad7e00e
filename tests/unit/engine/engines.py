"""An engine on a workspace of its own, without sites: for what state, clock and disk do to it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.controls import replay
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.policy import Offer
from hotswap_dev.engine.engine import Engine, utc_now
from hotswap_dev.engine.opening import open_engine
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.packing.signing import SigningKey
from hotswap_dev.storage.journal import Journal
from hotswap_dev.storage.keys import KeyHome
from hotswap_dev.storage.workspace import open_workspace
from tests.unit.making import a_check, an_answered_check


@asynccontextmanager
async def opened(
    root: Path, key: SigningKey, *, now: Callable[[], datetime] = utc_now, **options: Any
) -> AsyncIterator[Engine]:
    """The engine of `root`'s workspace, as a start of the server has it; closed well at the end."""
    with closing(open_workspace(root / "w")) as workspace:
        engine = await open_engine(
            workspace,
            EngineOptions(**{"dist": None, "app_version": "1.0.0", "channel": "production", **options}),
            key=key,
            key_home=KeyHome(root / "keys"),
            instance="test",
            now=now,
        )
        try:
            yield engine
        finally:
            await engine.close()


async def publish(engine: Engine, folder: Path) -> Release:
    """Publish a folder by hand."""
    done = await engine.run(Publish(path=str(folder)))
    assert isinstance(done.result, dict)
    return engine.controls.releases[done.result["sequence"]]


def offered(engine: Engine, sequence: int = 0, client: str = "phone") -> Release | None:
    """What a client at `sequence` is offered now; the check is observed, as the client site does."""
    decision = engine.answer(a_check(sequence, client=client))
    release = decision.answer.release if isinstance(decision.answer, Offer) else None
    engine.observe(
        an_answered_check(
            client,
            at=engine._now(),
            sequence=sequence,
            status=200 if release else 204,
            offered=release.sequence if release else None,
        )
    )
    return release


def bytes_of(engine: Engine, release: Release) -> bytes:
    """What a download of the release gets: exactly the bytes that its hash names."""
    content = engine.bundle_file(release).read_bytes()
    assert hashlib.sha256(content).hexdigest() == release.bundle.hash
    return content


def facts_on_disk(workspace: Path) -> list[Fact]:
    """What a next start would find in the journal, by another connection."""
    with closing(Journal(workspace / "state.db")) as journal:
        return journal.replay()


def demand_sound(engine: Engine) -> None:
    """Memory is what a replay of the disk gives, what is offered has its bytes, and nothing half-written is left."""
    assert replay(engine._ledger._journal.replay()) == engine.controls
    for release in engine.controls.releases.values():
        if engine.controls.has_bytes(release):
            bytes_of(engine, release)
    assert list(engine.store.folder.parent.rglob(".tmp-*")) == []
