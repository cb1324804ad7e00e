"""The parameters of a fault that is to be armed, with what the client does under it as they are typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from hotswap_dev import wire
from hotswap_dev.dashboard.arming import (
    Asked,
    Parameter,
    Scope,
    asked,
    may_be_for,
    parameters,
    question_before,
)
from hotswap_dev.dashboard.details.fault_text import reaction_lines, reaction_to
from hotswap_dev.dashboard.keys.plans import not_live
from hotswap_dev.dashboard.screens.confirm import ConfirmCommand
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.harmless_input import HarmlessInput
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.dashboard.widgets.one_of import OneOf
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.faults import Fault
from hotswap_dev.domain.text import shown

Rehearse = Callable[[Command], Awaitable[wire.Json]]
"""Asks the server what a command would come to, with nothing done."""

_SCOPE = "scope"
_ROWS_AROUND = 6
"""Frame, summary, buttons and what is free around them."""

_LEAST_REACTION = 6
_ABOUT = {
    "times": "answers or attempts; empty: until disarmed",
    "probability": "of each answer, above 0 up to 1; empty: all",
    "seed": "of the chance; the same one, the same answers",
}
"""What every fault's form says of them, in the room that 80 columns have."""


class FaultForm(ModalScreen[ArmFault | None]):
    """Asks for a fault's parameters, how often it strikes and for whom; None where it is left.

    What can't be meant stands beside its field as it is typed, so enter arms what was read.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "arm", show=False),
        Binding("ctrl+enter,ctrl+s", "arm", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    DEFAULT_CSS = """
    FaultForm {
        align: center middle;
    }
    FaultForm > Vertical {
        width: 86;
        max-width: 96%;
        height: auto;
        max-height: 98%;
        padding: 0 1;
        border: round $primary;
        border-title-color: $text-primary;
        background: $surface;
    }
    FaultForm.-ascii > Vertical {
        border: ascii $primary;
    }
    FaultForm.-ascii Lines, FaultForm.-ascii #fields {
        scrollbar-size-vertical: 0;
    }
    FaultForm #summary {
        height: auto;
        max-height: 2;
        margin-bottom: 1;
    }
    FaultForm #fields {
        height: auto;
        scrollbar-size-vertical: 1;
    }
    FaultForm .field {
        height: auto;
    }
    FaultForm .name {
        width: 13;
        padding-right: 1;
        text-align: right;
        color: $text-primary;
    }
    FaultForm .told {
        width: 1fr;
        height: auto;
    }
    FaultForm Input {
        width: 12;
        background: $foreground 8%;
    }
    FaultForm OneOf {
        width: 1fr;
    }
    FaultForm .about {
        width: 1fr;
        height: 1;
        padding-left: 1;
        color: $text-muted;
    }
    FaultForm .problem {
        height: auto;
        color: $text-error;
        text-style: bold;
        display: none;
    }
    FaultForm .problem.-shown {
        display: block;
    }
    FaultForm .line {
        height: 1;
    }
    FaultForm #reaction {
        height: auto;
        margin-top: 1;
        background: $surface;
    }
    FaultForm #answers {
        height: 1;
        margin-top: 1;
    }
    FaultForm Button {
        min-width: 0;
        margin-right: 2;
    }
    """

    def __init__(
        self, kind: type[Fault], scopes: Sequence[Scope], chosen: int, view: View, rehearse: Rehearse
    ) -> None:
        super().__init__()
        self._rehearse = rehearse
        self._kind = kind
        self._view = view
        self._parameters = parameters(kind)
        self._scopes = tuple(one for one in scopes if may_be_for(kind, one))
        self._first_scope = self._scopes.index(scopes[chosen])
        self._asked = Asked()

    def compose(self) -> ComposeResult:
        """What it does, for whom, the parameters, what the client does, the buttons."""
        with Vertical() as dialog:
            dialog.border_title = Content(f"arm {self._kind.stage}/{self._kind.named}")
            yield Static(Content(f"{self._kind.summary}."), id="summary", markup=False)
            with VerticalScroll(id="fields", can_focus=False):
                for one in self._parameters:
                    yield from self._field(one)
                words = [one.said(self._view.expected.names) for one in self._scopes]
                with Horizontal(classes="field"):
                    yield Static("for", classes="name", markup=False)
                    yield OneOf(words, self._first_scope, id=f"field-{_SCOPE}")
            yield Static("", id="problem", classes="problem", markup=False)
            yield Lines(id="reaction")
            with Horizontal(id="answers"):
                yield Button(Content("enter  arm it"), id="arm", variant="warning", compact=True)
                yield Button(Content("esc  back"), id="leave", compact=True)

    def _field(self, one: Parameter) -> Iterator[Widget]:
        about = _ABOUT.get(one.name) or "; ".join(text for text in (one.limits, one.about) if text)
        with Horizontal(classes="field"):
            yield Static(Content(one.name.replace("_", " ")), classes="name", markup=False)
            with Vertical(classes="told"):
                with Horizontal(classes="line"):
                    name = f"field-{one.name}"
                    if one.choices:
                        yield OneOf(one.choices, max(0, _place(one.default, one.choices)), id=name)
                    else:
                        yield HarmlessInput(value=one.default, compact=True, id=name)
                        yield Static(Content(shown(about, 200)), classes="about", markup=False)
                yield Static("", id=f"problem-{one.name}", classes="problem", markup=False)

    def on_mount(self) -> None:
        """Begin with its first parameter; of one that has none, with for whom it is."""
        self.set_class(getattr(self.app, "in_ascii", False), "-ascii")
        self.query_one("#reaction", Lines).can_focus = False
        first = self._parameters[0].name if self._parameters else _SCOPE
        self.query_one(f"#field-{first}").focus()
        self._changed()
        self._fit()

    def on_resize(self) -> None:
        """The reaction stays in sight whatever the terminal's height: the fields scroll."""
        self._fit()

    def _fit(self) -> None:
        room = max(8, self.size.height - _ROWS_AROUND)
        reaction = max(_LEAST_REACTION, room - len(self._parameters) - 4)
        self.query_one("#fields", VerticalScroll).styles.max_height = max(3, room - _LEAST_REACTION - 1)
        self.query_one("#reaction", Lines).styles.max_height = min(14, reaction)

    def refreshed(self, view: View) -> None:
        """What can be armed may be another thing by now, and the server may be gone."""
        before, self._view = self._view, view
        if view.expected is not before.expected or view.link != before.link:
            self._changed()

    # What is typed.

    @property
    def scope(self) -> Scope:
        """Whom it would be armed for."""
        return self._scopes[self.query_one(f"#field-{_SCOPE}", OneOf).place]

    def _texts(self) -> Mapping[str, str]:
        texts = {}
        for one in self._parameters:
            widget = self.query_one(f"#field-{one.name}")
            texts[one.name] = widget.value if isinstance(widget, Input | OneOf) else ""
        return texts

    @on(Input.Changed)
    @on(OneOf.Changed)
    def _changed(self) -> None:
        """Other parameters, another reaction; the last one that could be meant stays while a field can't."""
        made = asked(self._kind, self._texts(), self.scope, self._view.expected)
        if made.command is not None or "" in made.problems or self._asked.command is None:
            self._asked = made
        problems = made.problems
        for one in self._parameters:
            self._say(self.query_one(f"#problem-{one.name}", Static), problems.get(one.name, ""))
        lost = not_live(self._view)
        said = "" if lost is None else "; ".join(one for one in (lost.message, lost.hint) if one)
        self._say(self.query_one("#problem", Static), said or problems.get("", ""))
        self.query_one("#arm", Button).disabled = bool(problems) or lost is not None
        if not problems:
            self._asked = made
        self.query_one("#reaction", Lines).draw(self._reaction)
        self.query_one("#reaction", Lines).refresh(layout=True)

    def _say(self, place: Static, text: str) -> None:
        place.update(Content(shown(text, 400)))
        place.set_class(bool(text), "-shown")

    def _reaction(self, width: int) -> Sequence[Line]:
        command = self._asked.command
        fault = self._kind() if command is None else command.wanted()
        times = None if command is None else command.times
        return reaction_lines(reaction_to(fault, times), width)

    # What is done with it.

    @on(Input.Submitted)
    def action_arm(self) -> None:
        """Arm what stands there, after a question where it can't be taken back; else go to what is wrong."""
        made = asked(self._kind, self._texts(), self.scope, self._view.expected)
        if not_live(self._view) is not None:
            self.app.bell()
            return
        if made.command is not None:
            if self.is_current:
                self._arm(made.command)
            return
        first = next((one.name for one in self._parameters if one.name in made.problems), None)
        if first is not None:
            self.query_one(f"#field-{first}").focus()

    def _arm(self, command: ArmFault) -> None:
        names = self._view.expected.names
        question = question_before(command, names)
        if question is None:
            self.dismiss(command)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(command)

        confirm = ConfirmCommand(command.verb, question, lambda: self._rehearse(command), names)
        self.app.push_screen(confirm, answered)

    def action_leave(self) -> None:
        """Back to the picker."""
        self.dismiss(None)

    def on_button_pressed(self, pressed: Button.Pressed) -> None:
        """The same with the mouse."""
        pressed.stop()
        if pressed.button.id == "arm":
            self.action_arm()
        else:
            self.action_leave()


def _place(value: str, choices: Sequence[str]) -> int:
    return choices.index(value) if value in choices else -1
