"""Frames of a terminal as one animated picture: an SVG that plays by itself, in an `<img>` too, and loads nothing.

Pure: the same frames are the same bytes. What is drawn is the first frame, and over it, group by group, what each later
frame changes; a group becomes visible when its time comes and stays until the film begins again. So a frame costs what
it changes. A line that comes back, as in a log that scrolls, is stored once, and so is a piece of a line: a name, a
reason, a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby, pairwise, product
from string import ascii_letters, digits
from typing import NamedTuple

CELL, ROW, MARGIN = 8, 18, 10
"""Pixels: whole ones, so that every place is a short number. A cell is 0.6 of the font's size."""

_FONT, _BASE = 13.33, 13
_FACES = "ui-monospace,'SF Mono','Cascadia Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"
_BLOCKS: dict[str, tuple[float, float, float, float]] = {
    **{chr(0x2580 + eighths): (0, 1 - eighths / 8, 1, eighths / 8) for eighths in range(1, 9)},
    **{chr(0x2590 - eighths): (0, 0, eighths / 8, 1) for eighths in range(1, 8)},
    "▀": (0, 0, 1, 0.5),
    "▐": (0.5, 0, 0.5, 1),
    "▔": (0, 0, 1, 0.125),
}
"""Which part of its cell a block covers: left, top, width, height. A font's own would stand out of its line."""
_OPACITY = {"░": 0.25, "▒": 0.5, "▓": 0.75}
_COVERED = {**_BLOCKS, **dict.fromkeys(_OPACITY, (0, 0, 1, 1))}
_GROUPS = ("p", "q")
_TICK = 0.01
"""Seconds: as exact as a time is."""
_SHORT = 3
"""Characters up to which a text is put where it belongs without being told how wide it is."""


class Cell(NamedTuple):
    """One place of the screen; `text` is empty in the right half of a wide character. Colours are `#rrggbb`."""

    text: str
    ink: str
    ground: str
    bold: bool = False


Row = tuple[Cell, ...]


class Frame(NamedTuple):
    """What the screen shows from `at` on, in seconds; every frame of a film has the same rows and columns."""

    at: float
    rows: tuple[Row, ...]


class _Piece(NamedTuple):
    """Cells of one line, from this column on."""

    column: int
    cells: Row


class _Change(NamedTuple):
    """A line that a frame draws anew, and what was there before; nothing in the first frame."""

    line: int
    before: Row
    row: Row

    def pieces(self) -> list[_Piece]:
        """What is to be drawn of it."""
        return [
            piece
            for piece in _pieces(self.row)
            if self.before[piece.column : piece.column + len(piece.cells)] != piece.cells
        ]


def paced(frames: Sequence[Frame], *, shortest: float, longest: float) -> list[Frame]:
    """The same frames, easier to watch: of those that follow each other within `shortest` seconds only the last is
    kept, equal neighbours are one, and nothing stands for more than `longest` seconds. The first one is at 0.
    """
    kept: list[Frame] = []
    since: float | None = None  # when the first of those came that are left out
    for frame, after in zip(frames, [*frames[1:], None], strict=True):
        since = frame.at if since is None else since
        if after is not None and after.at < since + shortest:
            continue
        since = None
        if not kept or kept[-1].rows != frame.rows:
            kept.append(frame)
    at = 0.0
    timed: list[Frame] = []
    for number, frame in enumerate(kept):
        if number:
            at += max(_TICK, min(frame.at - kept[number - 1].at, longest))
        timed.append(Frame(round(at, 2), frame.rows))
    return timed


