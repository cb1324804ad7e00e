"""A release's rollout and targets on one screen, with what they would come to beside what is typed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from time import thread_time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widgets import Input, Static

from hotswap_dev.dashboard.ascii import in_ascii
from hotswap_dev.dashboard.details.rollout_text import about_line, keys_line, preview_lines, steps_line
from hotswap_dev.dashboard.known import known_to
from hotswap_dev.dashboard.rollout_draft import FIELDS, Draft, Outlook, drafted, outlook, texts_today
from hotswap_dev.dashboard.schema_form import own_forms, suggestions
from hotswap_dev.dashboard.spans import Line, Span, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.bar import Bar
from hotswap_dev.dashboard.widgets.harmless_input import HarmlessInput
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.dashboard.widgets.list_suggester import SuggestItem
from hotswap_dev.dashboard.widgets.percent_input import PercentInput
from hotswap_dev.domain.checks import ARCHES, PLATFORMS
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.text import shown

Chosen = tuple[SetRollout | SetTargets, ...]
"""What is to be sent, in its order; () where all of it is so already."""

_ROWS_AROUND = 7
"""Frame, what it is about, the keys, and a gap between each."""

_PROBLEM = 56
"""Letters of what is wrong in a field that stand on one line."""

_LEAST_SAID = 4
_LEAST_FIELDS = 3
_MOST_SAID = 14

_LABELS: Mapping[str, str] = {
    "percent": "percent",
    "always": "always",
    "platforms": "platforms",
    "arches": "arches",
    "binary_versions": "binary",
    "clients": "clients",
}
_HINTS: Mapping[str, str] = {
    "percent": "0 to 100",
    "always": "clients that are in whatever the percent",
    "platforms": f"any; or {', '.join(PLATFORMS)}",
    "arches": f"any; or {', '.join(ARCHES)}",
    "binary_versions": "any; or a range, such as >=0.4,<0.6",
    "clients": "everyone; or these clients alone",
}
_CLICKED = {
    "enter": "send",
    "esc": "leave",
    "tab": "app.focus_next",
    "←": "step(-1)",
    "<": "step(-1)",
    "→": "step(1)",
    ">": "step(1)",
}

_log = logging.getLogger(__name__)


def rollout_words(command: SetRollout | SetTargets) -> str:
    """What is pending where this was sent."""
    if isinstance(command, SetRollout):
        return f"release {command.sequence} to {command.percent:g} %"
    return f"targets of release {command.sequence}"


class RolloutScreen(ModalScreen[Chosen | None]):
    """For how many and for whom a release is. It is left with the commands that make it so, or None.

    What is shown of it follows the server: a client that comes while it is open is counted in.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter,ctrl+s", "send", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    DEFAULT_CSS = """
    RolloutScreen {
        align: center middle;
    }
    RolloutScreen > Vertical {
        width: 76;
        max-width: 98%;
        height: auto;
        max-height: 100%;
        padding: 0 1;
        border: round $primary;
        border-title-color: $text-primary;
        background: $surface;
    }
    RolloutScreen.-roomy > Vertical {
        width: 104;
        padding: 1 2;
    }
    RolloutScreen.-ascii > Vertical {
        border: ascii $primary;
    }
    RolloutScreen #about {
        height: 1;
        margin-bottom: 1;
        background: $surface;
    }
    RolloutScreen #fields {
        height: auto;
        scrollbar-size-vertical: 1;
    }
    RolloutScreen .field {
        height: auto;
    }
    RolloutScreen .name {
        width: 11;
        padding-right: 1;
        text-align: right;
        color: $text-primary;
    }
    RolloutScreen .told {
        width: 1fr;
        height: auto;
    }
    RolloutScreen Input {
        width: 1fr;
        background: $foreground 8%;
    }
    RolloutScreen #field-percent {
        width: 12;
    }
    RolloutScreen #steps {
        width: 1fr;
        height: 1;
        padding-left: 2;
        background: $surface;
    }
    RolloutScreen .problem {
        height: auto;
        color: $text-error;
        text-style: bold;
        display: none;
    }
    RolloutScreen .problem.-shown {
        display: block;
    }
    RolloutScreen #said {
        height: auto;
        margin-top: 1;
        scrollbar-size-horizontal: 0;
        background: $surface;
    }
    RolloutScreen #keys {
        height: 1;
        margin-top: 1;
        background: $surface;
    }
    """

    def __init__(self, sequence: int, view: View) -> None:
        super().__init__()
        self.sequence = sequence
        self._view = view
        release = self._release
        self._today = {} if release is None else texts_today(release, known_to(view))
        self._texts = dict(self._today)
        self._touched: frozenset[str] = frozenset()
        self._draft = Draft(after=view.expected)
        self._outlook: Outlook | None = None
        self._took = 0.0
        self._due: Timer | None = None

    @property
    def _release(self) -> Release | None:
        return self._view.expected.releases.get(self.sequence)

    # What there is to see.

    def compose(self) -> ComposeResult:
        """What it is about, the fields with what is wrong in them, what it would come to, the keys."""
        with Vertical() as dialog:
            dialog.border_title = Content(f"rollout and targets of {self.sequence}")
            yield Bar(id="about")
            with VerticalScroll(id="fields", can_focus=False):
                for name in FIELDS:
                    with Horizontal(classes="field"):
                        yield Static(Content(_LABELS[name]), classes="name", markup=False)
                        with Vertical(classes="told"):
                            if name == "percent":
                                with Horizontal(classes="field"):
                                    yield self._percent()
                                    yield Bar(id="steps")
                            else:
                                yield self._input(name)
                            yield Static("", id=f"problem-{name}", classes="problem", markup=False)
            yield Lines(id="said")
            yield Bar(id="keys")

    def _percent(self) -> PercentInput:
        made = PercentInput(value=self._texts.get("percent", ""), compact=True, id="field-percent")
        made.otherwise = 100.0 if self._release is None else self._release.percent
        return made

    def _input(self, name: str) -> HarmlessInput:
        field = next(
            one
            for form in own_forms().values()
            if form.name in _VERBS
            for one in form.fields
            if one.name == name
        )
        named = {"platforms": PLATFORMS, "arches": ARCHES}.get(name)
        found = suggestions(field, known_to(self._view)) if named is None else named
        return HarmlessInput(
            value=self._texts.get(name, ""),
            placeholder=_HINTS[name],
            suggester=SuggestItem(found) if field.kind == "list" else SuggestFromList(found),
            select_on_focus=False,
            compact=True,
            id=f"field-{name}",
        )

    def on_mount(self) -> None:
        """Begin with the percent."""
        self.set_class(getattr(self.app, "in_ascii", False), "-ascii")
        self.query_one("#said", Lines).can_focus = False
        self.query_one("#field-percent", PercentInput).focus()
        self._think()

    def on_resize(self) -> None:
        """Another terminal has another room."""
        self._show()

    def refreshed(self, view: View) -> None:
        """Another moment: clients came or went, or somebody else changed what nobody has typed here."""
        before, self._view = self._view, view
        same_link = view.link.state == before.link.state
        if view.controls is before.controls and view.expected is before.expected and same_link:
            again = int(view.now.timestamp()) != int(before.now.timestamp())
            if view.revision == before.revision or not again:
                return  # of many checks, once a second is often enough to be counted anew
        release = self._release
        if release is not None and self.is_mounted:
            # A letter may stand there already that nobody was told of yet.
            typed = self._typed_over()
            self._today = texts_today(release, known_to(view))
            for name in FIELDS:
                field = self._field(name)
                if name not in typed and field.value != self._today[name]:
                    field.value = self._today[name]
        self._think()

    # What is typed.

    def _field(self, name: str) -> HarmlessInput:
        return self.query_one(f"#field-{name}", HarmlessInput)

    def _read(self) -> Iterator[tuple[str, str]]:
        for name in FIELDS:
            yield name, self._field(name).value

    def _typed_over(self) -> frozenset[str]:
        """The fields in which something else stands than what is so."""
        return frozenset(name for name, text in self._read() if text != self._today.get(name, text))

    @on(Input.Changed)
    def _typed(self) -> None:
        """Another text, another outcome."""
        if dict(self._read()) == self._texts:
            return
        if self._took < _SLOW:
            self._think()
        elif (
            self._due is None
        ):  # on a slow machine, or of very many clients, letters go before what they come to
            self._due = self.set_timer(2 * self._took, self._think)

    def _think(self) -> None:
        """Read what is typed, and work out what it would come to."""
        if self._due is not None:
            self._due.stop()
            self._due = None
        begun = thread_time()
        release = self._release
        if self._drafts() and release is not None:
            self._outlook = outlook(release, self._draft, self._view)
        self._took = thread_time() - begun
        self._show()

    def _drafts(self) -> bool:
        """Read what is typed; False where there is nothing that it could be of."""
        release = self._release
        if release is None or not self._today:
            return False
        if self.is_mounted:
            self._texts = dict(self._read())
        self._touched = frozenset(name for name in FIELDS if self._texts[name] != self._today[name])
        self._draft = drafted(release, self._texts, self._touched, self._view)
        return True

    def _show(self) -> None:
        if not self.is_mounted:
            return
        release = self._release
        self.set_class(self.size.width >= _ROOMY and self.size.height >= _ROOMY_ROWS, "-roomy")
        self._say("about", about_line(self.sequence, self._view))
        self._say("keys", keys_line(self._view.link.state))
        percent = release.percent if release is not None else 100.0
        if release is not None:
            percent = self._draft.after.releases[self.sequence].percent
        self._say("steps", steps_line(percent, 60))
        for name in FIELDS:
            said = self._draft.problems.get(name, "")
            place = self.query_one(f"#problem-{name}", Static)
            place.update(Content(shown(said, 200)))
            place.set_class(bool(said), "-shown")
        wrong = sum(1 + len(one) // _PROBLEM for one in self._draft.problems.values())
        frame = _ROWS_AROUND + (2 if self.has_class("-roomy") else 0)
        room = max(_LEAST_SAID + _LEAST_FIELDS, self.size.height - frame)
        fields = min(len(FIELDS) + wrong, room - _LEAST_SAID)
        self.query_one("#fields", VerticalScroll).styles.max_height = fields
        most = max(_LEAST_SAID, min(_MOST_SAID, room - fields))
        said_ = self.query_one("#said", Lines)
        said_.styles.max_height = most
        said_.draw(lambda width: self._preview(width, most))

    def _say(self, name: str, said: Line) -> None:
        in_signs = in_ascii(said) if getattr(self.app, "in_ascii", False) else said
        self.query_one(f"#{name}", Bar).say([in_signs])

    def _preview(self, width: int, most: int) -> Sequence[Line]:
        release = self._release
        if release is None or self._outlook is None:
            return ()
        names = self._view.controls.names
        try:
            return preview_lines(release, self._draft, self._outlook, names, width, most)
        except Exception:
            _log.exception("a rollout's preview was not drawn")
            return [line(Span("This can't be shown: it is a bug; the log file has the whole of it.", "bad"))]

    # What is done with it.

    @on(Input.Submitted)
    def action_send(self) -> None:
        """Have it so, if it can be meant. Without a server to have it from, what is typed stays."""
        if self._view.link.state != "live":
            self.app.bell()
            return
        self._drafts()  # what stands there now, though its last letter was not thought over yet
        wrong = next((name for name in FIELDS if name in self._draft.problems), None)
        if wrong is not None:
            self._field(wrong).focus()
            self.app.bell()
            self._show()
        elif self._release is None:
            self.dismiss(None)
        else:
            self.dismiss(self._draft.commands)

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)

    def action_step(self, by: int) -> None:
        """The next of the usual percents, whichever field is typed into."""
        self.query_one("#field-percent", PercentInput).action_step(by)

    def on_bar_pressed(self, pressed: Bar.Pressed) -> None:
        """A percent or a key was clicked."""
        pressed.stop()
        if pressed.shown.isdigit():
            self.query_one("#field-percent", PercentInput).take(pressed.shown)
        elif pressed.shown in _CLICKED:
            self.call_later(self.run_action, _CLICKED[pressed.shown])


_VERBS = (SetRollout.verb, SetTargets.verb)
_SLOW = 0.05
"""Seconds of computing between two letters that nobody notices."""

_ROOMY = 120
_ROOMY_ROWS = 30
