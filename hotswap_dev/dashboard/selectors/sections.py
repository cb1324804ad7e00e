"""Labelled sentences in a given room: what matters least is shortened first, and what goes says that it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hotswap_dev.dashboard.details.paragraphs import broken
from hotswap_dev.dashboard.keys import key_for, words_for
from hotswap_dev.dashboard.spans import ELLIPSIS, Line, Role, Span, cells, column, cut
from hotswap_dev.dashboard.view import View

_LABEL = 6
_MARGIN = 1
_INDENT = _MARGIN + _LABEL
_FURTHEST = 110
"""Columns of a sentence: longer lines are hard to read, and a wide screen has them all the same."""

_BESIDE = 130
"""Where the key of a sentence ends at the latest: it is read with its sentence."""


class Section(NamedTuple):
    """A label, a text, and the command line that would change what it says ("" where none would)."""

    label: str
    text: str
    command: str = ""
    role: Role = "text"
    dear: int = 0
    """The highest is shortened first where there is no room for all."""


@dataclass(slots=True)
class _Block:
    """A section on its way to lines."""

    section: Section
    parts: list[str]
    way_out: Line
    width: int
    torn: bool = field(default=False)

    @property
    def fits_beside(self) -> bool:
        """Whether the way out stands at the end of the last line of the text."""
        taken = _INDENT + cells((Span(self._last),)) + cells(self.way_out)
        return self.width - 1 - taken >= 3

    @property
    def height(self) -> int:
        """Lines that it takes."""
        return len(self.parts) + (1 if self.way_out and not self.fits_beside else 0)

    @property
    def _last(self) -> str:
        return f"{self.parts[-1].rstrip('.')} {ELLIPSIS}" if self.torn else self.parts[-1]

    def lines(self) -> list[Line]:
        """As they are drawn."""
        role = self.section.role
        texts = [*self.parts[:-1], self._last]
        label = Span(column(self.section.label, _LABEL), "dim")
        out: list[Line] = [(Span(" " * _MARGIN), label, Span(texts[0], role))]
        out += [(Span(" " * _INDENT), Span(text, role)) for text in texts[1:]]
        if not self.way_out:
            return out
        edge = min(self.width, _BESIDE) - 1 - cells(self.way_out)
        if self.fits_beside:
            out[-1] = (*out[-1], Span(" " * max(3, edge - cells(out[-1]))), *self.way_out)
        else:
            out.append((Span(" " * max(_INDENT, edge)), *self.way_out))
        return out


def laid(sections: Sequence[Section], view: View, width: int, height: int) -> tuple[Line, ...]:
    """The sections in at most `height` lines of at most `width` columns. A command is said once, the first time."""
    said = {""}
    blocks: list[_Block] = []
    room = max(2, min(width, _FURTHEST) - _INDENT - 1)
    for section in sections:
        if not section.text:
            continue
        way_out = () if section.command in said else _way_out(section.command, view)
        said.add(section.command)
        blocks.append(_Block(section, broken(section.text, room) or [""], way_out, width))
    _shorten(blocks, height)
    return tuple(cut(one, width) for block in blocks for one in block.lines())


def _shorten(blocks: list[_Block], height: int) -> None:
    """Until they fit: command lines that no key has go first, then the ends of texts, then keys, then sections."""
    steps: tuple[Callable[[list[_Block]], bool], ...] = (_drop_command, _tear, _drop_key, _drop_section)
    for step in steps:
        while sum(block.height for block in blocks) > height and step(blocks):
            pass


def _drop_command(blocks: list[_Block]) -> bool:
    for block in reversed(blocks):
        if block.way_out and not block.fits_beside and block.way_out[0].role != "key":
            block.way_out = ()
            return True
    return False


def _tear(blocks: list[_Block]) -> bool:
    longer = [block for block in blocks if len(block.parts) > 1]
    if not longer:
        return False
    block = max(longer, key=lambda one: (one.section.dear, len(one.parts)))
    block.parts.pop()
    block.torn = True
    return True


def _drop_key(blocks: list[_Block]) -> bool:
    for block in reversed(blocks):
        if block.way_out and not block.fits_beside:
            block.way_out = ()
            return True
    return False


def _drop_section(blocks: list[_Block]) -> bool:
    if not blocks:
        return False
    dear = max(block.section.dear for block in blocks)
    last = max(index for index, block in enumerate(blocks) if block.section.dear == dear)
    del blocks[last]
    return True


def _way_out(command: str, view: View) -> Line:
    """The key that would change it, or the command line where no key does."""
    key = key_for(command, view)
    if key is None:
        return (Span("→ ", "dim"), Span(command, "dim"))
    return (Span(key.shown, "key"), Span(f" {words_for(command)}", "text"))
