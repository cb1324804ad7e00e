"""The life of one planned client as conversations: whoever drives them waits, asks, verifies and extracts for it.

As `domain.plugin.commands` are for one command, this is for all of them, one after the other, and for what its person
and its page do about each: it has no clock, no connection and no event loop. `phone.py` drives it on asyncio,
`locustfile.py` on locust's greenlets.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Literal

from msgspec import Struct, to_builtins

from hotswap_dev.client.updating.storage import Listing
from hotswap_dev.domain.faults.reactions import without_addresses
from hotswap_dev.domain.plugin import (
    Cached,
    Came,
    Command,
    Config,
    Emitted,
    Extract,
    Folder,
    Get,
    Keep,
    Tell,
    Verify,
    Wait,
    commands,
    launched,
)
from hotswap_dev.domain.plugin.request import PLACEHOLDER
from hotswap_dev.fleet.happened import Happened, What
from hotswap_dev.fleet.plan import Phone, breaks, reopened_after

Doing = Literal["launch", "upgrade", "reopen", "click", "check"]
"""What comes due in a client's life; at the same moment in this order."""

DOINGS: tuple[Doing, ...] = ("launch", "upgrade", "reopen", "click", "check")

_SEEN_ANYWAY = ("check-start", "check-complete", "download-start", "download-complete")
"""Events that are not reported, other than by the snippet: the server sees the requests themselves, and all clients
of a fleet are one address, which may only report so much."""

_GIVEN_UP: dict[str, What] = {"roll-back": "fell-back", "discard": "discarded", "set-aside": "set-aside"}
"""What a start did (`Start.did`), where it gave up what the pointer named."""


class Until(Struct, frozen=True):
    """Nothing is to be done before: `at` is in seconds of story time. Nothing comes of it."""

    at: float | None
    """None: nothing ever, until it is told."""


class Report(Struct, frozen=True):
    """Its page reports this to the server (`/api/lifecycle`). Nothing comes of it."""

    body: Mapping[str, object]


Asked = Get | Wait | Verify | Extract | Happened | Report | Until
"""A Happened is what it did just now."""
Given = Came | Listing
"""A Listing comes of an Extract; of all else what comes of a plugin's act."""
Lived = Generator[Asked, Given, None]


