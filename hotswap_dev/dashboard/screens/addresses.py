"""How an app reaches this server, and a code for the camera of a phone."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from hotswap_dev.dashboard.details.addresses_text import address_lines, phone_address
from hotswap_dev.dashboard.details.qr import qr_rows
from hotswap_dev.dashboard.screens.detail import DetailScreen
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.lines import Lines

_BESIDE = 42
"""Columns that the text needs beside a code; with fewer the code stands below it."""

_TOP = 2
_INK_ON_PAPER = Style(color="#000000", bgcolor="#ffffff")
"""Not the theme's: many a camera reads no code that is light on dark."""


class CodePage(Lines):
    """Lines with a QR code beside them, or below where there is no room."""

    def __init__(self) -> None:
        super().__init__(id="page")
        self.code: Sequence[str] = ()
        self._at = (0, 0)

    def placed(self, width: int, lines: Sequence[Line], beside: Sequence[Line]) -> Sequence[Line]:
        """The lines to show: `beside` where the code fits beside them, else `lines` with room for it below."""
        wide = self.code_width
        if not wide:
            return lines
        if self.fits_beside(width):
            self._at = (width - wide - 1, _TOP)
            return [*beside, *[()] * max(0, _TOP + len(self.code) - len(beside))]
        self._at = (max(0, min(2, width - wide)), len(lines) + 1)
        return [*lines, (), *[()] * len(self.code)]

    @property
    def code_width(self) -> int:
        """The columns of the code; 0 where there is none."""
        return len(self.code[0]) if self.code else 0

    def fits_beside(self, width: int) -> bool:
        """Whether text and code have room beside each other."""
        return width - self.code_width - 2 >= _BESIDE

    def render_line(self, y: int) -> Strip:
        """A row of the text, and over it one of the code."""
        strip = super().render_line(y)
        left, top = self._at
        number = y + self.scroll_offset.y - top
        if not 0 <= number < len(self.code):
            return strip
        right = left + self.code_width
        row = Strip([Segment(self.code[number], _INK_ON_PAPER)])
        return Strip.join([strip.crop(0, left), row, strip.crop(right, self.size.width)])


class AddressesScreen(DetailScreen):
    """Addresses, key, overlays, the lines to paste, and the code."""

    def page(self) -> Lines:
        """The widget that lines and code are in."""
        return CodePage()

    def lines(self, view: View, width: int) -> Sequence[Line]:
        """The page."""
        page = self.query_one("#page", CodePage)
        address = phone_address(view.about) if view.about is not None else None
        page.code = () if address is None else qr_rows(address, in_ascii=self.dashboard.in_ascii)
        beside = width - page.code_width - 2 if page.code and page.fits_beside(width) else width
        lines = address_lines(view, beside, code=page.code)
        return page.placed(width, lines, lines)
