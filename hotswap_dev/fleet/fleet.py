"""A fleet: many simulated clients, and one queue of what each of them does next."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Iterable
from types import TracebackType
from typing import Literal, Self

import aiohttp
from msgspec import Struct

from hotswap_dev.client.updating.bundles import Bundles
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.happened import Tell
from hotswap_dev.fleet.life import DOINGS, Doing
from hotswap_dev.fleet.page import starts
from hotswap_dev.fleet.phone import LivingPhone, World
from hotswap_dev.fleet.plan import Phone

ActName = Literal["check", "update", "restart", "upgrade", "rollback"]

_CONNECTIONS = 200
"""Open ones at most, far below what a server may keep: it closes idle ones, and a client takes that for a failure."""

_KEPT_OPEN = 8.0
"""Seconds; shorter than our server's, so that none is closed at the moment in which it is used again."""


_JUMP = 1.0
"""Seconds of story time that jump by at most while somebody is at work."""


class Lateness(Struct, kw_only=True):
    """How far a fleet was behind its plan, in seconds of story time."""

    actions: int = 0
    late: int = 0
    """Those that began over a second after they were due."""
    worst: float = 0.0
    total: float = 0.0


class Fleet:
    """Clients that live from `async with` on, as whoever drives it lets them: `step`, `live` or `act`, one at a time.

    With `at_once` 1 what is due is done one after the other, so two runs of one plan, each with a server of its own,
    tell the same steps in the same order; on a `Clock(0)` at the same moments too. With more, so many clients are at
    work at the same time. `tell` hears of each step as it happens. `site` is the address of the client site, `pubkey`
    what the apps are built with.
    """

    def __init__(
        self,
        phones: Iterable[Phone],
        *,
        site: str,
        pubkey: str,
        clock: Clock,
        tell: Tell,
        at_once: int = 1,
    ) -> None:
        if at_once < 1:
            raise ValueError(f"at_once is {at_once}: at least one client has to be at work")
        self.clock = clock
        self.phones: dict[str, LivingPhone] = {}
        """By their ids, in the order in which they came."""
        self.lateness = Lateness()
        self.bundles = Bundles(starts)
        """Each bundle is verified once per content and run, in full; the next client is told what came of it."""
        self._planned = tuple(phones)
        self._site, self._pubkey, self._tell = site.rstrip("/"), pubkey, tell
        self._at_once = at_once
        self._world: World | None = None
        self._queue: list[tuple[float, int, int, str, Doing]] = []
        self._scheduled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(at_once)

    async def __aenter__(self) -> Self:
        session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(
                limit=min(self._at_once, _CONNECTIONS), keepalive_timeout=_KEPT_OPEN, use_dns_cache=True
            ),
        )
        self._world = World(
            site=self._site,
            pubkey=self._pubkey,
            clock=self.clock,
            tell=self._tell,
            bundles=self.bundles,
            session=session,
        )
        self.add(self._planned)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._world is not None:
            await self._world.session.close()
        self._world = None
        if kind is None:
            self._look_for_errors()

    def add(self, phones: Iterable[Phone]) -> tuple[LivingPhone, ...]:
        """More clients, who are launched now. Who is here already stays as it is, and is not among those returned."""
        world = self._running()
        new = []
        for plan in phones:
            if plan.id not in self.phones:
                phone = LivingPhone(plan, world, self._push)
                self.phones[plan.id] = phone
                phone.due["launch"] = self.clock.now
                self._push(phone, "launch", phone.due["launch"])
                new.append(phone)
        return tuple(new)

    @property
    def lost_reports(self) -> int:
        """Lifecycle reports that no server took."""
        return 0 if self._world is None else self._world.lost_reports

    def due(self) -> float | None:
        """When the next client does something by itself; None where none ever will."""
        while self._queue:
            at, _, _, client, doing = self._queue[0]
            if self.phones[client].due.get(doing) == at:
                return at
            heapq.heappop(self._queue)  # it was called off, or put at another time
        return None

    async def step(self) -> bool:
        """Wait for what is due next and do it, or begin it; False where nothing ever will be."""
        return await self._step(math.inf)

    async def live(self, until: float) -> None:
        """Have them live until a moment of story time. What is under way then goes on: see `settled`."""
        while await self._step(until):
            pass

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)
            self._look_for_errors()

    async def act(self, act: ActName, phones: Iterable[str], binary_version: str | None = None) -> None:
        """Have clients do something once, now, in the order of their numbers; returns when all have.

        `phones` are their ids. `upgrade` needs the binary's version. NotFound for an id that is none.
        """
        self._running()
        if (act == "upgrade") != (binary_version is not None):
            raise HotswapError(
                f"{act} with binary_version {binary_version!r}",
                "upgrade needs one, and nothing else takes one",
                code="bad-act",
            )
        named = [self._phone(one) for one in phones]
        named.sort(key=lambda phone: (phone.plan.number, phone.plan.id))
        await self.settled()
        if self._at_once == 1:
            for phone in named:
                await self._acted(phone, act, binary_version)
            return
        async with asyncio.TaskGroup() as group:
            for phone in named:
                await self._places.acquire()
                task = group.create_task(self._acted(phone, act, binary_version))
                task.add_done_callback(lambda _: self._places.release())

    # --- steps ----------------------------------------------------------------------------------------------------

    async def _step(self, until: float) -> bool:
        """Do what is due next, where that is not after `until`; else wait for that moment, and False."""
        self._look_for_errors()
        while True:
            self._scheduled.clear()
            at, now = self.due(), self.clock.now
            if at is not None and at <= min(now, until):
                break
            goal = until if at is None else min(at, until)
            if self._tasks and (goal == math.inf or (self.clock.pace == 0 and goal > now + _JUMP)):
                # What comes of these may be due before that.
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            elif goal == math.inf:
                return False
            else:
                await self.clock.until(goal, unless=self._scheduled)
                if goal == until and not self._scheduled.is_set() and goal != at:
                    return False
            self._look_for_errors()
        await self._begin(*heapq.heappop(self._queue))
        return True

    async def _begin(self, at: float, number: int, order: int, client: str, doing: Doing) -> None:
        phone = self.phones[client]
        del phone.due[doing]
        if doing != "launch":  # all of a fleet are launched at its first moment, as fast as that goes
            self._note(self.clock.now - at)
        if self._at_once == 1:
            try:
                await phone.do(doing, at)
            except asyncio.CancelledError:
                # Whoever drives may be stopped, and go on later: it is still to be done.
                if doing not in phone.due:
                    phone.due[doing] = at
                    self._push(phone, doing, at)
                raise
            return
        await self._places.acquire()
        task = asyncio.create_task(phone.do(doing, at), name=f"{client} {doing}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._places.release()
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)  # the others are looked at by whoever drives
        self._scheduled.set()

    def _look_for_errors(self) -> None:
        for task in [one for one in self._tasks if one.done()]:
            self._tasks.discard(task)
            if not task.cancelled():
                task.result()

    def _note(self, late: float) -> None:
        lateness = self.lateness
        lateness.actions += 1
        lateness.late += late > 1
        lateness.worst = max(lateness.worst, late)
        lateness.total += max(late, 0.0)

    async def _acted(self, phone: LivingPhone, act: ActName, binary_version: str | None) -> None:
        if act == "check":
            await phone.check()
        elif act == "update":
            await phone.update()
        elif act == "rollback":
            await phone.rollback()
        else:
            await phone.restart(binary_version)

    def _push(self, phone: LivingPhone, doing: Doing, at: float) -> None:
        heapq.heappush(self._queue, (at, phone.plan.number, DOINGS.index(doing), phone.plan.id, doing))
        self._scheduled.set()

    def _phone(self, client: str) -> LivingPhone:
        phone = self.phones.get(client)
        if phone is None:
            raise NotFound(
                f"there is no client {client!r} in this fleet",
                f"it has {len(self.phones)}: {', '.join(list(self.phones)[:5])}…"
                if self.phones
                else "it is empty",
                code="no-such-client",
            )
        return phone

    def _running(self) -> World:
        if self._world is None:
            raise RuntimeError("this fleet does not live yet: enter it with `async with`")
        return self._world
