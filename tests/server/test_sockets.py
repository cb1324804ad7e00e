"""Listening: all families or none, and a sentence when somebody else is there (hardening E9)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.errors import HotswapError, UsageError
from hotswap_dev.server import run, sockets
from hotswap_dev.server.sockets import addresses, listen, listen_privately, port_of
from tests.server.asking import Asking, a_request, raw, status_of
from tests.server.conftest import Serve

FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@contextlib.contextmanager
def occupied(family: socket.AddressFamily, address: str, port: int = 0) -> Iterator[int]:
    """A port that somebody listens on."""
    try:
        taken = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        pytest.skip(f"no {address} here: {error}")
    with contextlib.closing(taken):
        try:
            taken.bind((address, port))
        except OSError as error:
            pytest.skip(f"no {address} here: {error}")
        taken.listen()
        yield taken.getsockname()[1]


@contextlib.contextmanager
def listening(host: str, port: int, **options: bool) -> Iterator[list[socket.socket]]:
    opened = listen(host, port, **options)
    try:
        yield opened
    finally:
        for one in opened:
            one.close()


def test_E9_both_families_listen_on_one_port() -> None:
    with listening("127.0.0.1", 0) as opened:
        assert [one.getsockname()[0] for one in opened] == ["127.0.0.1", "::1"][: len(opened)]
        assert {one.getsockname()[1] for one in opened} == {port_of(opened)}
        assert not any(one.getblocking() for one in opened)


@pytest.mark.parametrize(("family", "address"), FAMILIES)
def test_E9_a_port_that_is_taken_on_one_family_is_refused_with_its_owner(
    family: socket.AddressFamily, address: str
) -> None:
    with occupied(family, address) as port:
        with pytest.raises(HotswapError) as refused:
            listen("127.0.0.1", port)

        assert refused.value.code == "port-in-use"
        assert refused.value.exit_code == 1
        assert f"port {port} is in use on {address}" in refused.value.message
        if sys.platform == "linux":
            own = Path("/proc/self/comm").read_text().strip()
            assert refused.value.message.endswith(f" by {own} (pid {os.getpid()})")
        assert "--auto-port" in refused.value.hint
        # Nothing was left behind on the other family.
        for other, elsewhere in FAMILIES:
            if other != family:
                with occupied(other, elsewhere, port) as free:
                    assert free == port


def test_E9_a_port_that_is_taken_in_the_network_is_refused_too() -> None:
    with (
        occupied(socket.AF_INET, "127.0.0.1") as port,
        pytest.raises(HotswapError, match="in use on 0.0.0.0"),
    ):
        listen("0.0.0.0", port)
    with (
        occupied(socket.AF_INET, "0.0.0.0") as port,
        pytest.raises(HotswapError, match="in use on 127.0.0.1"),
    ):
        listen("127.0.0.1", port)


@pytest.mark.parametrize(("family", "address"), FAMILIES)
def test_E9_auto_port_takes_the_next_one_that_is_free_on_both(
    family: socket.AddressFamily, address: str
) -> None:
    with occupied(family, address) as port, listening("127.0.0.1", port, auto_port=True) as opened:
        assert port < port_of(opened) <= port + 50


def test_E9_auto_port_takes_the_one_that_was_asked_for_where_it_is_free() -> None:
    with occupied(socket.AF_INET, "127.0.0.1") as port:
        pass
    with listening("127.0.0.1", port, auto_port=True) as opened:
        assert port_of(opened) == port


def test_a_restart_has_its_port_at_once() -> None:
    with listening("127.0.0.1", 0) as opened:
        port = port_of(opened)
        client = socket.create_connection(("127.0.0.1", port))
        server, _ = _accept(opened[0])
        server.close()
        client.close()
    with listening("127.0.0.1", port) as again:
        assert port_of(again) == port


def test_a_port_0_whose_other_family_is_taken_tries_another(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = sockets._bind
    refused: list[int] = []

    def unlucky(family: socket.AddressFamily, address: str, port: int) -> Any:
        if family == socket.AF_INET6 and len(refused) < 2:
            refused.append(port)
            raise sockets._Taken(address)
        return bind(family, address, port)

    monkeypatch.setattr(sockets, "_bind", unlucky)

    with listening("127.0.0.1", 0) as opened:
        assert len(refused) == 2
        assert port_of(opened) != 0


@pytest.mark.parametrize("how", ["no family", "no address"])
async def test_a_machine_without_ipv6_is_served_all_the_same(
    serve: Serve, dist: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    real = socket.socket

    def without(family: int = -1, *args: Any, **kwargs: Any) -> socket.socket:
        if family == socket.AF_INET6:
            if how == "no family":
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            return _Unaddressed()  # type: ignore[return-value]
        return real(family, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", without)
        with listening("127.0.0.1", 0) as opened:
            assert [one.getsockname()[0] for one in opened] == ["127.0.0.1"]
        with pytest.raises(HotswapError) as refused:
            listen("::1", 0)
        assert "IPv6" in refused.value.message
    monkeypatch.setattr(sockets, "_families", lambda _: [(socket.AF_INET, "127.0.0.1")])
    async with serve() as server:
        await server.publish(dist)
        assert (await server.check()).status == 200


class _Unaddressed:
    """An IPv6 socket where ::1 is switched off, as in many containers."""

    def setsockopt(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def bind(self, _: object) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")


def test_a_host_that_is_not_this_machine_s_is_said() -> None:
    with pytest.raises(HotswapError) as elsewhere:
        listen("192.0.2.7", 0)
    with pytest.raises(UsageError) as unknown:
        listen("no-such-host.invalid", 0)

    assert "192.0.2.7" in elsewhere.value.message
    assert "0.0.0.0" in elsewhere.value.hint
    assert "'no-such-host.invalid'" in unknown.value.message


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets everyone have every port")
def test_a_port_that_needs_rights_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Privileged(socket.socket):
        def bind(self, _: Any) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Privileged)

    with pytest.raises(HotswapError) as refused:
        listen("127.0.0.1", 80)

    assert refused.value.code == "port-refused"
    assert "127.0.0.1:80" in refused.value.message
    assert "--port" in refused.value.hint


def test_the_control_site_is_on_loopback_wherever_the_client_site_is() -> None:
    with contextlib.closing(listen_privately()) as opened:
        assert opened.getsockname()[0] == "127.0.0.1"


def test_where_a_server_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_own_addresses", lambda: ["192.168.1.5", "10.0.0.9"])
    local = ("http://127.0.0.1:3333", "http://localhost:3333")

    assert addresses("127.0.0.1", 3333) == local
    assert addresses("localhost", 3333) == local
    assert addresses("::1", 3333)[0] == "http://[::1]:3333"
    assert "http://127.0.0.1:3333" not in addresses("::1", 3333)
    assert addresses("192.168.1.5", 3333) == ("http://192.168.1.5:3333",)
    assert addresses("2001:db8::7", 3333) == ("http://[2001:db8::7]:3333",)
    for everywhere in ("0.0.0.0", "::"):
        assert addresses(everywhere, 3333) == (
            "http://127.0.0.1:3333",
            "http://192.168.1.5:3333",
            "http://10.0.0.9:3333",
        )


def test_own_addresses_are_no_loopback_and_each_once() -> None:
    own = sockets._own_addresses()

    assert len(set(own)) == len(own)
    assert not any(address.startswith("127.") for address in own)


async def test_E9_every_address_that_is_told_reaches_this_very_server(serve: Serve) -> None:
    for host in ("127.0.0.1", "::1"):
        try:
            async with serve(host=host) as server:
                assert server.running.file.addresses
                for address in server.running.file.addresses:
                    answer = await server.get(f"{address}/healthz")
                    assert answer.json["instance"] == server.running.file.instance
        except HotswapError as error:
            assert host == "::1"
            assert "IPv6" in error.message


async def test_E9_localhost_is_this_server_by_either_family(server: Asking) -> None:
    for family, address in FAMILIES:
        if family == socket.AF_INET6 and not socket.has_ipv6:
            continue
        answer = await raw(server.port, a_request("/healthz"), host=address)
        assert status_of(answer) == 200
        assert server.running.file.instance.encode() in answer


@pytest.mark.parametrize("instance", [b"another", b""])
async def test_E9_another_server_at_an_address_that_is_told_is_an_error_and_nothing_is_left(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: bytes
) -> None:
    """On macOS and Windows two servers can have one port; here the other one has a port of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if instance:
            writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"instance":"' + instance + b'"}')
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        with monkeypatch.context() as patch, pytest.raises(HotswapError) as refused:
            patch.setattr(run, "addresses", lambda *_: (url,))
            async with serve():
                pass

    assert refused.value.code == "port-in-use"
    assert f"another server answers at {url}" in refused.value.message
    assert "--auto-port" in refused.value.hint
    assert not (tmp_path / "w" / "server.json").exists()
    async with serve() as again:
        assert (await again.get("/healthz")).status == 200


