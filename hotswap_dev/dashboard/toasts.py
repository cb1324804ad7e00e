"""Which toasts stand: the newest of what keys did, and errors until they were read, as far as there is room."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from textual.app import App
from textual.widgets._toast import ToastHolder, ToastRack

from hotswap_dev.dashboard.ascii import in_ascii
from hotswap_dev.dashboard.details.paragraphs import broken
from hotswap_dev.dashboard.spans import line, plain
from hotswap_dev.domain.text import shown

Severity = Literal["information", "warning", "error"]

COLUMNS = 66
"""Of a toast's text on a screen that is wide enough: its `max-width` in hotswap.tcss, without frame and padding."""

_LONGEST = 400
"""Characters of a sentence: more would cover the screen."""

_AROUND = 1
"""The empty line above each."""


class Toast(Struct, frozen=True):
    """What is told, and until when: seconds of a clock that never goes back."""

    text: str
    severity: Severity
    until: float


def tell(
    app: App[Any], told: Sequence[Toast], message: str, hint: str, severity: Severity, *, ascii_only: bool
) -> list[Toast]:
    """Show what happened, and what to do about it; what stands on the screen from now on."""
    text = "\n".join(shown(one, _LONGEST) for one in (message, hint) if one)
    if ascii_only:
        text = "\n".join(plain(in_ascii(line(one))) for one in text.split("\n"))
    now = time.monotonic()
    new = Toast(text, severity, now + lasting(text))
    stand = standing(told, new, now, app.size.width, app.size.height)
    put_away(app, told)
    for one in stand:
        app.notify(one.text, severity=one.severity, timeout=one.until - now, markup=False)
    return stand


def put_away(app: App[Any], told: Sequence[Toast]) -> bool:
    """Take them from the screen; whether any of them still stood there."""
    app.clear_notifications()
    app.call_after_refresh(_tidy, app)
    return any(one.until > time.monotonic() for one in told)


def _tidy(app: App[Any]) -> None:
    """Take away what stands no longer: Textual leaves holders behind, and toasts that came while others went."""
    for screen in app.screen_stack:
        for holder in screen.query(ToastHolder):
            # Textual has no public way to ask which toast says what.
            stands = {ToastRack._toast_id(one) for one in app._notifications}  # noqa: SLF001
            if holder.id not in stands:
                holder.remove()


def lasting(text: str) -> float:
    """Seconds for which a text stands: six for a line, more for more, since an error has to be read to its end."""
    return 6 + len(text) / 40


def standing(told: Sequence[Toast], new: Toast, now: float, width: int, height: int) -> list[Toast]:
    """What stands once something new is told on a screen of this size, oldest first.

    The new one takes the place of what a command before it said. Errors stay up to their time, as many of the newest as
    fill a third of the screen together with it.
    """
    room = height // 3 - rows(new.text, width)
    kept: list[Toast] = []
    for one in reversed(told):
        if one.severity != "error" or one.until <= now or one.text == new.text:
            continue
        room -= rows(one.text, width)
        if room < 0:
            break
        kept.insert(0, one)
    return [*kept, new]


def rows(text: str, width: int) -> int:
    """The rows of the screen that a toast takes."""
    room = max(2, min(COLUMNS, width - 8))
    return _AROUND + sum(max(1, len(broken(part, room))) for part in text.split("\n"))
