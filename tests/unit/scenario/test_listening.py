"""Listening to a server beside a story: checks are counted, builds are waited for, and a lost stream is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import pytest

from hotswap_dev import wire
from hotswap_dev.client.live import LiveControl
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.observations import BuildRefused, CheckAnswered, Observation
from hotswap_dev.errors import Unreachable
from hotswap_dev.scenario import listening as module
from hotswap_dev.scenario.listening import Listening, listening

AT = datetime(2026, 4, 5, tzinfo=UTC)


def _checked(client: str, reason: str) -> CheckAnswered:
    return CheckAnswered(
        at=AT, client=client, peer="local", path="/", sequence=0, binary_version=None, platform=None, arch=None,
        channel=None, status=204, reason=reason, args={}, offered=None, duration_ms=1.0,
    )  # fmt: skip


class _Server:
    """A control site that says what a test has it say. `None` ends its stream."""

    def __init__(self) -> None:
        self.instance = "one"
        self.revision = 0
        self._said: asyncio.Queue[wire.EventLine | None] = asyncio.Queue()

    def say(self, event: Observation | wire.Gap | None) -> None:
        if event is None:
            self._said.put_nowait(None)
            return
        self.revision += 1
        self._said.put_nowait(wire.EventLine(self.instance, self.revision, event))

    async def state(self) -> wire.State:
        return wire.State(instance=self.instance, revision=self.revision, controls=Controls(), clients=())

    async def events(self, after: int) -> AsyncGenerator[Sequence[wire.EventLine], None]:
        while (line := await self._said.get()) is not None:
            if line.revision > after:
                yield [line]


@asynccontextmanager
async def _heard(server: _Server) -> AsyncIterator[Listening]:
    async with asyncio.timeout(20), listening(cast("LiveControl", server)) as ears:
        yield ears


async def test_each_check_is_counted_by_its_client_and_reason_once_it_was_told() -> None:
    server = _Server()
    async with _heard(server) as ears:
        for reason in ("up-to-date", "no-release", "up-to-date"):
            server.say(_checked("Pixel", reason))
        await ears.reach(await server.state())

        assert dict(ears.checks) == {("Pixel", "up-to-date"): 2, ("Pixel", "no-release"): 1}


async def test_after_a_gap_it_listens_on_from_where_the_server_is() -> None:
    server = _Server()
    async with _heard(server) as ears:
        server.say(_checked("Pixel", "up-to-date"))
        await ears.reach(await server.state())
        assert ears.gaps == 0
        server.say(wire.Gap(at=AT))
        await ears.reach(await server.state())
        assert ears.gaps == 1, "what was said meanwhile is in no count"
        server.say(_checked("Pixel", "up-to-date"))
        await ears.reach(await server.state())

        assert ears.checks["Pixel", "up-to-date"] == 2


async def test_a_build_is_waited_for_and_one_from_before_is_none() -> None:
    server = _Server()
    refused = BuildRefused(at=AT, code="no-index", detail="there is no page")
    async with _heard(server) as ears:
        server.say(refused)
        waiting = asyncio.create_task(ears.build(lambda _: True, after=0, within=10))
        assert await waiting == refused
        assert await ears.build(lambda _: True, after=1, within=0.01) is None


async def test_a_stream_that_ends_is_an_unreachable_server() -> None:
    server = _Server()
    async with _heard(server) as ears:
        server.say(None)
        server.revision = 7
        with pytest.raises(Unreachable, match="the server ended its events"):
            await ears.reach(await server.state())


async def test_a_stream_that_stands_still_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    server = _Server()
    async with _heard(server) as ears:
        server.revision = 7
        with pytest.raises(Unreachable, match="its events stand at 0"):
            await ears.reach(await server.state())


async def test_who_listens_can_be_cancelled_also_while_it_ends() -> None:
    """Else a signal at that moment would be taken for the end of the listening, and the next story would begin."""
    held = asyncio.Event()

    class _Slow(_Server):
        async def events(self, after: int) -> AsyncGenerator[Sequence[wire.EventLine], None]:
            try:
                async for line in super().events(after):
                    yield line
            finally:
                held.set()
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    async def listens() -> str:
        async with _heard(_Slow()):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return "it went on"

    listener = asyncio.create_task(listens())
    async with asyncio.timeout(10):
        await held.wait()
        listener.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listener
