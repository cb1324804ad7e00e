"""Looking at a folder: when, in which thread, and who tells that something changed there.

What a look means is `settling`'s to say. Here are the clock, the threads and watchfiles, and nothing is
decided.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from hotswap_dev.packing.gate import Gate, gate
from hotswap_dev.packing.tree import FolderMissing, scan
from hotswap_dev.watching.seen import Seen
from hotswap_dev.watching.settling import Heard, Look, Pace, State, advance, next_look, same

Reports = Callable[[Path], AsyncGenerator[object]]
"""A folder's change reports: one item, whatever it is, for every burst of changes. They end with the folder."""

_ROOT_CHECK = 0.2  # seconds between questions whether the root is still the folder that reports come from
_REARM = 30.0  # seconds until reports that could not be had are asked for again


def watch(root: Path, *, settle: float = 0.3, give_up: float = 10.0, widen: bool = True) -> Watch:
    """The settled trees of `root`, which need not be there yet.

    `settle` is how long nothing may change before a build counts as finished, `give_up` how long a
    still tree's missing references are waited for; both in seconds. Without `widen` a slow build in place
    does not make `settle` longer: somebody chose it.

        async with watch(root) as folder:
            async for seen in folder:
                match seen: ...
    """
    pace = Pace(settle=settle, give_up=give_up)
    return Watch(root, pace if widen else replace(pace, widest=settle))


class Watch:
    """An endless iterator over what is Seen of a folder.

    It looks only while somebody waits for the next value, and tells what it then sees: a slow consumer
    never gets a tree that has been overtaken, and builds that came and went meanwhile are left out. Leave it
    with `async with`: reports end there.
    """

    def __init__(
        self,
        root: Path,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        reports: Reports | None = None,
    ) -> None:
        self.root = root
        self._clock = clock
        self._reports = reports or system_reports
        self._state = State(pace or Pace())
        self._heard: Heard | None = None
        self._woken = asyncio.Event()
        self._again = False
        self._listener: asyncio.Task[None] | None = None
        self._listens_to: tuple[int, int] | None = None
        self._broken = ""
        self._rearm_at = 0.0
        self._deaf = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_listening()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Seen:
        while True:
            await self._until_due()
            seen = await self._look()
            if seen is not None:
                return seen

    def rescan(self) -> None:
        """Look now, and hand the tree over when it stands still, also if it is the last one handed over.

        For a consumer that could not use it: the tree moved while it was packed, a disk was full. To be
        called in the event loop's thread.
        """
        self._again = True
        self._woken.set()

    async def _until_due(self) -> None:
        while True:
            if self._again:
                self._again = False
                self._state = replace(self._state, again=True, wake=self._clock())
            self._woken.clear()
            remaining = next_look(self._state, self._heard) - self._clock()
            if remaining <= 0:
                return
            try:
                async with asyncio.timeout(min(remaining, _ROOT_CHECK)):
                    await self._woken.wait()
            except TimeoutError:
                # A root that was removed or swapped is silent for ever (facts 5).
                if remaining > _ROOT_CHECK:
                    there = await asyncio.to_thread(_identity, self.root)
                    if there != _root_id(self._state):
                        self._hear()

    async def _look(self) -> Seen | None:
        # Judging compares and subtracts trees of tens of thousands of paths: it stays in the thread too.
        state, seen = await asyncio.to_thread(self._looked, self._state)
        await self._listen(state)
        # From here on nothing waits: a reader that stops waiting loses a look, and never what it would have seen.
        self._state = state
        self._heard = self._heard.since(state.look.at) if self._heard and state.look else None
        return seen

    def _looked(self, state: State) -> tuple[State, Seen | None]:
        look = look_at(self.root, state.look, self._clock)
        return advance(state, look, self._heard, self._broken)

    def _hear(self, *, ended: bool = False) -> None:
        now, heard = self._clock(), self._heard
        self._heard = Heard(heard.first, now, heard.ended or ended) if heard else Heard(now, now, ended)
        self._woken.set()

    async def _listen(self, state: State) -> None:
        """Have reports from the folder that is there now."""
        root_id = _root_id(state)
        deafer, self._deaf = state.deaf > self._deaf, state.deaf
        due = bool(self._broken) and self._clock() >= self._rearm_at
        ended = self._listener is not None and self._listener.done() and not self._broken
        if root_id == self._listens_to and not (ended or deafer or due):
            return
        await self._stop_listening()
        if root_id is not None:
            self._listens_to = root_id
            self._listener = asyncio.create_task(self._listening(), name=f"reports from {self.root}")
            await asyncio.sleep(0)  # it has begun to listen when its first step is over

    async def _listening(self) -> None:
        self._broken = ""
        try:
            async with aclosing(self._reports(self.root)) as reports:
                async for _ in reports:
                    self._hear()
            self._hear(ended=True)
        except FileNotFoundError:
            self._hear(ended=True)  # the root went away between the look and now
        except UnicodeEncodeError:  # watchfiles takes no path that isn't UTF-8
            self._poll_instead("its path is not valid UTF-8")
        except (OSError, RuntimeError) as error:  # ENOSPC, EMFILE: the system's limits on watches
            self._poll_instead(str(error))

    def _poll_instead(self, why: str) -> None:
        self._broken = f"changes can't be reported: {why}"
        self._rearm_at = self._clock() + _REARM
        self._woken.set()

    async def _stop_listening(self) -> None:
        listener, self._listener, self._listens_to = self._listener, None, None
        if listener is not None:
            listener.cancel()
            await asyncio.wait({listener})
            _raise_fault(listener)


def _raise_fault(task: asyncio.Task[None]) -> None:
    """Let what a task died of be seen here, and not only when the task is collected."""
    if task.done() and not task.cancelled():
        task.result()


def look_at(root: Path, before: Look | None, clock: Callable[[], float]) -> Look:
    """One look. What index.html says is read again only if anything changed since `before`."""
    at = clock()
    try:
        tree = scan(root)
    except FolderMissing as missing:
        return Look(at, clock() - at, None, Gate(missing.code, missing.message))
    age = 0.0
    if before is None and tree.files:
        newest = max(max(stamp[1], stamp[2]) for stamp in tree.files.values())
        age = (tree.taken_ns - newest) / 1e9
    if before is not None and before.scan is not None and same(before.scan, tree):
        tree = replace(before.scan, taken_ns=tree.taken_ns)  # one dict for both: see `same`
        return Look(at, clock() - at, tree, before.gate, age)
    return Look(at, clock() - at, tree, gate(tree), age)


def _root_id(state: State) -> tuple[int, int] | None:
    return state.look.scan.root_id if state.look and state.look.scan else None


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        there = os.stat(root)  # noqa: PTH116 (asked ten times a second)
    except OSError:
        return None
    return there.st_dev, there.st_ino


async def system_reports(root: Path) -> AsyncGenerator[object]:
    """What the system itself reports; watchfiles' own polling is too coarse to be of use (facts 5).

    Ends when the root was removed or renamed away: nothing comes from there any more. Its inode can't tell:
    ext4 gives a folder made right after the very same one (RAN).
    """
    from watchfiles import Change, awatch

    top = os.path.abspath(root)  # noqa: ASYNC240, PTH100 (links are not resolved, as in reports)
    async with aclosing(
        awatch(
            top,
            watch_filter=None,
            debounce=50,
            step=10,
            force_polling=False,
            ignore_permission_denied=True,
        )
    ) as reports:
        async for changes in reports:
            yield changes
            if (Change.deleted, top) in changes:
                return
