"""The control site, for a program with an event loop: the state, the events that lead on from it, and commands.

`find` says where the server is, and is asked again at each connect: a server that was started again has another port
and another token.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import Unreachable

_SECONDS = 30
"""Three heartbeats of the stream: a server that is silent for longer is gone."""

_BUILD_SECONDS = 600
_AT_ONCE = 1 << 18
_ANSWERED = ("application/json", "application/x-ndjson", "application/problem+json")
_START_AGAIN = "start it again, as it was started: hotswap-dev serve [DIST]"


class LiveControl:
    """A running server's control site. Unreachable where it is gone or another program has its port."""

    def __init__(self, find: Callable[[], tuple[str, str]]) -> None:
        self._find = find
        self._session: aiohttp.ClientSession | None = None

    async def state(self) -> wire.State:
        """What the server has now; where it is, is looked up anew."""
        body = await self._body("GET", "/api/state")
        try:
            return wire.decode_state(body)
        except ValueError as error:
            raise Unreachable(
                f"the server's state can't be read: {shown(str(error))}",
                "it is of another version of hotswap-dev: start both anew",
            ) from None

    async def events(self, after: int) -> AsyncGenerator[Sequence[wire.EventLine], None]:
        """Events above a revision as they come, in batches; an empty one is a heartbeat. Ends when the server does."""
        async with self._asked("GET", f"/api/events?after={after}") as answer:
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                try:
                    yield [wire.decode_event(line) for line in lines if line]
                except ValueError as error:
                    raise Unreachable(
                        f"an event can't be read: {shown(str(error))}",
                        "the server is of another version of hotswap-dev: start both anew",
                    ) from None

    async def get(self, path: str, **query: str | int | None) -> wire.Json:
        """What a GET answers, decoded; `query` without the values that are None."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._decoded(await self._body("GET", path + ("?" + urlencode(given) if given else "")))

    async def command(
        self, name: str, arguments: Mapping[str, wire.Json], *, dry_run: bool = False
    ) -> wire.Json:
        """Have a command of the registry done; answers when it is, which for a build may take minutes.

        ServerRefused where the server says no; a dry run answers what it would come to.
        """
        path = f"/api/commands/{name}" + ("?dry_run=1" if dry_run else "")
        kind = registered().get(name)
        # What this version does not know may build, too.
        seconds = _SECONDS if kind is not None and not kind.builds else _BUILD_SECONDS
        return self._decoded(await self._body("POST", path, wire.encode(dict(arguments)), seconds))

    async def post(self, path: str, arguments: Mapping[str, wire.Json]) -> wire.Json:
        """What a POST that is no command answers, decoded."""
        return self._decoded(await self._body("POST", path, wire.encode(dict(arguments))))

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()

    async def _body(
        self, method: str, path: str, body: bytes | None = None, seconds: float = _SECONDS
    ) -> bytes:
        async with self._asked(method, path, body, seconds) as answer:
            return await answer.read()

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, body: bytes | None = None, seconds: float = _SECONDS
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        address, token = self._find()
        if self._session is None:
            self._session = aiohttp.ClientSession(read_bufsize=_AT_ONCE)
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        waits = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=seconds)
        try:
            async with self._session.request(
                method, address + path, data=body, headers=headers, timeout=waits, allow_redirects=False
            ) as answer:
                if answer.content_type not in _ANSWERED or 300 <= answer.status < 400:
                    what = f"it says {answer.status} with {shown(answer.content_type)}"
                    raise Unreachable(f"something else answers at {address}: {what}", _START_AGAIN)
                if answer.status >= 400:
                    problem = self._decoded(await answer.read())
                    raise ServerRefused(problem if isinstance(problem, dict) else {}, answer.status)
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = shown(str(error)) or type(error).__name__
            raise Unreachable(f"the server at {address} does not answer: {said}", _START_AGAIN) from None

    def _decoded(self, body: bytes) -> wire.Json:
        try:
            return wire.decode(body)
        except (ValueError, RecursionError) as error:
            raise Unreachable(f"what the server says is no JSON: {shown(str(error))}", _START_AGAIN) from None
