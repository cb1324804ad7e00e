"""What a person looks at: the pane, the selection in each, the filter, the channel; keys lead to the next one."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.dashboard.check_log import Row, matching
from hotswap_dev.dashboard.view import Pane, Selected, View
from hotswap_dev.domain.model import DEFAULT_CHANNEL
from hotswap_dev.domain.reasons import EVERY_CODE

PANES: tuple[Pane, ...] = ("releases", "clients", "checks")


class Looking(Struct, frozen=True, kw_only=True):
    """The screen's own state. `paused` holds the rows as they were when following was paused.

    `followed` is the client whose newest row is selected while the list is followed: who something was just asked for.
    Without it, it is whoever asked last.
    """

    pane: Pane = "checks"
    release: int | None = None
    picked: bool = False
    """Whether a person chose that release."""
    client: str | None = None
    row: int | None = None
    filter: str = ""
    channel: str | None = None
    paused: tuple[Row, ...] | None = None
    followed: str | None = None
    single: bool = False
    """Whether one pane fills the screen although there is room for three."""

    @property
    def selected(self) -> Selected | None:
        """The selection of the pane that is looked at."""
        if self.pane == "releases":
            return None if self.release is None else Selected("release", self.release)
        if self.pane == "clients":
            return None if self.client is None else Selected("client", self.client)
        return None if self.row is None else Selected("row", self.row)


def looked_at(looking: Looking, view: View, rows: Sequence[Row]) -> View:
    """The view as this person sees it, of all the rows that there are."""
    live = [row for row in rows if row.number > 0]
    names = dict(view.controls.names)
    if looking.paused is None:
        shown, unseen = list(rows), 0
    else:
        before = {row.number: row.times for row in looking.paused}
        unseen = sum(1 for row in live if before.get(row.number) != row.times)
        # After a gap the history tells also what stands in the paused rows.
        since = looking.paused[-1].at if looking.paused else None
        shown = [
            *looking.paused,
            *(row for row in rows if row.number < 0 and (since is None or row.at < since)),
        ]
    shown = matching(shown, looking.filter, names)
    if looking.channel is not None:
        shown = [row for row in shown if _in_channel(row, looking.channel, view)]
    row = looking.row
    if looking.paused is None:
        row = _newest(shown, looking.followed)
    selected = replace(looking, row=row).selected
    return replace(
        view,
        rows=shown,
        unseen=unseen,
        following=looking.paused is None,
        channel=looking.channel,
        pane=looking.pane,
        selected=selected,
        filter=looking.filter,
    )


def _newest(rows: Sequence[Row], client: str | None) -> int | None:
    """The newest row of this client, else of any client, else of all: a change is no reason to look elsewhere."""
    of_clients = [row for row in rows if row.client is not None]
    of_this = (row for row in of_clients if row.client == client)
    row = next(of_this, None) or next(iter(of_clients), None) or next(iter(rows), None)
    return None if row is None else row.number


def _in_channel(row: Row, channel: str, view: View) -> bool:
    """Whether a row is of a client that asks for this channel, or of none: what was changed is everyone's."""
    if row.client is None:
        return True
    asker = row.check or view.clients.get(row.client)
    return asker is None or (asker.channel or DEFAULT_CHANNEL) == channel


def settled(looking: Looking, releases: Sequence[Sequence[int]], clients: Sequence[str]) -> Looking:
    """With a selection in every pane that has rows: what was selected may be gone, folded into another row, or nothing
    was yet. `releases` are the sequences of each row. Until somebody picks a release it is the newest one.
    """
    release = next((row[0] for row in releases if looking.picked and looking.release in row), None)
    if release is None and releases:
        release = releases[0][0]
    client = looking.client
    if client not in clients:
        client = clients[0] if clients else None
    if (release, client) == (looking.release, looking.client):
        return looking
    return replace(looking, release=release, client=client)


def paused_on(looking: Looking, view: View, number: int) -> Looking:
    """A row was picked: the list stands still under it."""
    paused = looking.paused
    if paused is None:
        paused = tuple(row for row in view.rows if row.number > 0)
    return replace(looking, pane="checks", row=number, paused=paused, followed=None)


def following(looking: Looking) -> Looking:
    """The newest row again, as it comes."""
    return replace(looking, paused=None, row=None, followed=None)


def staying_on(looking: Looking, view: View) -> Looking:
    """Something is asked for the selected row's client: what becomes of it is what one wants to see."""
    row = view.row
    if looking.paused is not None or row is None or row.client is None:
        return looking
    return replace(looking, followed=row.client)


def next_channel(looking: Looking, channels: Sequence[str]) -> Looking:
    """The next channel alone, after the last one all of them."""
    if looking.channel not in channels:
        return replace(looking, channel=channels[0] if channels else None)
    after = [*channels, None]
    return replace(looking, channel=after[after.index(looking.channel) + 1])


def next_pane(looking: Looking, step: int = 1) -> Looking:
    """The pane beside this one."""
    return replace(looking, pane=PANES[(PANES.index(looking.pane) + step) % len(PANES)])


def asked_of_history(wanted: str) -> dict[str, str | int | None]:
    """What of a filter the history can be asked for: `reason:` and `status:` that there are, word for word."""
    asked: dict[str, str | int | None] = {}
    for word in wanted.split():
        field, _, value = word.partition(":")
        if field == "reason" and value in EVERY_CODE:
            asked["reason"] = value
        elif field == "status" and value.isdecimal() and value.isascii() and len(value) == 3:
            asked["status"] = int(value)
    return asked
