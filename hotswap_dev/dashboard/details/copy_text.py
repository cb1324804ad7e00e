"""The menu of what can be copied."""

from __future__ import annotations

from collections.abc import Sequence

from hotswap_dev.dashboard.details.copying import Choice
from hotswap_dev.dashboard.spans import Line, Span, cells, column, cut
from hotswap_dev.domain.text import shown

_DIGITS = 9
_SHOWN = 400


def copy_lines(choices: Sequence[Choice], chosen: int, width: int) -> list[Line]:
    """A head, an empty line, and one line for each choice; the chosen one is marked."""
    if not choices:
        return [(Span("Copy", "strong"),), (), (Span("There is nothing to copy yet.", "dim"),)]
    wide = max(cells((Span(one.label),)) for one in choices) + 2
    title: Line = (Span("Copy", "strong"), Span("   a digit, or j k and enter; esc leaves", "dim"))
    return [
        cut(title, width),
        (),
        *(
            _line(place, one, place == chosen, min(wide, width // 2), width)
            for place, one in enumerate(choices)
        ),
    ]


def _line(place: int, one: Choice, is_chosen: bool, wide: int, width: int) -> Line:
    digit = str(place + 1) if place < _DIGITS else " "
    # A text of several lines is one here; what is copied keeps them.
    preview = shown(" ".join(one.text.split()), _SHOWN)
    return cut(
        (
            Span("▸ " if is_chosen else "  ", "accent"),
            Span(f"{digit}  ", "key"),
            Span(column(one.label, wide), "strong" if is_chosen else "text"),
            Span(preview, "text" if is_chosen else "dim"),
        ),
        width,
    )
