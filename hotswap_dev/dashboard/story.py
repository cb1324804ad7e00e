"""A story that is told on the dashboard, beat by beat: who tells it, what it is at, and the two keys that lead it on.

The dashboard knows no more of it than this: what a beat does is between the storyteller and the server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from hotswap_dev.errors import HotswapError

_log = logging.getLogger(__name__)

State = Literal[
    "waits",  # nothing was played yet
    "plays",
    "told",  # a beat was played, and its outcome came about
    "failed",  # it was played, and something else came about
    "ended",  # the last one was told: the next one is the first
    "broken",  # the story can't go on, by a bug where `failed` says nothing else; the dashboard does
]


class Moment(Struct, frozen=True, kw_only=True):
    """What a story is at."""

    state: State = "waits"
    number: int = 0
    """Of the beat that plays or was played last, from 1; 0 before the first."""
    count: int
    title: str = ""
    says: str = ""
    """What happens, in a sentence for whoever watches."""
    watch: str = ""
    """What to look at."""
    failed: str = ""
    """What was expected and what was seen, where it was something else."""
    follows: str = ""
    """The title of the beat that is played next."""
    asked: bool = False
    """Whether that one was asked for already, and waits for the end of this one."""


class Storyteller(Protocol):
    """Who tells a story. `moment` is read whenever it has said that it changed."""

    @property
    def moment(self) -> Moment:
        """What the story is at."""

    async def tell(self, changed: Callable[[], None]) -> None:
        """Tell what is asked for, in the dashboard's own loop; `changed` is called at every step. Ends by being
        cancelled.
        """

    def next(self) -> None:
        """The next beat is asked for."""

    def again(self) -> None:
        """The same beat is asked for once more."""


class Telling:
    """A story as a dashboard has it, or none. Whatever goes wrong in it is a line of it."""

    def __init__(self, storyteller: Storyteller | None, changed: Callable[[], None]) -> None:
        self._storyteller = storyteller
        self._changed = changed
        self._broken: Moment | None = None

    @property
    def moment(self) -> Moment | None:
        """What it is at; None where there is no story."""
        if self._broken is not None or self._storyteller is None:
            return self._broken
        try:
            return self._storyteller.moment
        except Exception:
            return self._breaks()

    async def go_on(self) -> None:
        """Have it told."""
        if self._storyteller is None:
            return
        try:
            await self._storyteller.tell(self._changed)
        except HotswapError as error:
            self._broken = Moment(state="broken", count=0, failed=error.message, says=error.hint or "")
            self._changed()
        except Exception:
            self._breaks()
            self._changed()

    def ask(self, which: str) -> str | None:
        """Ask for the `next` beat, or for this one `again`; its title, None where nobody tells one."""
        told = self.moment
        if self._storyteller is None or told is None or self._broken is not None:
            return None
        try:
            if which == "next":
                self._storyteller.next()
            else:
                self._storyteller.again()
        except Exception:
            self._breaks()
        self._changed()
        return told.follows if which == "next" else told.title

    def _breaks(self) -> Moment:
        _log.exception("the story can't go on")
        self._broken = Moment(state="broken", count=0)
        return self._broken
