"""Downloads: so many at once, the others wait, and none takes longer than its client would (hardening D4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
from aiohttp import web

from hotswap_dev.server.connections import Connections, answering
from hotswap_dev.server.sockets import listen_privately, port_of
from hotswap_dev.server.turns import DEADLINE, Turns
from tests.server.asking import PATIENCE, a_request, connection, raw, status_of, until

MORE_THAN_THE_BUFFERS_HOLD = 24 * 2**20


@asynccontextmanager
async def downloads(
    turns: Turns, size: int = MORE_THAN_THE_BUFFERS_HOLD
) -> AsyncIterator[tuple[int, list[str]]]:
    """A site with one big download; the port, and how each of them ended."""
    ended: list[str] = []

    async def download(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(size)})
        try:
            async with turns.turn(request):
                await response.prepare(request)
                for _ in range(size // 2**16):
                    await response.write(bytes(2**16))
        except ConnectionError:
            ended.append("broken off")
            raise
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        ended.append("whole")
        return response

    app = web.Application()
    app.router.add_get("/", download)
    sockets = [listen_privately()]
    port = port_of(sockets)
    async with answering(app, sockets, Connections(999, 999), keep_alive=5, last_words=0.05):
        yield port, ended


async def asking(stack: AsyncExitStack, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await stack.enter_async_context(connection(port))
    writer.write(a_request("/"))
    return reader, writer


async def read_all(reader: asyncio.StreamReader) -> int:
    async with asyncio.timeout(PATIENCE):
        return len((await reader.read()).partition(b"\r\n\r\n")[2])


def _so_many(turns: Turns, count: int) -> bool:
    return turns.running + turns.waiting == count


def test_D4_the_deadline_is_the_client_s() -> None:
    assert DEADLINE == 300


async def test_D4_who_comes_too_many_waits_and_is_served_in_turn_without_a_503() -> None:
    turns = Turns(2)
    async with downloads(turns) as (port, ended), AsyncExitStack() as stack:
        readers = []
        for number in range(5):
            readers.append((await asking(stack, port))[0])
            await until(partial(_so_many, turns, number + 1), "it is asked for")
        assert (turns.running, turns.waiting) == (2, 3)

        assert await read_all(readers[1]) == MORE_THAN_THE_BUFFERS_HOLD
        # The third has the second's turn; the first still has its own.
        async with asyncio.timeout(PATIENCE):
            assert status_of(await readers[2].readuntil(b"\r\n\r\n")) == 200
        assert (turns.running, turns.waiting) == (2, 2)
        assert not readers[3]._buffer  # type: ignore[attr-defined]

        await asyncio.gather(*map(read_all, (readers[0], readers[2], readers[3], readers[4])))
        await until(lambda: turns.running == 0, "all turns are over")
        assert ended == ["whole"] * 5


async def test_D4_who_leaves_while_it_waits_takes_nobody_s_turn() -> None:
    turns = Turns(1)
    async with downloads(turns) as (port, ended), AsyncExitStack() as stack:
        first, _ = await asking(stack, port)
        await until(lambda: turns.running == 1, "the first runs")
        impatient = [await asking(stack, port) for _ in range(3)]
        await until(lambda: turns.waiting == 3, "three wait")
        last, _ = await asking(stack, port)
        await until(lambda: turns.waiting == 4, "four wait")

        for _, writer in impatient:
            writer.transport.abort()

        await until(lambda: ended == ["broken off"] * 3, "they are let go at once")
        assert (turns.running, turns.waiting) == (1, 1)
        assert await read_all(first) == MORE_THAN_THE_BUFFERS_HOLD
        assert await read_all(last) == MORE_THAN_THE_BUFFERS_HOLD
        await until(lambda: turns.running == 0, "all turns are over")


async def test_D4_who_never_reads_is_hung_up_on_at_the_deadline_and_the_next_one_has_the_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns = Turns(1, deadline=0.3)
    async with downloads(turns) as (port, ended), AsyncExitStack() as stack:
        await asking(stack, port)
        await until(lambda: ended == ["broken off"], "it is given up")
        turns._deadline = PATIENCE  # who reads may be slow for reasons of its own

        assert len(await raw(port, a_request("/"))) > MORE_THAN_THE_BUFFERS_HOLD
        assert turns.running == 0
    assert caplog.records == []


async def test_D4_waiting_counts_for_the_deadline() -> None:
    turns = Turns(1, deadline=0.3)
    turns.running = 1  # and never ends
    async with downloads(turns) as (port, ended):
        assert await raw(port, a_request("/")) == b""
        assert ended == ["broken off"]
        assert turns.waiting == 0


async def test_D4_a_server_that_ends_waits_for_no_turn() -> None:
    turns = Turns(1)
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(PATIENCE), downloads(turns) as (port, ended):
            await asking(stack, port)
            await until(lambda: turns.running == 1, "one runs")
            await asking(stack, port)
            await until(lambda: turns.waiting == 1, "one waits")
        assert (turns.running, turns.waiting) == (0, 0)
        assert len(ended) == 2
