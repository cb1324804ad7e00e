"""One simulated client that lives: the reference client, its person, and its page that reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

import aiohttp
import msgspec

from hotswap_dev.client.updater import Bundles, Memory, Updater
from hotswap_dev.domain.faults.reactions import without_addresses
from hotswap_dev.domain.plugin import Cached, Emitted, Folder
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.happened import Happened, Tell, What
from hotswap_dev.fleet.plan import Phone, breaks, reopened_after

Doing = Literal["launch", "upgrade", "reopen", "click", "check"]
"""What comes due in a client's life; at the same moment in this order."""

DOINGS: tuple[Doing, ...] = ("launch", "upgrade", "reopen", "click", "check")

CHECK_PATH = "/api/ota/{{current_sequence}}"
_LIFECYCLE_PATH = "/api/lifecycle"

_SEEN_ANYWAY = ("check-start", "check-complete", "download-start", "download-complete")
"""Events that are not reported, other than by the snippet: the server sees the requests themselves, and all clients
of a fleet are one address, which may only report so much."""

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


@dataclass(slots=True)
class LivingPhone:
    """A client between its launch and the fleet's end. Whoever has it do something waits until it is done."""

    plan: Phone
    world: World
    scheduled: Callable[[LivingPhone, Doing, float], None]
    """Told of each moment that is put into `due`."""
    due: dict[Doing, float] = field(default_factory=dict)
    """What it will do by itself, and when."""
    crashed: bool = False
    """Whether what it shows is a page that did not start: then it does nothing until it is opened again."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _app: Updater | None = None
    _storage: Memory = field(default_factory=Memory)
    _binary: str = ""
    _earliest: float = 0.0

    @property
    def running(self) -> int:
        """The sequence that it runs; 0 is the page that is compiled into the app."""
        return self.plan.sequence if self._app is None else self._app.app.sequence

    @property
    def confirmed(self) -> bool:
        """Whether what it runs called notifyReady(), so that no start gives it up; False at the embedded page."""
        if self._app is None:
            return self.plan.sequence > 0
        cached = self._app.app.folder.versions.get(self.running)
        return cached is not None and cached.confirmed

    @property
    def binary_version(self) -> str:
        """Of the app that is installed."""
        return self._binary or self.plan.binary_version

    async def do(self, doing: Doing, at: float) -> None:
        """What was due at `at`. What comes of it in the server's absence is told, and life goes on."""
        async with self.turn:
            self._earliest = max(self._earliest, at)
            app = await self._opened()
            if doing == "check":
                self._again("check", at, self.plan.poll)
                await self._check(app)
            elif doing == "click":
                await self._update(app)
            elif doing == "reopen":
                await self._restart(app)
            elif doing == "upgrade" and self.plan.upgrades is not None:
                await self._restart(app, self.plan.upgrades[1])

    async def check(self) -> None:
        """Its page checks, now."""
        async with self.turn:
            await self._check(await self._opened())

    async def update(self) -> None:
        """It checks, and applies what it is offered, whoever would click."""
        async with self.turn:
            app = await self._opened()
            await self._check(app, clicks=False)
            await self._update(app)

    async def restart(self, binary_version: str | None = None) -> None:
        """Its person closes and opens the app, or installs another binary in between."""
        async with self.turn:
            await self._restart(await self._opened(), binary_version)

    async def rollback(self) -> None:
        """Its page has the plugin roll back, and reloads."""
        async with self.turn:
            app = await self._opened()
            if self.crashed:
                return
            given_up = app.app.folder.current  # what was set aside too
            outcome = await app.rollback()
            self._tell("fell-back", offered=given_up, detail="rollback()")
            await self._report(outcome.lifecycle)
            await self._page(app)

    # --- steps ----------------------------------------------------------------------------------------------------

    async def _opened(self) -> Updater:
        """The app; launched for the first time where that has not been yet."""
        if self._app is not None:
            return self._app
        plan, world = self.plan, self.world
        self.due.pop("launch", None)
        self._binary = plan.binary_version
        if plan.sequence:
            self._storage = Memory(_folder_with(plan.sequence, plan.binary_version))
        config = {
            "endpoint": world.site + CHECK_PATH,
            "pubkey": world.pubkey,
            "require_https": world.site.startswith("https://"),
            "headers": {"X-Device-Id": plan.id},
            "channel": plan.channel,
        }
        app = Updater(
            config,
            binary_version=plan.binary_version,
            storage=self._storage,
            platform=plan.platform,
            arch=plan.arch,
            session=world.session,
            sleep=self._sleep,
            bundles=world.bundles,
        )
        await app.__aenter__()  # its session is the fleet's: nothing is to be left
        self._app = app
        begun = self._now()
        self._tell("launched")
        self._again("check", begun, plan.first_check)
        self._again("reopen", begun, plan.reopens)
        self._again("upgrade", begun, None if plan.upgrades is None else plan.upgrades[0])
        await self._page(app)
        return app

    async def _check(self, app: Updater, *, clicks: bool = True) -> None:
        if self.crashed:
            return
        outcome = await app.check()
        reason = next((request.reason for request in outcome.requests if request.reason), "")
        offer = outcome.manifest if outcome.available else None
        if outcome.error is not None:
            self._tell("check-failed", detail=without_addresses(outcome.error))
        else:
            self._tell("checked", offered=None if offer is None else offer.sequence, detail=reason)
        await self._report(outcome.lifecycle)
        if offer is None:
            if outcome.error is None:
                self.due.pop("click", None)  # what it was offered before is no longer pending
            return
        if not clicks:
            return
        seconds = 0.0 if offer.mandatory else self.plan.clicks
        if seconds == 0:
            await self._update(app)
        elif seconds is not None and "click" not in self.due:
            self._again("click", self._now(), seconds)

    async def _update(self, app: Updater) -> None:
        self.due.pop("click", None)
        offer = app.app.pending
        if offer is None or self.crashed:
            return
        outcome = await app.apply()
        events = outcome.lifecycle
        if outcome.error is not None:
            self._tell("failed", offered=offer.sequence, detail=without_addresses(outcome.error))
            await self._report(events)
            # As the snippet's `reported()` does: the plugin has no event for a refused signature or extraction.
            await self._post({"event": "apply-error", "sequence": offer.sequence, "error": outcome.error})
            return
        self._tell("fetched", offered=offer.sequence)
        self._tell("applied")
        await self._report(events)
        await self._page(app)

    async def _restart(self, app: Updater, binary_version: str | None = None) -> None:
        self.due.pop("click", None)
        self._tell("closed")
        before = app.app.folder.current
        start = await app.restart(binary_version)
        if binary_version is not None:
            self._binary = binary_version
            self._tell("upgraded", detail=binary_version)
        given_up = _GIVEN_UP.get(start.did)
        if given_up is not None:
            self._tell(given_up, offered=before)
        self._tell("launched")
        self.due.pop("reopen", None)
        self._again("reopen", self._now(), self.plan.reopens)
        await self._page(app)

    async def _page(self, app: Updater) -> None:
        """The page of what runs is loaded: it starts, and says so to the plugin, or it does not."""
        running = self.running
        listing = self._storage.listings.get(running)
        if (listing is not None and not listing.starts) or breaks(self.plan, running):
            self.crashed = True
            self._tell("crashed")
            self._again("reopen", self._now(), reopened_after(self.plan, running))
            return
        self.crashed = False
        if not running:
            return
        was = self.confirmed
        outcome = await app.notify_ready()
        if self.confirmed and not was:
            self._tell("confirmed")
        await self._report(outcome.lifecycle)

    async def _report(self, events: Iterable[Emitted]) -> None:
        for event in events:
            if event.event not in _SEEN_ANYWAY:
                await self._post(msgspec.to_builtins(event))

    async def _post(self, event: Mapping[str, object]) -> None:
        if self.plan.reports and not await _posted(self.world, {**event, "device": self.plan.id}):
            self.world.lost_reports += 1

    # --- time and words -------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return max(self._earliest, self.world.clock.now)

    async def _sleep(self, seconds: float) -> None:
        """Between two attempts at a download. Where time jumps, it passes for this client alone."""
        if self.world.clock.pace == 0:
            self._earliest = self._now() + seconds
        else:
            await self.world.clock.until(self.world.clock.now + seconds)

    def _again(self, doing: Doing, since: float, after: float | None) -> None:
        if after is None:
            return
        at = round(since + after, 3)
        behind = self.world.clock.now
        if doing == "check" and self.plan.poll and at < behind:
            # The fleet can't keep up: what was missed is not made up for, or it would never end.
            at = round(behind + self.plan.poll, 3)
        self.due[doing] = at
        self.scheduled(self, doing, at)

    def _tell(self, what: What, *, offered: int | None = None, detail: str = "") -> None:
        self.world.tell(
            Happened(
                client=self.plan.id,
                what=what,
                sequence=self.running,
                offered=offered,
                detail=detail,
                at=round(self._now(), 3),
            )
        )


_GIVEN_UP: dict[str, What] = {"roll-back": "fell-back", "discard": "discarded", "set-aside": "set-aside"}
"""What a start did (`Start.did`), where it gave up what the pointer named."""


def _folder_with(sequence: int, binary_version: str) -> Folder:
    """The plugin's folder of an app to which another server has given this sequence."""
    cached = Cached(
        version=f"{binary_version}-ota.{sequence}",
        sequence=sequence,
        min_binary_version=binary_version,
        confirmed=True,
    )
    return Folder(current=sequence, versions={sequence: cached})


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
