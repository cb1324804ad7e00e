"""A running server as its clients, its operator and an attacker see it: asking it, and hearing what it tells."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.model import Release
from hotswap_dev.engine.bus import Event
from hotswap_dev.engine.engine import Engine
from hotswap_dev.server.run import RunningServer

PATIENCE = 10.0
"""Seconds after which a test stops waiting for what should have come at once."""

CLIENT: Mapping[str, str] = {"binary_version": "0.1.0", "platform": "linux", "arch": "x86_64"}

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def reason(self) -> str | None:
        """Why a check was answered so."""
        return self.headers.get("X-Hotswap-Reason")


@dataclass(frozen=True)
class Asking:
    """A running server and somebody who asks it things."""

    running: RunningServer
    session: aiohttp.ClientSession

    @property
    def engine(self) -> Engine:
        """The server's engine."""
        return self.running.engine

    @property
    def port(self) -> int:
        """The client site's."""
        return urlsplit(self.running.file.site).port or 0

    @property
    def control_port(self) -> int:
        """The control site's."""
        return urlsplit(self.running.file.control).port or 0

    @property
    def token(self) -> str:
        """The control site's."""
        return self.running.file.token or ""

    async def get(
        self, path_or_url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> Answer:
        """Ask the client site, exactly for this path."""
        url = path_or_url if path_or_url.startswith("http") else self.running.file.site + path_or_url
        return await self._ask(method, url, headers or {})

    async def check(
        self,
        sequence: object = 0,
        headers: Any = None,
        **query: str | None,
    ) -> Answer:
        """Check as the plugin does; a parameter that is None is left out."""
        asked = {name: value for name, value in {**CLIENT, **query}.items() if value is not None}
        return await self.get(f"/api/ota/{sequence}?{urlencode(asked)}", headers)

    async def control(
        self,
        path: str,
        arguments: Any = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Ask the control site with its token; a header that is None is left out."""
        sent: dict[str, str | None] = {"Authorization": f"Bearer {self.token}"}
        data = None
        if arguments is not None:
            sent["Content-Type"] = "application/json"
            data = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
        sent.update(headers or {})
        return await self._ask(
            method or ("GET" if arguments is None else "POST"),
            self.running.file.control + path,
            {name: value for name, value in sent.items() if value is not None},
            data,
        )

    async def publish(self, folder: Path, **arguments: Any) -> Release:
        """Publish a folder by hand."""
        done = await self.engine.run(Publish(path=str(folder), **arguments))
        return self.engine.controls.releases[done.result["sequence"]]

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None = None
    ) -> Answer:
        async with (
            asyncio.timeout(PATIENCE),
            self.session.request(
                method, URL(url, encoded=True), headers=headers, data=data, allow_redirects=False
            ) as response,
        ):
            return Answer(response.status, response.headers, await response.read())


async def happened(
    engine: Engine, kind: type[E], where: Callable[[E], bool] = lambda _: True, *, after: int = 0
) -> E:
    """The first event of this kind above a revision, waited for."""
    try:
        async with asyncio.timeout(PATIENCE):
            async for batch in engine.bus.read(after):
                for _, event in batch:
                    if isinstance(event, kind) and where(event):
                        return event
    except TimeoutError:
        raise AssertionError(f"no such {kind.__name__} within {PATIENCE} s: {await so_far(engine)}") from None
    raise AssertionError("a bus has no end")


async def times(engine: Engine, kind: type[E], count: int) -> list[E]:
    """The first events of this kind, once there are so many: what answers may be told after they arrived."""
    found: list[E] = []

    def enough(event: E) -> bool:
        found.append(event)
        return len(found) == count

    await happened(engine, kind, enough)
    return found


async def so_far(engine: Engine, kind: type[E] | None = None) -> list[Any]:
    """Everything of a kind that happened until now."""
    async for batch in engine.bus.read(0, heartbeat=0):
        return [event for _, event in batch if kind is None or isinstance(event, kind)]
    return []


async def until(holds: Callable[[], object], what: str) -> None:
    """Wait for a condition that nothing announces."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {PATIENCE} s") from None


@asynccontextmanager
async def connection(
    port: int, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare TCP connection."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def raw(port: int, data: bytes, *, host: str = "127.0.0.1") -> bytes:
    """Everything that the server says to these bytes until it closes; they should ask it to."""
    async with connection(port, host) as (reader, writer):
        writer.write(data)
        try:
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        except ConnectionResetError:
            return b""
        except TimeoutError:
            raise AssertionError(f"no end to the answer to {data[:200]!r}") from None


async def one(port: int, data: bytes) -> bytes:
    """The first answer to these bytes; of a stream that has no length, its head."""
    async with connection(port) as (reader, writer), asyncio.timeout(PATIENCE):
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _length(head)
        return head + (await reader.readexactly(length) if length and not data.startswith(b"HEAD ") else b"")


def status_of(answer: bytes) -> int:
    """The status of a raw answer; 0 where there is none."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/") else 0


def statuses(answers: bytes) -> list[int]:
    """The statuses of the answers that came one after the other on one connection."""
    found = []
    while answers:
        head, _, answers = answers.partition(b"\r\n\r\n")
        found.append(status_of(head))
        answers = answers[_length(head) :]
    return found


def a_request(
    target: str | bytes, *headers: str | bytes, method: str = "GET", host: str | bytes | None = "localhost"
) -> bytes:
    """A request of which every byte is as given; it asks the server to close."""
    lines: list[bytes] = [method.encode() + b" " + _bytes(target) + b" HTTP/1.1"]
    if host is not None:
        lines.append(b"Host: " + _bytes(host))
    lines += [_bytes(header) for header in headers]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def write_frontend(folder: Path, text: str = "hello", *, noise: int = 0) -> Path:
    """A small build; `noise` is the size of a file in it that no archive makes smaller."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.js").write_text(f"document.title = {text!r}")
    if noise:
        (folder / "noise.bin").write_bytes(os.urandom(noise))
    (folder / "index.html").write_text(f"<!doctype html><title>{text}</title><script src=app.js></script>")
    return folder


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
