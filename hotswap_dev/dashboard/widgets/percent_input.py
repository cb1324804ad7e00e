"""A percent that is typed, or chosen with the arrows among the usual ones."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from hotswap_dev.dashboard.rollout_draft import nudge, step
from hotswap_dev.dashboard.widgets.harmless_input import HarmlessInput


class PercentInput(HarmlessInput):
    """Left and right go through the usual percents, plus and minus by one; `otherwise` counts where none is typed.

    Left and right do so as long as the whole of it is selected, as it is when one comes here and after each step. In a
    text that is being typed they move the cursor, as everywhere; so do home and end.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        # They are letters: without priority they would be typed.
        Binding("plus", "nudge(1)", show=False, priority=True),
        Binding("minus", "nudge(-1)", show=False, priority=True),
    ]

    otherwise = 100.0

    def action_cursor_left(self, select: bool = False) -> None:
        """The usual percent below, or a letter back in what is being typed."""
        if select or not self._as_a_whole:
            super().action_cursor_left(select)
        else:
            self.action_step(-1)

    def action_cursor_right(self, select: bool = False) -> None:
        """The usual percent above, or a letter on in what is being typed."""
        if select or not self._as_a_whole:
            super().action_cursor_right(select)
        else:
            self.action_step(1)

    @property
    def _as_a_whole(self) -> bool:
        return abs(self.selection.end - self.selection.start) == len(self.value)

    def action_step(self, by: int) -> None:
        """The next of the usual percents."""
        self.take(step(self.value, by, self.otherwise))

    def action_nudge(self, by: int) -> None:
        """One percent more or less."""
        self.take(nudge(self.value, by, self.otherwise))

    def take(self, percent: str) -> None:
        """Have this percent in place of what stands here; what is typed next takes its place."""
        self.value = percent
        self.select_all()
