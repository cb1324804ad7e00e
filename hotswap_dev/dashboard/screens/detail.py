"""What every screen over the main one has in common: a page that scrolls, a line of keys, and the way back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from hotswap_dev.dashboard.keys import KEYS, Arm, Ask, Confirm, Roll, Send, plan
from hotswap_dev.dashboard.keys.meaning import release_meant
from hotswap_dev.dashboard.keys.plans import ACTING
from hotswap_dev.dashboard.selectors.columns import Piece, as_many
from hotswap_dev.dashboard.spans import Line, Span, cells, ends, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.bar import Bar
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.errors import HotswapError

if TYPE_CHECKING:
    from hotswap_dev.dashboard.app import Dashboard

_log = logging.getLogger(__name__)

LOADING = "Asked for …"
_PACE = timedelta(seconds=1)
"""Between two questions of one page: of 2,000 checks a second it does not ask 2,000 times."""

_CLICKED = {"esc": "back", "y": "copy", "enter": "unfold"}
_SCROLL = "j k g G"
_BETWEEN = "   "
_BY_KEY = {key.key: key for key in KEYS}
_LOST = {"reconnecting": "not connected: as it was", "gone": "the server has ended: as it was"}
_OTHER_VERSION = (
    "The server's answer can't be read: it is of another version of hotswap-dev. Start both anew."
)


OF_A_CLIENT: Sequence[str] = ("n", "x", "z", "m", "w", "percent_sign", "r", "b", "greater_than_sign", "e")
"""The keys of the main screen that act on a page about a client, or about something that it did."""


class DetailScreen(Screen[None]):
    """A page over the main screen. It is drawn from the view alone at once, and anew when `load` has brought more.

    A page says what its lines are (`lines`), what it asks the server for (`load`), and its keys (`KEYS`).
    """

    DEFAULT_CSS = """
    DetailScreen > Bar { dock: bottom; height: 1; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", show=False),
        Binding("q", "back", "back", show=False),
        Binding("y", "copy", "copy", show=False),
        Binding("question_mark", "keys", "keys", show=False),
        *(Binding(key, f"act({key!r})", show=False) for key in ACTING if key.islower() or len(key) > 1),
    ]
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("esc", "back"), ("y", "copy"), ("j k g G", "scroll"))
    ACTS: ClassVar[Sequence[str]] = ()
    """The keys that act on what the page is about, the likeliest first."""

    def __init__(self) -> None:
        super().__init__()
        self.said = ""
        """Why what was asked for is not there: still on its way, or what the server said."""
        self._view: View | None = None
        self._asked_for: object = None
        self._asked_at: datetime | None = None
        self._asking = False

    @property
    def dashboard(self) -> Dashboard:
        """The app, by its own type."""
        return cast("Dashboard", self.app)

    @property
    def view(self) -> View:
        """The moment that is drawn."""
        return self._view if self._view is not None else self.dashboard.view()

    def lines(self, view: View, width: int) -> Sequence[Line]:
        """The page, of so many columns."""
        raise NotImplementedError

    async def load(self) -> None:
        """Ask the server for what the view does not have; HotswapError or ValueError are said on the page."""

    def needs(self, view: View) -> object:
        """What the loaded part of the page depends on: when it is another, it is loaded again."""

    def chosen(self, view: View) -> View:
        """The view with what this page is about selected: on the main screen it may be something else by now."""
        return view

    def keys(self) -> Sequence[tuple[str, str]]:
        """The keys that the line below names, and what they do."""
        return self.KEYS

    def compose(self) -> ComposeResult:
        """The page, and its keys below it."""
        yield self.page()
        yield Bar(id="keys")

    def page(self) -> Lines:
        """The widget that the lines are in."""
        return Lines(id="page")

    def on_mount(self) -> None:
        """Draw what is known, and ask for the rest."""
        self.query_one("#page", Lines).focus()
        self.refreshed(self.dashboard.view())

    def refreshed(self, view: View) -> None:
        """Draw this moment, and ask for more where it needs more: once a second at most, one question at a time."""
        self._view = view
        if self._should_ask(view):
            self._asked_for, self._asked_at, self._asking = self._wanted(view), view.now, True
            self.run_worker(self._loaded(), name="load", group="load", exclusive=True)
        self.redraw()

    def on_resize(self) -> None:
        """Another width has room for other keys."""
        self.redraw()

    def redraw(self) -> None:
        """Draw page and keys anew, where they are there."""
        for bar in self.query("#keys").results(Bar):
            bar.say([self._foot(self.view)])
        for page in self.query("#page").results(Lines):
            page.draw(self._drawn)

    def action_back(self) -> None:
        """Leave."""
        self.dismiss()

    def action_leave(self) -> None:
        """Put away what was told, and then leave."""
        if not self.dashboard.told_away():
            self.action_back()

    def action_act(self, key: str) -> None:
        """A key acts on what is open here, whatever the main screen has selected."""
        if key in self.ACTS:
            self.dashboard.press(key, self.chosen)

    def action_copy(self) -> None:
        """What can be copied here."""
        # A screen that opens another one: they know each other's names.
        from hotswap_dev.dashboard.screens.copy import CopyScreen

        self.app.push_screen(CopyScreen(self.chosen(self.view)))

    def action_keys(self) -> None:
        """All keys."""
        from hotswap_dev.dashboard.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())

    def on_bar_pressed(self, message: Bar.Pressed) -> None:
        """A key of the line below was clicked."""
        acts = next((key for key in self.ACTS if _BY_KEY[key].shown == message.shown), None)
        pressed = _CLICKED.get(message.shown) if acts is None else f"act({acts!r})"
        if pressed is not None:
            message.stop()
            self.call_later(self.run_action, pressed)

    def _foot(self, view: View) -> Line:
        width = max(1, self.size.width)
        keys = [Piece(_named(key, does), 1 if key == _SCROLL else 0) for key, does in self.keys()]
        chosen = self.chosen(view)
        acts = [one for one in self.ACTS if isinstance(plan(one, chosen), Send | Confirm | Ask | Roll | Arm)]
        keys += [Piece(_named(_BY_KEY[one].shown, _does(one, chosen)), 2 + at) for at, one in enumerate(acts)]
        lost: Line = (Span(f"{_LOST[view.link.state]} ", "warn"),) if view.link.state in _LOST else ()
        left = (Span(" "), *as_many(keys, width - 1 - cells(lost), _BETWEEN))
        return ends(left, lost, width) if lost else left

    def _should_ask(self, view: View) -> bool:
        if self._asked_at is None:
            return True
        if self._asking or view.link.state != "live" or abs(view.now - self._asked_at) < _PACE:
            return False
        return self._wanted(view) != self._asked_for

    def _wanted(self, view: View) -> object:
        """What it would be asked for now: after a server was gone, all of it anew."""
        return (view.link.since, self.needs(view))

    def _drawn(self, width: int) -> Sequence[Line]:
        # A column stays free before the scrollbar.
        try:
            return self.lines(self.view, width - 1)
        except Exception:
            _log.exception("a page was not drawn")
            return [line(Span("This can't be shown: it is a bug; the log file has the whole of it.", "bad"))]

    async def _loaded(self) -> None:
        if not self.said:
            self.said = LOADING
        try:
            await self.load()
            self.said = ""
        except HotswapError as error:
            self.said = f"{error.message}. {error.hint}".rstrip(". ") + "."
        except ValueError:
            self.said = _OTHER_VERSION
        finally:
            self._asking = False
        if self.is_mounted:
            self.redraw()


def _does(key: str, view: View) -> str:
    """What a key does now: the other way round where it takes back what it did."""
    release = release_meant(view)
    if release is not None and key == "w" and release.withheld:
        return "put back"
    if release is not None and key == "m" and release.mandatory:
        return "not mandatory"
    return _BY_KEY[key].label


def _named(shown: str, does: str) -> Line:
    return (Span(shown, "key"), Span(f" {does}", "dim"))
