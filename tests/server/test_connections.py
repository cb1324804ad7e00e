"""Connections: how many there are, and which one gives way to a newcomer (hardening D2)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from hotswap_dev.server import connections, run, whole_answer
from hotswap_dev.server.connections import Connection, Connections, Use, limits
from hotswap_dev.server.listener import Listener
from hotswap_dev.server.sockets import listen_privately
from tests.server.asking import (
    PATIENCE,
    a_request,
    connection,
    happened,
    raw,
    status_of,
    until,
    write_frontend,
)
from tests.server.conftest import Serve

FEW = 64


class Pretended(Connection):
    """A connection without anybody at its other end."""

    def __init__(self, peer: str, asking: Use = Use.ASKING) -> None:
        self.peer = peer
        self.use = Use.ARRIVING
        self.body = None
        self.asking = asking
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True

    def __repr__(self) -> str:
        return f"{self.peer} {self.use.name}"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Arriving:
    """A request's body; `here` once it is complete."""

    here = False

    def is_eof(self) -> bool:
        return self.here


def opened(table: Connections, *peers: str, use: Use = Use.UNASKED) -> list[Pretended]:
    found = []
    for peer in peers:
        one = Pretended(peer)
        table.opened(one)
        table.used(one, use)
        found.append(one)
    return found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["open", "ask", "answer", "close", "wait"]),
            st.integers(0, 30),
            st.sampled_from(["127.0.0.1", "::1", "192.168.1.5", "fe80::1%eth0"]),
        ),
        max_size=120,
    )
)
def test_D2_there_are_never_too_many_and_never_does_a_newcomer_go_nor_one_in_use_before_one_that_is_not(
    steps: list[tuple[str, int, str]],
) -> None:
    """First go the silent, then the idle, then who has just come, then who asks: as they are at that moment."""
    clock = Clock()
    table = Connections(most=6, most_per_address=3, clock=clock)
    there: list[Pretended] = []
    came: dict[Pretended, float] = {}

    def use_of(one: Pretended) -> Use:
        silent = one.use is Use.ARRIVING and clock() - came[one] >= 2
        return Use.UNASKED if silent else one.use

    for step, number, peer in steps:
        if step == "wait":
            clock.seconds += number / 10
        elif step == "open":
            newcomer = Pretended(peer)
            before = {one: use_of(one) for one in there}
            came[newcomer] = clock()
            table.opened(newcomer)
            there.append(newcomer)
            gone = [one for one in there if one.aborted]
            there = [one for one in there if not one.aborted]
            assert not newcomer.aborted
            assert len(gone) <= 1
            for one in gone:
                full = len(before) == 6
                mine = [other for other in before if other.peer == peer]
                rivals = list(before) if full and len(mine) < 3 else mine
                assert one in rivals
                assert before[one] == min(before[rival] for rival in rivals)
        elif there:
            one = there[number % len(there)]
            if step == "close":
                table.closed(one)
                there.remove(one)
            else:
                table.used(one, Use.ASKING if step == "ask" else Use.IDLE)
        assert len(table) == len(there) <= 6
        for address in ("192.168.1.5", "fe80::1%eth0"):
            assert sum(one.peer == address for one in there) <= 3
    for one in there:
        table.closed(one)
        table.closed(one)
    assert len(table) == 0
    assert table._by_peer == {}


def test_D2_the_oldest_half_open_one_goes_first_then_the_one_that_is_idle_longest() -> None:
    table = Connections(most=4, most_per_address=99)
    asking, first, second, idle = opened(table, *["127.0.0.1"] * 4)
    table.used(asking, Use.ASKING)
    table.used(idle, Use.IDLE)

    order: list[Pretended] = []
    for _ in range(3):
        opened(table, "127.0.0.1", use=Use.STEERING)
        order += [one for one in (asking, first, second, idle) if one.aborted and one not in order]

    assert order == [first, second, idle]
    assert table.closed_early == 3


def test_D2_a_newcomer_is_spared_for_two_seconds_while_others_are_idle() -> None:
    clock = Clock()
    table = Connections(most=4, most_per_address=99, clock=clock)
    idle = opened(table, *["127.0.0.1"] * 3, use=Use.IDLE)
    first, second, third = (Pretended("127.0.0.1") for _ in range(3))
    for newcomer in (first, second):
        table.opened(newcomer)
        clock.seconds += 1
    assert [one.aborted for one in idle] == [True, False, False]

    table.opened(third)

    # Two seconds after it came the first one is silent, and goes before those that are idle.
    assert (first.aborted, second.aborted) == (True, False)
    assert [one.aborted for one in idle] == [True, False, False]


