"""Keeping the mirror true: connect, read the state, follow the events, and again when that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.view import Link, LinkState
from hotswap_dev.errors import HotswapError, Unreachable

PAGE = 500
"""Rows of the history that are read at once."""

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 2.0


class Control(Protocol):
    """What a dashboard needs of a control site: `client.live.LiveControl`, or what a test says in its place."""

    async def state(self) -> wire.State:
        """What the server has now."""

    def events(self, after: int) -> AsyncIterator[Sequence[wire.EventLine]]:
        """What happens above a revision, in batches; an empty one is a heartbeat."""

    async def get(self, path: str, **query: str | int | None) -> wire.Json:
        """What a GET answers."""

    async def command(
        self, name: str, arguments: Mapping[str, wire.Json], *, dry_run: bool = False
    ) -> wire.Json:
        """Have a command done, or for a dry run say what it would come to."""

    async def close(self) -> None:
        """Let the connections go."""


class Feed:
    """Follows a server for as long as it runs. `changed` is called whenever there is something new to draw."""

    def __init__(
        self,
        control: Control,
        mirror: Mirror,
        *,
        now: Callable[[], datetime],
        changed: Callable[[], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        server_ended: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.link = Link()
        self._control = control
        self._mirror = mirror
        self._now = now
        self._changed = changed
        self._pause = pause
        self._server_ended = server_ended
        self._reading: int | None = None
        """The era of the check-ins for which a page is being read."""

    async def follow(self) -> None:
        """Until it is cancelled, or the server that belongs to this dashboard has ended."""
        wait = _FIRST_WAIT
        while True:
            try:
                self._mirror.reset(await self._control.state())
                wait = _FIRST_WAIT
                self._stand(Link(state="live", since=self._now()))
                if await self._led_on():
                    self._stand(Link(state="gap", since=self._now()))
                    continue
                lost: HotswapError = Unreachable("the server ended", "start it again: hotswap-dev serve")
            except (Unreachable, ServerRefused) as error:
                lost = error
            if (last_words := self._server_ended()) is not None:
                self._stand(Link(state="gone", since=self._now(), said=last_words))
                return
            was_lost = self.link.state in ("reconnecting", "starting") and self.link.since is not None
            since = self.link.since if was_lost else self._now()
            state: LinkState = "starting" if self.link.state == "starting" else "reconnecting"
            self._stand(Link(state=state, since=since, said=lost.message, hint=lost.hint))
            await self._pause(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def read_older(self, **query: str | int | None) -> None:
        """Read the next page of the history behind the check-ins, as far as there is one."""
        log = self._mirror.checks
        era = log.era
        if self._reading == era or log.complete:
            return
        self._reading = era
        try:
            while True:
                before = log.oldest
                until = None if before is None else wire.stored_time(before)
                rows = await self._control.get("/api/history", limit=PAGE, until=until, **query)
                if log.era != era:
                    return  # something else is wanted by now, and asked for
                if log.oldest == before:
                    break
                # What came meanwhile is in this page too: the one before that is meant.
            log.add_older([wire.event_of(row) for row in rows], complete=len(rows) < PAGE)
        except (HotswapError, ValueError):
            return  # without the past the present is still worth showing; the link says what is wrong
        finally:
            if self._reading == era:
                self._reading = None
        self._changed()

    async def _led_on(self) -> bool:
        """Follow the events; True where some are missing, False where the stream ended."""
        async for batch in self._control.events(self._mirror.revision):
            for line in batch:
                if not self._mirror.advance(line):
                    return True
            if batch:
                self._changed()
                await asyncio.sleep(0)  # what is buffered comes without waiting: the keys want their turn too
        return False

    def _stand(self, link: Link) -> None:
        self.link = link
        self._changed()
