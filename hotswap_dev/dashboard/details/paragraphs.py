"""The page of a detail: its head, its sections, labelled values and sentences, in so many columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, chop_cells

from hotswap_dev.dashboard.spans import Line, Role, Span, cells, column, cut, ends

MARGIN = 2
"""Columns before everything but a head and the name of a section."""

Labelled = tuple[str, Line | Span | str]

_BLANK: Line = ()


def head(left: Line, right: Line, width: int) -> Line:
    """The first line: what the page is about, and at its end the value that one looks for first."""
    return ends((Span(" "), *left), (*right, Span(" ")), width)


def section(name: str, width: int, note: str = "") -> list[Line]:
    """A blank line and the name of what follows, with a remark beside it, or below where it is too long."""
    named = (Span(" "), Span(name.upper(), "dim"))
    beside = (*named, Span(f"   {note}", "dim"))
    if cells(beside) <= width:
        return [_BLANK, beside if note else named]
    return [_BLANK, cut(named, width), *(sentence(note, width, role="dim") if note else ())]


def sentence(text: str, width: int, *, role: Role = "text", margin: int = MARGIN) -> list[Line]:
    """A text over as many lines as it takes, broken between words; a word is broken only where no line holds it."""
    return hanging((), text, width, role=role, margin=margin)


def hanging(first: Line, text: str, width: int, *, role: Role = "text", margin: int = MARGIN) -> list[Line]:
    """`first` and behind it a text, whose other lines begin where it began."""
    before: Line = (Span(" " * margin), *first)
    indent = cells(before)
    if indent > width // 2:  # too narrow to hang from: below it
        return [cut(before, width), *sentence(text, width, role=role, margin=margin)] if first else []
    parts = broken(text, width - indent) or [""]
    lines: list[Line] = [(*before, Span(parts[0], role))]
    lines += [(Span(" " * indent), Span(part, role)) for part in parts[1:]]
    return lines


def broken(text: str, width: int) -> list[str]:
    """A text in pieces of at most `width` columns, between words wherever that is possible."""
    if width < 2:
        return []
    lines: list[str] = []
    now = ""
    for word in text.split(" "):
        longer = f"{now} {word}" if now else word
        if cell_len(longer) <= width:
            now = longer
            continue
        if now:
            lines.append(now)
        *full, now = _pieces(word, width)
        lines += full
    return [*lines, now] if now else lines


def whole(text: str, width: int, *, role: Role = "text", margin: int = MARGIN) -> list[Line]:
    """A text to be copied or compared, over as many lines as it takes, nothing left out and nothing added."""
    room = max(2, width - margin)
    return [(Span(" " * margin), Span(part, role)) for part in _pieces(text, room)]


def fields(pairs: Iterable[Labelled], width: int, *, widest: int = 18) -> list[Line]:
    """Labels in a column of their own and a value behind each; a text or a span is wrapped there, a line is cut.

    What is empty is left out.
    """
    given = [(label, value) for label, value in pairs if value and value != Span("")]
    if not given:
        return []
    beside = min(widest, width // 3, max(cell_len(label) for label, _ in given)) + 2
    return [line for label, value in given for line in _field(label, value, beside, width)]


def table(rows: Sequence[Sequence[Line]], width: int, *, right: frozenset[int] = frozenset()) -> list[Line]:
    """Cells in columns two apart, each as wide as its widest; what is too long for the screen is cut at its end."""
    if not rows:
        return []
    widths = [max(cells(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [cut((Span(" " * MARGIN), *_row(row, widths, right)), width) for row in rows]


def _row(row: Sequence[Line], widths: Sequence[int], right: frozenset[int]) -> Iterator[Span]:
    for place, (cell, wide) in enumerate(zip(row, widths, strict=True)):
        gap = Span(" " * (wide - cells(cell)))
        yield from (gap, *cell) if place in right else (*cell, gap)
        yield Span("  ")


def _field(label: str, value: Line | Span | str, beside: int, width: int) -> list[Line]:
    named = Span(f"{column(label, beside - 2)}  ", "dim")
    if isinstance(value, Span):
        return hanging((named,), value.text, width, role=value.role)
    if isinstance(value, str):
        return hanging((named,), value, width)
    return [cut((Span(" " * MARGIN), named, *value), width)]


def _pieces(text: str, width: int) -> list[str]:
    """A text cut into lines by terminal cells; a letter is never torn."""
    if cell_len(text) <= width:
        return [text]  # also what takes no column at all, which the cutting would drop
    return chop_cells(text, width)
