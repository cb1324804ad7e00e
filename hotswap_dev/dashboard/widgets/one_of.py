"""A choice of a few, on one line: the one that is chosen, and that there are others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from hotswap_dev.domain.text import shown


class OneOf(Static, can_focus=True):
    """One of several words; space, left and right go through them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,right", "turn(1)", show=False),
        Binding("left", "turn(-1)", show=False),
    ]
    DEFAULT_CSS = """
    OneOf {
        width: 1fr;
        height: 1;
        padding: 0 1;
    }
    OneOf:focus {
        text-style: reverse;
    }
    """

    class Changed(Message):
        """Another one was chosen."""

    def __init__(self, words: Sequence[str], place: int, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        self._words = tuple(words)
        self.place = place
        super().__init__(self._said(), id=id, markup=False)

    @property
    def value(self) -> str:
        """The one that is chosen."""
        return self._words[self.place]

    def action_turn(self, step: int) -> None:
        """Another one, after the last the first."""
        self.place = (self.place + step) % len(self._words)
        self.update(self._said())
        self.post_message(self.Changed())

    def on_click(self) -> None:
        """The next one."""
        self.action_turn(1)

    def _said(self) -> Content:
        word = shown(self.value)
        return Content(
            word if len(self._words) < 2 else f"< {word} >  {self.place + 1} of {len(self._words)}"
        )
