"""What can't be taken back asks, and shows whose answers change before anyone says yes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from hotswap_dev import wire
from hotswap_dev.dashboard.details.changes_text import refusal_lines, would_lines
from hotswap_dev.dashboard.keys.plans import not_live
from hotswap_dev.dashboard.spans import Span, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.domain.fact_words import Names
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

Rehearse = Callable[[], Awaitable[wire.Json]]
"""Asks the server what a command would come to, with nothing done."""

_FINAL = "It can't be taken back."


class ConfirmCommand(ModalScreen[bool]):
    """A question with whose answers change. True: do it. Yes can be said once that is known, and it can be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "yes", show=False),
        Binding("n,escape,q", "no", show=False),
    ]

    DEFAULT_CSS = """
    ConfirmCommand {
        align: center middle;
    }
    ConfirmCommand > Vertical {
        width: 76;
        max-width: 96%;
        height: auto;
        max-height: 96%;
        padding: 1 2;
        border: round $warning;
        border-title-color: $text-warning;
        background: $surface;
    }
    ConfirmCommand.-ascii > Vertical {
        border: ascii $warning;
    }
    ConfirmCommand #question {
        height: auto;
        max-height: 5;
        margin-bottom: 1;
    }
    ConfirmCommand #changes {
        height: auto;
        max-height: 60vh;
        background: $surface;
    }
    ConfirmCommand #answers {
        height: 1;
        margin-top: 1;
    }
    ConfirmCommand Button {
        min-width: 0;
        margin-right: 2;
    }
    """

    def __init__(self, verb: str, question: str, rehearse: Rehearse, names: Names) -> None:
        super().__init__()
        self._verb = verb
        self._question = question
        self._rehearse = rehearse
        self._names = names
        self._may = False
        self._lost = False

    def compose(self) -> ComposeResult:
        """The question, whose answers change, and the two answers."""
        with Vertical() as dialog:
            dialog.border_title = Content(self._verb)
            question = Content(f"{shown(self._question, 1000)} {_FINAL}")
            yield Static(question, id="question", markup=False)
            yield Lines(id="changes")
            with Horizontal(id="answers"):
                yield Button(Content("y  do it"), id="yes", variant="warning", compact=True, disabled=True)
                yield Button(Content("esc  leave it"), id="no", compact=True)

    def on_mount(self) -> None:
        """Ask the server what it would come to."""
        self.set_class(getattr(self.app, "in_ascii", False), "-ascii")
        self._list.show([line(Span("asking whose answers change …", "dim"))])
        self._list.focus()
        self.run_worker(self._ask(), name="rehearsal")

    def refreshed(self, view: View) -> None:
        """A server that goes away hears no answer; once it is back, it is asked anew what this would come to."""
        lost = not_live(view)
        if self._lost == (lost is not None) or not self.is_mounted:
            return
        self._lost = lost is not None
        self._may = False
        self.query_one("#yes", Button).disabled = True
        if lost is None:
            self.run_worker(self._ask(), name="rehearsal", exclusive=True)
            return
        self.workers.cancel_node(self)
        gone = HotswapError(lost.message, lost.hint, code="unreachable")
        self._list.draw(lambda width: refusal_lines(gone, width))

    async def _ask(self) -> None:
        try:
            would = await self._rehearse()
        except HotswapError as error:
            refused = error
            self._list.draw(lambda width: refusal_lines(refused, width))
            return
        self._list.draw(lambda width: would_lines(would, self._names, width))
        self._may = True
        self.query_one("#yes", Button).disabled = False

    def action_yes(self) -> None:
        """Do it, once it is known what that changes; before, and where it is refused, this does nothing."""
        if self._may:
            self.dismiss(True)

    def action_no(self) -> None:
        """Leave everything as it is."""
        self.dismiss(False)

    def on_button_pressed(self, pressed: Button.Pressed) -> None:
        """The same with the mouse."""
        pressed.stop()
        if pressed.button.id == "yes":
            self.action_yes()
        else:
            self.action_no()

    @property
    def _list(self) -> Lines:
        return self.query_one("#changes", Lines)
