"""A line to type into that draws nothing but text: what is pasted may hold escapes, or turn the reading direction."""

from __future__ import annotations

from textual.widgets import Input

from hotswap_dev.domain.text import shown

_LONGEST_ESCAPE = 10
r"""Characters of `\u{10ffff}`: what one character is shown as at most."""


class HarmlessInput(Input):
    """An Input whose value, and what it suggests, are as they may be drawn (hardening C3, C4); nothing is cut."""

    def validate_value(self, value: str) -> str:
        """The value that it gets in place of this one."""
        return harmless(value)

    def validate__suggestion(self, suggestion: str) -> str:
        """What is suggested is typed when it is taken: none that would become another text."""
        return suggestion if harmless(suggestion) == suggestion else ""

    def replace(self, text: str, start: int, end: int) -> None:
        """What is typed or pasted: the cursor goes to the end of what becomes of it."""
        super().replace(harmless(text), start, end)


def harmless(text: str) -> str:
    """`text` with escapes in place of what can't be drawn, uncut."""
    return shown(text, _LONGEST_ESCAPE * len(text) + 1)
