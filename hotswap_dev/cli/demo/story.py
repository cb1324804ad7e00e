"""The story of a demo: beats that are played one after the other, and phones that live in between.

It knows no terminal: `moment` says what it is at, `next` and `again` ask, and `tell` plays what was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec.structs import replace

from hotswap_dev.dashboard.story import Moment
from hotswap_dev.errors import HotswapError
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.verdict import Begun, Tell, Told, Verdict

_log = logging.getLogger(__name__)

READING = 3.0
"""Seconds in which a person has read what happens and looked where to look."""

_BUG = "this beat can't be played: it is a bug; the log file has the whole of it"


class Troupe(Protocol):
    """Who plays: phones on a server."""

    async def live(self, wanted: asyncio.Event) -> None:
        """The phones live until something is wanted."""

    async def play(self, beat: Scenario, tell: Tell) -> Verdict:
        """Play a beat; `tell` is told each step, and what each phone does. May be cancelled."""


class Story:
    """A `Storyteller` over these beats. `enter` opens the stage, in the loop that `tell` runs in.

    `told` hears all that the steps and, by the stage, the phones do. `reading` is how long a sentence stands at least.
    """

    def __init__(
        self,
        beats: Sequence[Scenario],
        enter: Callable[[], AbstractAsyncContextManager[Troupe]],
        *,
        about: str = "",
        told: Tell = lambda _: None,
        reading: float = READING,
    ) -> None:
        self.verdicts: list[Verdict] = []
        """Of every beat that was played to its end, in their order."""
        self._beats = beats
        self._enter = enter
        self._told = told
        self._reading = reading
        self._asked: int | None = None
        self._wanted = asyncio.Event()
        self._playing: asyncio.Task[Verdict] | None = None
        self._cut = False
        self._moment = Moment(count=len(beats), says=about, follows=self._title(1))

    @property
    def moment(self) -> Moment:
        """What the story is at."""
        return self._moment

    def next(self) -> None:
        """The next beat; after the last one, the first. One that plays is played out first, unless it is asked for
        once more: what a person's own keys keep from happening would be waited for in vain.
        """
        self._ask(self._moment.number % len(self._beats) + 1)

    def again(self) -> None:
        """The beat that plays, or was played last; before the first there is none."""
        if self._moment.number:
            self._ask(self._moment.number)

    async def tell(self, changed: Callable[[], None]) -> None:
        """Play what is asked for. A beat that can't be played is said, and the story goes on."""
        async with self._enter() as troupe:
            while True:
                await troupe.live(self._wanted)
                self._wanted.clear()
                number, self._asked = self._asked, None
                if number is not None:
                    await self._play(troupe, number, changed)

    def _ask(self, number: int) -> None:
        if self._playing is not None and self._asked == number:
            self._cut = True
            self._playing.cancel()
        self._asked = number
        self._wanted.set()
        if self._moment.state == "plays":
            self._moment = replace(self._moment, asked=True, follows=self._title(number))

    async def _play(self, troupe: Troupe, number: int, changed: Callable[[], None]) -> None:
        beat = self._beats[number - 1]
        self._moment = Moment(
            state="plays",
            number=number,
            count=len(self._beats),
            title=beat.title,
            says=beat.about,
            follows=self._title(number + 1),
        )
        changed()
        texts: asyncio.Queue[Begun | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read(texts, changed), name=f"beat {number}, read")
        try:
            failed = await self._played(troupe, beat, texts)
            if not failed:
                texts.put_nowait(None)
                read = asyncio.Event()
                reading.add_done_callback(lambda _: read.set())
                await troupe.live(read)
        finally:
            reading.cancel()
        last = number == len(self._beats)
        self._moment = replace(
            self._moment,
            state="failed" if failed else "ended" if last else "told",
            failed=failed,
            asked=False,
            follows=self._title(number + 1),
        )
        changed()

    async def _played(self, troupe: Troupe, beat: Scenario, texts: asyncio.Queue[Begun | None]) -> str:
        """Play it; what was expected and seen where that is not the same, else nothing."""

        def tell(told: Told) -> None:
            self._told(told)
            if isinstance(told, Begun) and (told.say or told.watch):
                texts.put_nowait(told)

        async def play() -> Verdict:
            return await troupe.play(beat, tell)

        self._cut = False
        self._playing = asyncio.create_task(play(), name=f"beat {beat.title}")
        try:
            verdict = await self._playing
        except asyncio.CancelledError:
            if not self._cut:
                raise
            return ""
        except HotswapError as error:
            return error.message
        except Exception:
            _log.exception("the beat %r can't be played", beat.title)
            return _BUG
        finally:
            self._playing = None
        self.verdicts.append(verdict)
        return failure(verdict)

    async def _read(self, texts: asyncio.Queue[Begun | None], changed: Callable[[], None]) -> None:
        """Show what the steps say, one after the other, each as long as it takes to be read: most steps take less."""
        while (said := await texts.get()) is not None:
            says = said.say or self._moment.says
            self._moment = replace(self._moment, says=says, watch=said.watch or self._moment.watch)
            changed()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._reading):
                    await self._wanted.wait()  # somebody has read enough

    def _title(self, number: int) -> str:
        return self._beats[(number - 1) % len(self._beats)].title


def failure(verdict: Verdict) -> str:
    """In one line what was expected and what was seen instead; empty where all came about."""
    failed = verdict.failure
    if failed is None:
        return ""
    expected = failed.expected or failed.text
    return f"expected: {expected}; seen: {failed.seen}" if failed.seen else f"expected: {expected}"
