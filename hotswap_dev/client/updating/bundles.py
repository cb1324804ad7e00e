"""Bundles that many clients get: each is verified and extracted once, whoever gets it first.

What comes of a bundle depends on its bytes, the signature, the public key and the format alone, so a thousand clients
need not find it out a thousand times. What was not seen yet, a single changed byte, is verified in full.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar

from hotswap_dev.client.updating.archive import entries
from hotswap_dev.client.updating.signature import refusal
from hotswap_dev.client.updating.storage import Listing, Look, listed

SMALL = 64 * 1024
"""Bytes up to which a bundle is verified and extracted at once: another thread would cost more."""

_MOST = 4096
"""Outcomes that are kept, the least recently wanted go; those of corrupted bytes are many and small."""

_T = TypeVar("_T")


class Bundles:
    """What is known of bundles, for the clients of one event loop that share it.

    `look` tells whether a page starts (`Listing.starts`); without it every page does. Safe for clients that ask at
    once: the second one waits for what the first has begun, also where the first is cancelled.
    """

    def __init__(self, look: Look | None = None) -> None:
        self.verified = 0
        """How many signatures were verified in full."""
        self.recalled = 0
        """How often one was known already."""
        self._look = look
        self._known: dict[Hashable, asyncio.Future[Any]] = {}

    async def refusal(self, bundle: bytes, signature: str, pubkey: str) -> str | None:
        """As `signature.refusal`: None where the signature fits, else why not."""
        key = (await _digest(bundle), signature, pubkey)
        if key in self._known:
            self.recalled += 1
        else:
            self.verified += 1
        return await self._once(key, len(bundle), lambda: refusal(bundle, signature, pubkey))

    async def listing(self, bundle: bytes, format: Literal["tar.gz", "zip"]) -> Listing:  # noqa: A002
        """What comes of extracting it into memory."""
        key = (await _digest(bundle), format)
        return await self._once(key, len(bundle), lambda: listed(entries(bundle, format), self._look))

    async def _once(self, key: Hashable, size: int, work: Callable[[], _T]) -> _T:
        found: asyncio.Future[_T] | None = self._known.get(key)
        if found is None:
            found = asyncio.ensure_future(done(size <= SMALL, work))
            self._known[key] = found
            found.add_done_callback(lambda ended: self._forget_failed(key, ended))
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]
        else:
            # What is in use stays: a thousand corrupted copies must not drive out the good one.
            self._known[key] = self._known.pop(key)
        # Who asked first may be cancelled; the others still wait for it.
        return await asyncio.shield(found)

    def _forget_failed(self, key: Hashable, ended: asyncio.Future[Any]) -> None:
        failed = ended.cancelled() or ended.exception() is not None
        if failed and self._known.get(key) is ended:
            del self._known[key]


async def done(at_once: bool, work: Callable[[], _T]) -> _T:
    """The work's outcome; in another thread where it is not to be done at once."""
    return work() if at_once else await asyncio.to_thread(work)


async def _digest(bundle: bytes) -> bytes:
    return await done(len(bundle) <= 16 * SMALL, lambda: hashlib.sha256(bundle).digest())
