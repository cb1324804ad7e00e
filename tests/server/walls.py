"""A wall of phones as its viewers and an attacker see it."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.server.asking import PATIENCE, Answer, Asking, one, status_of
from tests.unit.making import an_answered_check

NAVIGATES: Mapping[str, str] = {
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
"""What a browser says of an address that somebody typed."""

LINKED: Mapping[str, str] = {**NAVIGATES, "Sec-Fetch-Site": "cross-site"}
"""The same of a link on another page."""


@dataclass(frozen=True)
class Wall:
    """The open wall of a server."""

    server: Asking
    url: str

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    async def get(
        self, path: str = "", headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> Answer:
        """Ask for what is beside the wall's page."""
        return await self.server.get(self.url + path, headers, method=method)

    async def preview(
        self, page: str, path: str = "", headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> Answer:
        """Ask for a file of a release, as a browser does that knows where names under localhost lead."""
        host = urlsplit(page).netloc
        return await self.server.get(
            f"http://127.0.0.1:{self.port}/{path}", {"Host": host, **(headers or {})}, method=method
        )

    async def bare(self, *headers: str, target: str | None = None, method: str = "GET") -> int:
        """The status of a request of which every header is as given."""
        lines = [f"{method} {target or self.path} HTTP/1.1", *headers, "Connection: close", "", ""]
        return status_of(await one(self.port, "\r\n".join(lines).encode()))

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Pictures]:
        """The wall's events."""
        async with self.server.session.get(self.url + "events") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            yield Pictures(answer)

    async def picture(self) -> dict[str, Any]:
        """The wall as it is now."""
        async with self.watched() as pictures:
            return await pictures.next()


class Pictures:
    """The pictures that one viewer gets."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.seen = 0

    async def next(self) -> dict[str, Any]:
        """The next picture."""
        async with asyncio.timeout(PATIENCE):
            while line := await self._answer.content.readline():
                if line.startswith(b"data: "):
                    self.seen += 1
                    picture: dict[str, Any] = json.loads(line[6:])
                    return picture
        raise AssertionError("the stream ended")

    async def until(self, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first picture that is so."""
        async with asyncio.timeout(PATIENCE):
            while not holds(picture := await self.next()):
                pass
            return picture


async def opened(server: Asking) -> Wall:
    """The server's wall, opened by the control site."""
    answer = await server.control("/api/wall", {})
    assert answer.status == 200, answer.body
    return Wall(server, answer.json["url"])


def runs(server: Asking, client: str, sequence: int | None, **changes: Any) -> None:
    """A client checks and reports this sequence."""
    server.engine.observe(an_answered_check(client, sequence=sequence, **changes))


async def page_of(wall: Wall, sequence: int) -> str:
    """Where the wall's frames have the page of a release."""
    runs(wall.server, f"runs-{sequence}", sequence)
    picture = await wall.picture()
    found = next(phone["page"] for phone in picture["phones"] if phone["id"] == f"runs-{sequence}")
    assert isinstance(found, str)
    return found


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """A zip with these files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
