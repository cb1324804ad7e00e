"""Fleets against a server in this process: what their tests share."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.fleet.agreement import Disagreement, disagreements, truths
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.fleet import Fleet
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.phone import LivingPhone
from hotswap_dev.fleet.plan import Crew, planned
from hotswap_dev.packing.signing import new_key
from hotswap_dev.server.run import ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome
from tests.server.asking import Asking, until

SAMPLES = Path(__file__).parents[2] / "sample_bundles"


@dataclass
class Told:
    """A fleet that lives, the server that it asks, and what it did."""

    fleet: Fleet
    server: Asking
    steps: list[Happened] = field(default_factory=list)

    @property
    def only(self) -> LivingPhone:
        (phone,) = self.fleet.phones.values()
        return phone

    def whats(self, client: str | None = None) -> list[str]:
        """What happened, in order: to one client, or to the only one."""
        wanted = client or self.only.plan.id
        return [step.what for step in self.steps if step.client == wanted]

    def clients(self, *whats: str, sequence: int | None = None) -> set[str]:
        """Whom any of these happened to; with a sequence, where it was about that one."""
        return {
            step.client
            for step in self.steps
            if step.what in whats and sequence in (None, step.sequence, step.offered)
        }

    async def sample(self, name: str, **arguments: Any) -> int:
        """Publish a sample bundle; its sequence."""
        return (await self.server.publish(SAMPLES / name, **arguments)).sequence

    async def command(self, verb: str, **arguments: Any) -> Any:
        done = await self.server.control(f"/api/commands/{verb}", arguments)
        assert done.status == 200, done.body
        return done.json["result"]

    async def wrong_labels(self) -> tuple[Disagreement, ...]:
        """About whom the server's labels are wrong, once it has noted the end of every download."""
        await self.fleet.settled()
        truly = truths([one.plan for one in self.fleet.phones.values()], self.steps)
        for _ in range(40):
            found = disagreements(await self.rows(), truly)
            if not found:
                break
            await asyncio.sleep(0.025)
        return found

    async def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.server.control("/api/clients?limit=1000")).json
        return found

    async def offline(self) -> None:
        """Nobody reaches the server from now on; it answers the command a moment before that."""
        await self.command("arm-fault", fault="offline")
        await until(lambda: not _listens(self.server.port), "it is offline")

    async def online(self) -> None:
        """Without overrides, and reachable again."""
        await self.command("clear-overrides")
        await until(lambda: _listens(self.server.port), "it is online")


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def fresh(folder: Path) -> AsyncIterator[Asking]:
    """A server that has given out nothing yet: what was given out under one key never is again."""
    options = ServerOptions(
        engine=EngineOptions(dist=None, app_version="1.0.0", channel="production"),
        workspace=folder / "w",
        app="my-app",
    )
    async with (
        serving(options, new_key(), KeyHome(folder / "keys")) as running,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        yield Asking(running, session)


@asynccontextmanager
async def living(
    server: Asking, crews: Iterable[Crew] | Crew, *, seed: int = 1, at_once: int = 1, pace: float = 0
) -> AsyncIterator[Told]:
    """A fleet of these crews."""
    steps: list[Happened] = []
    fleet = Fleet(
        planned([crews] if isinstance(crews, Crew) else crews, seed),
        site=server.running.file.site,
        pubkey=server.running.file.pubkey,
        clock=Clock(pace),
        tell=steps.append,
        at_once=at_once,
    )
    async with fleet:
        yield Told(fleet, server, steps)
        await fleet.settled()
