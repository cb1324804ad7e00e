"""An app with the actual plugin, and what our server says of it: what the stories are told with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import Client, label_sentence
from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.labels import Reading, readings
from hotswap_dev.domain.next_step import NextStep, next_step
from hotswap_dev.domain.policy import decide
from hotswap_dev.server.run import RunningServer
from tests.e2e.server_process import write_frontend
from tests.real_client.conftest import Launch
from tests.real_client.driver import IDENTIFIER, Answer, RealClient

ID = "local/linux/x86_64"


@dataclass
class App:
    """An app under one identifier: its launches share a folder, and `server` is whom it asks."""

    launch: Launch
    server: RunningServer
    data: Path
    version: str = "0.1.0"
    identifier: str = IDENTIFIER
    config: dict[str, Any] = field(default_factory=dict)
    running: RealClient | None = None

    @property
    def plugin(self) -> RealClient:
        assert self.running is not None, "start it first"
        return self.running

    @property
    def client(self) -> Client:
        """What the server knows of it."""
        return self.server.engine.clients[ID]

    @property
    def label(self) -> str:
        return "" if self.client.label is None else self.client.label.code

    async def start(self, version: str | None = None) -> None:
        """Launch it; what runs already ends first."""
        self.version = version or self.version
        config = {
            "endpoint": self.server.file.endpoint,
            "pubkey": self.server.file.pubkey,
            "require_https": False,
            "max_retries": 0,
            **self.config,
        }
        self.running = await self.launch(
            config, version=self.version, identifier=self.identifier, data=self.data
        )

    async def check(self) -> Answer:
        """Check, and hold what the server says against what the plugin runs."""
        answer = await self.plugin.check()
        running = await self.plugin.sequence()
        label = self.client.label
        assert self.client.sequence == running
        assert label is not None
        assert label.args["sequence"] == running
        if running:
            assert (self.plugin.folder / f"seq-{running}").is_dir()
        return answer

    async def proves(self, label: str, truly: Reading, *, sequence: int) -> str:
        """Check; this is the label, and what truly happened is one of its readings. Gives its sentence."""
        await self.check()
        assert (self.label, self.client.sequence) == (label, sequence)
        assert self.client.label is not None
        assert truly in readings(self.client.label)
        return label_sentence(self.client)

    async def apply(self) -> None:
        """Check and apply, and nothing else."""
        assert (await self.check()).available
        _ = (await self.plugin.apply()).value

    def next(self) -> NextStep:
        """What the server says that it will do with the answer it gets now."""
        asked = Check(
            client=ID,
            sequence=self.client.sequence or 0,
            binary_version=self.client.binary_version,
            platform="linux",
            arch="x86_64",
            channel=self.client.channel,
        )
        engine = self.server.engine
        return next_step(
            self.client, decide(engine.controls, asked, datetime.now(UTC)), engine.controls, asked
        )


Apps = Callable[..., App]
Publishing = Callable[..., Awaitable[int]]


@pytest.fixture(name="app")
def app_fixture(launch: Launch, tmp_path: Path) -> Apps:
    """`one = app(server)`: an app of version 0.1.0 that knows whom to ask; start it first."""

    def make(server: RunningServer, **more: Any) -> App:
        return App(launch=launch, server=server, data=tmp_path / "data", **more)

    return make


@pytest.fixture(name="publish")
def publish_fixture(tmp_path: Path) -> Publishing:
    """`await publish(server, "text")` gives the sequence."""

    async def make(server: RunningServer, text: str = "page", **arguments: Any) -> int:
        dist = write_frontend(tmp_path / "dist", text)
        done = await server.engine.run(Publish(path=str(dist), **arguments))
        return int(done.result["sequence"])

    return make
