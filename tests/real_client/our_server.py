"""Our server for the actual plugin, and apps that ask it: what the one says is held against what the other does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hotswap_dev.domain.commands import Command, Publish
from hotswap_dev.domain.observations import CheckAnswered, Published
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check, told
from hotswap_dev.domain.reasons import Reason, change
from hotswap_dev.engine.engine import utc_now
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.packing.signing import SigningKey, new_key
from hotswap_dev.server.run import RunningServer, ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome
from tests.e2e.server_process import write_frontend
from tests.real_client.conftest import Launch
from tests.real_client.driver import Answer, RealClient

Serve = Callable[..., Any]
_SECONDS = 20
_EMBEDDED = "<!doctype html><p>embedded</p>"


# --- servers ---------------------------------------------------------------------------------------------------------


@pytest.fixture(name="serve")
async def serve_fixture(tmp_path: Path) -> AsyncIterator[Serve]:
    """Start a server: `server = await serve(dist, channel=…)`; all of them end after the test.

    Without `dist` nothing is watched. A module has it by importing this function.
    """
    async with AsyncExitStack() as stack:

        async def start(dist: Path | None = None, *, name: str = "w", **engine: Any) -> RunningServer:
            return await stack.enter_async_context(a_server(tmp_path / name, new_key(), dist=dist, **engine))

        yield start


def a_server(
    workspace: Path, key: SigningKey, *, port: int = 0, **engine: Any
) -> AbstractAsyncContextManager[RunningServer]:
    """A server over a workspace, whose key's home lies beside it; `engine` are fields of `EngineOptions`."""
    options = ServerOptions(
        engine=EngineOptions(
            **{"dist": None, "app_version": "0.1.0", "channel": "production", **engine},
        ),
        workspace=workspace,
        app="app",
        port=port,
    )
    return serving(options, key, KeyHome(workspace.with_name(f"{workspace.name}-key")))


def port_of(server: RunningServer) -> int:
    """Its client site's, which is compiled into the apps."""
    return urlsplit(server.file.site).port or 0


def config_for(server: RunningServer, **more: Any) -> dict[str, Any]:
    """The plugin's config for this server. No retry: each test of them says so itself."""
    return {
        "endpoint": server.file.endpoint,
        "pubkey": server.file.pubkey,
        "require_https": False,
        "max_retries": 0,
        **more,
    }


async def published(server: RunningServer, folder: Path, text: str, **arguments: Any) -> int:
    """Publish a build whose page says `text`; its sequence."""
    done = await server.engine.run(Publish(path=str(write_frontend(folder / text, text)), **arguments))
    return int(done.result["sequence"])


async def released(server: RunningServer, sequence: int) -> None:
    """Wait until this release was published."""
    await seen(server, Published, lambda event: event.sequence == sequence)


async def seen(
    server: RunningServer, kind: type[Any], where: Callable[[Any], bool], *, after: int = 0
) -> Any:
    """The first event of a kind, above a revision, for which `where` holds; waited for."""
    async with asyncio.timeout(_SECONDS):
        async for batch in server.engine.bus.read(after):
            for _, event in batch:
                if isinstance(event, kind) and where(event):
                    return event
    raise AssertionError("the bus never ends")


# --- apps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An answer on which the plugin and the server agree."""

    reason: str
    """The code that the server recorded."""
    offered: int | None
    """The sequence that the plugin handed to JavaScript."""
    version: str | None
    notes: str | None
    mandatory: bool | None
    change: str
    """The command that would change it, as `why` says it."""

    @property
    def short(self) -> tuple[str, int | None]:
        """What most tests are about."""
        return self.reason, self.offered


