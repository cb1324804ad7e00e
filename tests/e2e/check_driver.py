"""Many clients' checks over kept connections, counted to the last one; a process of its own.

    python -m tests.e2e.check_driver SITE CHECKS [FIRST] [BINARIES]

Sends exactly CHECKS checks, numbered from FIRST, over 32 sockets, and prints one JSON object: how many were answered
how, and how long they took. A load generator that stops by the clock leaves questions behind that nobody knows to be
asked or not; here each is asked once, and its answer is read and judged: an offer is newer than what the client runs.
One question in four comes from one of 2,000 devices that ask again and again, the others each from a new one. What
they run, and their app's version, differs from check to check; one in a hundred has an app older than any release's
minimum.
"""

from __future__ import annotations

import json
import random
import re
import socket
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

CONNECTIONS = 32
DEVICES = 2_000
HIGHEST = 2_500
"""Clients run anything from 0 up to here; what the server does not have yet is "ahead" of it."""

_ANSWER = re.compile(
    rb"HTTP/1\.1 (\d{3}) .*?\r\nX-Hotswap-Reason: ([a-z0-9-]+)\r\n", re.DOTALL | re.IGNORECASE
)
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)
_SEQUENCE = re.compile(rb'"sequence":(\d+)')
_PATIENCE = 30.0


def device(number: int) -> str:
    """Who asks the check of this number."""
    return f"device-{number // 4 % DEVICES}" if number % 4 == 0 else f"new-{number}"


def main() -> None:
    site = urlsplit(sys.argv[1])
    checks, first = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    chance = random.Random(first)
    answers: Counter[str] = Counter()
    waits: list[float] = []
    began = time.perf_counter()
    address = (site.hostname or "", site.port or 80)
    sockets = [socket.create_connection(address, timeout=_PATIENCE) for _ in range(min(CONNECTIONS, checks))]
    try:
        for connection in sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(first, first + checks, len(sockets)):
            asked = []
            for connection, number in zip(sockets, range(start, first + checks), strict=False):
                sequence = chance.randrange(HIGHEST + 1)
                connection.sendall(_question(site.netloc, number, sequence))
                asked.append((connection, sequence, time.perf_counter()))
            for connection, sequence, sent in asked:
                answers[_judged(_whole_answer(connection), sequence)] += 1
                waits.append(time.perf_counter() - sent)
    finally:
        for connection in sockets:
            connection.close()
    waits.sort()
    print(
        json.dumps(
            {
                "asked": len(waits),
                "answers": answers,
                "seconds": time.perf_counter() - began,
                "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
                "slowest_ms": waits[-1] * 1000,
            }
        )
    )


def _question(host: str, number: int, sequence: int) -> bytes:
    version = "0.0.9" if number % 100 == 0 else f"1.{number % 89}.{number % 97}"
    return (
        f"GET /api/ota/{sequence}?binary_version={version}&platform=linux&arch=x86_64 HTTP/1.1\r\n"
        f"Host: {host}\r\nX-Device-Id: {device(number)}\r\n\r\n"
    ).encode()


def _whole_answer(connection: socket.socket) -> bytes:
    data = b""
    while True:
        more = connection.recv(65536)
        if not more:
            raise SystemExit(f"the server hung up after {data!r}")
        data += more
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            length = _LENGTH.search(data, 0, end + 2)
            if len(data) >= end + 4 + (int(length[1]) if length else 0):
                return data


def _judged(answer: bytes, sequence: int) -> str:
    """What the answer was, `200 newer-release` for one; it ends the process where no client should get it."""
    found = _ANSWER.match(answer)
    if found is None:
        raise SystemExit(f"not the answer to a check: {answer!r}")
    if found[1] == b"200":
        offered = _SEQUENCE.search(answer)
        if offered is None or int(offered[1]) <= sequence:
            raise SystemExit(f"a client that runs {sequence} was offered {answer!r}")
    return f"{found[1].decode()} {found[2].decode()}"


if __name__ == "__main__":
    main()
