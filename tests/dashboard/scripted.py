"""A control site in memory, and the dashboard on it: what it says and when is the test's to decide.

Commands are done by the domain's own functions, as a server does them, so a test sees what a server would tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from textual.pilot import Pilot

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.dashboard.spans import Line, plain
from hotswap_dev.dashboard.widgets.bar import Bar
from hotswap_dev.domain.builds import Builds, builds_after
from hotswap_dev.domain.clients.table import ClientTable
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import Observation
from hotswap_dev.domain.preview import changes
from hotswap_dev.errors import HotswapError, Unreachable
from tests.dashboard.about import ABOUT
from tests.unit.making import NOW


class ScriptedControl:
    """A server that a test plays. `happens` tells events; `hold` keeps commands waiting until `go_on`."""

    def __init__(self, controls: Controls = Controls(), *, about: wire.About | None = ABOUT) -> None:  # noqa: B008 - frozen
        self.instance = "first"
        self.revision = 0
        self.controls = controls
        self.clients = ClientTable()
        self.builds = Builds(dist="my-app/dist", app_version="1.0.0")
        self.about = about
        self.now = NOW
        self.commands: list[tuple[str, Mapping[str, Any]]] = []
        """What was asked for in earnest, in its order."""
        self.answers: dict[str, Any] = {"/api/history": [], "/api/checks": []}
        """What a GET of a path answers: a value, an error to raise, or a function of the query."""
        self.answers_again = asyncio.Event()
        self.answers_again.set()
        self._streams: set[asyncio.Queue[Sequence[wire.EventLine] | None]] = set()
        self._free = asyncio.Event()
        self._free.set()

    # What the test makes happen.

    def happens(self, *events: Fact | Observation) -> None:
        """These events happen on the server, one after the other, in one batch."""
        lines = []
        for event in events:
            self.revision += 1
            if isinstance(event, Fact):
                self.controls = apply(self.controls, event)
                self.clients.apply(event)
            else:
                self.clients.see(event)
                self.builds = builds_after(self.builds, event)
            lines.append(wire.EventLine(self.instance, self.revision, event))
        self._put(lines)

    def forgets(self, count: int) -> None:
        """Events happened that this reader is never told: the next one is a gap."""
        self.revision += count
        self._put([wire.EventLine(self.instance, self.revision, wire.Gap(at=self.now))])

    def goes_away(self) -> None:
        """The server is gone: streams end, and nothing answers."""
        self.answers_again.clear()
        self._put(None)

    def comes_back(self, instance: str = "second") -> None:
        """Another run of it answers."""
        self.instance, self.revision = instance, 0
        self.answers_again.set()

    def hold(self) -> None:
        """Commands are not answered, and lead to nothing, until `go_on`."""
        self._free.clear()

    def go_on(self) -> None:
        """What waits is done."""
        self._free.set()

    # What the dashboard asks.

    async def state(self) -> wire.State:
        self._demand_reachable()
        return wire.State(
            instance=self.instance,
            revision=self.revision,
            controls=self.controls,
            clients=tuple(self.clients.values()),
            builds=self.builds,
            about=self.about,
        )

    async def events(self, after: int) -> AsyncGenerator[Sequence[wire.EventLine], None]:
        self._demand_reachable()
        queue: asyncio.Queue[Sequence[wire.EventLine] | None] = asyncio.Queue()
        self._streams.add(queue)
        try:
            if after != self.revision:
                yield [wire.EventLine(self.instance, self.revision, wire.Gap(at=self.now))]
            while (batch := await queue.get()) is not None:
                yield batch
        finally:
            self._streams.discard(queue)

    async def get(self, path: str, **query: str | int | None) -> wire.Json:
        self._demand_reachable()
        if path == "/api/commands" and path not in self.answers:
            return wire.command_schemas()
        if path not in self.answers:
            raise ServerRefused({"title": "not-found", "detail": f"nothing is at {path}"}, 404)
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer(**query) if callable(answer) else answer

    async def command(
        self, name: str, arguments: Mapping[str, wire.Json], *, dry_run: bool = False
    ) -> wire.Json:
        self._demand_reachable()
        if not dry_run:
            self.commands.append((name, dict(arguments)))
            await self._free.wait()
        try:
            command: Command = wire.read_command(name, dict(arguments))
            facts = command.events(self.controls, self.now)
        except HotswapError as error:
            raise ServerRefused(
                {"title": error.code, "detail": error.message, "hint": error.hint}, error.status
            ) from None
        before, after = self.controls, self.controls
        for fact in facts:
            after = apply(after, fact)
        if not dry_run:
            self.happens(*facts)
        return {
            "revision": self.revision,
            "events": wire.plain(tuple(facts)),
            "result": None,
            "changes": wire.plain(tuple(changes(before, after, list(self.clients.values()), self.now))),
        }

    async def post(self, path: str, arguments: Mapping[str, wire.Json]) -> wire.Json:
        return await self.get(path, **arguments)

    async def close(self) -> None:
        self._put(None)

    def _put(self, batch: Sequence[wire.EventLine] | None) -> None:
        for stream in self._streams:
            stream.put_nowait(batch)

    def _demand_reachable(self) -> None:
        if not self.answers_again.is_set():
            raise Unreachable("the server does not answer", "start it again: hotswap-dev serve")


class Clock:
    """The dashboard's time: it stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def passes(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Desk:
    """A running dashboard, its server and its clock, as a test holds them."""

    def __init__(self, control: ScriptedControl, clock: Clock, app: Dashboard, pilot: Pilot[int]) -> None:
        self.control = control
        self.clock = clock
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, and let all that follows from them come to rest."""
        await self.pilot.press(*keys)
        await self.rests()

    async def happens(self, *events: Fact | Observation) -> None:
        """Events on the server, and the screen after them."""
        self.control.happens(*events)
        await self.rests()

    async def rests(self) -> None:
        """Nothing is under way any more but what waits for the server: the screen shows what there is."""
        await self.pilot.pause()
        await self.pilot.pause()

    def text(self, name: str) -> str:
        """What a bar of the main screen says, its lines joined."""
        bar = self.app.screen_stack[0].query_one(f"#{name}", Bar) if len(self.app.screen_stack) == 1 else None
        bar = bar or self.app.screen_stack[1].query_one(f"#{name}", Bar)
        return "\n".join(plain(one) for one in _lines_of(bar))

    @property
    def screen(self) -> str:
        """The text on the whole screen, line by line."""
        return screen_text(self.app)

    @property
    def toasts(self) -> list[str]:
        """What was told in toasts, oldest first."""
        return [notification.message for notification in self.app._notifications]


def screen_text(app: Dashboard) -> str:
    """The text on the screen as a terminal would show it, line by line, without trailing blanks."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def _lines_of(bar: Bar) -> Sequence[Line]:
    return bar._lines


@asynccontextmanager
async def dashboard_on(
    control: ScriptedControl, *, size: tuple[int, int] = (120, 36), theme: str | None = None
) -> AsyncIterator[Desk]:
    """A dashboard on a scripted server, connected and at rest. Nothing in it sleeps, and its clock stands still."""
    clock = Clock()

    async def pause(_: float) -> None:
        await control.answers_again.wait()

    app = Dashboard(control, now=clock, frame=0, pause=pause)
    async with app.run_test(size=size, notifications=True) as pilot:
        if theme is not None:
            app.theme = theme
        desk = Desk(control, clock, app, pilot)
        await desk.rests()
        yield desk
