"""A line of spans as what Textual draws: the one place where text gets onto the screen."""

from __future__ import annotations

from collections.abc import Mapping

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from hotswap_dev.dashboard.spans import Line, Role, cut
from hotswap_dev.domain.text import shown

_WIDEST = 4_096
"""Characters of a span: no terminal has more columns."""


def strip_of(spans: Line, width: int, base: Style, styles: Mapping[Role, Style]) -> Strip:
    """The line in exactly `width` columns.

    The second gate of hardening C3: a span that was not made harmless before can't draw by itself here either.
    """
    pieces = [Segment(shown(span.text, _WIDEST), base + styles[span.role]) for span in cut(spans, width)]
    return Strip(pieces).adjust_cell_length(width, base)
