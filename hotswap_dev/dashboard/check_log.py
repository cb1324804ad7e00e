"""The check-ins as a list: any number of events, equal answers to one client as one row, the newest first.

What is older than this dashboard is read from the history, a page at a time, when somebody scrolls to it; both together
are kept up to a bound. A row keeps its number for as long as it is there, so a selection stays on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.facts import (
    BuildChannelSet,
    ChannelCreated,
    Fact,
    OverrideSpent,
    ReleaseAdded,
)
from hotswap_dev.domain.observations import (
    BuildRefused,
    BuildSkipped,
    BuildStarted,
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    Noticed,
    Observation,
    Published,
    UpdateReported,
)

MOST_ROWS = 8_000
"""Rows that are kept, live and of the history: nobody reads further, and each frame goes through them."""

Happened = Fact | Observation

_COUNTED = CheckAnswered | FaultOutcome
"""What comes again and again, and is one row as long as it is equal."""

_ENDS = DownloadEnded | LifecycleReported | UpdateReported
"""What ends the runs of its client."""

OF_CLIENTS = _COUNTED | _ENDS


class Row(Struct, frozen=True, kw_only=True):
    """What happened: one event, or a run of equal answers to one client, of which `event` is the last."""

    number: int
    """Above 0 for what came live, below for what was read from the history."""
    event: Happened
    first_at: datetime
    times: int = 1

    @property
    def at(self) -> datetime:
        """When it happened last."""
        return self.event.at

    @property
    def client(self) -> str | None:
        """Whom it is about, if it is about one client."""
        event = self.event
        return event.client if isinstance(event, OF_CLIENTS) else None

    @property
    def check(self) -> CheckAnswered | None:
        """The answered check, if it is one."""
        return self.event if isinstance(self.event, CheckAnswered) else None


class CheckLog:
    """The rows. `add` takes what happens now, `add_older` a page of the history.

    However events are cut into pages and live ones, the rows are the same. What a row counts of the history is kept
    beside it, for it goes when the history is asked for something else.
    """

    def __init__(self) -> None:
        self._numbers = 0
        self._older_numbers = 0
        self.era = 0
        """Rises when what was read of the history is let go: a page that was asked for before is not wanted."""
        self._begin()

    def _begin(self) -> None:
        self._live: OrderedDict[int, Row] = OrderedDict()  # the one that changed last comes last
        self._older: dict[int, Row] = {}  # the newest comes first
        self._counted_before: dict[int, tuple[int, datetime]] = {}
        self._runs: dict[_Of, int] = {}  # the row that an equal event counts further
        self._live_edge = _Edge()
        self._edge = _Edge()
        self._dropped = False
        self._began: datetime | None = None
        self._began_with: list[Happened] = []
        self._told: Sequence[Happened] = ()
        self.before: int | None = None
        """The history's number of the oldest event that was read of it: the next page is what is before that."""
        self.complete = False
        """Whether nothing older is to be read: the history has none, or the bound is reached."""
        self.cut = False
        """Whether there is more than is kept: `hotswap-dev log` has it."""

    def __len__(self) -> int:
        return len(self._live) + len(self._older)

    def clear(self) -> None:
        """Begin anew, as after a gap: the history has what was missed."""
        self.era += 1
        self._begin()

    def forget_older(self) -> None:
        """Let go what was read of the history: it is asked for something else now."""
        self._runs = {of: number for of, number in self._runs.items() if number in self._live}
        self._older.clear()
        self._counted_before.clear()
        self._edge = self._live_edge.copy()
        self.before = None
        self.complete = self.cut = self._dropped
        self.era += 1

    def stop(self) -> None:
        """Read nothing older: it was looked for long enough."""
        if not self.complete:
            self.complete = self.cut = True

    def add(self, event: Happened) -> bool:
        """Take what happened just now. False where a page of the history told it already."""
        if self._told:
            if event in self._told:
                return False  # it was on its way when the history was read, and stands in that page
            if event.at > self._told[0].at:
                self._told = ()
        if self._began is None:
            self._began = event.at
        if event.at == self._began:
            self._began_with.append(event)
        if tells(event):
            self._add_row(event)
        return True

    def _add_row(self, event: Happened) -> None:
        if isinstance(event, _COUNTED):
            number = self._runs.get(_of(event))
            if number is not None:
                run = self._live.get(number)
                if run is not None and same(run.event, event):
                    self._live[number] = Row(
                        number=number, event=event, first_at=run.first_at, times=run.times + 1
                    )
                    self._live.move_to_end(number)
                    return
                past = self._older.get(number)
                if past is not None and same(past.event, event):
                    del self._older[number]
                    self._counted_before[number] = (past.times, past.first_at)
                    self._live[number] = Row(number=number, event=event, first_at=event.at)
                    self._live_edge.meet(event, number)
                    return
        self._numbers += 1
        self._live[self._numbers] = Row(number=self._numbers, event=event, first_at=event.at)
        if not self._dropped:
            self._live_edge.meet(event, self._numbers)
            self._edge.meet(event, self._numbers)
        if isinstance(event, _COUNTED):
            self._runs[_of(event)] = self._numbers
        elif isinstance(event, _ENDS):
            for of in _every(event.client):
                self._runs.pop(of, None)
        elif isinstance(event, Fact):
            self._runs.clear()  # what is answered from here on is answered under other rules
        if len(self) > MOST_ROWS:
            self._drop_the_oldest()

    def _drop_the_oldest(self) -> None:
        if self._older:
            number, row = self._older.popitem()
        else:
            number, row = self._live.popitem(last=False)
            self._dropped = True
            self._live_edge, self._edge = _Edge(), _Edge()  # nothing older is read from here on
        self._counted_before.pop(number, None)
        if isinstance(row.event, _COUNTED) and self._runs.get(_of(row.event)) == number:
            del self._runs[_of(row.event)]
        self.complete = self.cut = True

    def rows(self) -> list[Row]:
        """All rows, the newest first."""
        live = [self._whole(row) for row in reversed(self._live.values())] if self._counted_before else None
        return [*(reversed(self._live.values()) if live is None else live), *self._older.values()]

    def _whole(self, row: Row) -> Row:
        before = self._counted_before.get(row.number)
        if before is None:
            return row
        return Row(number=row.number, event=row.event, first_at=before[1], times=row.times + before[0])

    @property
    def began(self) -> datetime | None:
        """From this time on the rows came live, the history has what was before; None: nothing came yet."""
        return self._began

    def add_older(
        self, page: Iterable[Happened], *, complete: bool, before: int | None = None
    ) -> list[Happened]:
        """Take the next page of the history, newest first; the events that were news are given back.

        `complete` says that there is no other page, `before` is the history's number of the page's last event.
        """
        events = list(page)
        if self._began is None and self.before is None and not self._older:
            self._told = events
        self.before = self.before if before is None else before
        self.complete = self.complete or complete
        news = [event for event in events if not self._came_live(event)]
        for event in news:
            if self.cut:
                break
            if tells(event):
                self._add_older_row(event)
        return news

    def _came_live(self, event: Happened) -> bool:
        began = self._began
        return began is not None and (event.at > began or (event.at == began and event in self._began_with))

    def _add_older_row(self, event: Happened) -> None:
        edge = self._edge
        if isinstance(event, _COUNTED):
            number = edge.first.get(_of(event))
            run = None if number is None else self._older.get(number) or self._live.get(number)
            if run is not None and same(run.event, event):
                if run.number in self._live:
                    times, _ = self._counted_before.get(run.number, (0, run.first_at))
                    self._counted_before[run.number] = (times + 1, event.at)
                else:
                    self._older[run.number] = replace(run, first_at=event.at, times=run.times + 1)
                return
        if len(self) >= MOST_ROWS:
            self.complete = self.cut = True
            return
        self._older_numbers -= 1
        number = self._older_numbers
        self._older[number] = Row(number=number, event=event, first_at=event.at)
        if isinstance(event, _COUNTED) and not edge.ruled and _of(event) not in edge.met:
            self._runs[_of(event)] = number  # nothing came after it: it is counted further live
        edge.pass_(event, number)


