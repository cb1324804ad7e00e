"""A site that goes offline and comes back: refused, reset, and then at the same addresses again (issue 6)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hotswap_dev.domain.faults import check
from hotswap_dev.errors import HotswapError
from hotswap_dev.server import offline
from hotswap_dev.server.connections import Connections, answering
from hotswap_dev.server.offline import SiteLine
from hotswap_dev.server.sockets import Place, listen, listen_again, listen_privately, place_of, port_of
from tests.server.asking import PATIENCE, a_request, raw, status_of, until
from tests.server.conftest import Serve
from tests.server.misbehaving import Client, get, misbehaving_site, nothing_left

TOO_MUCH_FOR_THE_BUFFERS = 24 * 2**20


@dataclass(frozen=True)
class Both:
    """A client site with its line, and a control site beside it."""

    line: SiteLine
    port: int
    control_port: int
    places: tuple[Place, ...]


@asynccontextmanager
async def both_sites(bundle: Path) -> AsyncIterator[Both]:
    async def told(_: web.Request) -> web.Response:
        return web.Response(text="here")

    async def sent(_: web.Request) -> web.FileResponse:
        return web.FileResponse(bundle)

    sockets, control = listen("127.0.0.1", 0), [listen_privately()]
    places, port, control_port = tuple(map(place_of, sockets)), port_of(sockets), port_of(control)
    connections = Connections(999, 999)
    app, control_app = web.Application(), web.Application()
    app.router.add_get("/", told)
    app.router.add_get("/bundle", sent)
    control_app.router.add_get("/", told)
    async with (
        answering(control_app, control, connections, keep_alive=30, last_words=0.1, private=True),
        answering(app, sockets, connections, keep_alive=30, last_words=0.1) as line,
    ):
        yield Both(line, port, control_port, places)


@pytest.fixture
async def sites(tmp_path: Path) -> AsyncIterator[Both]:
    bundle = tmp_path / "bundle.tar.gz"
    bundle.write_bytes(bytes(TOO_MUCH_FOR_THE_BUFFERS))
    async with both_sites(bundle) as running:
        yield running


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that was taken is tried again at once."""
    monkeypatch.setattr(offline, "AGAIN_EVERY", 0.02)


@contextlib.contextmanager
def occupied(place: Place) -> Iterator[None]:
    """Somebody else listens there."""
    family, address, port = place
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, port))
        taken.listen()
        yield


