"""Columns for people: as wide as their widest cell, without a frame, so that they can be cut and searched."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence

WIDEST_CLIENT = 40
"""Columns of a client in a table. Its beginning means it, where it is the only one with that beginning."""


def table(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """The rows as lines; `right` are the columns that are aligned to the right."""
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            padded(cell, wide, right=column in right)
            for column, (cell, wide) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """`text` with spaces up to so many columns of a terminal."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


def cut(text: str, columns: int) -> str:
    """`text` in at most so many columns; what is cut ends with `…`."""
    if width(text) <= columns:
        return text
    kept = ""
    for one in text:
        if width(kept + one) > columns - 1:
            break
        kept += one
    return f"{kept}…"


def width(text: str) -> int:
    """Columns that a terminal takes for `text`: two for a wide character, none for a mark on one."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(one) in ("Mn", "Me")
        else 2
        if unicodedata.east_asian_width(one) in "WF"
        else 1
        for one in text
    )
