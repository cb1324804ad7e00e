"""Listening: every family of an address or none, and a sentence when somebody else is there.

A port that is taken on one family only is the trap: `localhost` then reaches another server than the one that was
meant (hardening E9). The endpoint is compiled into the app, so no other port is taken in silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hotswap_dev.errors import HotswapError, UsageError

Place = tuple[socket.AddressFamily, str, int]
"""Where a socket listens: family, address, port."""

_TRIES = 50
_HEALTH_SECONDS = 1.0
_HEALTH_BYTES = 64 * 1024


def listen(host: str, port: int, *, auto_port: bool = False) -> list[socket.socket]:
    """Sockets that listen on `host` at one port, all families or none; `port` 0 takes any free one.

    With `auto_port` the next free port is taken where this one is not. HotswapError names the owner where it is known.
    """
    last = min(port + _TRIES, 65536) if auto_port and port else port + 1
    for candidate in range(port, last):
        try:
            return _listen_everywhere(host, candidate)
        except _Taken as taken:
            if candidate + 1 < last:
                continue
            raise HotswapError(
                f"port {candidate} is in use on {taken.address}" + _owner(candidate),
                f"end it, or choose another with --port or --auto-port; the endpoint is compiled into the app, so a "
                f"new port needs a rebuild with the overlay, or {_MOVE}",
                code="port-in-use",
            ) from None
    raise AssertionError("the loop above returns or raises")


def listen_again(places: Iterable[Place]) -> list[socket.socket]:
    """Sockets that listen where others did before: at all of these places, or HotswapError and at none."""
    sockets: list[socket.socket] = []
    for family, address, port in places:
        with _closing_on_error(sockets):
            try:
                opened = _bind(family, address, port)
            except _Taken:
                raise HotswapError(
                    f"port {port} was taken on {_bracketed(address)} meanwhile" + _owner(port),
                    "end it: this server listens again as soon as the port is free",
                    code="port-in-use",
                ) from None
            if opened is None:
                raise HotswapError(
                    f"{_bracketed(address)}:{port} can't be listened on: the address is gone",
                    "this server listens again as soon as the address is back",
                    code="port-refused",
                )
            sockets.append(opened)
    return sockets


def place_of(listening: socket.socket) -> Place:
    """Where a socket listens."""
    name = listening.getsockname()
    # The zone of a link-local address stands beside it (RFC 4007 §11).
    zone = f"%{name[3]}" if listening.family == socket.AF_INET6 and name[3] else ""
    return socket.AddressFamily(listening.family), f"{name[0]}{zone}", int(name[1])


def listen_privately() -> socket.socket:
    """A socket for programs on this machine alone, at any free port of 127.0.0.1."""
    opened = _bind(socket.AF_INET, "127.0.0.1", 0)
    if opened is None:
        raise HotswapError(
            "this machine has no 127.0.0.1", "bring up the loopback interface", code="no-loopback"
        )
    return opened


def port_of(sockets: list[socket.socket]) -> int:
    """The one port that they listen on."""
    return int(sockets[0].getsockname()[1])


def addresses(host: str, port: int) -> tuple[str, ...]:
    """The URLs under which a server that listens on `host` is reached from here and from the network."""
    if host in ("127.0.0.1", "localhost"):
        return (f"http://127.0.0.1:{port}", f"http://localhost:{port}")
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - a comparison
        return (f"http://{_bracketed(host)}:{port}",)
    return (f"http://127.0.0.1:{port}", *(f"http://{own}:{port}" for own in _own_addresses()))


async def demand_own_answers(urls: Iterable[str], instance: str) -> None:
    """Ask each address that is told to people for `instance`, the id of this very server (hardening E9).

    HotswapError where another server answers: macOS and Windows let two have one port, each for some of the addresses.
    An address at which nobody answers within a second, as behind a firewall, is not judged.
    """

    async def asked(url: str) -> tuple[str, bytes | None]:
        return url, await _answer_to_health(url)

    for url, answer in await asyncio.gather(*map(asked, _by_family(urls))):
        if answer is not None and instance.encode() not in answer:
            port = urlsplit(url).port or 0
            raise HotswapError(
                f"another server answers at {url}" + _owner(port),
                f"end it, or choose another port than {port} with --port or --auto-port",
                code="port-in-use",
            )


class _Taken(Exception):
    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


_WHERE = "127.0.0.1 for this machine, 0.0.0.0 for the network"
_MOVE = "give the app the new endpoint with configure({endpoint})"


def _listen_everywhere(host: str, port: int) -> list[socket.socket]:
    """One try: with port 0, the first family's port may be taken on the second, and then another is tried."""
    for _ in range(_TRIES):
        sockets: list[socket.socket] = []
        try:
            for family, address in _families(host):
                with _closing_on_error(sockets):
                    opened = _bind(family, address, port_of(sockets) if sockets else port)
                    if opened is not None:
                        sockets.append(opened)
        except _Taken:
            if port == 0:
                continue
            raise
        if sockets:
            return sockets
        raise HotswapError(
            f"{_bracketed(host)} can't be listened on: this machine has no IPv6",
            _WHERE,
            code="port-refused",
        )
    raise HotswapError(f"no free port was found on {host}", "give one with --port", code="port-in-use")


