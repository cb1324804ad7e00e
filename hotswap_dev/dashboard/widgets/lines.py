"""Lines of spans, as many as there are, scrolled by keys and wheel; what is drawn is text and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hotswap_dev.dashboard.ascii import in_ascii
from hotswap_dev.dashboard.spans import Line, Span, cut
from hotswap_dev.dashboard.widgets.roles import role_styles
from hotswap_dev.domain.text import shown

_WIDEST = 4_096
"""Characters of a span: no terminal has more columns."""

Drawing = Callable[[int], Sequence[Line]]
"""Makes the lines for a width in columns."""


class Lines(ScrollView, can_focus=True):
    """A scrollable column of lines. `draw` takes what makes them for a width, and asks it again at every resize."""

    DEFAULT_CSS = """
    Lines {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        background: $background;
        color: $foreground;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("g,home", "go(0)", "top", show=False),
        Binding("G,end", "go(1)", "bottom", show=False),
        Binding("pagedown,space,ctrl+f", "turn(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "turn(-1)", "page up", show=False),
    ]

    def __init__(
        self,
        drawing: Drawing | None = None,
        *,
        id: str | None = None,  # noqa: A002 - as every widget calls it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._drawing: Drawing = drawing or _nothing
        self._lines: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown now, whole."""
        return self._lines

    def draw(self, drawing: Drawing) -> None:
        """Show other lines; the place that one has scrolled to stays, as far as there still are lines."""
        self._drawing = drawing
        self._make()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines at any width."""
        self.draw(lambda _: lines)

    def reveal(self, number: int) -> None:
        """Scroll no further than it takes to have this line on the screen."""
        height = self.scrollable_content_region.height
        if number < self.scroll_offset.y:
            self.scroll_to(y=number, animate=False, immediate=True)
        elif number >= self.scroll_offset.y + height:
            self.scroll_to(y=number - height + 1, animate=False, immediate=True)

    def action_move(self, lines: int) -> None:
        """So many lines on, at once: an animation would lag behind the keys, and two quick ones would count as one."""
        self.scroll_relative(y=lines, animate=False, immediate=True)

    def action_turn(self, pages: int) -> None:
        """So many pages on; a line of the last one stays, so that one finds where one was."""
        height = max(1, self.scrollable_content_region.height - 1)
        self.scroll_relative(y=pages * height, animate=False, immediate=True)

    def action_go(self, place: int) -> None:
        """To the beginning (0) or to the end (1)."""
        self.scroll_to(y=place * self.max_scroll_y, animate=False, immediate=True)

    def on_resize(self, _: events.Resize) -> None:
        """Other columns, other lines."""
        self._make()

    def notify_style_update(self) -> None:
        """Another theme: the same lines, drawn anew."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.size.width
        number = y + self.scroll_offset.y
        base = self.rich_style
        if number >= len(self._lines):
            return Strip.blank(width, base)
        styles = role_styles(self.app)
        segments = [
            Segment(span.text, base + styles[span.role])
            for span in self._as_drawn(self._lines[number], width)
        ]
        return Strip(segments).adjust_cell_length(width, Style.combine([base]))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as its lines are many, where its height is `auto`."""
        return len(tuple(self._drawing(width)))

    def _as_drawn(self, spans: Line, width: int) -> Line:
        """A line within the width, in the signs that the terminal has."""
        # The second gate (hardening C3): a span that was not made harmless can't draw by itself either.
        fitting = cut(tuple(Span(shown(text, _WIDEST), role) for text, role in spans), width)
        return in_ascii(fitting) if getattr(self.app, "in_ascii", False) else fitting

    def _make(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:  # not laid out yet: the resize that comes then makes them
            return
        made = tuple(self._drawing(width))
        if made == self._lines:
            return
        grown = len(made) != len(self._lines)
        self._lines = made
        self.virtual_size = Size(width, len(made))
        self.refresh(layout=grown and self.styles.height is not None and self.styles.height.is_auto)


def _nothing(_: int) -> Sequence[Line]:
    return ()