async def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a check is answered there; False where the connection is refused, and nothing else passes."""
    try:
        return status_of(await raw(port, a_request("/"), host=host)) == 200
    except ConnectionRefusedError:
        return False


async def test_while_it_is_down_connections_are_refused_at_each_address_and_afterwards_it_answers_there(
    sites: Both,
) -> None:
    hosts = [address for _, address, _ in sites.places]
    assert len(hosts) >= 1
    for _ in range(3):
        assert [await answers(sites.port, host) for host in hosts] == [True] * len(hosts)

        await sites.line.down()
        assert not sites.line.listens
        assert [await answers(sites.port, host) for host in hosts] == [False] * len(hosts)

        assert await sites.line.up()
        assert sites.line.listens
    assert [await answers(sites.port, host) for host in hosts] == [True] * len(hosts)


async def test_the_control_site_is_not_touched(sites: Both) -> None:
    async with Client(sites.control_port) as kept:
        await kept.ask(get("/"))
        await kept.hear(until_bytes=100)

        await sites.line.down()

        assert await answers(sites.control_port)
        await kept.ask(get("/"))
        assert (await kept.hear(until_bytes=100)).status == 200


async def test_every_connection_is_reset_whatever_it_is_doing(sites: Both) -> None:
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(Client(sites.port))
            for name in ("silent", "half asked", "kept", "downloading")
        }
        await clients["silent"].ask(b"")
        await clients["half asked"].ask(b"GET / HT")
        await clients["kept"].ask(get("/"))
        assert (await clients["kept"].hear(until_bytes=100)).status == 200
        await clients["downloading"].ask(get("/bundle"))
        begun = await clients["downloading"].hear(until_bytes=1000)
        assert begun.status == 200

        await sites.line.down()

        endings = {name: await client.hear() for name, client in clients.items()}
    assert {name: heard.ending for name, heard in endings.items()} == dict.fromkeys(clients, "reset")
    assert len(endings["downloading"].data) < TOO_MUCH_FOR_THE_BUFFERS
    assert endings["kept"].data == b""


async def test_a_fault_that_hangs_is_ended_by_it(tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    bundle.write_bytes(b"")
    async with misbehaving_site(bundle) as site, nothing_left():
        site.fault = check.Hang(seconds=600)
        async with Client(site.port) as client:
            await client.ask(get("/check"))
            await until(lambda: len(site.connections) == 1, "it is asked")

            await site.line.down()

            assert (await client.hear()).ending == "reset"
            assert len(site.connections) == 0
            await site.line.up()


async def test_who_connects_in_the_same_moment_is_refused_or_reset_and_never_left_waiting(
    sites: Both,
) -> None:
    async def ends() -> bool:
        try:
            async with Client(sites.port) as client:
                await client.ask(b"")
                return (await client.hear()).ending == "reset"
        except (ConnectionRefusedError, ConnectionResetError):
            return True

    for turn in range(30):
        coming = [asyncio.create_task(ends()) for _ in range(20)]
        # By turns of the loop: not asked yet, in the system's queue, accepted, known.
        for _ in range(turn % 6):
            await asyncio.sleep(0)
        await sites.line.down()
        assert await asyncio.gather(*coming) == [True] * len(coming)
        await sites.line.up()


@pytest.mark.usefixtures("soon")
async def test_a_port_that_was_taken_meanwhile_is_told_once_and_had_back_when_it_is_free(
    sites: Both,
) -> None:
    told: list[HotswapError] = []
    await sites.line.down()
    with occupied(sites.places[-1]):
        coming = asyncio.create_task(sites.line.up(told.append))
        await until(lambda: told, "it is told")
        await asyncio.sleep(5 * offline.AGAIN_EVERY)
        assert not coming.done()
        # All of the addresses or none.
        assert not await answers(sites.port)

    async with asyncio.timeout(PATIENCE):
        assert await coming
    assert await answers(sites.port)
    assert len(told) == 1
    assert told[0].code == "port-in-use"
    assert str(sites.port) in told[0].message


@pytest.mark.usefixtures("soon")
async def test_down_while_it_still_waits_for_its_port_is_what_holds(sites: Both) -> None:
    told: list[HotswapError] = []
    await sites.line.down()
    with occupied(sites.places[0]):
        coming = asyncio.create_task(sites.line.up(told.append))
        await until(lambda: told, "it is told")

        await sites.line.down()

        async with asyncio.timeout(PATIENCE):
            assert await coming is False
    assert not await answers(sites.port)
    assert await sites.line.up()


async def test_whatever_is_called_at_once_the_last_call_holds(sites: Both) -> None:
    line = sites.line
    await asyncio.gather(line.down(), line.up(), line.down(), line.up(), line.up())
    assert await answers(sites.port)

    await asyncio.gather(line.up(), line.down(), line.up(), line.down(), line.down())
    assert not await answers(sites.port)

    for turns in range(1, 12):
        coming = asyncio.create_task(line.up())
        for _ in range(turns):
            await asyncio.sleep(0)
        await line.down()
        await coming
        assert not await answers(sites.port)
        going = asyncio.create_task(line.down())
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await line.up()
        await going
        assert await answers(sites.port)
        await line.down()


async def test_a_site_may_end_in_the_middle_of_coming_up_or_going_down(tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    bundle.write_bytes(b"")
    async with nothing_left():
        for turns in range(8):
            async with both_sites(bundle) as sites:
                await sites.line.down()
                coming = asyncio.create_task(sites.line.up())
                for _ in range(turns):
                    await asyncio.sleep(0)
            await coming
            assert not sites.line.listens
            async with both_sites(bundle) as sites:
                going = asyncio.create_task(sites.line.down())
                for _ in range(turns):
                    await asyncio.sleep(0)
            await going
            assert not sites.line.listens


async def test_a_site_may_end_while_it_is_down_or_waits_for_its_port(tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    bundle.write_bytes(b"")
    async with nothing_left():
        async with both_sites(bundle) as sites:
            await sites.line.down()
        async with both_sites(bundle) as sites, AsyncExitStack() as stack:
            told: list[HotswapError] = []
            await sites.line.down()
            stack.enter_context(occupied(sites.places[0]))
            coming = asyncio.create_task(sites.line.up(told.append))
            await until(lambda: told, "it is told")
        async with asyncio.timeout(PATIENCE):
            assert await coming is False


async def test_a_server_that_is_down_leaves_no_socket_of_its_own_open(sites: Both) -> None:
    async with nothing_left():
        for _ in range(20):
            await sites.line.down()
            await sites.line.up()


async def test_a_server_that_is_told_to_be_offline_is_and_hears_that_it_is_to_be_back(serve: Serve) -> None:
    async with serve() as server:
        port, kept = server.port, server.session
        armed = (await server.control("/api/commands/arm-fault", {"fault": "offline"})).json["result"]["id"]

        async def refused() -> bool:
            return not await answers(port)

        await eventually(refused)
        assert (await server.control("/api/state")).status == 200
        with pytest.raises(aiohttp.ClientConnectionError):
            await kept.get(server.running.file.site)

        await server.control("/api/commands/disarm-fault", {"id": armed})
        await eventually(lambda: answers(port))
        assert (await server.check()).status == 204


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a command brings about behind its answer."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.01)


def test_E9_listening_again_is_at_all_places_or_at_none() -> None:
    opened = listen("127.0.0.1", 0)
    places = [place_of(one) for one in opened]
    for one in opened:
        one.close()

    with occupied(places[-1]), pytest.raises(HotswapError, match="was taken on"):
        listen_again(places)
    again = listen_again(places)

    assert [place_of(one) for one in again] == places
    for one in again:
        one.close()
