"""What tests of publishing share: trees handed over as the watcher does, and what must hold after anything."""

from __future__ import annotations

from pathlib import Path

from hotswap_dev.engine.engine import Engine
from hotswap_dev.packing.tree import scan
from tests.server.asking import Asking
from tests.unit.engine.engines import demand_sound


async def settle(server: Asking, dist: Path) -> bool:
    """Hand a tree over as the watcher does; whether it need not be handed over again."""
    return await server.engine.publish_settled(scan(dist), changed_at=None) is None


def bundles(engine: Engine) -> list[str]:
    """The files in the folder of bundles, half-written ones too."""
    return sorted(path.name for path in engine.store.folder.iterdir())


__all__ = ["bundles", "demand_sound", "settle"]
