"""A simulated client that lives on asyncio: what it does is decided by `life.py`, and done here over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from msgspec.structs import replace

from hotswap_dev.client.updating.bundles import Bundles
from hotswap_dev.client.updating.fetching import fetch
from hotswap_dev.domain.plugin import Extract, Get, Verify, Wait
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.happened import Happened, Tell
from hotswap_dev.fleet.life import Asked, Doing, Given, Life, Lived, Report
from hotswap_dev.fleet.plan import Phone

_LIFECYCLE_PATH = "/api/lifecycle"
_REPORT_SECONDS = 10
_PATIENCE = 30
"""How often a report is sent again that the server wants later."""


@dataclass(slots=True, kw_only=True)
class World:
    """What the clients of a fleet share."""

    site: str
    """The client site's address, without a slash at its end."""
    pubkey: str
    clock: Clock
    tell: Tell
    bundles: Bundles
    session: aiohttp.ClientSession
    lost_reports: int = 0
    """Reports that no server took."""


class LivingPhone(Life):
    """A client between its launch and the fleet's end. Whoever has it do something waits until it is done."""

    def __init__(
        self, plan: Phone, world: World, scheduled: Callable[[LivingPhone, Doing, float], None]
    ) -> None:
        """`scheduled` is told of each moment that is put into `due`."""
        super().__init__(plan, site=world.site, pubkey=world.pubkey)
        self._world = world
        self._scheduled = scheduled
        self._turn = asyncio.Lock()
        self._reason = ""
        """Of the last answer, by its own header."""

    async def do(self, doing: Doing, at: float) -> None:
        """What was due at `at`. What comes of it in the server's absence is told, and life goes on."""
        await self._live(self.does(doing, at), at)

    async def check(self) -> None:
        """Its page checks, now."""
        await self._live(self.checks())

    async def update(self) -> None:
        """It checks, and applies what it is offered, whoever would click."""
        await self._live(self.updates())

    async def restart(self, binary_version: str | None = None) -> None:
        """Its person closes and opens the app, or installs another binary in between."""
        await self._live(self.restarts(binary_version))

    async def rollback(self) -> None:
        """Its page has the plugin roll back, and reloads."""
        await self._live(self.rolls_back())

    async def _live(self, lived: Lived, at: float = 0.0) -> None:
        async with self._turn:
            self.now = max(self.now, at)
            await self._drive(self.begun())
            await self._drive(lived)

    async def _drive(self, lived: Lived) -> None:
        came: Given = None
        while True:
            self.now = max(self.now, self._world.clock.now)
            try:
                asked = lived.send(came)
            except StopIteration:
                return
            came = await self._done(asked)

    async def _done(self, asked: Asked) -> Given:
        world = self._world
        if isinstance(asked, Happened):
            world.tell(replace(asked, detail=self._reason) if asked.what == "checked" else asked)
        elif isinstance(asked, Get):
            heads: list[Mapping[str, str]] = []
            came = await fetch(world.session, asked, [], heads)
            self._reason = heads[-1].get("X-Hotswap-Reason", "") if heads else ""
            return came
        elif isinstance(asked, Report):
            if not await _posted(world, asked.body):
                world.lost_reports += 1
        elif isinstance(asked, Verify):
            return await world.bundles.refusal(asked.bundle, asked.signature, asked.pubkey)
        elif isinstance(asked, Extract):
            return await world.bundles.listing(asked.bundle, asked.format)
        elif isinstance(asked, Wait):
            await self._wait(asked.seconds)
        return None

    async def _wait(self, seconds: float) -> None:
        """Between two attempts at a download. Where time jumps, it passes for this client alone."""
        clock = self._world.clock
        if clock.pace == 0:
            self.now += seconds
        else:
            await clock.until(clock.now + seconds)

    def _schedule(self, doing: Doing, at: float) -> None:
        super()._schedule(doing, at)
        self._scheduled(self, doing, at)


async def _posted(world: World, body: object) -> bool:
    """Whether the server took a report. One that wants it later gets it later: this one address stands for many."""
    for _ in range(_PATIENCE):
        try:
            async with (
                asyncio.timeout(_REPORT_SECONDS),
                world.session.post(world.site + _LIFECYCLE_PATH, json=body, allow_redirects=False) as answer,
            ):
                await answer.read()
        except (aiohttp.ClientError, OSError):
            return False
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            return answer.status < HTTPStatus.BAD_REQUEST
        await asyncio.sleep(_seconds(answer.headers.get("Retry-After", "1")))
    return False


def _seconds(text: str) -> float:
    return min(float(text), 5.0) if text.isascii() and text.isdecimal() else 1.0