def test_D2_where_nobody_is_idle_the_oldest_newcomer_goes_before_one_that_asks() -> None:
    table = Connections(most=3, most_per_address=99, clock=Clock())
    (asking,) = opened(table, "127.0.0.1", use=Use.ASKING)
    newcomers = [Pretended("127.0.0.1") for _ in range(4)]

    for one in newcomers:
        table.opened(one)

    assert [one.aborted for one in (asking, *newcomers)] == [False, True, True, False, False]


def test_D2_one_device_s_newcomer_is_spared_while_another_of_its_connections_is_idle() -> None:
    table = Connections(most=99, most_per_address=2, clock=Clock())
    newcomers = [Pretended("192.168.1.5") for _ in range(2)]
    table.opened(newcomers[0])
    (idle,) = opened(table, "192.168.1.5", use=Use.IDLE)

    table.opened(newcomers[1])

    assert (newcomers[0].aborted, idle.aborted) == (False, True)


def test_D2_what_steers_goes_last() -> None:
    table = Connections(most=2, most_per_address=99)
    (stream,) = opened(table, "127.0.0.1", use=Use.STEERING)
    (download,) = opened(table, "127.0.0.1", use=Use.ASKING)

    opened(table, "127.0.0.1")

    assert (stream.aborted, download.aborted) == (False, True)


def test_D2_a_request_without_its_whole_body_is_none_until_it_is_here() -> None:
    table = Connections(most=2, most_per_address=99)
    dripping, (whole, body) = Pretended("::1"), (Pretended("::1"), Arriving())
    for one, arriving in ((whole, body), (dripping, Arriving())):
        table.opened(one)
        one.body = arriving  # type: ignore[assignment]
    body.here = True

    opened(table, "::1")

    assert (whole.aborted, dripping.aborted) == (False, True)
    assert whole.use is Use.ASKING


def test_D2_one_device_of_the_network_can_not_take_every_place_and_this_machine_may() -> None:
    table = Connections(most=8, most_per_address=2)

    phone = opened(table, *["192.168.1.5"] * 5)
    own = opened(table, *["127.0.0.1", "::1", "127.0.0.2", "::1"])
    other = opened(table, "192.168.1.6")

    assert [one.aborted for one in phone] == [True, True, True, False, False]
    assert not any(one.aborted for one in own + other)


@pytest.mark.parametrize(
    ("files", "most", "downloads"),
    [(None, 4096, 512), (8192, 4096, 512), (1024, 768, 192), (4352, 4096, 192), (256, 64, 128), (64, 64, 1)],
)
def test_D2_the_numbers_follow_from_how_many_files_may_be_open(
    files: int | None, most: int, downloads: int
) -> None:
    told = limits(files)

    assert (told.connections, told.downloads) == (most, downloads)
    assert 1 <= told.per_address < told.connections


def test_D2_a_system_without_such_limits_has_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)

    assert connections.open_files() is None


async def test_D2_both_sites_share_the_room_and_nobody_who_is_asking_pays_for_the_silent(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "open_files", lambda: FEW + 256)
    async with serve() as server, AsyncExitStack() as stack:
        await server.publish(dist)
        stream, writer = await stack.enter_async_context(connection(server.control_port))
        writer.write(a_request("/api/events?after=0", f"Authorization: Bearer {server.token}"))
        assert status_of(await stream.readuntil(b"\r\n\r\n")) == 200

        for number in range(3 * FEW):
            port = server.control_port if number % 2 else server.port
            _, half = await stack.enter_async_context(connection(port))
            half.write(b"GET /healthz HTTP/1.1\r\nHost: local" if number % 3 else b"")
            if number % 20 == 0:
                assert status_of(await raw(server.port, a_request("/healthz"))) == 200

        assert (await server.check()).status == 200
        answered = await happened(server.engine, CheckAnswered)
        async with asyncio.timeout(PATIENCE):
            while answered.client.encode() not in await stream.readline():
                pass


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[Connections]:
    """The connections of each server that is started, by time of its start."""
    found: list[Connections] = []

    def noting(most: int, most_per_address: int) -> Connections:
        found.append(Connections(most, most_per_address))
        return found[-1]

    monkeypatch.setattr(run, "Connections", noting)
    return found


async def test_D2_newcomers_to_a_table_full_of_idle_ones_do_not_push_each_other_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "open_files", lambda: FEW + 256)

    async def ask_after(port: int, seconds: float) -> int:
        async with connection(port) as (reader, writer):
            await asyncio.sleep(seconds)
            writer.write(a_request("/healthz"))
            try:
                return status_of(await reader.read())
            except ConnectionError:
                return 0

    async with serve() as server, AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        for _ in range(FEW):
            reader, writer = await stack.enter_async_context(connection(server.port))
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status_of(await reader.readuntil(b"\r\n\r\n")) == 200

        answers = await asyncio.gather(*(ask_after(server.port, (1 + n % 10) / 100) for n in range(20)))

        assert answers == [200] * 20


