"""What the dashboard knows at one moment, frozen: all that selectors and keys may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.story import Moment
from hotswap_dev.domain.adoption import Adoption
from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.observations import Noticed, Published

LinkState = Literal[
    "starting",  # nothing is known yet
    "live",
    "gap",  # events were lost, the state is read again
    "reconnecting",  # it was there, and is looked for
    "gone",  # the server that this dashboard started has ended; it does not come back by itself
]

Kind = Literal["release", "client", "row"]
Pane = Literal["releases", "clients", "checks"]


class Link(Struct, frozen=True, kw_only=True):
    """How the dashboard stands to the server, since when, and what was said when it was lost."""

    state: LinkState = "starting"
    since: datetime | None = None
    said: str = ""
    hint: str = ""


class Selected(Struct, frozen=True):
    """A row that is selected: a release by its sequence, a client by its id, a row of the check-ins by its number."""

    kind: Kind
    key: int | str


class Pending(Struct, frozen=True, kw_only=True):
    """A command that was sent and whose facts have not come back by the stream yet.

    `revision` is what the server answered; until then None. It is settled as soon as the mirror has come that far.
    """

    number: int
    command: Command
    words: str
    revision: int | None = None


class View(Struct, frozen=True, kw_only=True):
    """One moment. `controls` are the server's, `expected` what they become when everything pending is done."""

    now: datetime
    link: Link = Link()
    revision: int = 0
    controls: Controls = Controls()
    expected: Controls = Controls()
    pending: tuple[Pending, ...] = ()
    clients: Mapping[str, Client] = {}
    """By id, the one seen last comes last."""
    about: wire.About | None = None
    builds: Builds = Builds()
    published: Mapping[int, Published] = {}
    """How each release was made, as far as this run's events told."""
    adoption: Mapping[int, Adoption] = {}
    in_play: frozenset[int] = frozenset()
    """The sequences that some client has, had, fetched or is offered."""
    rows: Sequence[Row] = ()
    """The check-ins, newest first, equal answers to one client as one."""
    cut: bool = False
    """Whether there are older check-ins that are not read any more: `hotswap-dev log` has them."""
    every: Sequence[Row] = ()
    """The rows before filter and channel."""
    unseen: int = 0
    """Of what filter and channel leave, the rows that came since following was paused."""
    following: bool = True
    per_minute: int = 0
    rates: Sequence[int] = ()
    """Checks in each of the last periods, oldest first, for a small plot."""
    notice: Noticed | None = None
    """The last warning or error of the server that nobody has put away."""
    channel: str | None = None
    """The channel that is shown; None is all of them."""
    pane: Pane = "checks"
    selected: Selected | None = None
    unfolded: bool = False
    """Whether releases that were never fetched have rows of their own."""
    alone: int | None = None
    """A release that keeps a row of its own, because somebody picked it there."""
    filter: str = ""
    """What the check-ins are filtered by, as it was typed."""
    story: Moment | None = None
    """What the story is at, where one is told."""

    @property
    def row(self) -> Row | None:
        """The selected row of the check-ins."""
        if self.selected is None or self.selected.kind != "row":
            return None
        return next((row for row in self.rows if row.number == self.selected.key), None)

    @property
    def client(self) -> Client | None:
        """The client that the selection is about: its row, or that of a check-in or a download of it."""
        chosen = self.selected
        if chosen is not None and chosen.kind == "client":
            return self.clients.get(str(chosen.key))
        row = self.row
        return self.clients.get(row.client) if row is not None and row.client is not None else None
