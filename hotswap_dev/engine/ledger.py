"""The controls and the only way that they change: facts into the journal first, then into memory, then told.

What an answer spends (a forced 204 for one time) is the exception that design §6 makes: memory is ahead of the journal
for at most 100 ms, since an answer waits for no disk.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import Fact, OverrideSpent, ReleaseAdded, SequenceFloorRaised
from hotswap_dev.errors import HotswapError
from hotswap_dev.storage.journal import Journal
from hotswap_dev.storage.keys import KeyHome

_SPENT_WITHIN = 0.05
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Committed:
    """Facts that came to be, and the controls on both sides of them."""

    facts: Sequence[Fact]
    before: Controls
    after: Controls


class Ledger:
    """One state, one writer.

    `tell` hears every fact once it applies; `trouble` what keeps spent counters off the disk, None once they are there.
    """

    def __init__(
        self,
        controls: Controls,
        *,
        journal: Journal,
        key_home: KeyHome,
        now: Callable[[], datetime],
        tell: Callable[[Fact], None],
        trouble: Callable[[HotswapError | None], None],
    ) -> None:
        self.controls = controls
        self._journal = journal
        self._key_home = key_home
        self._now = now
        self._tell = tell
        self._trouble = trouble
        self._writing = asyncio.Lock()
        self._spent: Counter[int] = Counter()
        self._missed: Counter[int] = Counter()
        self._settling: asyncio.Task[None] | None = None

    def spend(self, overrides: Sequence[int], missed: Sequence[int] = ()) -> None:
        """Use each of these overrides up by one, now, and count what was let go; the journal hears of it soon."""
        for override in overrides:
            self._spent[override] += 1
            self._use(OverrideSpent(at=self._now(), override=override))
        for override in missed:
            self._missed[override] += 1
            self._use(OverrideSpent(at=self._now(), override=override, times=0, missed=1))
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle(), name="spent overrides")

    async def commit(self, make: Callable[[Controls], Sequence[Fact]]) -> Committed:
        """Append the facts that `make` derives from the present controls, then apply and tell them.

        Once the journal has them they are applied, whatever becomes of the caller: a cancelled request must not leave
        memory behind the disk. HotswapError of `make`, or of a disk that refuses: then nothing has changed.
        """
        return await asyncio.shield(asyncio.ensure_future(self._commit(make)))

    async def close(self) -> None:
        """Write what was spent and let the journal go. What is being committed is committed first."""
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.wait({self._settling})
        try:
            if self._spent or self._missed:
                await self._commit(lambda _: [])
        except HotswapError as error:
            self._trouble(error)
        finally:
            async with self._writing:
                self._journal.close()

    def _use(self, fact: OverrideSpent) -> None:
        self.controls = apply(self.controls, fact)
        self._tell(fact)

    async def _commit(self, make: Callable[[Controls], Sequence[Fact]]) -> Committed:
        async with self._writing:
            floors: list[Fact] = []
            controls = self.controls
            while True:
                facts = [*floors, *make(controls)]
                taken = await self._append(facts)
                if taken is None:
                    break
                # Another checkout of this app published meanwhile, and its numbers are on the devices too; or the
                # journal refused what had claimed it, and nobody can be sure that nothing of that reached the disk.
                source = "another checkout of this app, or a build that was not committed"
                floor = SequenceFloorRaised(at=self._now(), floor=taken, source=source)
                floors, controls = [floor], apply(self.controls, floor)
            # Not the controls that `make` saw: answers went on while the disk was written, and spent.
            before = after = self.controls
            for fact in facts:
                after = apply(after, fact)
            self.controls = after
            for fact in facts:
                self._tell(fact)
            return Committed(facts, before, after)

    async def _append(self, facts: Sequence[Fact]) -> int | None:
        """Put facts, and what was spent before them, into the journal; or say the highest sequence that is taken."""
        spent, self._spent = self._spent, Counter()
        missed, self._missed = self._missed, Counter()
        told = [
            OverrideSpent(at=self._now(), override=one, times=spent[one], missed=missed[one])
            for one in {**spent, **missed}
        ]
        taken = None
        written = False
        try:
            if facts or told:
                taken = await asyncio.to_thread(self._claim_and_append, facts, told)
            written = taken is None
        finally:
            if not written:
                self._spent.update(spent)
                self._missed.update(missed)
        return taken

    def _claim_and_append(self, facts: Sequence[Fact], spent: Sequence[Fact]) -> int | None:
        # The key's mark first: a number too many is skipped, one too few would be given to two bundles.
        for fact in facts:
            if isinstance(fact, ReleaseAdded):
                taken = self._key_home.claim(fact.release.sequence)
                if taken is not None:
                    return taken
        self._journal.append([*spent, *facts])
        return None

    async def _settle(self) -> None:
        refused = False
        try:
            while True:
                # What answers spend meanwhile is gathered: each would have a row of its own otherwise.
                await asyncio.sleep(_RETRY_SECONDS if refused else _SPENT_WITHIN)
                try:
                    await self.commit(lambda _: [])
                except HotswapError as error:
                    if not refused:
                        self._trouble(error)
                    refused = True
                    continue
                if refused:
                    self._trouble(None)
                refused = False
                if not (self._spent or self._missed):
                    return
        finally:
            self._settling = None
