"""The line into which a filter of the check-ins is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

_EXAMPLE = "client:pixel  reason:up-to-date  status:204  !linux  any text"


class FilterBox(Input):
    """Every word must be found in a row. Enter keeps the filter, escape takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", show=False)]

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
        self.focus()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Tell each letter."""
        changed.stop()
        if self.has_focus:
            self.post_message(self.Typed(changed.value))

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Keep it."""
        submitted.stop()
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