async def test_E9_an_address_at_which_nobody_answers_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall may keep this machine from its own address in the network."""
    monkeypatch.setattr(sockets, "_HEALTH_SECONDS", 0.05)
    with occupied(socket.AF_INET, "127.0.0.1") as silent, occupied(socket.AF_INET, "127.0.0.1") as free:
        pass
    with occupied(socket.AF_INET, "127.0.0.1", silent):
        await sockets.demand_own_answers(
            [f"http://127.0.0.1:{silent}", f"http://localhost:{free}", f"http://[::1]:{free}"], "mine"
        )


async def test_a_name_that_was_given_as_host_may_be_asked_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says `--host devbox` gets an endpoint with that name in it."""
    resolve = socket.getaddrinfo

    def known(host: Any, *args: Any, **kwargs: Any) -> Any:
        return resolve("127.0.0.1" if host == "devbox" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    async with serve(host="devbox") as server:
        assert server.running.file.site == f"http://devbox:{server.port}"

        answer = await raw(server.port, a_request("/healthz", host=f"devbox:{server.port}"))

        assert status_of(answer) == 200


async def test_E9_a_busy_port_leaves_no_state(serve: Serve, tmp_path: Path) -> None:
    with occupied(socket.AF_INET, "127.0.0.1") as port, pytest.raises(HotswapError, match="in use"):
        async with serve(port=port):
            pass
    assert not (tmp_path / "w" / "state.db").exists()


def _accept(listening_socket: socket.socket) -> Any:
    listening_socket.setblocking(True)
    listening_socket.settimeout(5)
    return listening_socket.accept()
