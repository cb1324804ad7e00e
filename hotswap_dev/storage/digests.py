"""The sha512 of bundles. A bundle is named by its sha256; the second protocol's clients are told the other one."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from pathlib import Path

from hotswap_dev.domain.model import Bundle
from hotswap_dev.storage.bundles import BundleStore

_REMEMBERED = 1_000


class Digests:
    """What is computed once for each bundle, in a thread, and then known as long as the process lives.

    25 MB take under 0.1 s, 500 MB about 2 s, and answers go on; who asks meanwhile waits for the same computation.
    """

    def __init__(self, store: BundleStore) -> None:
        self._store = store
        self._known: OrderedDict[str, str] = OrderedDict()
        self._coming: dict[str, asyncio.Task[str | None]] = {}

    async def sha512(self, bundle: Bundle) -> str | None:
        """The 128 hex digits; None where the bundle's bytes are not there, or can't be read."""
        known = self._known.get(bundle.hash)
        if known is not None:
            self._known.move_to_end(bundle.hash)
            return known
        coming = self._coming.get(bundle.hash)
        if coming is None:
            path = self._store.path(bundle.hash, bundle.format)
            coming = asyncio.create_task(self._compute(bundle.hash, path), name="sha512")
            self._coming[bundle.hash] = coming
        # One who goes away must not take it from the others who wait.
        return await asyncio.shield(coming)

    async def _compute(self, name: str, path: Path) -> str | None:
        try:
            digest = await asyncio.to_thread(_sha512, path)
        except OSError:
            return None
        finally:
            del self._coming[name]
        self._known[name] = digest
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return digest


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
