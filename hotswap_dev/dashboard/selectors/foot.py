"""The last line: the keys that fit the selection, and how to find all others."""

from __future__ import annotations

from rich.cells import cell_len

from hotswap_dev.dashboard.keys import KEYS, Key
from hotswap_dev.dashboard.keys.meaning import client_meant, release_meant, release_withheld_or_meant
from hotswap_dev.dashboard.selectors.columns import Piece, as_many, margined
from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.spans import Line, Span, cells, column, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.model import Release

_DEAREST_FIRST = [
    "n",
    "w",
    "m",
    "slash",
    "r",
    "x",
    "enter",
    "percent_sign",
    "b",
    "greater_than_sign",
    "p",
    "e",
    "u",
    "y",
    "c",
    "q",
]
"""What one would miss most comes first."""

_ORDER = [
    "n",
    "x",
    "m",
    "w",
    "percent_sign",
    "r",
    "b",
    "greater_than_sign",
    "e",
    "enter",
    "slash",
    "p",
    "c",
    "u",
    "y",
    "q",
]
_ALWAYS = ("colon", "question_mark")


_NAMED = ("n", "m", "w")
"""The keys that say on what they act: what a selection means is not always what is seen of it."""

_LONGEST_NAME = 14


def foot(view: View, width: int) -> Line:
    """` n no update Pixel  m mandatory 14  w withhold 14  / filter  : commands  ? help`."""
    wanted = [*sorted(_fitting(view), key=_ORDER.index), *_ALWAYS]
    room = max(0, width - 2)
    named = _pieces(wanted, view, named=True)
    kept = as_many(named, room, "  ")
    dear = [piece for name, piece in zip(wanted, named, strict=True) if name in _NAMED or name in _ALWAYS]
    if sum(cells(piece.spans) + 2 for piece in dear) - 2 > room:
        kept = as_many(_pieces(wanted, view, named=False), room, "  ")
    return margined(kept, (), width)


def _pieces(wanted: list[str], view: View, *, named: bool) -> list[Piece]:
    by_name = {key.key: key for key in KEYS}
    return [
        Piece(
            _said(by_name[name], view, named=named and name in _NAMED),
            0 if name in _ALWAYS else 1 + _DEAREST_FIRST.index(name),
        )
        for name in wanted
    ]


def _fitting(view: View) -> set[str]:
    """The keys that do something here and now."""
    if view.link.state in ("starting", "gone"):
        return {"u", "q"}
    fits = {"u", "y"}
    if client_meant(view) is not None:
        fits |= {"n", "x"}
    release = release_meant(view)
    if release is not None:
        newest = view.expected.newest(release.channel)
        fits |= {"m", "w", "r", "percent_sign"}
        if view.pane == "releases":
            fits |= {"greater_than_sign", "e"} if newest is release else {"b", "greater_than_sign", "e"}
    if view.selected is not None:
        fits.add("enter")
    if view.pane == "checks" and (view.rows or view.filter):
        fits.add("slash")
    if view.builds.dist is not None:
        fits.add("p")
    if len(view.controls.channels) > 1:
        fits.add("c")
    return fits


def _said(key: Key, view: View, *, named: bool) -> Line:
    release = _release_of(key, view)
    label = key.label
    if release is not None and key.key == "w" and release.withheld:
        label = "put back"
    elif release is not None and key.key == "m" and release.mandatory:
        label = "not mandatory"
    if named:
        label += f" {_target(key, view)}"
    return line(Span(key.shown, "key"), Span(f" {label}", "dim"))


def _target(key: Key, view: View) -> str:
    if key.target == "client":
        client = client_meant(view)
        name = "" if client is None else name_of(client, view)
        return name if cell_len(name) <= _LONGEST_NAME else column(name, _LONGEST_NAME)
    release = _release_of(key, view)
    return "" if release is None else str(release.sequence)


def _release_of(key: Key, view: View) -> Release | None:
    return release_withheld_or_meant(view) if key.key == "w" else release_meant(view)
