"""An app whose page hands on what its plugin says, as the lines to paste do (`tauri/snippet.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from hotswap_dev.domain.clients import label_sentence
from hotswap_dev.domain.labels import Reading, readings
from tests.real_client.driver import Answer
from tests.real_client.stories import App

ORIGIN = "tauri://localhost"


@dataclass
class Page:
    """The page of an app: it asks the plugin, and reports each event that this brought about."""

    app: App
    session: aiohttp.ClientSession
    posted: list[str] = field(default_factory=list)
    """The events that were reported, in order."""
    silent: bool = False
    """The page is gone, or has no code for it."""

    @property
    def label(self) -> str:
        """The code of what the server says of it."""
        return self.app.label

    @property
    def sentence(self) -> str:
        """The same in words."""
        return label_sentence(self.app.client)

    async def check(self) -> Answer:
        """`checkUpdate()`."""
        return await self._reported(await self.app.plugin.check())

    async def apply(self) -> Answer:
        """`reported(applyUpdate(), sequence)`: what it rejects with is reported too."""
        sequence = self.app.client.offered
        answer = await self._reported(await self.app.plugin.apply())
        if answer.error is not None:
            await self._post({"event": "apply-error", "sequence": sequence, "error": answer.error})
        return answer

    async def download(self) -> Answer:
        """`downloadUpdate()`."""
        return await self._reported(await self.app.plugin.download())

    async def activate(self) -> Answer:
        """`activateUpdate()`."""
        return await self._reported(await self.app.plugin.activate())

    async def rollback(self) -> Answer:
        """`rollback()`."""
        return await self._reported(await self.app.plugin.rollback())

    async def notify_ready(self) -> Answer:
        """`notifyReady()`."""
        return await self._reported(await self.app.plugin.notify_ready())

    async def takes(self) -> int:
        """Check and apply; the sequence that runs then."""
        assert (await self.check()).available
        _ = (await self.apply()).value
        return await self.app.plugin.sequence()

    async def agrees(self, label: str, truly: Reading) -> None:
        """The label is this one, what truly happened is among its readings, and it is about what the plugin runs."""
        client = self.app.client
        assert client.label is not None
        assert (client.label.code, truly in readings(client.label)) == (label, True), label_sentence(client)
        assert client.sequence == client.label.args["sequence"] == await self.app.plugin.sequence()

    async def _reported(self, answer: Answer) -> Answer:
        for payload in answer.lifecycle:
            await self._post(payload)
        return answer

    async def _post(self, payload: dict[str, Any]) -> None:
        if self.silent:
            return
        self.posted.append(payload["event"])
        url = f"{self.app.server.file.site}/api/lifecycle"
        async with self.session.post(url, json=payload, headers={"Origin": ORIGIN}) as response:
            assert response.status == 204, await response.text()
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


Pages = Callable[[App], AbstractAsyncContextManager[Page]]


@asynccontextmanager
async def page_of(app: App) -> AsyncIterator[Page]:
    """The page of an app that runs."""
    async with aiohttp.ClientSession() as session:
        yield Page(app, session)
