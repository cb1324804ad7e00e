"""A small app around the screens that ask, and a control site in memory: what it is asked and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace
from textual.app import App
from textual.pilot import Pilot

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.acting import Severity, carry_out
from hotswap_dev.dashboard.keys import Plan, plan
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.palette import PROVIDERS
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.preview import changes
from hotswap_dev.errors import HotswapError, Unreachable
from tests.unit.making import NOW, built


class Server:
    """Does commands by the domain's own functions. `hold()` keeps them waiting; `commands` is what it lists."""

    def __init__(self, controls: Controls) -> None:
        self.controls = controls
        self.clients: tuple[Any, ...] = ()
        self.revision = 0
        self.commands: list[Any] = wire.command_schemas()
        self.done: list[tuple[str, Mapping[str, Any]]] = []
        self.rehearsed: list[tuple[str, Mapping[str, Any]]] = []
        self.refuses: HotswapError | None = None
        self.also_knows: dict[str, Any] = {}
        self._free = asyncio.Event()
        self._free.set()
        self._holds_rehearsals = True

    def hold(self, *, rehearsals: bool = True) -> None:
        """Nothing is answered until `go_on`; without `rehearsals`, nothing but dry runs."""
        self._free.clear()
        self._holds_rehearsals = rehearsals

    def go_on(self) -> None:
        """What waits is answered."""
        self._free.set()

    async def get(self, path: str, **query: str | int | None) -> Any:
        assert path == "/api/commands"
        if isinstance(self.refuses, Unreachable):
            raise self.refuses
        return self.commands

    async def command(self, name: str, arguments: Mapping[str, Any], *, dry_run: bool = False) -> Any:
        (self.rehearsed if dry_run else self.done).append((name, dict(arguments)))
        if self._holds_rehearsals or not dry_run:
            await self._free.wait()
        if self.refuses is not None:
            raise self.refuses
        if name in self.also_knows:
            return {"revision": self.revision, "events": [], "changes": [], **self.also_knows[name]}
        before = after = self.controls
        try:
            command = wire.read_command(name, dict(arguments))
            facts = command.events(before, NOW, built() if command.builds else None)
        except HotswapError as error:
            problem = {"title": error.code, "detail": error.message, "hint": error.hint}
            raise ServerRefused(problem, error.status) from None
        for fact in facts:
            after = apply(after, fact)
        if not dry_run:
            self.controls, self.revision = after, self.revision + len(facts)
        return {
            "revision": self.revision,
            "events": wire.plain(tuple(facts)),
            "changes": wire.plain(tuple(changes(before, after, self.clients, NOW))),
        }


class Host(App[None]):
    """What acting needs of the dashboard, and nothing else: `told` are its toasts."""

    COMMANDS = PROVIDERS

    def __init__(self, server: Server, selected: Selected | None = None) -> None:
        super().__init__()
        self.control = server
        self.mirror = Mirror()
        self.told: list[tuple[str, str, Severity]] = []
        self.selected = selected
        self.pressed: list[str] = []
        self.in_ascii = False
        self.refresh_state()

    def refresh_state(self) -> None:
        """Read the server's state, as after a connect."""
        clients = tuple(self.control.clients)
        self.mirror.reset(
            wire.State(
                instance="i", revision=self.control.revision, controls=self.control.controls, clients=clients
            )
        )

    def view(self) -> View:
        return replace(self.mirror.view(NOW, Link(state="live")), selected=self.selected)

    def tell(self, message: str, hint: str = "", severity: Severity = "information") -> None:
        self.told.append((message, hint, severity))

    def carry_out(self, planned: Plan) -> None:
        self.run_worker(carry_out(self, planned), exclusive=False)

    def press_key(self, key: str) -> None:
        """As the dashboard does with a key of the main screen."""
        planned = plan(key, self.view())
        assert planned is not None
        self.carry_out(planned)

    def on_key(self, event: Any) -> None:
        self.pressed.append(event.key)


@asynccontextmanager
async def host_on(
    server: Server, *, size: tuple[int, int] = (80, 24), selected: Selected | None = None
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    """The app on a server, with a terminal of 80 columns and 24 lines unless another size is asked for."""
    app = Host(server, selected)
    async with app.run_test(size=size) as pilot:
        yield app, pilot


async def rests(pilot: Pilot[Any]) -> None:
    """What is under way comes to its end, or waits for a person."""
    # Nothing here waits for anything outside of the loop: turns of it are all that there is to wait for.
    for _ in range(2):
        for _ in range(50):
            await asyncio.sleep(0)
        await pilot.pause()


def screen_text(app: App[Any]) -> str:
    """The text on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
