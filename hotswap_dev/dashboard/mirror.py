"""The server's state as the dashboard has it: read once, then led on by events through the domain's own functions.

It owns what is true; what is drawn of it is a `View`. What the server is asked to do stands here as pending until its
facts come back, so a key that is pressed twice counts from what the first one asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hotswap_dev import wire
from hotswap_dev.dashboard.check_log import CheckLog
from hotswap_dev.dashboard.rates import Rates
from hotswap_dev.dashboard.view import Link, Pending, View
from hotswap_dev.domain.adoption import Adoption, adoptions, in_play
from hotswap_dev.domain.builds import Builds, builds_after
from hotswap_dev.domain.clients.table import ClientTable
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import CheckAnswered, Noticed, Published
from hotswap_dev.errors import HotswapError

MOST_PUBLISHED = 200
SHOWN_ADOPTIONS = 200
"""Releases whose way is counted: what a screen and a few pages of it can show."""

MANY_CLIENTS = 1_000

_NOTHING_YET: tuple[tuple[int, int], tuple[Mapping[int, Adoption], frozenset[int]]] = (
    (-1, 0),
    ({}, frozenset()),
)


class Mirror:
    """What is known of the server. `reset` with a state, then `advance` by each event above its revision."""

    def __init__(self) -> None:
        self.instance = ""
        self.revision = 0
        self.controls = Controls()
        self.clients = ClientTable(())
        self.about: wire.About | None = None
        self.builds = Builds()
        self.published: dict[int, Published] = {}
        self.checks = CheckLog()
        self.rates = Rates()
        self.notice: Noticed | None = None
        self._pending: dict[int, Pending] = {}
        self._numbers = 0
        self._counted = _NOTHING_YET
        self._foreseen: tuple[Controls, tuple[int, ...], Controls] | None = None

    def reset(self, state: wire.State) -> None:
        """Begin at this state. What was known of another run, or before a gap, goes."""
        again = state.instance == self.instance
        if not again:
            self._pending.clear()
            self.notice = None
            self.published.clear()
        self.instance, self.revision = state.instance, state.revision
        self.controls = state.controls
        self.clients = ClientTable(state.clients)
        self.about, self.builds = state.about, state.builds
        if state.builds.last is not None:
            self._made(state.builds.last)
        self.checks.clear()
        self.rates = Rates(before=self.rates if again else None)
        self._counted = _NOTHING_YET
        self._settle()

    def advance(self, line: wire.EventLine) -> bool:
        """Take one event. False where it does not lead on from here: the state has to be read again."""
        event = line.event
        if line.instance != self.instance or isinstance(event, wire.Gap):
            return False
        if line.revision <= self.revision:
            return True
        if line.revision != self.revision + 1:
            return False
        self.revision = line.revision
        if isinstance(event, Fact):
            self.controls = apply(self.controls, event)
            self.clients.apply(event)
        else:
            self.clients.see(event)
            if not isinstance(event, CheckAnswered):
                self.builds = builds_after(self.builds, event)
                if isinstance(event, Published):
                    self._made(event)
                elif isinstance(event, Noticed) and event.level != "info":
                    self.notice = event
        if self.checks.add(event) and isinstance(event, CheckAnswered):
            self.rates.count(event.at)
        if self._pending:
            self._settle()
        return True

    def sent(self, command: Command, words: str) -> int:
        """A command goes to the server; the number by which it is known until its facts are here."""
        self._numbers += 1
        self._pending[self._numbers] = Pending(number=self._numbers, command=command, words=words)
        return self._numbers

    def answered(self, number: int, revision: int | None) -> None:
        """The server did it, and the stream says so up to `revision`; None: it refused, and nothing is to come."""
        pending = self._pending.get(number)
        if pending is None:
            return
        if revision is None or revision <= self.revision:
            del self._pending[number]
        else:
            self._pending[number] = Pending(
                number=number, command=pending.command, words=pending.words, revision=revision
            )

    def expected(self, now: datetime) -> Controls:
        """The controls after everything that is pending, as far as it can be foreseen.

        As long as nothing else is pending and no fact came, they are the same object: much is computed from them, and
        a release that is foreseen was made when it was asked for, not anew with each frame.
        """
        numbers = tuple(self._pending)
        held = self._foreseen
        if held is not None and held[0] is self.controls and held[1] == numbers:
            return held[2]
        controls = self.controls
        for pending in self._pending.values():
            try:
                for fact in pending.command.events(controls, now):
                    controls = apply(controls, fact)
            except HotswapError:  # the server will say so, or it needs a bundle that is not made yet
                continue
        self._foreseen = (self.controls, numbers, controls)
        return controls

    def view(self, now: datetime, link: Link) -> View:
        """What is known now, without what only the screen knows: selection, pane, filter."""
        adoption, playing = self._counts(now)
        return View(
            now=now,
            link=link,
            revision=self.revision,
            controls=self.controls,
            expected=self.expected(now) if self._pending else self.controls,
            pending=tuple(self._pending.values()),
            clients=self.clients,
            about=self.about,
            builds=self.builds,
            published=self.published,
            adoption=adoption,
            in_play=playing,
            per_minute=self.rates.last_minute(now),
            rates=self.rates.per_period(now),
            cut=self.checks.cut,
            notice=self.notice,
        )

    def _settle(self) -> None:
        done = [
            one.number
            for one in self._pending.values()
            if (one.revision or self.revision + 1) <= self.revision
        ]
        for number in done:
            del self._pending[number]

    def _made(self, published: Published) -> None:
        self.published[published.sequence] = published
        if len(self.published) > MOST_PUBLISHED:
            del self.published[min(self.published)]

    def _counts(self, now: datetime) -> tuple[Mapping[int, Adoption], frozenset[int]]:
        """Counted when something happened; of many clients at most once a second, for it is no small sum."""
        many = len(self.clients) > MANY_CLIENTS
        when = (int(now.timestamp()) if many else self.revision, self.controls.last_sequence)
        if self._counted[0] != when:
            newest = sorted(self.controls.releases, reverse=True)[:SHOWN_ADOPTIONS]
            releases = [self.controls.releases[sequence] for sequence in newest]
            clients = self.clients.values()
            self._counted = (when, (adoptions(releases, clients), in_play(clients)))
        return self._counted[1]
