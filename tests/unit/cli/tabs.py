"""Small apps for the dashboard's place in a tab, and somebody who opens the page without a browser."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from hotswap_dev.cli.web.command import showing
from hotswap_dev.cli.web.site import Shown

PATIENCE = 15.0

APP = """
import io, os, sys
from textual.app import App
from textual.widgets import Static

class Small(App):
    BINDINGS = [("n", "count"), ("q", "quit"), ("u", "url"), ("d", "file")]
    pressed = 0
    def compose(self):
        yield Static(id="words", markup=False)
    def on_mount(self):
        self.say()
    def on_resize(self):
        self.call_after_refresh(self.say)
    def say(self):
        self.query_one("#words").update(
            f"pid={os.getpid()}; pressed={self.pressed}; size={self.size.width}x{self.size.height}; {sys.argv[1:]}"
        )
    def action_count(self):
        self.pressed += 1
        self.say()
    def action_url(self):
        self.open_url("https://evil.example/")
    def action_file(self):
        self.deliver_text(io.StringIO("secret"), save_filename="secret.txt")

Small().run()
"""

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b"__GANGLION__\\n")
while True:
    text = f"pid={os.getpid()}; ".encode() * 10000
    os.write(1, b"D" + len(text).to_bytes(4, "big") + text)
    time.sleep(0.01)
"""

POLITE = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
text = f"pid={os.getpid()}; {sys.argv[2:]}".encode()
os.write(1, b"__GANGLION__\\nD" + len(text).to_bytes(4, "big") + text)
while os.read(0, 1000):
    pass
pathlib.Path(sys.argv[1]).touch()
"""

BROKEN = "import sys; sys.exit('error: no server runs in \\x1b]0;evil\\x07here \\u202e\\x1b')"


def command(source: str, *arguments: str) -> list[str]:
    """What runs this program."""
    return [sys.executable, "-c", source, *arguments]


@dataclass
class Visitor:
    """Somebody with the address: what they ask, with the headers of a browser that is on the page itself."""

    session: aiohttp.ClientSession
    address: str
    cookie: str = ""

    @property
    def site(self) -> str:
        """Scheme, host and port."""
        return "http://" + urlsplit(self.address).netloc

    @property
    def path(self) -> str:
        """The page's."""
        return urlsplit(self.address).path

    @property
    def port(self) -> int:
        """The site's."""
        return urlsplit(self.address).port or 0

    async def ask(
        self, path: str, headers: Mapping[str, str | None] | None = None, method: str = "GET"
    ) -> tuple[int, Mapping[str, str], str]:
        """(status, headers, body); a header that is None is left out."""
        sent = {"Cookie": self.cookie or None, **(headers or {})}
        async with self.session.request(
            method,
            self.site + path,
            headers={name: value for name, value in sent.items() if value is not None},
            allow_redirects=False,
        ) as answer:
            return answer.status, answer.headers, (await answer.read()).decode("latin-1")

    async def enter(self) -> None:
        """Use the address, and keep the cookie."""
        query = urlsplit(self.address).query
        status, headers, body = await self.ask(f"{self.path}?{query}")
        assert status == 303, body
        self.cookie = headers["Set-Cookie"].split(";")[0]

    def handshake(self, headers: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The headers of the page's WebSocket, with these changes."""
        own: dict[str, str | None] = {
            "Cookie": self.cookie or None,
            "Origin": self.site,
            "Sec-Fetch-Site": "same-origin",
            **(headers or {}),
        }
        return {name: value for name, value in own.items() if value is not None}

    @asynccontextmanager
    async def tab(self, query: str = "?width=90&height=30") -> AsyncIterator[Tab]:
        """An open tab."""
        async with self.session.ws_connect(
            f"{self.site}{self.path}terminal{query}", headers=self.handshake()
        ) as socket:
            yield Tab(socket)


@dataclass
class Tab:
    """The page's side of an open WebSocket."""

    socket: aiohttp.ClientWebSocketResponse
    drawn: str = ""
    told: list[Any] = field(default_factory=list)

    async def shows(self, pattern: str) -> str:
        """What was drawn last that matches; AssertionError if nothing comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := re.findall(pattern, self.drawn)):
                    message = await self.socket.receive()
                    assert not self._ended(message), f"it ended, and showed {self.drawn!r}"
                return str(found[-1])
        except TimeoutError:
            raise AssertionError(f"{pattern} was not drawn, only {' '.join(self.drawn.split())!r}") from None

    async def to_the_end(self) -> None:
        """Read until the site closes the tab."""
        async with asyncio.timeout(PATIENCE):
            while not self._ended(await self.socket.receive()):
                pass

    async def say(self, *message: Any) -> None:
        """A message of the page's."""
        await self.socket.send_json(list(message))

    async def pid(self) -> int:
        """The process that draws."""
        return int(await self.shows(r"pid=(\d+);"))

    def _ended(self, message: aiohttp.WSMessage) -> bool:
        if message.type is aiohttp.WSMsgType.BINARY:
            self.drawn += message.data.decode("utf-8", "replace")
        elif message.type is aiohttp.WSMsgType.TEXT:
            self.told.append(message.json())
        return message.type in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSING,
            aiohttp.WSMsgType.ERROR,
        )


@asynccontextmanager
async def visiting(app: Sequence[str], title: str = "my-app") -> AsyncIterator[Visitor]:
    """The site of this app, and somebody with its address."""
    async with (
        showing(Shown(app, os.environ, title)) as address,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Visitor(session, address)


async def is_gone(pid: int) -> None:
    """Wait until there is no such process."""
    try:
        async with asyncio.timeout(PATIENCE):
            while lives(pid):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"process {pid} still runs") from None


def lives(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
