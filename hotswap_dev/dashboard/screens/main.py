"""The main screen: what stands where, and what moves on it. What it says is the selectors' to say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from hotswap_dev.dashboard import selectors
from hotswap_dev.dashboard.acting import is_asking
from hotswap_dev.dashboard.ascii import in_ascii
from hotswap_dev.dashboard.keys import KEYS, keys_known
from hotswap_dev.dashboard.looking import (
    PANES,
    as_seen,
    following,
    next_channel,
    next_pane,
    paused_on,
    settled,
)
from hotswap_dev.dashboard.screens.addresses import AddressesScreen
from hotswap_dev.dashboard.screens.client import ClientScreen
from hotswap_dev.dashboard.screens.copy import CopyScreen
from hotswap_dev.dashboard.screens.exchange import ExchangeScreen
from hotswap_dev.dashboard.screens.filter import FilterBox, filter_foot
from hotswap_dev.dashboard.screens.help import HelpScreen
from hotswap_dev.dashboard.screens.release import ReleaseScreen
from hotswap_dev.dashboard.screens.wall import WallScreen
from hotswap_dev.dashboard.spans import Line, Span
from hotswap_dev.dashboard.view import Pane, View
from hotswap_dev.dashboard.widgets.bar import Bar
from hotswap_dev.dashboard.widgets.row_list import Draw, RowList

if TYPE_CHECKING:
    from hotswap_dev.dashboard.app import Dashboard

_log = logging.getLogger(__name__)

_HEADS: Mapping[Pane, Callable[[View, int], Line]] = {
    "releases": selectors.release_heads,
    "clients": selectors.client_heads,
    "checks": selectors.check_heads,
}
"""What stands above the rows of each pane."""

WIDE = 100
ROOMY = 160
_WHY_ROWS = 5
_ROOMY_WHY_ROWS = 7

_MOVES = {
    "1": "pane('releases')",
    "2": "pane('clients')",
    "3": "pane('checks')",
    "tab": "next_pane(1)",
    "shift+tab": "next_pane(-1)",
    "minus": "layout",
    "F": "follow",
    "slash": "filter",
    "question_mark": "open('help')",
    "colon": "palette",
    "c": "channel",
    "u": "open('addresses')",
    "v": "open('wall')",
    "y": "copy",
    "q": "back",
    "escape": "escape",
    "right_square_bracket": "app.story('next')",
    "left_square_bracket": "app.story('again')",
}

_PAGES = {"help": HelpScreen, "addresses": AddressesScreen, "wall": WallScreen}


class MainScreen(Screen[None]):
    """Header, the newest release's way, chips, three panes, WHY and the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, action, show=False) for key, action in _MOVES.items()),
        *(Binding(key.key, f"press({key.key!r})", show=False) for key in KEYS if key.key not in _MOVES),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._undrawn: set[str] = set()

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield Bar(id="header")
        yield Bar(id="way")
        yield Bar(id="story")
        yield Bar(id="chips")
        yield Bar(id="tabs")
        with Container(id="panes"):
            yield RowList(id="releases")
            yield RowList(id="clients")
            yield RowList(id="checks")
        yield FilterBox(id="filter")
        yield Bar(id="why")
        yield Bar(id="foot")

    @property
    def dashboard(self) -> Dashboard:
        """The app, by its own type."""
        return cast("Dashboard", self.app)

    def on_mount(self) -> None:
        """The check-ins are what one looks at first."""
        self.query_one("#checks", RowList).focus()
        self.dashboard.paint()

    def on_resize(self) -> None:
        """Other widths show other columns."""
        self.dashboard.paint()

    # What is drawn.

    def refreshed(self, view: View) -> None:
        """Draw this moment."""
        looking = self.dashboard.looking
        releases, clients = selectors.release_rows(view), selectors.client_rows(view)
        settling = settled(
            looking,
            [row.sequences for row in releases],
            [client.id for client in clients],
            view.clients,
        )
        if settling is not looking:
            self.dashboard.looking = looking = settling
            if view.pane != "checks":
                view = replace(view, selected=looking.selected)
        width = self.size.width
        wide = width >= WIDE and not looking.single
        self.set_class(not wide, "-narrow")
        self.set_class(wide, "-wide")
        roomy = width >= ROOMY
        self.set_class(roomy, "-roomy")
        self.set_class(self.dashboard.in_ascii, "-ascii")
        for pane in PANES:
            self.set_class(view.pane == pane, f"-pane-{pane}")
        typing = self.query_one(FilterBox)
        self.set_class(typing.display, "-filtering")
        self._say("story", lambda: selectors.story_lines(view, width))
        self._say("header", lambda: [selectors.header(view, width)])
        self._say("way", lambda: [selectors.way(view, width)])
        self._say("chips", lambda: [line for line in [selectors.chips(view, width)] if line])
        self._say("tabs", lambda: [selectors.tabs(view, width)])
        self._say("why", lambda: selectors.why_lines(view, width, _ROOMY_WHY_ROWS if roomy else _WHY_ROWS))
        self._say(
            "foot",
            lambda: [filter_foot(view.filter, width) if typing.display else selectors.foot(view, width)],
        )
        rows = view.rows
        row = looking.row if view.selected is None or view.pane != "checks" else view.selected.key
        self._show(
            "releases",
            [one.key for one in releases],
            lambda at, room: selectors.release_line(releases[at], view, room),
            looking.release,
            view,
        )
        self._show(
            "clients",
            [one.id for one in clients],
            lambda at, room: selectors.client_line(clients[at], view, room),
            looking.client,
            view,
        )
        self._show(
            "checks",
            [one.number for one in rows],
            lambda at, room: selectors.check_line(rows[at], view, room),
            row,
            view,
        )
        self._focus_pane()
        # A pane that comes into sight only now can't have the keys before it does.
        self.call_after_refresh(self._focus_pane)

    def _focus_pane(self) -> None:
        focused = self._list(self.dashboard.looking.pane)
        if self.focused is not focused and not self.query_one(FilterBox).display:
            self.set_focus(focused, scroll_visible=False)

    def _say(self, name: str, lines: Callable[[], Sequence[Line]]) -> None:
        try:
            said = lines()
        except Exception:
            said = [self._not_shown(name)]
        plain = self.dashboard.in_ascii
        self.query_one(f"#{name}", Bar).say([in_ascii(one) for one in said] if plain else said)

    def _not_shown(self, name: str) -> Line:
        """In place of what could not be drawn: the rest of the screen is worth more than its end."""
        if name not in self._undrawn:
            self._undrawn.add(name)
            _log.exception("%s can't be shown", name)
        return (Span(f" {name} can't be shown: it is a bug; the log file has the whole of it", "bad"),)

    def _show(self, pane: Pane, keys: Sequence[int | str], draw: Draw, selected: object, view: View) -> None:
        rows = self._list(pane)
        empty = () if keys else selectors.empty(view, pane, max(20, rows.size.width - 3))
        looking, heads = self.dashboard.looking, _HEADS[pane]
        at_top = {
            "checks": view.following,
            "clients": not looking.picked_client,
            "releases": not looking.picked,
        }

        def drawn(at: int, room: int) -> Line:
            try:
                made = draw(at, room)
            except Exception:
                made = self._not_shown(f"a row of the {pane}")
            return in_ascii(made) if self.dashboard.in_ascii else made

        def head(room: int) -> Line:
            made = heads(view, room)
            return in_ascii(made) if self.dashboard.in_ascii else made

        rows.show(
            keys,
            drawn,
            selected,
            [in_ascii(one) for one in empty] if self.dashboard.in_ascii else empty,
            head=head,
            at_top=at_top[pane],
        )

    def _list(self, pane: Pane) -> RowList:
        return self.query_one(f"#{pane}", RowList)

    # Where a person goes.

    def on_row_list_moved(self, moved: RowList.Moved) -> None:
        """A row was picked: by a key, or with the mouse in another pane too."""
        looking, pane = self.dashboard.looking, cast("Pane", moved.rows.id)
        if pane == "checks":
            self.dashboard.look(paused_on(looking, self.dashboard.view(), cast("int", moved.key)))
        elif pane == "releases":
            self.dashboard.look(replace(looking, pane=pane, release=cast("int", moved.key), picked=True))
        else:
            self.dashboard.look(
                replace(looking, pane=pane, client=cast("str", moved.key), picked_client=True)
            )

    def on_row_list_at_top(self, at: RowList.AtTop) -> None:
        """Above the newest row there is only what comes."""
        looking = self.dashboard.looking
        if at.rows.id == "checks":
            self.dashboard.look(following(looking))
        elif at.rows.id == "releases":
            self.dashboard.look(replace(looking, picked=False))
        else:
            self.dashboard.look(replace(looking, picked_client=False))

    def on_row_list_scrolled(self, scrolled: RowList.Scrolled) -> None:
        """Somebody looks further down: what comes meanwhile must not take the list from under their eyes."""
        dashboard, looking = self.dashboard, self.dashboard.looking
        rows = dashboard.view().rows
        if scrolled.rows.id == "releases" and not looking.picked:
            dashboard.look(replace(looking, picked=True))
        elif scrolled.rows.id == "clients" and not looking.picked_client:
            dashboard.look(replace(looking, picked_client=True))
        elif scrolled.rows.id == "checks" and looking.paused is None and rows:
            selected = scrolled.rows.selected
            number = selected if isinstance(selected, int) else rows[0].number
            dashboard.look(replace(paused_on(looking, dashboard.view(), number), pane=looking.pane))

    def on_row_list_near_end(self, near: RowList.NearEnd) -> None:
        """Somebody scrolls back: the history has more."""
        if near.rows.id == "checks":
            self.dashboard.read_older()

    def on_row_list_chosen(self, chosen: RowList.Chosen) -> None:
        """All of a row."""
        view = self.dashboard.view()
        if is_asking(self.dashboard):
            return
        if chosen.rows.id == "releases" and self._is_folded(chosen.key, view):
            self.dashboard.look(replace(self.dashboard.looking, unfolded=True))
        elif chosen.rows.id == "releases":
            self.app.push_screen(ReleaseScreen(cast("int", chosen.key)))
        elif chosen.rows.id == "clients":
            self.app.push_screen(ClientScreen(cast("str", chosen.key)))
        elif (row := next((one for one in view.rows if one.number == chosen.key), None)) is not None:
            self.app.push_screen(ExchangeScreen(row))

    def _is_folded(self, key: object, view: View) -> bool:
        return any(row.key == key and len(row.sequences) > 1 for row in selectors.release_rows(view))

    async def on_bar_pressed(self, pressed: Bar.Pressed) -> None:
        """A key was clicked: the same as pressed."""
        # A key event that a screen sends stops below it, before it would come to the bindings.
        key = next((one.key for one in keys_known(story=True) if one.shown == pressed.shown), None)
        if key == "enter":
            self._list(self.dashboard.looking.pane).action_choose()
        elif key in _MOVES:
            await self.run_action(_MOVES[key])
        elif key is not None:
            self.dashboard.press(key)

    def on_filter_box_typed(self, typed: FilterBox.Typed) -> None:
        """The list follows the filter as it is typed."""
        self.dashboard.filter(typed.text)

    def on_filter_box_left(self) -> None:
        """Back to the list."""
        self._list("checks").focus(scroll_visible=False)
        self.dashboard.paint()

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """No key does anything while a form or a question opens: what is typed already is meant for it."""
        return not is_asking(self.dashboard)

    def action_press(self, key: str) -> None:
        """A key that asks the server for something."""
        self.dashboard.press(key)

    def action_pane(self, pane: Pane) -> None:
        """Go to a pane."""
        self.dashboard.look(replace(self.dashboard.looking, pane=pane))

    def action_next_pane(self, step: int) -> None:
        """The pane beside this one."""
        self.dashboard.look(next_pane(self.dashboard.looking, step))

    def action_layout(self) -> None:
        """One pane, or all that there is room for."""
        looking = self.dashboard.looking
        self.dashboard.look(replace(looking, single=not looking.single))

    def action_follow(self) -> None:
        """Hold the check-ins still, or follow them again."""
        dashboard = self.dashboard
        view, looking = dashboard.view(), dashboard.looking
        if looking.paused is not None:
            dashboard.look(following(looking))
        elif view.rows:
            # What was explained when the key was pressed is what one wants to read on.
            row = as_seen(view, dashboard.drawn).row
            dashboard.look(
                replace(
                    paused_on(looking, view, view.rows[0].number if row is None else row.number),
                    pane=looking.pane,
                )
            )

    def action_filter(self) -> None:
        """Filter the check-ins."""
        self.dashboard.look(replace(self.dashboard.looking, pane="checks"))
        self.query_one(FilterBox).open(self.dashboard.looking.filter)
        self.dashboard.paint()

    def action_channel(self) -> None:
        """The next channel alone, or all again."""
        dashboard = self.dashboard
        dashboard.look(next_channel(dashboard.looking, sorted(dashboard.mirror.controls.channels)))

    def action_palette(self) -> None:
        """Everything that can be asked for, by its name."""
        self.app.action_command_palette()

    def action_open(self, screen: str) -> None:
        """A page that is about nothing selected."""
        self.app.push_screen(_PAGES[screen]())

    def action_copy(self) -> None:
        """What can be copied of the selection."""
        self.app.push_screen(CopyScreen(as_seen(self.dashboard.view(), self.dashboard.drawn)))

    def action_escape(self) -> None:
        """Put away what was told first, then the notice, the filter, the pause, what was unfolded."""
        dashboard = self.dashboard
        if dashboard.told_away():
            return
        if dashboard.mirror.notice is not None:
            dashboard.mirror.notice = None
            dashboard.paint()
        elif dashboard.looking.filter:
            dashboard.filter("")
        elif dashboard.looking.unfolded and dashboard.looking.pane == "releases":
            dashboard.look(replace(dashboard.looking, unfolded=False))
        elif dashboard.looking.paused is not None or dashboard.looking.followed is not None:
            dashboard.look(following(dashboard.looking))

    def action_back(self) -> None:
        """At the top there is nothing to go back to but the shell."""
        self.dashboard.action_leave()
