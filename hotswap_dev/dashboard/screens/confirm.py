"""What can't be taken back asks, and shows whose answers change before anyone says yes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from hotswap_dev import wire
from hotswap_dev.dashboard.spans import Line, Span, column, line
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.domain.fact_words import Names, changes_words, done_words
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

Rehearse = Callable[[], Awaitable[wire.Json]]
"""Asks the server what a command would come to, with nothing done."""

MOST_ROWS = 8
"""Clients that are listed: the question has to stand on 24 lines, and beyond it is said how many more there are."""

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


def would_lines(would: wire.Json, names: Names, width: int, most: int = MOST_ROWS) -> list[Line]:
    """What a dry run says: what would be done, and whose answers that changes."""
    events, changes = would.get("events") or [], would.get("changes") or []
    if not events:
        return [line(Span("nothing would be done: it is so already", "dim"))]
    done = [line(one) for one in _wrapped(shown(done_words(events, names), 1000), width)]
    return [*done, line(), *change_lines(changes, names, width, most)]


def change_lines(
    changes: Sequence[Mapping[str, wire.Json]], names: Names, width: int, most: int = MOST_ROWS
) -> list[Line]:
    """Whose answers change: a line with how many, then for each of the first the client, its answer now and then."""
    said = line(Span(changes_words(len(changes)), "strong" if changes else "dim"))
    if not changes:
        return [said]
    first, half = width * 3 // 10, (width - width * 3 // 10) // 2
    rows = [
        line(
            Span(column(_called(str(one["client"]), names), first - 2) + "  ", "strong"),
            Span(column(_told(one["before"], one["after"]), half - 3), "dim"),
            Span(" → ", "dim"),
            Span(column(_told(one["after"], one["before"]), width - first - half), "accent"),
        )
        for one in changes[:most]
    ]
    rest = len(changes) - len(rows)
    return [said, *rows, *([line(Span(f"and {rest} more", "dim"))] if rest else [])]


def refusal_lines(error: HotswapError, width: int) -> list[Line]:
    """An error as it is shown where something was asked: what is wrong, and what to do."""
    wrong = [line(Span(one, "bad")) for one in _wrapped(shown(error.message, 1000), width)]
    return [*wrong, *(line(Span(one, "dim")) for one in _wrapped(shown(error.hint, 1000), width))]


def _called(client: str, names: Names) -> str:
    return shown(names.get(client) or client)


def _told(told: wire.Json, other: wire.Json) -> str:
    """An answer in few words; of two offers of one release, what tells them apart."""
    if told["status"] != 200:
        return f"no update: {shown(str(told['reason']))}"
    differs = [
        _value(name, told.get(name))
        for name in ("version", "mandatory", "min_binary_version", "notes")
        if told["offered"] == other.get("offered") and told.get(name) != other.get(name)
    ]
    return f"offer {told['offered']}" + (f": {', '.join(differs)}" if differs else "")


def _value(name: str, value: wire.Json) -> str:
    if name == "mandatory":
        return "mandatory" if value else "not mandatory"
    if name == "notes":
        return f"notes {shown(str(value))!r}" if value else "no notes"
    return f"{'minimum' if name == 'min_binary_version' else name} {shown(str(value))}"


def _wrapped(text: str, width: int) -> list[str]:
    return [one.plain.rstrip() for one in Content(text).wrap(max(width, 1))] if text else []
