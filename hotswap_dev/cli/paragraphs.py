"""Sentences on a terminal of 80 columns."""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrapped(text: str, *, indent: str = "", first: str | None = None, width: int = WIDTH) -> list[str]:
    """`text` in lines of at most `width` columns, each behind `indent`, the first one behind `first`."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
