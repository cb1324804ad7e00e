"""The check-ins as a list: any number of events, equal answers to one client as one row, the newest first.

What came while the dashboard runs is kept up to a bound; what is older is read from the history, a page at a time, when
somebody scrolls to it. A row keeps its number for as long as it is there, so a selection stays on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.facts import BuildChannelSet, ChannelCreated, Fact, OverrideSpent, ReleaseAdded
from hotswap_dev.domain.observations import (
    BuildRefused,
    BuildSkipped,
    BuildStarted,
    CheckAnswered,
    DownloadEnded,
    Noticed,
    Observation,
    Published,
)

MOST_LIVE = 2_000
MOST_OLDER = 20_000
"""Rows of the history that are kept as somebody scrolls back."""

Happened = Fact | Observation


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
        return event.client if isinstance(event, CheckAnswered | DownloadEnded) else None

    @property
    def check(self) -> CheckAnswered | None:
        """The answered check, if it is one."""
        return self.event if isinstance(self.event, CheckAnswered) else None


class CheckLog:
    """The rows. `add` takes what happens now, `add_older` a page of the history."""

    def __init__(self) -> None:
        self._live: OrderedDict[int, Row] = OrderedDict()  # the one that changed last comes last
        self._runs: dict[str, int] = {}
        self._older: list[Row] = []
        self._began: datetime | None = None
        self._read_to: datetime | None = None
        self._told: Sequence[Happened] = ()
        self._numbers = 0
        self.complete = False
        """Whether the history has nothing older any more."""
        self.era = 0
        """Rises when what was read of the history is let go: a page that was asked for before is not wanted."""

    def __len__(self) -> int:
        return len(self._live) + len(self._older)

    def clear(self) -> None:
        """Begin anew, as after a gap: the history has what was missed."""
        era, numbers = self.era + 1, self._numbers
        self.__init__()  # type: ignore[misc] # the same object anew: others hold it
        self.era, self._numbers = era, numbers

    def forget_older(self) -> None:
        """Let go what was read of the history: it is asked for something else now."""
        self._older.clear()
        self._read_to = None
        self.complete = False
        self.era += 1

    def add(self, event: Happened) -> None:
        """Take what happened just now."""
        if self._told:
            if event in self._told:
                return  # it was on its way when the history was read, and stands in that page
            if event.at > self._told[0].at:
                self._told = ()
        if self._began is None:
            self._began = event.at
        if not tells(event):
            return
        if isinstance(event, CheckAnswered):
            number = self._runs.get(event.client)
            run = None if number is None else self._live.get(number)
            if run is not None and same_answer(run.event, event):
                self._live[run.number] = Row(
                    number=run.number, event=event, first_at=run.first_at, times=run.times + 1
                )
                self._live.move_to_end(run.number)
                return
        self._numbers += 1
        self._live[self._numbers] = Row(number=self._numbers, event=event, first_at=event.at)
        if isinstance(event, CheckAnswered):
            self._runs[event.client] = self._numbers
        elif isinstance(event, DownloadEnded):
            self._runs.pop(str(event.client), None)
        elif isinstance(event, Fact):
            self._runs.clear()  # what is answered from here on is answered under other rules
        if len(self._live) > MOST_LIVE:
            self._live.popitem(last=False)
            # What is older than the rest is the history's to tell.
            self._began = max(self._began, next(iter(self._live.values())).at)
            self._older.clear()
            self._read_to = None
            self.complete = False

    def rows(self) -> list[Row]:
        """All rows, the newest first."""
        return [*reversed(self._live.values()), *self._older]

    @property
    def oldest(self) -> datetime | None:
        """Before this, the history has more; None: nothing is known yet, so all of it."""
        return self._began if self._read_to is None else self._read_to

    def add_older(self, page: Iterable[Happened], *, complete: bool) -> None:
        """Take the next page of the history, newest first; `complete` says that there is no other."""
        events = list(page)
        if self._began is None and not self._older:
            self._told = events
        numbers = self._older[-1].number if self._older else 0
        runs: dict[str, int] = {}
        counted = self._counted_already()
        for event in events:
            if self._began is not None and event.at >= self._began:
                continue  # it came live, while the page was on its way
            self._read_to = event.at
            if not tells(event):
                continue
            if isinstance(event, CheckAnswered) and any(
                run.first_at <= event.at and same_answer(run.event, event)
                for run in counted.get(event.client, ())
            ):
                continue
            if isinstance(event, CheckAnswered):
                place = runs.get(event.client)
                if place is not None and same_answer(self._older[place].event, event):
                    run = self._older[place]
                    self._older[place] = replace(run, first_at=event.at, times=run.times + 1)
                    continue
                runs[event.client] = len(self._older)
            elif isinstance(event, DownloadEnded):
                runs.pop(str(event.client), None)
            elif isinstance(event, Fact):
                runs.clear()
            numbers -= 1
            self._older.append(Row(number=numbers, event=event, first_at=event.at))
        self.complete = complete or len(self._older) >= MOST_OLDER

    def _counted_already(self) -> Mapping[str, Sequence[Row]]:
        """By client: live runs that began before the history ends, so that it tells a part of them too."""
        began = self._began
        if began is None:
            return {}
        found: dict[str, list[Row]] = {}
        for row in self._live.values():
            if row.first_at < began and row.client is not None:
                found.setdefault(row.client, []).append(row)
        return found


def tells(event: Happened) -> bool:
    """Whether an event is a row of its own: what another row says already is none."""
    if isinstance(event, OverrideSpent | ChannelCreated | BuildStarted | BuildSkipped):
        return False
    if isinstance(event, ReleaseAdded):
        return event.release.origin not in ("build", "publish")  # `published` says it, with what it took
    if isinstance(event, BuildChannelSet):
        return not event.configured
    return isinstance(event, CheckAnswered | DownloadEnded | BuildRefused | Published | Noticed | Fact)


def same_answer(one: Happened, other: CheckAnswered) -> bool:
    """Whether a client asked the same and was told the same, so that one row says both."""
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
    )


def matching(rows: Sequence[Row], wanted: str, names: dict[str, str]) -> list[Row]:
    """The rows that a filter leaves: every word of it is found in the row.

    A word is a text that the client's id or name, the reason, the status, a version or a sequence holds; `client:`,
    `reason:` and `status:` before it look there alone, and `!` before it leaves out what matches.
    """
    words = wanted.casefold().split()
    if not words:
        return list(rows)
    return [row for row in rows if all(_fits(row, word, names) for word in words)]


def _fits(row: Row, word: str, names: dict[str, str]) -> bool:
    if word.startswith("!") and len(word) > 1:
        return not _fits(row, word[1:], names)
    field, colon, value = word.partition(":")
    found = _searched(row, names)
    if colon and field in found:
        return value in found[field]
    return any(word in text for text in found.values())


def _searched(row: Row, names: dict[str, str]) -> dict[str, str]:
    event = row.event
    found = {"event": str(type(event).__struct_config__.tag)}
    if isinstance(event, CheckAnswered | DownloadEnded):
        client = event.client or ""
        found["client"] = f"{client} {names.get(client, '')} {event.peer}".casefold()
    if isinstance(event, CheckAnswered):
        found |= {
            "reason": event.reason,
            "status": str(event.status),
            "channel": (event.channel or "").casefold(),
            "sequence": f"{event.sequence} {event.offered or ''}",
            "version": (event.binary_version or "").casefold(),
            "platform": f"{event.platform} {event.arch}".casefold(),
        }
    elif isinstance(event, DownloadEnded):
        found["sequence"] = str(event.sequence)
    else:
        found["text"] = " ".join(
            str(value) for value in (getattr(event, name) for name in event.__struct_fields__)
        ).casefold()
    return found
