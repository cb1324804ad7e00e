"""What can be copied for the selection: a short menu over the screen that one was on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from hotswap_dev.dashboard.details.copy_text import copy_lines
from hotswap_dev.dashboard.details.copying import Choice, choices
from hotswap_dev.dashboard.details.exchange import Exchange
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.domain.text import shown

if TYPE_CHECKING:
    from hotswap_dev.dashboard.app import Dashboard

_HEAD = 2  # lines above the first choice
_LONGEST_FILE = 256 * 1024


class CopyScreen(ModalScreen[None]):
    """A menu: a digit copies at once, j, k and enter choose.

    `view` has what is selected on the screen below, where that is not the main one; `exchange` is a kept one of it.
    """

    DEFAULT_CSS = """
    CopyScreen { align: center middle; }
    CopyScreen > Lines {
        width: 90%;
        max-width: 96;
        height: auto;
        max-height: 80%;
        background: $panel;
        padding: 1 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "leave", "leave", show=False),
        Binding("j,down", "move(1)", "down", show=False, priority=True),
        Binding("k,up", "move(-1)", "up", show=False, priority=True),
        Binding("g,home", "move(-99)", "first", show=False, priority=True),
        Binding("G,end", "move(99)", "last", show=False, priority=True),
        Binding("enter", "take", "copy", show=False, priority=True),
        *(Binding(str(digit), f"take({digit})", show=False) for digit in range(1, 10)),
    ]

    def __init__(self, view: View | None = None, exchange: Exchange | None = None) -> None:
        super().__init__()
        self._about = view
        self._exchange = exchange
        self.choices: tuple[Choice, ...] = ()
        self.chosen = 0

    @property
    def dashboard(self) -> Dashboard:
        """The app, by its own type."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """The menu alone."""
        yield Lines(id="page")

    def on_mount(self) -> None:
        """What there is to copy now; it does not change under one's fingers."""
        view = self.dashboard.view() if self._about is None else self._about
        self.choices = choices(view, self._exchange)
        page = self.query_one("#page", Lines)
        page.focus()
        page.draw(self._drawn)
        page.refresh(layout=True)

    def action_move(self, step: int) -> None:
        """Choose another line."""
        self.chosen = min(max(0, self.chosen + step), max(0, len(self.choices) - 1))
        page = self.query_one("#page", Lines)
        page.draw(self._drawn)
        page.reveal(_HEAD + self.chosen)

    async def action_take(self, digit: int | None = None) -> None:
        """Copy what is chosen, or the line of this number."""
        place = self.chosen if digit is None else digit - 1
        if place >= len(self.choices):
            return
        await self._copy(self.choices[place])

    def action_leave(self) -> None:
        """Copy nothing."""
        self.dismiss()

    async def on_click(self, event: events.Click) -> None:
        """A click copies the line that it is on; beside the menu it leaves."""
        page = self.query_one("#page", Lines)
        if not page.region.contains(event.screen_x, event.screen_y):
            self.dismiss()
            return
        place = event.screen_y - page.content_region.y + page.scroll_offset.y - _HEAD
        if 0 <= place < len(self.choices):
            await self._copy(self.choices[place])

    async def _copy(self, choice: Choice) -> None:
        text = choice.text
        if choice.file:
            try:
                text = await asyncio.to_thread(_read, Path(choice.text))
            except (OSError, ValueError) as error:
                self.dashboard.tell(
                    f"{choice.text} can't be read: {shown(str(error))}",
                    "it is on the machine that the server runs on",
                    "error",
                )
                return
        self.app.copy_to_clipboard(text)
        self.dismiss()
        self.dashboard.tell(f"copied: {choice.label}", "nothing there? the terminal has to allow OSC 52")

    def _drawn(self, width: int) -> Sequence[Line]:
        return copy_lines(self.choices, self.chosen, width)

    def refreshed(self, view: View) -> None:
        """The menu stands still."""


def _read(path: Path) -> str:
    """A small text file; ValueError where it is none."""
    with path.open("rb") as file:
        data = file.read(_LONGEST_FILE + 1)
    if len(data) > _LONGEST_FILE:
        raise ValueError(f"it has more than {_LONGEST_FILE // 1024} KiB")
    return data.decode("utf-8")
