"""The picker of faults: what is armed, and every fault with what the client does under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from hotswap_dev.dashboard.arming import Scope, best, may_be_for, scopes
from hotswap_dev.dashboard.ascii import in_ascii
from hotswap_dev.dashboard.details.picker_text import (
    Item,
    Key,
    beside_lines,
    items_of,
    key_of,
    keys_line,
    list_lines,
    scope_line,
)
from hotswap_dev.dashboard.keys import Arm, Send
from hotswap_dev.dashboard.keys.clearing import disarmed
from hotswap_dev.dashboard.keys.plans import not_live
from hotswap_dev.dashboard.screens.confirm import ConfirmCommand
from hotswap_dev.dashboard.screens.fault_form import FaultForm, Rehearse
from hotswap_dev.dashboard.spans import Line, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.bar import Bar
from hotswap_dev.dashboard.widgets.harmless_input import HarmlessInput
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.fact_words import Names, scope_words
from hotswap_dev.domain.model import ArmedFault

WIDE = 100
"""From so many columns on the reaction stands beside the list, else below it."""


_CLICKED = {"enter": "choose", "esc": "leave", "tab": "scope(1)"}


def open_faults(view: View, arm: Arm, rehearse: Rehearse) -> FaultPicker:
    """The picker as a key asks for it: push it, and send the command that it is left with."""
    return FaultPicker(view, arm, rehearse)


def words_of(command: Command, view: View) -> str:
    """What the picker's command does, as long as it is pending."""
    names = view.expected.names
    if isinstance(command, ArmFault):
        return f"fault {command.wanted().name} for {scope_words(command.client, command.channel, names)}"
    if isinstance(command, DisarmFault):
        known = next((one for one in view.expected.faults if one.override == command.id), None)
        return f"fault {command.id if known is None else known.fault} disarmed"
    return command.verb


