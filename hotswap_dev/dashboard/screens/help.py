"""All keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from hotswap_dev.dashboard.details.help_text import help_lines
from hotswap_dev.dashboard.keys import keys_known
from hotswap_dev.dashboard.screens.detail import DetailScreen
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import View


class HelpScreen(DetailScreen):
    """Every key by what it is for."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "back", "back", show=False)]
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("esc", "back"), ("j k g G", "scroll"))

    def lines(self, view: View, width: int) -> Sequence[Line]:
        """The page."""
        return help_lines(keys_known(story=view.story is not None), width)

    def action_copy(self) -> None:
        """Nothing here is to be copied."""
