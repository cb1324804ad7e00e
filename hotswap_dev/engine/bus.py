"""What happens, in one numbered order, for any number of readers.

A reader has a place in a bounded ring and no queue of its own: a slow or stopped one costs nothing, and is told of the
gap when what it has not read has left the ring.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from hotswap_dev import wire
from hotswap_dev.wire import Event, Gap

__all__ = ["RING", "Bus", "Event"]

RING = 10_000

_BATCH = 500
"""Events at once: as lines they stay far below a megabyte, however far a reader is behind."""

_PACE = 0.02
"""Seconds between two batches of a busy stream. Waking a reader for each of 10,000 checks a second would cost them more
than the reading; the first event after a quiet moment comes at once."""


class Bus:
    """Facts and observations of this run. `revision` counts them; `instance` tells this run from any other."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.revision = 0
        self._ring: deque[tuple[int, Event]] = deque(maxlen=RING)
        self._waiting: set[asyncio.Future[None]] = set()

    def put(self, event: Event) -> int:
        """Number an event and wake the readers; from the loop's thread. Returns its revision."""
        self.revision += 1
        self._ring.append((self.revision, event))
        if self._waiting:
            for reader in self._waiting:
                if not reader.done():
                    reader.set_result(None)
            self._waiting.clear()
        return self.revision

    async def read(
        self, after: int, *, heartbeat: float | None = None, without: tuple[type[Event], ...] = ()
    ) -> AsyncIterator[list[tuple[int, Event]]]:
        """Events above revision `after` as they come, in batches of at most 500, for ever; those of the kinds `without`
        are left out, and a batch of nothing else too.

        An empty batch is a heartbeat: nothing happened for `heartbeat` seconds. `after` above the present revision
        (another run's) or below what the ring still holds yields a Gap first.
        """
        place = after
        loop = asyncio.get_running_loop()
        paced_until = 0.0
        while True:
            oldest = self._ring[0][0] if self._ring else self.revision + 1
            if place > self.revision or place < oldest - 1:
                place = self.revision
                yield [(place, Gap(at=datetime.now(UTC)))]
                continue
            if place == self.revision:
                if not await self._something_new(heartbeat):
                    yield []
                elif (wait := paced_until - loop.time()) > 0:
                    await asyncio.sleep(wait)
                paced_until = loop.time() + _PACE
                continue
            batch = self._following(place)
            place = batch[-1][0]
            if without:
                batch = [entry for entry in batch if not isinstance(entry[1], without)]
                if not batch:
                    continue
            yield batch

    def line(self, revision: int, event: Event) -> bytes:
        """An event as a line of `GET /api/events` and of `serve --json`, with its newline."""
        fields: Mapping[str, wire.Json] = wire.plain(event)
        return wire.encode({"instance": self.instance, "revision": revision, **fields}) + b"\n"

    def _following(self, place: int) -> list[tuple[int, Event]]:
        """The first events above a revision; the ring has them without a gap between its ends."""
        ahead = self.revision - place
        if ahead <= _BATCH:  # who keeps up is near the end, to which a walk from the beginning is long
            return list(itertools.islice(reversed(self._ring), ahead))[::-1]
        start = place + 1 - self._ring[0][0]
        return list(itertools.islice(self._ring, start, start + _BATCH))

    async def _something_new(self, within: float | None) -> bool:
        reader: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(reader)
        try:
            await asyncio.wait_for(reader, within)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(reader)
        return True
