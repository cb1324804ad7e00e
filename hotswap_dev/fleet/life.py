"""The life of one planned client as a conversation: whoever drives it waits, asks, verifies and extracts for it.

As `domain.plugin.commands` are for one command, this is for all of them, one after the other: it has no clock, no
connection and no event loop, so that locust's greenlets can drive it (`locustfile.py`). It lives as `phone.py` does.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Literal

from msgspec import Struct

from hotswap_dev.domain.plugin import (
    Act,
    App,
    Cached,
    Came,
    Command,
    Config,
    Folder,
    Heard,
    commands,
    launched,
)
from hotswap_dev.fleet.plan import Phone, breaks, reopened_after

SEEN_ANYWAY = ("check-start", "check-complete", "download-start", "download-complete")
"""Lifecycle events that no client here reports, as in `phone.py`: the server sees the requests themselves, and all
clients of one machine are one address, which may only report so much."""


class Until(Struct, frozen=True):
    """Nothing is to be done before: `at` is in seconds since this life began. What comes of it is the time then."""

    at: float | None
    """None: nothing ever, until it is told."""


class Starts(Struct, frozen=True):
    """Does the page of this sequence start, by its files? True or False comes of it."""

    sequence: int


class Rejected(Struct, frozen=True, kw_only=True):
    """A promise rejected, with the plugin's text. Nothing comes of it."""

    command: Literal["check", "apply"]
    text: str
    sequence: int | None = None


Asked = Act | Until | Starts | Rejected
Given = Came | float | bool
Lived = Generator[Asked, Given, None]

Doing = Literal["upgrade", "reopen", "click", "check"]
DOINGS: tuple[Doing, ...] = ("upgrade", "reopen", "click", "check")
"""What comes due; at the same moment in this order, as in `phone.py`."""


class Life:
    """One client: `lived()` is its conversation, which never ends; `app` is what it has come to."""

    def __init__(self, plan: Phone, config: Config) -> None:
        self.plan = plan
        self.app: App
        self.crashed = False
        """Whether what it shows is a page that did not start: then it does nothing until it is opened again."""
        self._config = config
        self._binary_version = plan.binary_version
        self._folder = _folder(plan)
        self._due: dict[Doing, float] = {}
        self._now = 0.0

    def lived(self) -> Lived:
        """From its first launch on."""
        yield from self._launched()
        self._again("check", 0.0, self.plan.first_check)
        self._again("upgrade", 0.0, None if self.plan.upgrades is None else self.plan.upgrades[0])
        while True:
            came = yield Until(min(self._due.values(), default=None))
            self._now = came if isinstance(came, float) else self._now
            while due := [one for one in DOINGS if self._due.get(one, math.inf) <= self._now]:
                doing = min(due, key=lambda one: self._due[one])
                yield from self._done(doing, self._due.pop(doing))

    def _done(self, doing: Doing, at: float) -> Lived:
        if doing == "check":
            # What was missed is not made up for.
            late = self.plan.poll is not None and at + self.plan.poll < self._now
            self._again("check", self._now if late else at, self.plan.poll)
            yield from self._checked()
        elif doing == "click":
            yield from self._applied()
        else:
            if doing == "upgrade" and self.plan.upgrades is not None:
                self._binary_version = self.plan.upgrades[1]
            yield from self._launched()

    def _launched(self) -> Lived:
        self._due.pop("click", None)
        self.app, start = launched(
            self._config,
            self._folder,
            binary_version=self._binary_version,
            platform=self.plan.platform,
            arch=self.plan.arch,
        )
        self._folder = start.folder
        self._due.pop("reopen", None)
        self._again("reopen", self._now, self.plan.reopens)
        yield from self._opened()

    def _opened(self) -> Lived:
        """The page of what runs is loaded: it starts, and says so to the plugin, or it does not."""
        running = self.app.sequence
        self.crashed = running > 0 and (breaks(self.plan, running) or not (yield Starts(running)))
        if self.crashed:
            self._again("reopen", self._now, reopened_after(self.plan, running))
        elif running:
            yield from self._obeyed(commands.notify_ready(self.app))

    def _checked(self) -> Lived:
        if self.crashed:  # nothing runs that could ask
            return
        heard = yield from self._obeyed(commands.check(self.app))
        if heard.error is not None:
            yield Rejected(command="check", text=heard.error)
            return
        offered = self.app.pending
        if offered is None:
            self._due.pop("click", None)
        elif offered.mandatory or self.plan.clicks == 0:
            yield from self._applied()
        elif self.plan.clicks is not None and "click" not in self._due:
            self._again("click", self._now, self.plan.clicks)

    def _applied(self) -> Lived:
        self._due.pop("click", None)
        offered = self.app.pending
        if offered is None or self.crashed:
            return
        heard = yield from self._obeyed(commands.apply(self.app))
        if heard.error is not None:
            yield Rejected(command="apply", text=heard.error, sequence=offered.sequence)
        else:
            yield from self._opened()

    def _obeyed(self, command: Command) -> Generator[Asked, Given, Heard]:
        came: Came = None
        while True:
            try:
                act = command.send(came)
            except StopIteration as ended:
                heard: Heard = ended.value
                self.app = heard.app
                self._folder = heard.app.folder
                return heard
            given = yield act
            came = None if isinstance(given, bool | float) else given

    def _again(self, doing: Doing, since: float, after: float | None) -> None:
        if after is not None:
            self._due[doing] = since + after


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
