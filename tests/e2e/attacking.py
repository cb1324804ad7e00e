"""A server process as an attacker has it: bare sockets, many at once; and what it costs everyone else."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.e2e.server_process import ServerProcess

PATIENCE = 10.0

Address = tuple[str, int]


def site_of(server: ServerProcess) -> Address:
    """Where its client site is reached from this machine."""
    return _address(server.ready["site"])


def control_of(server: ServerProcess) -> Address:
    """Where its control site is."""
    return _address(server.ready["control"])


def said_to(address: Address, data: bytes, patience: float = PATIENCE) -> bytes:
    """Everything that is said to these bytes until the server closes, or until it has been silent for so long."""
    said = b""
    with (
        contextlib.suppress(ConnectionError, TimeoutError),
        socket.create_connection(address, PATIENCE) as sent,
    ):
        sent.settimeout(patience)
        with contextlib.suppress(ConnectionError):
            sent.sendall(data)
        while piece := sent.recv(65536):
            said += piece
    return said


@contextlib.contextmanager
def half_open(addresses: Iterable[tuple[Address, bytes]]) -> Iterator[list[socket.socket]]:
    """Connections that say this much and then nothing."""
    with contextlib.ExitStack() as stack:
        opened = []
        for address, data in addresses:
            one = stack.enter_context(socket.create_connection(address, PATIENCE))
            # The server may have hung up on it meanwhile.
            with contextlib.suppress(ConnectionError):
                one.sendall(data)
            opened.append(one)
        yield opened


def still_open(connections: Iterable[socket.socket]) -> int:
    """How many of these the server has not closed."""

    def is_open(one: socket.socket) -> bool:
        one.setblocking(False)
        try:
            # It may have been told something before.
            while one.recv(65536):
                pass
        except BlockingIOError:
            return True
        except ConnectionError:
            pass
        return False

    return sum(map(is_open, connections))


def check_seconds(server: ServerProcess, times: int = 21) -> list[float]:
    """How long each of some checks takes, on a new connection each, and every one answered."""

    def one() -> float:
        began = time.perf_counter()
        status, _ = server.check()
        assert status == 200
        return time.perf_counter() - began

    return [one() for _ in range(times)]


def demand_quick(seconds: list[float]) -> None:
    """At most 100 ms, nine of ten: where a machine is shared, now and then everything stands still for a moment."""
    assert sorted(seconds)[len(seconds) * 9 // 10 - 1] <= 0.1, seconds


def state_of(server: ServerProcess) -> dict[str, Any]:
    """What the control site says, with the token."""
    state: dict[str, Any] = _controlled(server, "/api/state")
    return state


def commands_of(server: ServerProcess) -> list[dict[str, Any]]:
    """Every command that it knows."""
    commands: list[dict[str, Any]] = _controlled(server, "/api/commands")
    return commands


def server_file(server: ServerProcess) -> dict[str, Any]:
    """`server.json`."""
    found: dict[str, Any] = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
    return found


def log_of(server: ServerProcess) -> str:
    """`server.log`; empty where nothing was logged."""
    path = Path(server.ready["workspace"]) / "server.log"
    return path.read_text() if path.exists() else ""


def raise_own_file_limit(wanted: int) -> None:
    """Let this process have so many files; the test is skipped where it may not."""
    if sys.platform == "win32":
        pytest.skip("no such limit here")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this process may only have {hard} files open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def python_with_files(folder: Path, limit: int) -> str:
    """This interpreter, but with so many files and no more; a path to start instead of it."""
    script = folder / f"python-{limit}"
    script.write_text(f'#!/bin/sh\nulimit -n {limit}\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return str(script)


def _controlled(server: ServerProcess, path: str) -> Any:
    file = server_file(server)
    request = Request(file["control"] + path, headers={"Authorization": f"Bearer {file['token']}"})
    with urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def _address(url: str) -> Address:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0
