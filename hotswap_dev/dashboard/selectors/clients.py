"""The clients: who was seen last first, what each runs, and what its check-ins prove."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hotswap_dev.dashboard.selectors.columns import Column, in_columns
from hotswap_dev.dashboard.selectors.figures import TIMES, age, channel_of, name_of, seen_last_first
from hotswap_dev.dashboard.selectors.struck import short_name
from hotswap_dev.dashboard.selectors.widths import widths
from hotswap_dev.dashboard.spans import Line, Role, Span, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import Client, in_loop, remarks, runs_again
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.labels import Turn, inferred
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.text import shown

MOST_CLIENTS = 300
"""Rows that are made: whoever was seen before these is found by the filter, and by `hotswap-dev clients`."""

_ROOMY = 90

_LABELS: dict[str, tuple[str, Role]] = {
    "embedded": ("embedded", "dim"),
    "running": ("running", "text"),
    "applied": ("applied", "good"),
    "confirmed": ("confirmed", "good"),
    "completed": ("installed", "good"),
    "failed": ("failed", "bad"),
    "not-activated": ("not activated", "warn"),
    "rolled-back": ("rolled back", "bad"),
    "rollback-loop": ("rollback loop", "bad"),
    "discarded": ("discarded", "bad"),
    "upgraded": ("app upgraded", "text"),
    "downgraded": ("older app", "warn"),
    "ahead": ("ahead of this server", "warn"),
    "shared-id": ("two under one id", "warn"),
    "fetched": ("downloaded", "accent"),
    "channel-switched": ("other channel", "text"),
}


def client_rows(view: View) -> Sequence[Client]:
    """The clients that are looked at, seen last first, at most `MOST_CLIENTS`, and the selected one wherever it is."""
    newest_first = seen_last_first(view)
    if view.channel is not None:
        newest_first = (one for one in newest_first if channel_of(one) == view.channel)
    rows = list(itertools.islice(newest_first, MOST_CLIENTS))
    chosen = view.client if view.selected is not None and view.selected.kind == "client" else None
    if chosen is not None and all(one.id != chosen.id for one in rows):
        rows.append(chosen)
    return rows


def client_heads(view: View, width: int) -> Line:
    """What the columns of `client_line` are, in the same places."""
    words = ("name", "runs on", "binary", "channel", "at", "seen", "state")
    return _in_columns([line(Span(word, "dim")) for word in words], view, width)


def client_line(client: Client, view: View, width: int) -> Line:
    """`Pixel  android/aarch64  0.4.1  beta  12 → 14  3 s  applied !`, its columns by the room that there is."""
    machine = f"{shown(client.platform or '?')}/{shown(client.arch or '?')}"
    cells = (
        line(Span(name_of(client.id, view), "strong")),
        line(Span(machine, "dim")),
        line(Span(shown(client.binary_version or "?"), "text")),
        line(Span(shown(channel_of(client)), "dim")),
        _at(client),
        line(Span(age(client.last_seen, view.now), "dim")),
        _state(client, view),
    )
    return _in_columns(cells, view, width)


def _in_columns(cells: Sequence[Line], view: View, width: int) -> Line:
    name, machine, binary, channel, at, seen, state = cells
    like, roomy = widths(view), width >= _ROOMY
    return in_columns(
        (
            # Where the list has room, what it runs on goes before its name is cut.
            Column(name, like.name, 0, min(like.name, max(12, width // 3))),
            Column(machine, 16, 5),
            Column(binary, like.binary, 3, min(like.binary, 6)),
            Column(channel, _channels(view, roomy), 4),
            Column(at, min(15, 2 * len(str(view.controls.last_sequence)) + 4), 1),
            Column(seen, 6, 2, right=True),
            Column(state, 20 if roomy else 14, 0, 14, grows=True),
        ),
        width,
    )


def _channels(view: View, roomy: bool) -> int:
    """Columns for a channel; none where every client that is shown asks for the same, as far as there is another."""
    if view.channel is not None or (len(view.controls.channels) < 2 and not roomy):
        return 0
    return widths(view).channel


def label_words(label: Turn) -> tuple[str, Role]:
    """What a label says, in a word or two; `?` where more than one thing can lead to what was seen."""
    text, role = _LABELS.get(label.code, (shown(label.code), "text"))
    times = label.args.get("times", 1)
    if isinstance(times, int) and times > 1:
        text += f" {TIMES}{times}"
    return text + ("?" if inferred(label) else ""), role


def _at(client: Client) -> Line:
    if client.sequence is None:
        return line(Span("?", "warn"))
    at = Span(str(client.sequence), "text")
    if client.status == 200 and client.offered is not None and client.offered > client.sequence:
        return (at, Span(" → ", "dim"), Span(str(client.offered), "accent"))
    return (at,)


def _state(client: Client, view: View) -> Line:
    words: list[Span] = []
    if client.reason == "bad-request":
        words.append(Span("refused", "bad"))
    elif in_loop(client):  # whether it is on its way up or down, "applied" would hide it
        words.append(Span(f"rollback loop {TIMES}{client.falls}", "bad"))
    elif runs_again(client):
        words.append(Span("applied again", "warn"))
    elif client.label is not None:
        words.append(Span(*label_words(client.label)))
    if remarks(client):
        words.insert(0, Span("! ", "warn"))
    words.extend(_set_for(client, view))
    return tuple(words)


def _set_for(client: Client, view: View) -> list[Span]:
    """What a person set for this client, as it will be when all that is pending is done: then with `…`."""
    was, becomes = _settings(client.id, view.controls), _settings(client.id, view.expected)
    out = [Span(f" {text}{'' if text in was else '…'}", "warn") for text in becomes]
    return out + [Span(f" no longer {text}…", "dim") for text in was if text not in becomes]


def _settings(client: str, controls: Controls) -> list[str]:
    pinned = controls.pins.get(client)
    found = [] if pinned is None else [f"pinned {pinned}"]
    for forced in controls.forced:
        if forced.client == client:
            times = "" if forced.left is None else f" {TIMES}{forced.left}"
            found.append(f"no update{times}")
    return found + [
        f"fault {short_name(one.fault)}{_times(one)}" for one in controls.faults if one.client == client
    ]


def _times(armed: ArmedFault) -> str:
    return "" if armed.left is None else f" {TIMES}{armed.left}"