class FaultPicker(ModalScreen[Command | None]):
    """Find a fault by typing, and arm or disarm it. It is left with the command that is to be sent, or None.

    Whatever is printable is typed: a letter that acted would act on what the rest of its word was to find.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "choose", show=False),
        Binding("down,ctrl+n", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("tab", "scope(1)", show=False, priority=True),
        Binding("shift+tab", "scope(-1)", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    FaultPicker {
        align: center middle;
    }
    FaultPicker > Vertical {
        width: 96%;
        max-width: 132;
        height: 96%;
        max-height: 40;
        padding: 0 1;
        border: round $primary;
        border-title-color: $text-primary;
        background: $surface;
    }
    FaultPicker.-ascii > Vertical {
        border: ascii $primary;
    }
    FaultPicker Bar {
        height: 1;
        background: $surface;
    }
    FaultPicker Input {
        background: $foreground 8%;
        margin-bottom: 1;
    }
    FaultPicker #halves {
        height: 1fr;
        layout: vertical;
    }
    FaultPicker #faults {
        height: 1fr;
        background: $surface;
    }
    FaultPicker #reaction {
        height: 8;
        background: $surface;
        border-top: solid $border;
    }
    FaultPicker.-beside #halves {
        layout: horizontal;
    }
    FaultPicker.-beside #faults {
        width: 3fr;
        height: 100%;
    }
    FaultPicker.-beside #reaction {
        width: 2fr;
        height: 100%;
        border-top: none;
        padding-left: 2;
    }
    FaultPicker.-ascii Lines {
        scrollbar-size-vertical: 0;
    }
    FaultPicker.-ascii #reaction {
        border-top: ascii $border;
    }
    """

    def __init__(self, view: View, arm: Arm, rehearse: Rehearse) -> None:
        super().__init__()
        self._view = view
        self._rehearse = rehearse
        self._query = ""
        self._scopes = scopes(view, arm.client)
        self._scope = 0
        self._items: list[Item] = []
        self._lines: list[tuple[Line, Key | None]] = []
        """What the list is made of: a line, and the key of what it is about, None for a heading."""
        self._key: Key | None = arm.override

    @property
    def scope(self) -> Scope:
        """Whom a fault would be armed for."""
        return self._scopes[self._scope]

    @property
    def selected(self) -> Key | None:
        """The number of the armed fault, or the name of the fault, that enter acts on."""
        return self._key

    def compose(self) -> ComposeResult:
        """For whom, what is looked for, the list, what the client does, the keys."""
        with Vertical() as dialog:
            dialog.border_title = Content("faults")
            yield Bar(id="scope")
            yield HarmlessInput(
                placeholder="type to find one: reset, 503, signature, slow", id="find", compact=True
            )
            lost = Bar(id="lost")
            lost.display = False
            yield lost
            with Container(id="halves"):
                yield Lines(id="faults")
                yield Lines(id="reaction")
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Typing finds from the first letter on."""
        self.set_class(getattr(self.app, "in_ascii", False), "-ascii")
        for lines in self.query(Lines):
            lines.can_focus = False
        self.query_one(Input).focus()
        self.on_resize()

    def on_resize(self) -> None:
        """Beside each other where there is room for both."""
        self.set_class(self.size.width >= WIDE, "-beside")
        self._draw()

    def refreshed(self, view: View) -> None:
        """Another dashboard may arm and disarm meanwhile, what is pending is done, and the server may be gone."""
        before, self._view = self._view, view
        if (
            view.controls is not before.controls
            or view.expected is not before.expected
            or view.pending != before.pending
            or view.link != before.link
        ):
            self._draw()

    # What there is to choose.

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Another text finds others; what is meant most likely is selected."""
        changed.stop()
        if changed.value == self._query:
            return
        self._query = changed.value
        self._items = items_of(self._query, self._view)
        likely = best(self._query, [item.kind for item in self._items if item.kind is not None])
        first = next(iter(self._keys), None)
        self._key = first if likely is None else key_of(likely)
        self._draw()

    def action_move(self, step: int) -> None:
        """To another one."""
        keys = self._keys
        if not keys:
            return
        place = keys.index(self._key) if self._key in keys else 0
        self._key = keys[min(max(0, place + step), len(keys) - 1)]
        self._draw()

    def action_scope(self, step: int) -> None:
        """For others."""
        self._scope = (self._scope + step) % len(self._scopes)
        self._draw()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Enter, in its turn: as a key of the screen it would overtake letters that are not read yet."""
        submitted.stop()
        self.action_choose()

    def action_choose(self) -> None:
        """Disarm what is armed; of any other one ask for its parameters, then arm it."""
        item = self._item
        if item is None or not self.is_current:
            return
        if item.armed is not None:
            self._disarm(item.armed)
        elif item.kind is not None and may_be_for(item.kind, self.scope):
            form = FaultForm(item.kind, self._scopes, self._scope, self._view, self._rehearse)
            self.app.push_screen(form, self._filled)
        else:
            self.app.bell()  # beside it stands why

    def _disarm(self, armed: ArmedFault) -> None:
        if not_live(self._view) is not None:
            self.app.bell()
            return
        planned = disarmed(armed, self._view)
        command = planned.command
        if isinstance(planned, Send):
            self.dismiss(command)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(command)

        names = self._view.expected.names
        confirm = ConfirmCommand(command.verb, planned.question, lambda: self._rehearse(command), names)
        self.app.push_screen(confirm, answered)

    def action_leave(self) -> None:
        """Take away what was typed, and then leave."""
        if self._query:
            self.query_one(Input).value = ""
        else:
            self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """A click selects; a second one on the same chooses."""
        place = self._clicked(event.screen_x, event.screen_y)
        if place is None:
            return
        if place == self._key:
            self.action_choose()
        else:
            self._key = place
            self._draw()

    def on_bar_pressed(self, pressed: Bar.Pressed) -> None:
        """A key that is named was clicked."""
        pressed.stop()
        if pressed.shown in _CLICKED:
            self.call_later(self.run_action, _CLICKED[pressed.shown])

    def _clicked(self, x: int, y: int) -> Key | None:
        """What the list has at this place of the screen."""
        faults = self.query_one("#faults", Lines)
        if not faults.region.contains(x, y):
            return None
        number = y - faults.content_region.y + faults.scroll_offset.y
        return self._lines[number][1] if 0 <= number < len(self._lines) else None

    def _filled(self, command: ArmFault | None) -> None:
        if command is not None:
            self.dismiss(command)

    @property
    def _keys(self) -> list[Key]:
        """What can be selected."""
        return [item.key for item in self._items if item.key is not None]

    @property
    def _item(self) -> Item | None:
        if self._key is None:
            return None
        return next((item for item in self._items if item.key == self._key), None)

    # What is drawn.

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        self._items = items_of(self._query, self._view)
        keys = self._keys
        if self._key not in keys:
            # It was disarmed elsewhere: enter is not to disarm another one. A fault of the catalogue asks once more.
            self._key = next((key for key in keys if isinstance(key, str)), None)
        faults = self.query_one("#faults", Lines)
        faults.draw(self._listed)
        self.query_one("#reaction", Lines).draw(self._reaction)
        lost = not_live(self._view)
        said = (
            () if lost is None else (Span("; ".join(one for one in (lost.message, lost.hint) if one), "bad"),)
        )
        self._say("lost", said)
        self._say("keys", keys_line(self._item, bool(self._query), WIDE))
        self.call_after_refresh(self._laid_out)

    def _say(self, name: str, said: Line) -> None:
        in_signs = in_ascii(said) if getattr(self.app, "in_ascii", False) else said
        self.query_one(f"#{name}", Bar).say([in_signs] if said else [])

    def _laid_out(self) -> None:
        """What depends on the room that there is."""
        following = self._scopes[(self._scope + 1) % len(self._scopes)]
        width = self.query_one("#scope", Bar).size.width
        self._say("scope", scope_line(self.scope, following, self._names, width))
        self._bring_into_view()

    def _bring_into_view(self) -> None:
        faults = self.query_one("#faults", Lines)
        place = next(
            (at for at, (_, key) in enumerate(self._lines) if key == self._key and key is not None), None
        )
        if place is None:
            return
        # With its heading, where it is the first below one.
        if place and self._lines[place - 1][1] is None:
            faults.reveal(max(0, place - 1))
        faults.reveal(place)

    def _listed(self, width: int) -> Sequence[Line]:
        self._lines = list_lines(self._items, self._key, self.scope, self._names, width)
        return [spans for spans, _ in self._lines]

    def _reaction(self, width: int) -> Sequence[Line]:
        return beside_lines(self._item, self.scope, self._names, width, whole=self.has_class("-beside"))

    @property
    def _names(self) -> Names:
        return self._view.expected.names
