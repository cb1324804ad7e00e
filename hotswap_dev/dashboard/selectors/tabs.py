"""Line 4: the panes, how many there are of each, how many checks a minute, and whether the list follows."""

from __future__ import annotations

from hotswap_dev.dashboard.selectors.columns import Piece, as_many, margined
from hotswap_dev.dashboard.selectors.figures import spark
from hotswap_dev.dashboard.spans import Line, Span, cells, line
from hotswap_dev.dashboard.view import Pane, View
from hotswap_dev.domain.text import shown

_PANES: tuple[tuple[Pane, str, str], ...] = (
    ("releases", "1", "Releases"),
    ("clients", "2", "Clients"),
    ("checks", "3", "Check-ins"),
)


def tabs(view: View, width: int) -> Line:
    """` 1 Releases 12   2 Clients 4   [3 Check-ins] 42/min ▁▂▅▇▃▁        F following`."""
    right = _right(view)
    if cells(right) > width // 2:
        right = _right(view, short=True)
    counts = {"releases": _releases(view), "clients": len(view.clients), "checks": None}
    pieces = [
        Piece(
            (*_tab(key, word, view.pane == pane), *_count(counts[pane])),
            0 if view.pane == pane else 3,
        )
        for pane, key, word in _PANES
    ]
    pieces.append(Piece(line(Span(f"{view.per_minute}/min", "text" if view.per_minute else "dim")), 2))
    pieces.append(Piece(line(Span(spark(view.rates, 12 if width < 120 else 24), "accent")), 4))
    room = width - 2 - (cells(right) + 2 if right else 0)
    return margined(as_many(pieces, max(0, room), "  "), right, width)


def _releases(view: View) -> int:
    if view.channel is None:
        return len(view.controls.releases)
    channel = view.controls.channels.get(view.channel)
    return 0 if channel is None else len(channel.releases)


def _tab(key: str, word: str, active: bool) -> Line:
    if active:
        return (Span("[", "dim"), Span(key, "key"), Span(f" {word}", "strong"), Span("]", "dim"))
    return (Span(" "), Span(key, "key"), Span(f" {word}", "dim"))


def _count(count: int | None) -> Line:
    return () if count is None else (Span(f" {count}", "text" if count else "dim"),)


def _right(view: View, *, short: bool = False) -> Line:
    out: list[Span] = []
    if view.channel is not None:
        out += [Span("c", "key"), Span(f" {shown(view.channel, 20)}  ", "accent")]
    if view.filter:
        out += [Span("/", "key"), Span(f" {shown(view.filter, 12 if short else 40)}  ", "warn")]
    if view.cut and not short and (view.filter or not view.following):
        out.append(Span("older: hotswap-dev log  ", "dim"))
    if view.following:
        out += [Span("F", "key"), Span(" following", "dim")]
    elif view.unseen:
        out += [Span("F", "key"), Span(f" paused, {view.unseen} new", "warn")]
    else:
        out += [Span("F", "key"), Span(" paused", "warn")]
    return tuple(out)
