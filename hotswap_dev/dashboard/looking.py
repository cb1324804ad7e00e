"""What a person looks at: the pane, the selection in each, the filter, the channel; keys lead to the next one."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.searching import matching
from hotswap_dev.dashboard.view import Pane, Selected, View
from hotswap_dev.domain.model import DEFAULT_CHANNEL
from hotswap_dev.domain.reasons import CODES

PANES: tuple[Pane, ...] = ("releases", "clients", "checks")
NO_NAMES: Mapping[str, str] = {}


class Looking(Struct, frozen=True, kw_only=True):
    """The screen's own state. `paused` holds all rows as they were when following was paused, the newest first.

    `followed` is the client whose newest row is selected while the list is followed: who something was just asked for.
    Without it, it is whoever asked last.
    """

    pane: Pane = "checks"
    release: int | None = None
    picked: bool = False
    """Whether a person chose that release."""
    unfolded: bool = False
    """Whether releases that were never fetched have rows of their own."""
    alone: int | None = None
    """The release that was picked while it had a row of its own: as long as it is picked, it keeps that row."""
    client: str | None = None
    picked_client: bool = False
    """Whether a person chose that client."""
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
    every, news = (rows, ()) if looking.paused is None else _held(looking.paused, rows)
    shown = _left(every, looking, view)
    unseen = len(_left(news, looking, view))
    row = looking.row
    if looking.paused is None:
        row = _newest(shown, looking.followed)
    selected = replace(looking, row=row).selected
    return replace(
        view,
        rows=shown,
        every=every,
        unseen=unseen,
        following=looking.paused is None,
        channel=looking.channel,
        pane=looking.pane,
        unfolded=looking.unfolded,
        alone=looking.alone if looking.picked and looking.alone == looking.release else None,
        selected=selected,
        filter=looking.filter,
    )


def _held(paused: Sequence[Row], rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows that stood there with what is older, and what came since: new rows, and those that were counted on."""
    stood = {row.number: row for row in paused}
    now = {row.number: row for row in rows}
    new = [
        row
        for row in rows
        if (
            row.at > stood[row.number].at
            if row.number in stood
            else row.number > 0 or (bool(paused) and row.at > paused[0].at)
        )
    ]
    # A page of the history may count a row further back.
    held = [now[row.number] if row.number in now and now[row.number].at == row.at else row for row in paused]
    older = [row for row in rows if row.number < 0 and row.number not in stood]
    if paused:
        # After a gap the history tells also what stands here.
        last = paused[-1].at
        edge = [row.event for row in paused if row.at == last]
        older = [row for row in older if row.at < last or (row.at == last and row.event not in edge)]
    return held + older, new


def _left(rows: Sequence[Row], looking: Looking, view: View) -> list[Row]:
    """The rows that filter and channel leave."""
    left = matching(rows, looking.filter, view.controls.names)
    if looking.channel is not None:
        left = [row for row in left if _in_channel(row, looking.channel, view)]
    return left


def _newest(rows: Sequence[Row], client: str | None) -> int | None:
    """The newest row of any client, else of all: a change is no reason to look elsewhere. With a client the newest of
    that one alone: where there is none, nobody else is selected in its place.
    """
    if client is not None:
        return next((row.number for row in rows if row.client == client), None)
    of_clients = (row.number for row in rows if row.client is not None)
    return next(of_clients, None) or next((row.number for row in rows), None)


def _in_channel(row: Row, channel: str, view: View) -> bool:
    """Whether a row is of a client that asks for this channel, or of none: what was changed is everyone's."""
    if row.client is None:
        return True
    asker = row.check or view.clients.get(row.client)
    return asker is None or (asker.channel or DEFAULT_CHANNEL) == channel


def settled(
    looking: Looking,
    releases: Sequence[Sequence[int]],
    clients: Sequence[str],
    known: Container[str] = (),
) -> Looking:
    """With a selection in every pane that has rows: what was selected may be gone, or nothing was yet. `releases` are
    the sequences of each row, `known` are the clients that there are, whether or not they have a row. Until somebody
    picks one it is the newest release, and the client that was seen last; a client that was picked and is gone leaves
    nobody selected.
    """
    release = next((row[0] for row in releases if looking.picked and looking.release in row), None)
    alone = looking.alone
    if looking.picked and any(len(row) == 1 and row[0] == release for row in releases):
        alone = release
    if release is None and releases:
        release = releases[0][0]
    client = looking.client
    if not looking.picked_client:
        client = clients[0] if clients else None
    elif client not in clients and (client is None or client not in known):
        client = None
    if (release, alone, client) == (looking.release, looking.alone, looking.client):
        return looking
    return replace(looking, release=release, alone=alone, client=client)


def paused_on(looking: Looking, view: View, number: int) -> Looking:
    """A row was picked: the list stands still under it."""
    paused = looking.paused
    if paused is None:
        paused = tuple(view.every or view.rows)
    return replace(looking, pane="checks", row=number, paused=paused, followed=None)


def following(looking: Looking) -> Looking:
    """The newest row again, as it comes."""
    return replace(looking, paused=None, row=None, followed=None)


def staying_on(looking: Looking, view: View) -> Looking:
    """Something is asked for the selected row's client: what becomes of it is what one wants to see."""
    chosen, row = view.selected, view.row
    if chosen is not None and chosen.kind == "client":
        return replace(looking, client=str(chosen.key), picked_client=True)
    if looking.paused is not None or row is None or row.client is None:
        return looking
    return replace(looking, followed=row.client)


def as_seen(view: View, drawn: Selected | None) -> View:
    """A moment with that selected which a person saw when they pressed a key: something else may have come since."""
    if drawn == view.selected:
        return view
    if drawn is None:
        return replace(view, selected=None)
    there = {
        "checks": drawn.kind == "row" and any(row.number == drawn.key for row in view.rows),
        "clients": drawn.kind == "client" and drawn.key in view.clients,
        "releases": drawn.kind == "release" and drawn.key in view.controls.releases,
    }
    return replace(view, selected=drawn if there[view.pane] else None)


def next_channel(looking: Looking, channels: Sequence[str]) -> Looking:
    """The next channel alone, after the last one all of them."""
    if looking.channel not in channels:
        return replace(looking, channel=channels[0] if channels else None)
    after = [*channels, None]
    return replace(looking, channel=after[after.index(looking.channel) + 1])


def next_pane(looking: Looking, step: int = 1) -> Looking:
    """The pane beside this one."""
    return replace(looking, pane=PANES[(PANES.index(looking.pane) + step) % len(PANES)])


def asked_of_history(
    wanted: str, clients: Iterable[str] = (), names: Mapping[str, str] = NO_NAMES
) -> dict[str, str | int | None]:
    """What of a filter the history can be asked for: `reason:` and `status:` that there are, word for word, and a
    `client:` that is the id or the name of one of these clients and of no other a part.
    """
    asked: dict[str, str | int | None] = {}
    for word in wanted.split():
        field, _, value = word.partition(":")
        if field == "reason" and value in CODES:
            asked["reason"] = value
        elif field == "status" and value.isdecimal() and value.isascii() and len(value) == 3:
            asked["status"] = int(value)
        elif field == "client" and (meant := _only_client(value.casefold(), clients, names)) is not None:
            asked["client"] = meant
    return asked


def _only_client(text: str, clients: Iterable[str], names: Mapping[str, str]) -> str | None:
    found = [one for one in clients if text in f"{one} {names.get(one, '')}".casefold()]
    if len(found) == 1 and text in (found[0].casefold(), names.get(found[0], "").casefold()):
        return found[0]
    return None