async def test_D2_D8_who_asks_and_never_reads_does_not_keep_its_place(
    serve: Serve, tables: list[Connections], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_answer, "_UNREAD_SECONDS", 0.2)
    check = (
        b"GET /api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    async with serve() as server, connection(server.port) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(check * 50_000)
        await until(lambda: bool(tables[0]._by_use[Use.ASKING]), "it asks")
        [there] = tables[0]._by_use[Use.ASKING]
        transport = there.transport
        assert transport is not None

        await until(lambda: len(tables[0]) == 0, "it is forgotten")

        await until(lambda: transport.get_extra_info("socket").fileno() == -1, "its file is free")
        assert tables[0].closed_early == 0


def test_D8_answers_may_wait_half_a_minute_to_be_read() -> None:
    assert whole_answer._UNREAD_SECONDS == 30


async def test_D2_a_download_that_has_to_go_ends_at_once_and_is_told_with_what_it_got(
    serve: Serve, tmp_path: Path, tables: list[Connections], caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as server:
        release = await server.publish(write_frontend(tmp_path / "big", noise=24 * 2**20))
        url = (await server.check()).json["url"]
        async with connection(server.port) as (reader, writer):
            writer.write(a_request(urlsplit(url).path))
            await reader.readexactly(2**20)

            while tables[0].make_room("a test wants it"):
                pass
            ended = await happened(server.engine, DownloadEnded)

        assert 2**20 <= ended.bytes < release.bundle.size
        assert not ended.complete
        assert (await server.check()).status == 200
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


async def test_D2_a_connection_that_is_closed_but_never_read_to_its_end_gives_way_too(
    serve: Serve, tables: list[Connections]
) -> None:
    """It would keep its file for ever, and nobody would count it."""
    async with serve() as server, connection(server.port) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status_of(await reader.readuntil(b"\r\n\r\n")) == 200
        await until(lambda: bool(tables[0]._by_use[Use.IDLE]), "it is idle")
        [there] = tables[0]._by_use[Use.IDLE]
        transport = there.transport
        assert transport is not None
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        transport.write(b"x" * 16_000_000)
        there.force_close()  # as aiohttp does with one that is silent for too long
        assert (there.transport, len(tables[0])) == (None, 1)

        assert tables[0].make_room("a test wants it")

        await until(lambda: transport.get_extra_info("socket").fileno() == -1, "its file is free")


async def test_D2_the_room_that_connections_took_is_free_when_they_end(
    serve: Serve, tables: list[Connections]
) -> None:
    async with serve() as server:
        for probe in (
            b"",
            b"\x00\r\n\r\n",
            a_request("/healthz"),
            a_request("/"),
            a_request("/x", method="POST"),
        ):
            for port in (server.port, server.control_port):
                async with connection(port) as (_, writer):
                    writer.write(probe)
                    await writer.drain()
        async with asyncio.timeout(PATIENCE):
            await raw(server.port, a_request("/healthz"))
        await server.session.close()
        await until(lambda: len(tables[0]) == 0, "every connection is forgotten")
    assert tables[0].closed_early == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files")
async def test_D2_without_a_file_left_somebody_is_hung_up_on_and_asyncio_hears_nothing_of_it() -> None:
    with _no_files_left() as take_all, contextlib.closing(listen_privately()) as plain:
        table = Connections(most=9, most_per_address=9)
        (half,) = opened(table, "127.0.0.1")
        listener = Listener(plain, table.make_room)
        with contextlib.closing(listener), contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.socket()) for _ in range(2)]
            for client in clients:
                client.settimeout(PATIENCE)
                client.connect(listener.getsockname())
            take_all()

            with pytest.raises(BlockingIOError):
                listener.accept()
            assert half.aborted  # Its file is free in the loop's next turn: nobody else is hung up on.
            with pytest.raises(BlockingIOError):
                listener.accept()

            assert clients[0].recv(1) == b""
            clients[1].setblocking(False)
            with pytest.raises(BlockingIOError):
                clients[1].recv(1)


async def test_another_error_of_accept_is_asyncio_s_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(Listener(listen_privately(), Connections(9, 9).make_room)) as listener:

        def broken(_: object) -> Any:
            raise OSError(errno.EPERM, "a firewall says no")

        monkeypatch.setattr(socket.socket, "accept", broken)
        with pytest.raises(OSError, match="firewall"):
            listener.accept()


@contextlib.contextmanager
def _no_files_left() -> Any:
    """What is yielded opens every file that this process may still have; all are closed afterwards."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []

    def take_all() -> None:
        last = os.open(os.devnull, os.O_RDONLY)
        taken.append(last)
        resource.setrlimit(resource.RLIMIT_NOFILE, (last + 20, before[1]))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))

    try:
        yield take_all
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for one in taken:
            os.close(one)
