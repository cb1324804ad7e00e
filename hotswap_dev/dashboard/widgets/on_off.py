"""A switch in words."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static


class OnOff(Static, can_focus=True):
    """A switch that says its state in words: `on` needs no colour and no special letters to be read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "switch", show=False)]
    DEFAULT_CSS = """
    OnOff {
        width: auto;
        height: 1;
        padding: 0 1;
    }
    OnOff:focus {
        text-style: reverse;
    }
    """

    on: reactive[bool] = reactive(False, init=False)

    class Changed(Message):
        """It was switched."""

    def __init__(self, value: bool, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(_switch(value), id=id, markup=False)
        self.set_reactive(OnOff.on, value)

    def watch_on(self, value: bool) -> None:
        """Say so."""
        self.update(_switch(value))
        self.post_message(self.Changed())

    def action_switch(self) -> None:
        """The other state."""
        self.on = not self.on

    def on_click(self) -> None:
        """The same with the mouse."""
        self.action_switch()


def _switch(value: bool) -> Content:
    return Content("[x] on" if value else "[ ] off")