@contextlib.contextmanager
def _closing_on_error(sockets: list[socket.socket]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for opened in sockets:
            opened.close()
        raise


def _families(host: str) -> list[tuple[socket.AddressFamily, str]]:
    if host in ("127.0.0.1", "localhost"):
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - asked for by the user
        return [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]  # noqa: S104
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise UsageError(
            f"--host {host!r} is no address of this machine: {error.strerror}",
            _WHERE,
        ) from None
    return [(found[0][0], str(found[0][4][0]))]


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket | None:
    """A listening socket; None where the machine has no IPv6. _Taken where somebody listens there."""
    opened = None
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            # On POSIX it lets a restart reuse the port at once; on Windows it would let two servers share it.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
        opened.listen(1024)
        opened.setblocking(False)
    except OSError as error:
        if opened is not None:
            opened.close()
        if error.errno == errno.EADDRINUSE:
            raise _Taken(address) from None
        if family == socket.AF_INET6 and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return None
        elsewhere = error.errno == errno.EADDRNOTAVAIL
        raise HotswapError(
            f"{_bracketed(address)}:{port} can't be listened on: {error.strerror}",
            f"--host must be an address of this machine: {_WHERE}"
            if elsewhere
            else "ports below 1024 need rights; choose another with --port",
            code="port-refused",
        ) from None
    return opened


def _owner(port: int) -> str:
    """` by NAME (pid N)`, where Linux lets us know; empty elsewhere."""
    try:
        inodes = set(_listening_inodes(port))
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and _holds(process, inodes):
                name = (process / "comm").read_text().strip()
                return f" by {name} (pid {process.name})"
    except OSError:
        pass
    return ""


def _by_family(urls: Iterable[str]) -> Iterator[str]:
    """`localhost` is two addresses, and which one a client takes is its own affair."""
    for url in urls:
        if urlsplit(url).hostname == "localhost":
            yield url.replace("localhost", "127.0.0.1")
            yield url.replace("localhost", "[::1]")
        else:
            yield url


async def _answer_to_health(url: str) -> bytes | None:
    """What is said to `GET /healthz`; None where nobody answers in time."""
    parts = urlsplit(url)
    request = f"GET /healthz HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
    try:
        async with asyncio.timeout(_HEALTH_SECONDS):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(request)
                return await reader.read(_HEALTH_BYTES)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                yield f"socket:[{fields[9]}]"


def _holds(process: Path, inodes: set[str]) -> bool:
    with contextlib.suppress(OSError):
        return any(str(link.readlink()) in inodes for link in (process / "fd").iterdir())
    return False


def _own_addresses() -> list[str]:
    """Addresses of this machine that a phone in the same network may reach; a look-up, nothing is sent."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        found += [
            str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        ]
    # The address that this machine would send from: connecting a datagram socket sends nothing.
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        found.append(str(probe.getsockname()[0]))
    return [address for address in dict.fromkeys(found) if not address.startswith("127.")]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
