"""Keeping the mirror true: connect, read the state, follow the events, and again when that breaks."""

from __future__ import annotations

import asyncio
import itertools
import logging
import shlex
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Protocol

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.rates import PERIOD, SHOWN
from hotswap_dev.dashboard.view import Link, LinkState
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import CheckAnswered, Observation
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError, Unreachable

PAGE = 500
"""Rows of the history that are read at once."""

_log = logging.getLogger(__name__)

_OTHER = "the server is of another version of hotswap-dev: start both anew"
_MOST_PAGES = 8
"""Pages that are read at once for the plot of the rates: a fleet's two minutes may be more."""

MOST_SEARCHED = 40
"""Pages that are read at once for what a filter leaves: 20,000 events."""

_NEXT = timedelta(microseconds=1)
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 2.0


class Control(Protocol):
    """What a dashboard needs of a control site: `client.live.LiveControl`, or what a test says in its place."""

    async def state(self) -> wire.State:
        """What the server has now."""

    def events(self, after: int) -> AsyncGenerator[Sequence[wire.EventLine], None]:
        """What happens above a revision, in batches; an empty one is a heartbeat."""

    async def get(self, path: str, **query: str | int | None) -> wire.Json:
        """What a GET answers."""

    async def command(
        self, name: str, arguments: Mapping[str, wire.Json], *, dry_run: bool = False
    ) -> wire.Json:
        """Have a command done, or for a dry run say what it would come to."""

    async def post(self, path: str, arguments: Mapping[str, wire.Json]) -> wire.Json:
        """What a POST that is no command answers."""

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
        wait, after_gap = _FIRST_WAIT, 0.0
        while True:
            try:
                self._begin(await self._control.state())
                live = Link(state="live", since=self._now())
                self._stand(live)
                ended = await self._led_on()
                wait = _FIRST_WAIT
                if ended != "ended":
                    # One gap is made good at once. Where one follows the other, or the state may hold what an event
                    # could not say, asking at once would never end.
                    if live.since is not None and (self._now() - live.since).total_seconds() >= _LONGEST_WAIT:
                        after_gap = 0.0
                    if ended:
                        after_gap = max(after_gap, _FIRST_WAIT)
                    self._stand(Link(state="gap", since=self._now(), said=ended))
                    if after_gap:
                        await self._pause(after_gap)
                    after_gap = min(2 * after_gap or _FIRST_WAIT, _LONGEST_WAIT)
                    continue
                lost: HotswapError = Unreachable("the server ended", self._start_again())
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

    async def read_older(
        self, *, enough: Callable[[], bool] = lambda: True, **query: str | int | None
    ) -> None:
        """Read the next page of the history behind the check-ins, as far as there is one, and further ones until there
        is `enough`: where `MOST_SEARCHED` pages are not, nothing more is read.
        """
        log = self._mirror.checks
        era = log.era
        if self._reading == era or log.complete:
            return
        self._reading = era
        try:
            for count in itertools.count(1):
                before, began = log.before, log.began
                # Rows are numbered, so none of one moment is lost between pages; the first one follows on what came
                # live, with the events of that very moment.
                until = None if before is not None or began is None else wire.stored_time(began + _NEXT)
                rows = await self._control.get(
                    "/api/history", limit=PAGE, before=before, until=until, **query
                )
                if log.era != era:
                    return  # something else is wanted by now, and asked for
                if (log.before, log.began) != (before, began):
                    continue  # what came meanwhile is in this page too: the one before that is meant
                page = [wire.event_of(row) for row in rows]
                news = log.add_older(
                    page, complete=len(rows) < PAGE, before=int(rows[-1]["number"]) if rows else None
                )
                if not query:
                    checks = (event.at for event in news if isinstance(event, CheckAnswered))
                    self._mirror.rates.count_past(checks, reading=era)
                plot = not query and count < _MOST_PAGES and not self._reaches_back(page)
                if self._mirror.checks.complete or (enough() and not plot):
                    break
                if count >= MOST_SEARCHED:
                    log.stop()
                    break
                self._changed()
        except HotswapError:
            return  # without the past the present is still worth showing; the link says what is wrong
        except Exception:
            _log.exception("a page of the history was not taken")
            return
        finally:
            if self._reading == era:
                self._reading = None
        self._changed()

    def _reaches_back(self, page: Sequence[Fact | Observation]) -> bool:
        """Whether the pages that were read hold all that the plot of the rates shows."""
        if self._mirror.checks.complete or not page:
            return True
        return page[-1].at < self._now() - timedelta(seconds=PERIOD * SHOWN)

    def _begin(self, state: wire.State) -> None:
        try:
            self._mirror.reset(state)
        except Exception as error:
            _log.exception("a state was not taken")
            raise Unreachable(f"the server's state can't be followed: {shown(str(error))}", _OTHER) from None

    def _start_again(self) -> str:
        about = self._mirror.about
        folder = "" if about is None or about.dist is None else f" {shlex.quote(about.dist)}"
        return f"start it again: hotswap-dev serve{folder}"

    async def _led_on(self) -> str:
        """Follow the events until the stream ends: "ended". Else "" where some are missing, or what one says wrong."""
        async with aclosing(self._control.events(self._mirror.revision)) as batches:
            async for batch in batches:
                for line in batch:
                    try:
                        leads_on = self._mirror.advance(line)
                    except Exception as error:
                        # Of another version, or of a bug: the screen is not to end by it.
                        _log.exception("an event was not taken")
                        return f"an event can't be followed: {shown(str(error) or type(error).__name__)}"
                    if not leads_on:
                        return ""
                if batch:
                    self._changed()
                    # What is buffered comes without waiting: the keys want their turn too.
                    await asyncio.sleep(0)
        return "ended"

    def _stand(self, link: Link) -> None:
        self.link = link
        self._changed()
