"""The last line: the keys that fit the selection, and how to find all others."""

from __future__ import annotations

from hotswap_dev.dashboard.keys import KEYS, Key
from hotswap_dev.dashboard.keys.meaning import client_meant, release_meant
from hotswap_dev.dashboard.selectors.columns import Piece, as_many, margined
from hotswap_dev.dashboard.spans import Line, Span, line
from hotswap_dev.dashboard.view import View

_DEAREST_FIRST = [
    "n",
    "w",
    "m",
    "slash",
    "enter",
    "r",
    "p",
    "u",
    "b",
    "greater_than_sign",
    "e",
    "y",
    "c",
    "q",
]
"""What one would miss most comes first."""

_ORDER = ["n", "m", "w", "r", "b", "greater_than_sign", "e", "enter", "slash", "p", "c", "u", "y", "q"]
_ALWAYS = ("colon", "question_mark")


def foot(view: View, width: int) -> Line:
    """` n no update  m mandatory  w withhold  r re-offer  / filter  : commands  ? help`."""
    by_name = {key.key: key for key in KEYS}
    wanted = [*sorted(_fitting(view), key=_ORDER.index), *_ALWAYS]
    pieces = [
        Piece(_said(by_name[name], view), 0 if name in _ALWAYS else 1 + _DEAREST_FIRST.index(name))
        for name in wanted
    ]
    return margined(as_many(pieces, max(0, width - 2), "  "), (), width)


def _fitting(view: View) -> set[str]:
    """The keys that do something here and now."""
    if view.link.state in ("starting", "gone"):
        return {"u", "q"}
    fits = {"u", "y"}
    if client_meant(view) is not None:
        fits.add("n")
    if release_meant(view) is not None:
        fits |= {"m", "w", "r"} | ({"b", "greater_than_sign", "e"} if view.pane == "releases" else set())
    if view.selected is not None:
        fits.add("enter")
    if view.pane == "checks" and (view.rows or view.filter):
        fits.add("slash")
    if view.builds.dist is not None:
        fits.add("p")
    if len(view.controls.channels) > 1:
        fits.add("c")
    return fits


def _said(key: Key, view: View) -> Line:
    release = release_meant(view)
    label = key.label
    if release is not None and key.key == "w" and release.withheld:
        label = "put back"
    elif release is not None and key.key == "m" and release.mandatory:
        label = "not mandatory"
    return line(Span(key.shown, "key"), Span(f" {label}", "dim"))