class Life:
    """One client. Each conversation is driven to its end before the next one begins; dropped, it leaves what was.

    `lived()` is the one of a client that nobody tells anything; else each thing that is due is a `does(…)`, and what it
    is told to do is a `checks()`, `updates()`, `restarts(…)` or `rolls_back()`, once it has `begun()`.
    """

    def __init__(self, plan: Phone, *, site: str, pubkey: str) -> None:
        self.plan = plan
        self.now = 0.0
        """Story time in seconds: whoever drives it sets it before it goes on."""
        self.due: dict[Doing, float] = {"launch": 0.0}
        """What it will do by itself, and when."""
        self.crashed = False
        """Whether what it shows is a page that did not start: then it does nothing until it is opened again."""
        config = Config(
            endpoint=f"{site}/api/ota/{PLACEHOLDER}",
            pubkey=pubkey,
            require_https=site.startswith("https://"),
            headers={"X-Device-Id": plan.id},
            channel=plan.channel,
        )
        self.app, _ = launched(
            config, _folder(plan), binary_version=plan.binary_version, platform=plan.platform, arch=plan.arch
        )
        """What it has come to."""
        self._begun = False
        self._starts: dict[int, bool] = {}
        """Of each version that it has extracted, whether its page starts."""

    @property
    def running(self) -> int:
        """The sequence that it runs; 0 is the page that is compiled into the app."""
        return self.app.sequence

    @property
    def confirmed(self) -> bool:
        """Whether what it runs called notifyReady(), so that no start gives it up; False at the embedded page."""
        cached = self.app.folder.versions.get(self.running)
        return cached is not None and cached.confirmed

    @property
    def binary_version(self) -> str:
        """Of the app that is installed."""
        return self.app.binary_version

    def lived(self) -> Lived:
        """All that it does by itself, as it comes due; it never ends."""
        while True:
            yield Until(min(self.due.values(), default=None))
            doing = min(self.due, key=lambda one: (self.due[one], DOINGS.index(one)))
            yield from self.does(doing, self.due.pop(doing))

    def does(self, doing: Doing, at: float) -> Lived:
        """What was due at `at`. What comes of it in the server's absence is told, and life goes on."""
        if doing == "launch":
            yield from self.begun()
        elif doing == "check":
            self._again("check", at, self.plan.poll)
            yield from self.checks()
        elif doing == "click":
            yield from self._applies()
        elif doing == "reopen":
            yield from self.restarts()
        elif self.plan.upgrades is not None:
            yield from self.restarts(self.plan.upgrades[1])

    def begun(self) -> Lived:
        """Its first launch, where that has not been yet."""
        if self._begun:
            return
        self._begun = True
        self.due.pop("launch", None)
        yield self._did("launched")
        self._again("check", self.now, self.plan.first_check)
        self._again("reopen", self.now, self.plan.reopens)
        self._again("upgrade", self.now, None if self.plan.upgrades is None else self.plan.upgrades[0])
        yield from self._loads()

    def checks(self, *, clicks: bool = True) -> Lived:
        """Its page checks, and its person sees what is offered, where one `clicks` at all."""
        if self.crashed:  # nothing runs that could ask
            return
        error, events = yield from self._obeys(commands.check(self.app))
        if error is not None:
            yield self._did("check-failed", detail=without_addresses(error))
            yield from self._reports(events)
            return
        offer = self.app.pending
        yield self._did("checked", offered=None if offer is None else offer.sequence)
        yield from self._reports(events)
        if offer is None:
            self.due.pop("click", None)  # what it was offered before is no longer pending
        elif clicks and (offer.mandatory or self.plan.clicks == 0):
            yield from self._applies()
        elif clicks and "click" not in self.due:
            self._again("click", self.now, self.plan.clicks)

    def updates(self) -> Lived:
        """It checks, and applies what it is offered, whoever would click."""
        yield from self.checks(clicks=False)
        yield from self._applies()

    def restarts(self, binary_version: str | None = None) -> Lived:
        """Its person closes and opens the app, or installs another binary in between."""
        self.due.pop("click", None)
        yield self._did("closed")
        before = self.app.folder.current
        self.app, start = launched(
            self.app.config,
            self.app.folder,
            binary_version=self.binary_version if binary_version is None else binary_version,
            platform=self.plan.platform,
            arch=self.plan.arch,
        )
        if binary_version is not None:
            yield self._did("upgraded", detail=binary_version)
        if start.did in _GIVEN_UP:
            yield self._did(_GIVEN_UP[start.did], offered=before)
        yield self._did("launched")
        self.due.pop("reopen", None)
        self._again("reopen", self.now, self.plan.reopens)
        yield from self._loads()

    def rolls_back(self) -> Lived:
        """Its page has the plugin roll back, and reloads."""
        if self.crashed:
            return
        given_up = self.app.folder.current  # what was set aside too
        _, events = yield from self._obeys(commands.rollback(self.app))
        yield self._did("fell-back", offered=given_up, detail="rollback()")
        yield from self._reports(events)
        yield from self._loads()

    # --- steps ----------------------------------------------------------------------------------------------------

    def _applies(self) -> Lived:
        self.due.pop("click", None)
        offer = self.app.pending
        if offer is None or self.crashed:
            return
        error, events = yield from self._obeys(commands.apply(self.app))
        if error is not None:
            yield self._did("failed", offered=offer.sequence, detail=without_addresses(error))
            yield from self._reports(events)
            # As the snippet's `reported()` does: the plugin has no event for a refused signature or extraction.
            yield from self._posts({"event": "apply-error", "sequence": offer.sequence, "error": error})
            return
        yield self._did("fetched", offered=offer.sequence)
        yield self._did("applied")
        yield from self._reports(events)
        yield from self._loads()

    def _loads(self) -> Lived:
        """The page of what runs is loaded: it starts, and says so to the plugin, or it does not."""
        running = self.running
        self.crashed = breaks(self.plan, running) or not self._starts.get(running, True)
        if self.crashed:
            yield self._did("crashed")
            self._again("reopen", self.now, reopened_after(self.plan, running))
        elif running:
            was = self.confirmed
            _, events = yield from self._obeys(commands.notify_ready(self.app))
            if self.confirmed and not was:
                yield self._did("confirmed")
            yield from self._reports(events)

    def _obeys(self, command: Command) -> Generator[Asked, Given, tuple[str | None, list[Emitted]]]:
        """The plugin does it: what its promise rejects with, and its events. There is no disk to keep anything on."""
        events: list[Emitted] = []
        came: Came = None
        while True:
            try:
                act = command.send(came)
            except StopIteration as ended:
                self.app = ended.value.app
                return ended.value.error, events
            came = None
            if isinstance(act, Tell):
                events.append(act.event)
            elif not isinstance(act, Keep):
                given = yield act
                if not isinstance(given, Listing):
                    came = given
                elif given.error is not None:
                    came = given.error
                elif isinstance(act, Extract):
                    self._starts[act.manifest.sequence] = given.starts

    def _reports(self, events: Iterable[Emitted]) -> Lived:
        for event in events:
            if event.event not in _SEEN_ANYWAY:
                yield from self._posts(to_builtins(event))

    def _posts(self, event: Mapping[str, object]) -> Lived:
        if self.plan.reports:
            yield Report({**event, "device": self.plan.id})

    def _did(self, what: What, *, offered: int | None = None, detail: str = "") -> Happened:
        return Happened(
            client=self.plan.id,
            what=what,
            sequence=self.running,
            offered=offered,
            detail=detail,
            at=round(self.now, 3),
        )

    def _again(self, doing: Doing, since: float, after: float | None) -> None:
        if after is None:
            return
        at = round(since + after, 3)
        if doing == "check" and self.plan.poll and at < self.now:
            # Nobody keeps up: what was missed is not made up for, or it would never end.
            at = round(self.now + self.plan.poll, 3)
        self._schedule(doing, at)

    def _schedule(self, doing: Doing, at: float) -> None:
        """Overridden by whoever keeps a queue of what is due."""
        self.due[doing] = at


def _folder(plan: Phone) -> Folder:
    """What its app has at the start: nothing, or a version that another server gave it, confirmed."""
    if not plan.sequence:
        return Folder()
    had = Cached(
        version=f"{plan.binary_version}-ota.{plan.sequence}",
        sequence=plan.sequence,
        min_binary_version=plan.binary_version,
        confirmed=True,
    )
    return Folder(current=plan.sequence, versions={plan.sequence: had})
