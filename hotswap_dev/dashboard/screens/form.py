"""A command's form: its arguments as fields, made of its schema, and the command line that it is equal to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester, SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from hotswap_dev import wire
from hotswap_dev.dashboard.details.changes_text import refusal_lines, would_lines
from hotswap_dev.dashboard.schema_form import (
    Field,
    Form,
    Known,
    Texts,
    command_line,
    suggestions,
    texts_of,
    typed,
)
from hotswap_dev.dashboard.spans import Span, line
from hotswap_dev.dashboard.widgets.harmless_input import HarmlessInput
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.dashboard.widgets.list_suggester import SuggestItem
from hotswap_dev.dashboard.widgets.on_off import OnOff
from hotswap_dev.domain.commands.channels import CreateChannel
from hotswap_dev.domain.commands.clients import ForgetClient
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.facts import ChannelCreated, ReleaseAdded, ReleaseWithheld
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

Rehearse = Callable[[Mapping[str, wire.Json]], Awaitable[wire.Json]]
"""Asks the server what the command would come to with these arguments, with nothing done."""

_ROWS_AROUND = 11
"""Frame, summary, command line and buttons."""

_LEAST_ROWS = 3
_MOST_SAID = 9
_MOST_NAMED = 3
_TELLS = ("channel", "sequence", "client", "minimum")
_ABOUT_FAULTS = (ArmFault.verb, DisarmFault.verb, ForgetClient.verb)
"""The commands that make a poisoned release or take one back."""


class Filled(Struct, frozen=True):
    """What was asked for: the arguments to send, and the command line that they are equal to."""

    arguments: Mapping[str, wire.Json]
    line: str


class CommandForm(ModalScreen[Filled | None]):
    """Asks for a command's arguments; None where it is left.

    What is sent was rehearsed before, so that a refusal of the server stands beside what was typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "send", show=False),
        Binding("ctrl+enter,ctrl+s", "send", show=False, priority=True),
        Binding("ctrl+d", "preview", show=False, priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    DEFAULT_CSS = """
    CommandForm {
        align: center middle;
    }
    CommandForm > Vertical {
        width: 76;
        max-width: 96%;
        height: auto;
        max-height: 96%;
        padding: 1 2 0 2;
        border: round $primary;
        border-title-color: $text-primary;
        background: $surface;
    }
    CommandForm.-ascii > Vertical {
        border: ascii $primary;
    }
    CommandForm #summary {
        height: auto;
        max-height: 2;
        margin-bottom: 1;
    }
    CommandForm #fields {
        height: auto;
        scrollbar-size-vertical: 1;
    }
    CommandForm .field {
        height: auto;
    }
    CommandForm .name {
        width: 20;
        padding-right: 1;
        text-align: right;
        color: $text-primary;
    }
    CommandForm .told {
        width: 1fr;
        height: auto;
    }
    CommandForm Input, CommandForm Select {
        width: 1fr;
    }
    CommandForm Input {
        background: $foreground 8%;
    }
    CommandForm .about {
        height: auto;
        color: $text-muted;
    }
    CommandForm .problem {
        height: auto;
        color: $text-error;
        text-style: bold;
        display: none;
    }
    CommandForm .problem.-shown {
        display: block;
    }
    CommandForm #said {
        height: auto;
        margin-top: 1;
        background: $surface;
        display: none;
    }
    CommandForm.-said #said {
        display: block;
    }
    CommandForm #line {
        height: auto;
        max-height: 2;
        margin-top: 1;
        color: $text-accent;
    }
    CommandForm #answers {
        height: 1;
        margin-top: 1;
    }
    CommandForm Button {
        min-width: 0;
        margin-right: 2;
    }
    """

    def __init__(
        self,
        form: Form,
        known: Known,
        rehearse: Rehearse,
        *,
        given: Mapping[str, wire.Json] | None = None,
        today: Mapping[str, wire.Json] | None = None,
        suggested: Mapping[str, wire.Json] | None = None,
    ) -> None:
        super().__init__()
        self._form = form
        self._known = known
        self._rehearse = rehearse
        self._today = today or {}
        self._texts = texts_of(form, {**(given or {}), **self._today, **(suggested or {})})
        self._given = frozenset(given or {})
        self._first = frozenset(suggested or {})
        self._read_over: Texts | None = None
        """The texts for which somebody read what can't be taken back, or makes a channel."""

    # What there is to see.

    def compose(self) -> ComposeResult:
        """The summary, the fields, what the server says to it, the command line, the buttons."""
        with Vertical() as dialog:
            dialog.border_title = Content(shown(self._form.name))
            yield Static(Content(shown(self._form.summary, 200)), id="summary", markup=False)
            with VerticalScroll(id="fields", can_focus=False):
                for field in self._form.fields:
                    with Horizontal(classes="field"):
                        yield Static(Content(shown(field.label, 40)), classes="name", markup=False)
                        with Vertical(classes="told"):
                            yield self._input(field)
                            yield Static(Content(self._about(field)), classes="about", markup=False)
                            yield Static("", id=f"problem-{field.name}", classes="problem", markup=False)
            yield Lines(id="said")
            yield Static("", id="line", markup=False)
            with Horizontal(id="answers"):
                yield Button(Content("enter  send"), id="send", variant="primary", compact=True)
                yield Button(Content("ctrl+d  whose answers change"), id="preview", compact=True)
                yield Button(Content("esc  leave"), id="leave", compact=True)

    def on_mount(self) -> None:
        """Begin where the first thing is missing."""
        self.set_class(getattr(self.app, "in_ascii", False), "-ascii")
        self.query_one("#said", Lines).can_focus = False
        self._changed()
        fields = self._form.fields
        first = next((one for one in fields if one.name in self._first), None)
        first = first or next((one for one in fields if one.name not in self._given), None)
        if first is not None:
            self._widget(first).focus()

    def on_resize(self) -> None:
        """Another terminal has another room."""
        self._fit()

    def _fit(self) -> None:
        """Let the fields scroll in the room that there is, so that line and buttons are always to be seen."""
        room = max(_LEAST_ROWS, self.size.height - _ROWS_AROUND)
        said = min(_MOST_SAID, room - _LEAST_ROWS) if self.has_class("-said") else 0
        self.query_one("#said", Lines).styles.max_height = max(said - 1, 1)
        self.query_one("#fields", VerticalScroll).styles.max_height = room - said

    def _input(self, field: Field) -> Widget:
        text, name = self._texts[field.name], f"field-{field.name}"
        if field.kind == "switch" and not field.nullable:
            return OnOff(text == "on", id=name)
        if field.kind in ("choice", "switch"):
            values = ["on", "off"] if field.kind == "switch" else [str(one) for one in field.choices]
            values += ["none"] if field.nullable and field.required else []
            options = [(Content(shown(one)), one) for one in values]
            return Select(
                options,
                value=text if text in values else Select.NULL,
                allow_blank=not field.required or text not in values,
                prompt="choose",
                compact=True,
                id=name,
            )
        found = suggestions(field, self._known)
        return HarmlessInput(
            value=text,
            suggester=_suggester(field, found),
            # What is there today is changed rather than replaced.
            select_on_focus=field.name not in self._today,
            password=field.secret,
            compact=True,
            id=name,
        )

    def _about(self, field: Field) -> str:
        """What the field is for, and what there is that could stand in it."""
        about = shown(field.description, 200)
        if field.subject not in _TELLS:
            return about
        there = [shown(one, 24) for one in suggestions(field, self._known) if one not in about]
        some = ", ".join(there[:_MOST_NAMED]) + (", ..." if len(there) > _MOST_NAMED else "")
        return "; ".join(text for text in (about, some) if text)

    # What is typed.

    def _widget(self, field: Field) -> Widget:
        return self.query_one(f"#field-{field.name}")

    def _read(self) -> Iterator[tuple[str, str]]:
        for field in self._form.fields:
            widget = self._widget(field)
            if isinstance(widget, OnOff):
                yield field.name, "on" if widget.on else "off"
            elif isinstance(widget, Select):
                yield field.name, "" if widget.value is Select.NULL else str(widget.value)
            elif isinstance(widget, Input):
                yield field.name, widget.value

    @on(Input.Changed)
    @on(Select.Changed)
    @on(OnOff.Changed)
    def _changed(self) -> None:
        """Another text, another command line; what was said of the one before is out of date."""
        self._texts = dict(self._read())
        self.query_one("#line", Static).update(Content(f"$ {shown(self._line, 400)}"))
        self._show_problems({})
        self.remove_class("-said")
        self._fit()

    @property
    def _line(self) -> str:
        return command_line(self._form, self._texts, self._today)

    def _show_problems(self, problems: Mapping[str, str]) -> None:
        for field in self._form.fields:
            said = problems.get(field.name, "")
            place = self.query_one(f"#problem-{field.name}", Static)
            place.update(Content(shown(said, 200)))
            place.set_class(bool(said), "-shown")
        first = next((one for one in self._form.fields if one.name in problems), None)
        if first is not None:
            self._widget(first).focus()

    # What is done with it.

    @on(Input.Submitted)
    def action_send(self) -> None:
        """Send it, if the server would do it."""
        self.run_worker(self._rehearsed(send=True), name="send", exclusive=True)

    def action_preview(self) -> None:
        """Show whose answers it would change."""
        self.run_worker(self._rehearsed(send=False), name="preview", exclusive=True)

    def action_leave(self) -> None:
        """Nothing is asked for."""
        self.dismiss(None)

    def on_button_pressed(self, pressed: Button.Pressed) -> None:
        """The same with the mouse."""
        pressed.stop()
        actions = {"send": self.action_send, "preview": self.action_preview, "leave": self.action_leave}
        actions[pressed.button.id or ""]()

    async def _rehearsed(self, *, send: bool) -> None:
        meant = typed(self._form, self._texts, self._known, self._today)
        self._show_problems(meant.problems)
        if meant.problems:
            return
        filled = Filled(_from_here(meant.arguments), self._line)
        said = self.query_one("#said", Lines)
        try:
            would = await self._rehearse(filled.arguments)
        except HotswapError as error:
            field, colon, rest = error.message.removeprefix(f"{self._form.name}: ").partition(": ")
            if colon and field in self._texts:
                hint = f" ({error.hint})" if error.hint else ""
                self._show_problems({field: f"{rest}{hint}"})
                return
            refused = error
            said.draw(lambda width: refusal_lines(refused, width))
        else:
            asks = _asks_first(self._form, would)
            if send and (asks is None or self._read_over == self._texts):
                self.dismiss(filled)
                return
            self._read_over = self._texts if send else self._read_over
            question = [line(Span(f"{asks} Enter once more does it.", "warn"))] if send and asks else []
            said.draw(lambda width: [*question, *would_lines(would, self._known.names, width)])
        self.add_class("-said")
        self._fit()


def _suggester(field: Field, found: Sequence[str]) -> Suggester | None:
    if not found:
        return None
    return SuggestItem(found) if field.kind == "list" else SuggestFromList(found, case_sensitive=False)


def _asks_first(form: Form, would: wire.Json) -> str | None:
    """What a person should know before this is done; None where it may be done at once."""
    made = [
        shown(str(one.get("channel")), 40)
        for one in would.get("events") or []
        if one.get("event") == ChannelCreated.__struct_config__.tag
    ]
    if made and form.name != CreateChannel.verb:
        return f"{made[0]} does not exist: it will be made."
    # A poisoned release is made, or withheld for good: its number is used up whatever follows.
    releases = {ReleaseAdded.__struct_config__.tag, ReleaseWithheld.__struct_config__.tag}
    poisons = form.name in _ABOUT_FAULTS and any(
        one.get("event") in releases for one in would.get("events") or []
    )
    return "It can't be taken back." if form.final or poisons else None


def _from_here(arguments: Mapping[str, wire.Json]) -> Mapping[str, wire.Json]:
    """A path is that of who typed it: the server does not know where that is (interface.md, `publish`)."""
    path = arguments.get("path")
    if not isinstance(path, str) or not path:
        return arguments
    return {**arguments, "path": str(Path(path).expanduser().absolute())}
