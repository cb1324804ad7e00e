"""Line 3: all that bends answers now, so that nobody wonders why nothing arrives. Not there where nothing does."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from hotswap_dev.dashboard.keys import key_for, words_for
from hotswap_dev.dashboard.selectors.columns import margined
from hotswap_dev.dashboard.selectors.fault_chip import fault_chip, whom
from hotswap_dev.dashboard.selectors.figures import TIMES, name_of, spans_of
from hotswap_dev.dashboard.selectors.for_some import POISONED
from hotswap_dev.dashboard.spans import Line, Role, Span, cells, joined, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.text import shown

_MOST_PINS = 2
_MOST_PRODUCTS = 2
_CLEAR = "hotswap-dev clear-overrides"


class _Armed(NamedTuple):
    what: object
    """By this it is the same chip before and after what is pending."""
    text: str
    clears: str
    """The command line that ends it."""


def chips(view: View, width: int) -> Line:
    """` no update everyone                                                   Z clear`; () where nothing is armed."""
    was = list(_armed(view.controls, view))
    becomes = list(_armed(view.expected, view))
    known = {one.what: one.text for one in was}
    after = {one.what for one in becomes}
    said: list[Line] = []
    if view.about is not None and view.about.production_key:
        said.append(line(Span(" every installed app trusts this key ", "danger")))
    said.extend(_chip(one.text, pending=known.get(one.what) != one.text) for one in becomes)
    # What is being ended stands here until it has.
    said.extend(_chip(f"{one.text}: ending", pending=True) for one in was if one.what not in after)
    notice = view.notice
    if notice is not None:
        role: Role = "bad" if notice.level == "error" else "warn"
        text = "not recording: " if notice.code == "not-recording" else "! "
        said.append(line(Span(f"{text}{shown(notice.message, 200)}", role)))
    if not said:
        return ()
    return _in_room(said, _clearing(becomes, view), width)


def _in_room(said: list[Line], right: Line, width: int) -> Line:
    room = width - 2 - (cells(right) + 2 if right else 0)
    kept = list(said)
    while len(kept) > 1 and cells(joined(kept, Span(" "))) + (5 if len(kept) < len(said) else 0) > room:
        kept.pop()
    more = (Span(f" +{len(said) - len(kept)}", "warn"),) if len(kept) < len(said) else ()
    return margined((*joined(kept, Span(" ")), *more), right, width)


def _chip(text: str, *, pending: bool) -> Line:
    return line(Span(f" {text}{'…' if pending else ''} ", "chip"))


def _clearing(armed: list[_Armed], view: View) -> Line:
    for one in armed:
        key = key_for(one.clears, view) if one.clears else None
        if key is not None:
            words = key.label if one.clears == _CLEAR else words_for(one.clears)
            return line(Span(key.shown, "key"), Span(f" {words}", "dim"))
    return ()


def _armed(controls: Controls, view: View) -> Iterator[_Armed]:
    for forced in controls.forced:
        times = "" if forced.left is None else f" {TIMES}{forced.left}"
        said = whom(forced.client, forced.channel, view)
        yield _Armed((forced.client, forced.channel), f"no update{times} {said}", _CLEAR)
    if controls.mandatory_for_all:
        yield _Armed("mandatory", "every offer mandatory", _CLEAR)
    for armed in controls.faults:
        what = ("fault", armed.fault, armed.client, armed.channel)
        yield _Armed(what, fault_chip(armed, view), _CLEAR)
    for name, channel in controls.channels.items():
        if channel.paused:
            yield _Armed(("paused", name), f"{shown(name)} paused", f"hotswap-dev resume-channel {name}")
    for name, channel in controls.channels.items():
        held = _withheld_above(controls, channel.releases)
        if held:
            yield _Armed(("withheld", name), f"{spans_of(held)} withheld", f"hotswap-dev restore {held[0]}")
    pins = list(controls.pins.items())
    for client, sequence in pins[:_MOST_PINS]:
        yield _Armed(
            ("pin", client),
            f"{name_of(client, view)} pinned to {sequence}",
            f"hotswap-dev pin-client {client} none",
        )
    if len(pins) > _MOST_PINS:
        yield _Armed("pins", f"{len(pins) - _MOST_PINS} more pinned", "")
    for name, required in controls.required.items():
        value = "" if required.digest is None else " with its value"
        text = f"{shown(name)} demands {shown(required.header)}{value}, else {required.status}"
        ends = f"hotswap-dev set-required-header {name} {shlex.quote(required.header)} none"
        yield _Armed(("required", name), text, ends)
    products = list(controls.products.items())
    for product, name in products[:_MOST_PRODUCTS]:
        yield _Armed(("product", product), f"{shown(product, 40)} → {shown(name)}", "")
    if len(products) > _MOST_PRODUCTS:
        yield _Armed("products", f"{len(products) - _MOST_PRODUCTS} more products", "")


def _withheld_above(controls: Controls, releases: tuple[int, ...]) -> list[int]:
    """What would be offered if it were not withheld; what something newer has passed withholds nothing any more."""
    held: list[int] = []
    for sequence in releases:
        release = controls.releases[sequence]
        if not controls.has_bytes(release) or release.origin == POISONED:
            continue  # what can't be offered again
        if not release.withheld:
            break
        held.append(sequence)
    return held
