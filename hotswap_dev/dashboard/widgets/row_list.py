"""A list of any length, of which only what is on the screen is drawn. It knows keys and lines, not what they mean."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hotswap_dev.dashboard.spans import Line, Span, cut
from hotswap_dev.dashboard.widgets.roles import role_styles
from hotswap_dev.dashboard.widgets.strips import strip_of

_GUTTER = 2
_NEAR = 20

Draw = Callable[[int, int], Line]
"""The line of the row at an index, for so many columns."""

Head = Callable[[int], Line]
"""The line above the rows, for so many columns."""


class RowList(ScrollView, can_focus=True):
    """Rows by their keys. The selection is a key, so it stays on its row wherever that goes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--cursor", "row-list--cursor-away"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown,ctrl+d", "move_page(1)", show=False),
        Binding("pageup,ctrl+u", "move_page(-1)", show=False),
        Binding("g,home", "move_to(0)", show=False),
        Binding("G,end", "move_to(-1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Moved(Message):
        """A person went to a row."""

        def __init__(self, rows: RowList, key: Hashable) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

    class Chosen(Message):
        """A person wants to see all of a row."""

        def __init__(self, rows: RowList, key: Hashable) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

    class AtTop(Message):
        """A person went to the very beginning."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

    class Scrolled(Message):
        """A person looks further down than the rows that come."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

    class NearEnd(Message):
        """The last rows are in sight: if there are more, now is the time."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._keys: Sequence[Hashable] = ()
        self._places: dict[Hashable, int] = {}
        self._draw: Draw = lambda _, __: ()
        self._empty: Sequence[Line] = ()
        self._selected: Hashable = None
        self._head: Head | None = None

    def show(
        self,
        keys: Sequence[Hashable],
        draw: Draw,
        selected: Hashable,
        empty: Sequence[Line],
        *,
        head: Head | None = None,
        at_top: bool = False,
    ) -> None:
        """Draw these rows; `empty` is said where there are none.

        `head` is the line above them, which stands still.

        The selection stays where it is on the screen, and the list moves under it; `at_top` keeps the first row in
        sight instead.
        """
        place = self._places.get(self._selected)
        above = None if place is None else place - self.scroll_offset.y
        self._keys, self._draw, self._empty = keys, draw, empty
        self._head = head if keys else None
        self._places = {key: index for index, key in enumerate(keys)}
        moved = selected != self._selected
        self._selected = selected
        height = len(keys) + self._heads if keys else len(empty)
        if self.virtual_size.height != height:
            self.virtual_size = Size(self.size.width, height)
        now = self._places.get(selected)
        if at_top:
            # What keys act on is in sight, wherever it has come to.
            self._show_from(0 if now is None else max(0, now - self._page + 1))
        elif now is not None:
            if moved or above is None:
                self._bring_into_view(now)
            else:
                # The list moves under the selection, not the selection on the screen; also where the wheel has left it
                # out of sight.
                self._show_from(now - above)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line: a gutter with the cursor, and what the row says."""
        width = self.size.width
        index = y - self._heads + self.scroll_offset.y
        base = self.rich_style
        room = max(0, width - _GUTTER - 1)
        spans: Line
        if self._head is not None and y == 0:
            spans = (Span(" " * _GUTTER), *cut(self._head(room), room))
        elif not self._keys:
            spans = (Span("  "), *self._empty[index]) if index < len(self._empty) else ()
        elif index < len(self._keys):
            here = self._keys[index] == self._selected
            if here:
                name = "row-list--cursor" if self.has_focus else "row-list--cursor-away"
                base = self.get_component_rich_style(name)
            # One cursor on the screen: that of the list that has the keys. The others' rows are marked by a shade.
            spans = (
                Span(self._cursor if here and self.has_focus else "  ", "accent"),
                *cut(self._draw(index, room), room),
            )
        else:
            spans = ()
        return strip_of(spans, width, base, role_styles(self.app))

    @property
    def _heads(self) -> int:
        """The lines above the rows."""
        return 0 if self._head is None else 1

    @property
    def _page(self) -> int:
        """The rows that there is room for."""
        return max(1, self.size.height - self._heads)

    @property
    def _cursor(self) -> str:
        return "> " if getattr(self.app, "in_ascii", False) else "▸ "

    @property
    def selected(self) -> Hashable:
        """The key of the selected row."""
        return self._selected

    def action_move(self, step: int) -> None:
        """To the row so many further."""
        place = self._places.get(self._selected)
        if place is None:
            self._go(0)
        elif place == 0 and step < 0:
            self.post_message(self.AtTop(self))
        else:
            self._go(place + step)

    def action_move_page(self, pages: int) -> None:
        """A screenful further."""
        self._go(self._places.get(self._selected, 0) + pages * max(1, self._page - 1))

    def action_move_to(self, place: int) -> None:
        """The first row, or with -1 the last one."""
        if place == 0:
            self._go(0)
            self.post_message(self.AtTop(self))
        else:
            self._go(len(self._keys) - 1)

    def action_choose(self) -> None:
        """See all of the selected row."""
        if self._selected in self._places:
            self.post_message(self.Chosen(self, self._selected))

    def on_click(self, event: events.Click) -> None:
        """Select the row; a double click shows all of it."""
        where = event.get_content_offset(self)
        if where is None:
            return
        index = where.y - self._heads + self.scroll_offset.y
        if where.y >= self._heads and index < len(self._keys):
            self._go(index)
            if event.chain >= 2:
                self.post_message(self.Chosen(self, self._keys[index]))

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves what is seen, and tells when the end is near."""
        if self.max_scroll_y > 0:
            self.post_message(self.Scrolled(self))
        self._ask_for_more(self.scroll_offset.y + self.size.height)

    def on_resize(self) -> None:
        """The selection stays in sight."""
        if (place := self._places.get(self._selected)) is not None:
            self._bring_into_view(place)

    def _go(self, index: int) -> None:
        if not self._keys:
            return
        index = max(0, min(index, len(self._keys) - 1))
        self._selected = self._keys[index]
        self._bring_into_view(index)
        self.refresh()
        self.post_message(self.Moved(self, self._selected))
        self._ask_for_more(index)

    def _ask_for_more(self, index: int) -> None:
        if index >= len(self._keys) - _NEAR:
            self.post_message(self.NearEnd(self))

    def _bring_into_view(self, index: int) -> None:
        top, height = self.scroll_offset.y, self._page
        if index < top:
            self._show_from(index)
        elif index >= top + height:
            self._show_from(index - height + 1)

    def _show_from(self, top: int) -> None:
        if top != self.scroll_offset.y:
            self.scroll_to(y=max(0, top), animate=False, force=True)