class App:
    """An installed app with the real plugin, and the server that answers it. Made with `installed`.

    Whatever it does, it is held that the server's table has the sequence that the plugin runs, and that the plugin
    was told what the server recorded. `id` is its X-Device-Id.
    """

    def __init__(self, name: str, client: RealClient, server: RunningServer) -> None:
        self.id = name
        self.client = client
        self.server = server
        self._last: Asked | None = None

    async def asks(self) -> Asked:
        """Check for an update, once."""
        engine = self.server.engine
        revision = engine.bus.revision
        runs = await self.client.sequence()
        manifest = (await self.client.check()).value
        recorded: CheckAnswered = await seen(
            self.server, CheckAnswered, lambda event: event.client == self.id, after=revision
        )
        row = engine.clients[self.id]
        agree(f"the sequence that {self.id} runs", runs, recorded.sequence, row.sequence)
        agree(f"the offer to {self.id}", manifest["sequence"], recorded.offered)
        agree(f"the status for {self.id}", 200 if manifest["available"] else 204, recorded.status, row.status)
        if recorded.offered is not None:
            release = engine.controls.releases[recorded.offered]
            agree(f"the version of {recorded.offered}", manifest["version"], release.version)
            agree(f"the notes of {recorded.offered}", manifest["notes"], release.notes)
            agree(f"the size of {recorded.offered}", manifest["bundle_size"], release.bundle.size)
        self._last = Asked(
            reason=recorded.reason,
            offered=manifest["sequence"],
            version=manifest["version"],
            notes=manifest["notes"],
            mandatory=manifest["mandatory"],
            change=change(Reason(recorded.reason, dict(recorded.args))),
        )
        return self._last

    async def after(self, command: Command) -> Asked:
        """Run a command and ask: the dry run foretold the answer. It must have asked before as what it is now."""
        engine = self.server.engine
        check = next_check(engine.clients[self.id])
        if check is None:
            raise RuntimeError(f"{self.id} has to ask once before a change of its answer can be foretold")
        unchanged = told(decide(engine.controls, check, utc_now()), check)
        rehearsed = await engine.run(command, dry_run=True)
        done = await engine.run(command)
        agree(f"what {command.verb} changes", done.changes, rehearsed.changes)
        foretold = next((one.after for one in done.changes if one.client == self.id), unchanged)
        now = await self.asks()
        agree(
            f"the answer to {self.id} after {command.verb}",
            (now.reason, now.offered, now.version, now.notes, now.mandatory),
            (foretold.reason, foretold.offered, foretold.version, foretold.notes, foretold.mandatory),
        )
        return now

    async def takes(self) -> int:
        """Apply what it was offered, confirm it, and report it with a check; the sequence that it runs then."""
        return await self.reports(await self.client.apply())

    async def reports(self, applied: Answer) -> int:
        """Go on after an update was applied: confirm it, check, and the server knows it."""
        agree(f"the version that {self.id} applied", applied.value, self._last and self._last.version)
        _ = (await self.client.notify_ready()).value
        offered = self._last and self._last.offered
        await self.asks()
        runs = await self.client.sequence()
        agree(f"what {self.id} runs after it took {offered}", runs, offered)
        return runs

    async def switches(self, channel: str) -> Asked:
        """Call `configure({channel})`, and ask."""
        _ = (await self.client.configure(channel=channel)).value
        now = await self.asks()
        agree(f"the channel of {self.id}", self.server.engine.clients[self.id].channel, channel)
        return now

    async def shows(self) -> str:
        """What its page says: `embedded`, or the text of the release that it runs."""
        page = (await self.client.page()).text
        found = re.search("<p>(.*)</p>", page)
        return found[1] if found else page


async def installed(
    launch: Launch,
    server: RunningServer,
    name: str,
    *,
    version: str = "0.1.0",
    identifier: str | None = None,
    **config: Any,
) -> App:
    """An app of its own on this machine, which calls itself `name`; the same name again is its restart."""
    client = await launch(
        config_for(server, headers={"X-Device-Id": name}, **config),
        identifier=identifier or f"com.example.{name.lower()}",
        version=version,
        embedded={"/index.html": _EMBEDDED},
    )
    return App(name, client, server)


def agree(what: str, *said: object) -> None:
    """All of them say the same; AssertionError with each otherwise."""
    if any(one != said[0] for one in said):
        raise AssertionError(f"{what}: {' / '.join(map(repr, said))}")
