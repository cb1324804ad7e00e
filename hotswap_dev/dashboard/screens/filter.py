"""The line into which a filter of the check-ins is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from hotswap_dev.dashboard.searching import FIELDS, unknown_fields
from hotswap_dev.dashboard.spans import Line, Span, cut
from hotswap_dev.dashboard.widgets.harmless_input import HarmlessInput
from hotswap_dev.domain.text import shown


def filter_foot(wanted: str, width: int) -> Line:
    """The last line while a filter is typed: how it ends, and which of its fields there are not."""
    keys = (Span(" "), Span("enter", "key"), Span(" keep   ", "dim"), Span("esc", "key"), Span(" all", "dim"))
    unknown = unknown_fields(wanted)
    if not unknown:
        return cut(keys, width)
    there = f"there is no {shown(unknown[0], 20)}: but {', '.join(FIELDS)}"
    return cut((*keys, Span("   "), Span(there, "warn")), width)


_EXAMPLE = "client:pixel  reason:up-to-date  fault:hang  !linux  any text"


class FilterBox(HarmlessInput):
    """Every word must be found in a row. Enter keeps the filter, escape takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", show=False),
        Binding("tab,shift+tab", "keep", show=False),
    ]

    class Typed(Message):
        """The filter is this now."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Typing ended."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(placeholder=_EXAMPLE, id=id, compact=True)
        self.display = False

    def open(self, text: str) -> None:
        """Begin to type, with what the filter was."""
        self.display = True
        self.value = text
        self.cursor_position = len(text)
        self.screen.set_focus(self)  # at once: the next key is the first letter

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Tell each letter."""
        changed.stop()
        if self.has_focus:
            self.post_message(self.Typed(changed.value))

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Keep it."""
        submitted.stop()
        self._leave()

    def action_keep(self) -> None:
        """Keep it, as enter does: there is no other field to go to."""
        self._leave()

    def action_drop(self) -> None:
        """Take it away."""
        self.value = ""
        self.post_message(self.Typed(""))
        self._leave()

    def on_blur(self) -> None:
        """Somebody clicked elsewhere."""
        self.display = False

    def _leave(self) -> None:
        self.display = False
        self.post_message(self.Left())
