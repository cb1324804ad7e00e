"""Lines in columns that stand still: how wide each one is follows from the room, never from what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hotswap_dev.dashboard.spans import Line, Span, cells, cut

_GAP = 2


class Column(NamedTuple):
    """A piece of a row: what it says, the columns that it would like, and how dear it is."""

    spans: Line
    width: int
    rank: int = 0
    """The highest goes first where there is no room; 0 stays."""
    least: int | None = None
    """What it can be narrowed to before anything goes; None: not at all."""
    right: bool = False
    grows: bool = False
    """Whether it takes the room that nobody needs."""

    @property
    def floor(self) -> int:
        """The least columns that it takes."""
        return self.width if self.least is None else min(self.least, self.width)


def in_columns(columns: Sequence[Column], width: int) -> Line:
    """The row in at most `width` columns of the terminal."""
    kept = [column for column in columns if column.width > 0]
    while len(kept) > 1 and _least(kept) > width and (dear := max(one.rank for one in kept)) > 0:
        last = max(index for index, one in enumerate(kept) if one.rank == dear)
        del kept[last]
    spare = max(0, width - _least(kept))
    widths = [column.floor for column in kept]
    for index in sorted(range(len(kept)), key=lambda one: kept[one].rank):
        more = min(spare, kept[index].width - widths[index])
        widths[index] += more
        spare -= more
    grower = next((index for index, column in enumerate(kept) if column.grows), None)
    if grower is not None:
        widths[grower] += spare
    out: list[Span] = []
    for index, (column, wide) in enumerate(zip(kept, widths, strict=True)):
        if index:
            out.append(Span(" " * _GAP))
        out.extend(fitted(column.spans, wide, right=column.right))
    return cut(tuple(out), width)


def fitted(spans: Line, width: int, *, right: bool = False) -> Line:
    """A line in exactly `width` columns."""
    kept = cut(spans, width)
    missing = width - cells(kept)
    if missing <= 0:
        return kept
    blank = Span(" " * missing)
    return (blank, *kept) if right else (*kept, blank)


def _least(columns: Sequence[Column]) -> int:
    return sum(column.floor for column in columns) + _GAP * (len(columns) - 1)


class Piece(NamedTuple):
    """Something that a bar says as long as there is room for it."""

    spans: Line
    rank: int = 0
    """The highest goes first; 0 stays."""


def as_many(pieces: Sequence[Piece], width: int, between: str) -> Line:
    """The pieces one after the other, without the dearest where they would not fit; at most `width` columns."""
    kept = [piece for piece in pieces if piece.spans]
    while len(kept) > 1 and _taken(kept, between) > width and (dear := max(one.rank for one in kept)) > 0:
        last = max(index for index, one in enumerate(kept) if one.rank == dear)
        del kept[last]
    out: list[Span] = []
    for index, piece in enumerate(kept):
        if index and between:
            out.append(Span(between, "dim"))
        out.extend(piece.spans)
    return cut(tuple(out), width)


def margined(left: Line, right: Line, width: int) -> Line:
    """A bar of the main screen: a column free at both ends, `right` at the right end if there is room for both.

    Where there is not, `left` is cut as long as half of the line stays its own; else `right` goes.
    """
    inner = width - 2
    if inner <= 0:
        return cut(left, max(0, width))
    taken = cells(right)
    if not right or inner - taken - 1 < min(cells(left), inner // 2):
        return cut((Span(" "), *cut(left, inner)), width)
    head = cut(left, inner - taken - 1)
    gap = inner - taken - cells(head)
    return (Span(" "), *head, Span(" " * gap), *right)


def _taken(pieces: Sequence[Piece], between: str) -> int:
    return sum(cells(piece.spans) for piece in pieces) + len(between) * (len(pieces) - 1)
