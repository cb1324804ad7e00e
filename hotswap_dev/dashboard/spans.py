"""A line of the screen as data: pieces of plain text, each with the role that it plays.

No markup is ever read and no style named here: selectors say what a piece is, the theme says how that looks. Text from
outside has been made harmless (`domain.text.shown`) before it is a span, and is cut by terminal cells, not by letters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

Role = Literal[
    "text",
    "dim",  # what is there for who looks for it
    "strong",  # the name of the thing that a line is about
    "good",
    "warn",
    "bad",
    "accent",  # a value that changed just now, a sequence, what is selected
    "key",  # a key to press
    "chip",  # something armed
    "fault",  # what a fault has done
    "danger",  # a production key: unlike anything else on the screen
]

ELLIPSIS = "…"


class Span(NamedTuple):
    """Some text and its role."""

    text: str
    role: Role = "text"


Line = tuple[Span, ...]


def line(*pieces: Span | str) -> Line:
    """A line of these pieces; a bare text plays no role."""
    return tuple(piece if isinstance(piece, Span) else Span(piece) for piece in pieces)


def plain(spans: Line) -> str:
    """The line's text."""
    return "".join(span.text for span in spans)


def cells(spans: Line) -> int:
    """The columns that a line takes: wide characters take two."""
    return sum(cell_len(span.text) for span in spans)


def column(text: str, width: int, *, right: bool = False) -> str:
    """A text in exactly `width` columns, cut with an ellipsis where it is longer."""
    missing = width - cell_len(text)
    if missing < 0:
        return set_cell_size(text, width - 1) + ELLIPSIS if width > 0 else ""
    return " " * missing + text if right else text + " " * missing


def cut(spans: Line, width: int) -> Line:
    """The line in at most `width` columns, with an ellipsis where something is cut away."""
    if cells(spans) <= width:
        return spans
    out: list[Span] = []
    left = width - 1
    for span in spans:
        if (taken := cell_len(span.text)) > left:
            out.append(Span(set_cell_size(span.text, left) + ELLIPSIS, span.role))
            break
        out.append(span)
        left -= taken
    return tuple(out) if width > 0 else ()


def ends(left: Line, right: Line, width: int) -> Line:
    """`left` at the beginning and `right` at the end of `width` columns; what is too long is cut from `left`."""
    room = max(0, width - cells(right) - 1)
    head = cut(left, room)
    gap = max(1, width - cells(head) - cells(right))
    return cut((*head, Span(" " * gap), *right), width)


def joined(parts: Iterable[Line], between: Span) -> Line:
    """Lines one after the other, with `between` between them."""
    out: list[Span] = []
    for part in parts:
        if out:
            out.append(between)
        out.extend(part)
    return tuple(out)
