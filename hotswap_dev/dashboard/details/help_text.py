"""All keys by what they are for, in as many columns as there is room for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Protocol

from hotswap_dev.dashboard.details.paragraphs import hanging, head, section, sentence
from hotswap_dev.dashboard.spans import Line, Span, cells, column

_COLUMN = 56
_GAP = 3


class KeyHelp(Protocol):
    """What help needs of a key (`dashboard.keys.Key`)."""

    @property
    def shown(self) -> str:
        """As it stands on a keyboard: `;`."""

    @property
    def help(self) -> str:
        """What it does, in a sentence."""

    @property
    def group(self) -> str:
        """What it is listed under."""


def help_lines(keys: Sequence[KeyHelp], width: int) -> list[Line]:
    """The page: what the cases mean, every key under its group, and where there is more."""
    lines = [head((Span("Keys", "strong"),), (Span("? or esc leaves", "dim"),), width), ()]
    lines += sentence(
        "A small letter acts on what is selected, a capital one on everyone. The same key again is the next state: "
        "once, until cleared, off.",
        width,
    )
    count = max(1, min(3, (width + _GAP) // (_COLUMN + _GAP)))
    each = (width - _GAP * (count - 1)) // count
    groups = [
        _group(name, list(members), each)
        for name, members in itertools.groupby(_by_group(keys), key=lambda key: key.group)
    ]
    lines += _side_by_side(_filled(groups, count), each)
    lines += section("more", width)
    lines += hanging(
        (Span(column(":", 8), "key"),), "every command by name, each with a form for its arguments", width
    )
    lines += hanging(
        (Span("hotswap-dev help TOPIC", "accent"), Span("   ")),
        "a page on first-app, phones, ci, and on every reason",
        width,
    )
    return lines


def _by_group(keys: Sequence[KeyHelp]) -> list[KeyHelp]:
    """The keys of a group together, groups in the order in which they are first named."""
    order = list(dict.fromkeys(key.group for key in keys))
    return sorted(keys, key=lambda key: order.index(key.group))


def _group(name: str, keys: Sequence[KeyHelp], width: int) -> list[Line]:
    lines = section(name, width)
    for key in keys:
        lines += hanging((Span(column(key.shown, 8), "key"),), key.help, width)
    return lines


def _filled(groups: Sequence[list[Line]], count: int) -> list[list[Line]]:
    """The groups, whole and in their order, in columns of about one height: the best of the few ways there are."""
    ways = itertools.combinations(range(1, len(groups)), min(count, len(groups)) - 1)
    best = min(ways, key=lambda cuts: max(map(len, _columns(groups, cuts))))
    return _columns(groups, best)


def _columns(groups: Sequence[list[Line]], cuts: Sequence[int]) -> list[list[Line]]:
    borders = [0, *cuts, len(groups)]
    return [
        [line for group in groups[start:end] for line in group] for start, end in itertools.pairwise(borders)
    ]


def _side_by_side(columns: Sequence[list[Line]], width: int) -> list[Line]:
    rows = itertools.zip_longest(*columns, fillvalue=())
    return [
        (*itertools.chain.from_iterable(_padded(part, width) for part in row[:-1]), *row[-1]) for row in rows
    ]


def _padded(part: Line, width: int) -> Line:
    return (*part, Span(" " * (width - cells(part) + _GAP)))