_Of = tuple[str, str]
"""What a run is of: a kind of event, and a client."""


def _of(event: CheckAnswered | FaultOutcome) -> _Of:
    return (type(event).__name__, event.client)


def _every(client: str | None) -> tuple[_Of, ...]:
    """The runs that there can be of a client."""
    return () if client is None else ((CheckAnswered.__name__, client), (FaultOutcome.__name__, client))


class _Edge:
    """Where a stretch of events ends in the past, and what older events would join there."""

    def __init__(self) -> None:
        self.first: dict[_Of, int] = {}
        """The row that an equal event before it joins."""
        self.met: set[_Of] = set()
        """What there is a row of, or what a row has ended."""
        self.ruled = False
        """Whether a fact is among them: it ends every run."""

    def copy(self) -> _Edge:
        """Another one that goes its own way."""
        other = _Edge()
        other.first, other.met, other.ruled = dict(self.first), set(self.met), self.ruled
        return other

    def meet(self, event: Happened, number: int) -> None:
        """A row was added at the other end, the newest: older events join it only where nothing is between."""
        if isinstance(event, Fact):
            self.ruled = True
        elif isinstance(event, _COUNTED):
            if not self.ruled and _of(event) not in self.met:
                self.first[_of(event)] = number
            self.met.add(_of(event))
        elif isinstance(event, _ENDS):
            self.met.update(_every(event.client))

    def pass_(self, event: Happened, number: int) -> None:
        """A row was added at this end, the oldest."""
        if isinstance(event, Fact):
            self.ruled = True
            self.first.clear()
        elif isinstance(event, _COUNTED):
            self.met.add(_of(event))
            self.first[_of(event)] = number
        elif isinstance(event, _ENDS):
            self.met.update(_every(event.client))
            for of in _every(event.client):
                self.first.pop(of, None)


def tells(event: Happened) -> bool:
    """Whether an event is a row of its own: what another row says already is none."""
    if isinstance(event, OverrideSpent | ChannelCreated | BuildStarted | BuildSkipped):
        return False
    if isinstance(event, ReleaseAdded):
        return event.release.origin not in ("build", "publish")  # `published` says it, with what it took
    if isinstance(event, BuildChannelSet):
        return not event.configured
    return isinstance(event, OF_CLIENTS | BuildRefused | Published | Noticed | Fact)


def same(one: Happened, other: CheckAnswered | FaultOutcome) -> bool:
    """Whether two events of a client differ in nothing but their time, so that one row says both."""
    if isinstance(other, FaultOutcome):
        return isinstance(one, FaultOutcome) and replace(one, at=other.at) == other
    return same_answer(one, other)


def same_answer(one: Happened, other: CheckAnswered) -> bool:
    """Whether a client asked the same and was told the same, so that one row says both.

    A request of the second protocol has an id of its own, by which its completion is told of: it stands alone.
    """
    return (
        isinstance(one, CheckAnswered)
        and one.reason == other.reason
        and one.sequence == other.sequence
        and one.offered == other.offered
        and one.status == other.status
        and one.binary_version == other.binary_version
        and one.channel == other.channel
        and one.args == other.args
        and one.flags == other.flags
        and one.fault == other.fault
        and one.protocol == other.protocol
        and one.product == other.product
        and one.request_id == other.request_id
    )