def animated(frames: Sequence[Frame], *, seconds: float, title: str, poster: int = 0) -> str:
    """The film as SVG: `seconds` long, over and over. Where nothing may move, it is the frame number `poster`.

    ValueError without frames, for frames whose sizes differ, or for one that is not within the film.
    """
    if not frames or len({(len(frame.rows), *map(len, frame.rows)) for frame in frames}) != 1:
        raise ValueError("a film needs frames, all of one size")
    if any(after.at <= before.at for before, after in pairwise(frames)) or frames[-1].at >= seconds:
        raise ValueError("each frame comes after the one before it, and within the film")
    columns, rows = len(frames[0].rows[0]), len(frames[0].rows)
    width, height = columns * CELL + 2 * MARGIN, rows * ROW + 2 * MARGIN
    paper = Counter(cell.ground for row in frames[0].rows for cell in row).most_common(1)[0][0]
    nothing: Row = (Cell("", "", ""),) * columns
    shown = [[nothing] * rows, *(frame.rows for frame in frames)]
    changes = [
        [
            _Change(line, old, new)
            for line, (old, new) in enumerate(zip(before, after, strict=True))
            if old != new
        ]
        for before, after in pairwise(shown)
    ]
    ink = _Ink(_classes(frames), *_stored([change for frame in changes for change in frame]))
    groups = [
        f'<g id="f{number}">{"".join(map(ink.change, frame))}</g>' for number, frame in enumerate(changes[1:])
    ]
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{_FACES}" font-size="{_FONT}" xml:space="preserve" role="img">'
    )
    drawn = [
        root,
        f"<title>{escape(title, quote=False)}</title>",
        f"<style>{_style(ink.classes, [frame.at / seconds for frame in frames[1:]], seconds)}</style>",
        f"<defs>{''.join(ink.stored())}</defs>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{paper}"/>',
        f'<g transform="translate({MARGIN} {MARGIN})">',
        *map(ink.change, changes[0]),
        # What is in the first of these is there where nothing is animated.
        f'<g class="{_GROUPS[0]}">',
        *groups[:poster],
        f'</g><g class="{_GROUPS[1]}">',
        *groups[poster:],
        "</g></g></svg>",
        "",
    ]
    return "\n".join(drawn)


# --- what changes, and what is worth storing ------------------------------------------------------------------------


def _pieces(row: Row) -> Iterator[_Piece]:
    """A line in parts that come back elsewhere: each begins where the ground changes, or behind two spaces."""
    start = 0
    for at in range(1, len(row) + 1):
        ends = at == len(row) or row[at].ground != row[at - 1].ground
        if ends or (row[at].text != " " and at >= 2 and row[at - 1].text == row[at - 2].text == " "):
            yield _Piece(start, row[start:at])
            start = at


def _stored(changes: Sequence[_Change]) -> tuple[Mapping[Row, str], Mapping[_Piece, str]]:
    """Names of the lines that are drawn more than once and are worth it, and of pieces: of these lines and others."""
    drawn, spared = Counter[Row](), Counter[Row]()
    for change in changes:
        drawn[change.row] += 1
        spared[change.row] += len(change.pieces()) - 1
    lines = [row for row in drawn if drawn[row] > 1 and spared[row] > sum(1 for _ in _pieces(row)) + 1]
    kept = set(lines)
    others = [(change, change.pieces()) for change in changes if change.row not in kept]
    pieces = Counter(
        piece for parts in (*map(_pieces, lines), *(parts for _, parts in others)) for piece in parts
    )
    # Of what comes only once, a part may come again: one more of something, a second later.
    pieces += Counter(
        narrow
        for change, parts in others
        for piece in parts
        if pieces[piece] == 1 and (narrow := _narrowed(change.before, piece)) != piece
    )
    names = _names()
    named = {piece: next(names) for piece, count in pieces.most_common() if count > 1}
    return {row: next(names) for row in lines}, named


def _names() -> Iterator[str]:
    """`a`, `b`, … `Z`, `aa`, `ab`, …: as short as an XML name can be, and none that the groups have."""
    yield from (letter for letter in ascii_letters if letter not in _GROUPS)
    for length in range(1, 4):
        for name in map("".join, product(ascii_letters, *([ascii_letters + digits] * length))):
            # Such are the names of the groups that appear.
            if not (name[0] == "f" and name[1:].isdigit()):
                yield name


def _narrowed(before: Row, piece: _Piece) -> _Piece:
    """Only what differs from what was there; a wide character is drawn whole."""
    cells = piece.cells
    differ = [at for at, cell in enumerate(cells) if before[piece.column + at] != cell]
    start = differ[0]
    end = next((at for at in range(differ[-1] + 1, len(cells)) if cells[at].text), len(cells))
    return _Piece(piece.column + start, cells[start:end])


# --- what is drawn --------------------------------------------------------------------------------------------------

_Classes = Mapping[tuple[str, bool] | str, str]
"""The class of a ground, by its colour, and of a text, by its colour and whether it is bold."""


