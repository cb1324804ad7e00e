"""A few lines that say something and hold still: header, way, chips, tabs, why, foot."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.widgets.roles import role_styles
from hotswap_dev.dashboard.widgets.strips import strip_of


class Bar(Widget):
    """Lines of spans. A click on a key, or on what is said of it, is that key."""

    class Pressed(Message):
        """A key was clicked, by the text that shows it."""

        def __init__(self, shown: str) -> None:
            super().__init__()
            self.shown = shown

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()

    def say(self, lines: Sequence[Line]) -> None:
        """Show these lines; the widget is as high as they are many."""
        said = tuple(lines)
        if said == self._lines:
            return
        higher = len(said) != len(self._lines)
        self._lines = said
        self.display = bool(said)
        self.refresh(layout=higher)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many as there are lines."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """One line, padded to the width."""
        width = self.size.width
        spans = self._lines[y] if y < len(self._lines) else ()
        return strip_of(spans, width, self.rich_style, role_styles(self.app))

    def on_click(self, event: events.Click) -> None:
        """Find the key at this place, or the one before it on the line."""
        where = event.get_content_offset(self)
        if where is None or where.y >= len(self._lines):
            return
        place, key = 0, None
        for span in self._lines[where.y]:
            if place > where.x:
                break
            if span.role == "key":
                key = span.text
            elif len(span.text) > 2 and not span.text.strip():
                key = None  # a gap: what follows is said of nothing before it
            place += cell_len(span.text)
        if key is not None and where.x < place:
            self.post_message(self.Pressed(key.strip()))
