"""Bad copies and bad signatures of what is healthy, for the faults that ask for them; made in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from hotswap_dev import wire
from hotswap_dev.domain.faults.bundle import BundleFault
from hotswap_dev.domain.faults.signature import SignatureFault
from hotswap_dev.domain.model import Bundle
from hotswap_dev.packing.bad_signatures import bad_signature
from hotswap_dev.packing.poison import make_poisoned
from hotswap_dev.packing.signing import SigningKey
from hotswap_dev.storage.bundles import BundleStore

_REMEMBERED = 64
"""Bad signatures that are kept: a legacy one is made of all bytes of its bundle."""


class Poisoner:
    """Makes them of the bundles in `store`, with the key that signs the healthy ones."""

    def __init__(self, store: BundleStore, key: SigningKey, now: Callable[[], datetime]) -> None:
        self._store = store
        self._key = key
        self._now = now
        self._signatures: OrderedDict[tuple[str, str], asyncio.Future[str]] = OrderedDict()

    async def bundle(self, fault: BundleFault, healthy: Bundle) -> Bundle:
        """A validly signed bad copy of `healthy`, in the store; HotswapError where it can't be read or written.

        A call that is cancelled stops the thread, which needs seconds for a large bundle.
        """
        stop = threading.Event()
        try:
            return await asyncio.to_thread(self._poisoned, fault, healthy, stop)
        finally:
            stop.set()

    async def signature(self, fault: SignatureFault, bundle: Bundle) -> str:
        """A signature of this bundle that is bad as `fault` says; made once, whoever asks meanwhile waits for it."""
        wanted = (fault.name, bundle.hash)
        making = self._signatures.get(wanted)
        if making is None or (making.done() and (making.cancelled() or making.exception() is not None)):
            path = self._path(bundle)
            making = asyncio.ensure_future(asyncio.to_thread(lambda: bad_signature(fault, path, self._key)))
            self._signatures[wanted] = making
            if len(self._signatures) > _REMEMBERED:
                self._signatures.popitem(last=False)
        return await asyncio.shield(making)

    def _poisoned(self, fault: BundleFault, healthy: Bundle, stop: threading.Event) -> Bundle:
        made = make_poisoned(
            fault, self._path(healthy), healthy, self._key, self._store.folder, at=self._now(), stop=stop
        )
        try:
            self._store.keep(made.path, made.bundle, wire.encode(made.list))
        finally:
            made.path.unlink(missing_ok=True)
        return made.bundle

    def _path(self, bundle: Bundle) -> Path:
        return self._store.path(bundle.hash, bundle.format)