class _Ink(NamedTuple):
    """How things are drawn: in which classes, and by which name what is stored."""

    classes: _Classes
    lines: Mapping[Row, str]
    pieces: Mapping[_Piece, str]

    def stored(self) -> Iterator[str]:
        """What is stored, as if it were on the first line."""
        for piece, name in self.pieces.items():
            yield f'<g id="{name}">{"".join(_cells(piece, 0, self.classes))}</g>\n'
        for row, name in self.lines.items():
            yield f'<g id="{name}">{"".join(self._piece(piece, 0) for piece in _pieces(row))}</g>\n'

    def change(self, change: _Change) -> str:
        """A line that has changed."""
        if change.row in self.lines:
            return _use(self.lines[change.row], change.line)
        return "".join(
            self._piece(piece if piece in self.pieces else _narrowed(change.before, piece), change.line)
            for piece in change.pieces()
        )

    def _piece(self, piece: _Piece, line: int) -> str:
        if piece in self.pieces:
            return _use(self.pieces[piece], line)
        return "".join(_cells(piece, line, self.classes))


def _use(name: str, line: int) -> str:
    return f'<use href="#{name}" y="{line * ROW}"/>' if line else f'<use href="#{name}"/>'


def _classes(frames: Sequence[Frame]) -> _Classes:
    looks = Counter(
        look
        for frame in frames
        for row in frame.rows
        for cell in row
        for look in (cell.ground, (cell.ink, cell.bold))
    )
    return {look: name for (look, _), name in zip(looks.most_common(), _names(), strict=False)}


def _style(classes: _Classes, times: Sequence[float], seconds: float) -> str:
    """Colours, and when each group becomes visible: `times` are parts of the whole, between 0 and 1."""
    rules = ["text{white-space:pre}"]
    for look, name in classes.items():
        colour, bold = (look, False) if isinstance(look, str) else look
        rules.append(f".{name}{{fill:{colour}{';font-weight:700' if bold else ''}}}")
    rules.append(".q>g{visibility:hidden}")
    shown = [
        f"@keyframes f{number}{{0%{{visibility:hidden}}{time:.2%}{{visibility:visible}}}}"
        f"#f{number}{{animation-name:f{number}}}"
        for number, time in enumerate(times)
    ]
    rules += [
        f"@media(prefers-reduced-motion:no-preference){{.p>g,.q>g{{animation:{seconds:g}s step-end infinite}}",
        *shown,
        "}",
    ]
    return "".join(rules)


def _cells(piece: _Piece, line: int, classes: _Classes) -> Iterator[str]:
    """Their grounds, and every run of text from its first cell on, as wide as its cells."""
    y, start = line * ROW, piece.column
    for ground, run in groupby(piece.cells, key=lambda cell: cell.ground):
        width = sum(1 for _ in run)
        yield f'<path class="{classes[ground]}" d="M{start * CELL} {y}h{width * CELL}v{ROW}h{-width * CELL}"/>'
        start += width
    start = piece.column
    for look, run in groupby(piece.cells, key=lambda cell: (cell.ink, cell.bold)):
        texts = [cell.text for cell in run]
        yield from _blocks(texts, start, line, classes[look])
        texts = [" " if text in _COVERED else text for text in texts]
        left = next((at for at, text in enumerate(texts) if text != " "), len(texts))
        right = len(texts) - next((at for at, text in enumerate(reversed(texts)) if text != " "), 0)
        if left < right:
            wide = f' textLength="{(right - left) * CELL}"' if right - left > _SHORT else ""
            yield (
                f'<text x="{(start + left) * CELL}" y="{y + _BASE}"{wide} class="{classes[look]}">'
                f"{escape(''.join(texts[left:right]), quote=False)}</text>"
            )
        start += len(texts)


def _blocks(texts: Sequence[str], start: int, line: int, ink: str) -> Iterator[str]:
    """Bars and shades among these characters, neighbours of a kind as one."""
    for text, run in groupby(texts):
        count = sum(1 for _ in run)
        if text in _COVERED:
            left, top, width, height = _COVERED[text]
            shade = f' opacity="{_OPACITY[text]}"' if text in _OPACITY else ""
            for at in range(count if width < 1 else 1):
                wide = (width if width < 1 else count) * CELL
                yield (
                    f'<path class="{ink}"{shade} d="M{(start + at + left) * CELL:g} {(line + top) * ROW:g}'
                    f'h{wide:g}v{height * ROW:g}h{-wide:g}"/>'
                )
        start += count
