"""The command palette: every key by what it does, and every command that the server lists, with its help.

A command without arguments is sent at once, any other opens its form. What a server says is text, never markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import cast

from msgspec import Struct
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from hotswap_dev import wire
from hotswap_dev.dashboard.acting import Acting, carry_out, commands_of
from hotswap_dev.dashboard.keys import GROUPS, Ask, Key, keys_known
from hotswap_dev.domain.text import shown

_PALETTE = ("colon", "ctrl+p")
"""The keys that open the palette: in it they lead nowhere."""

_HELP = "dim not bold"
_LONGEST = 200


class Entry(Struct, frozen=True):
    """A line of the palette: what it is found by, what it says besides, and how well a text has to match it."""

    name: str
    help: str
    act: Callable[[], object]


class DashboardCommands(Provider):
    """Keys first, in the order of their groups, then the server's commands in that of theirs."""

    async def startup(self) -> None:
        """Ask the server what it can do: it may be another one than at the last time."""
        self._commands = await commands_of(cast("Acting", self.app).control)

    async def discover(self) -> Hits:
        """Everything, as long as nothing is typed."""
        for entry in self._entries():
            yield DiscoveryHit(_prompt(Content(entry.name), entry.help), entry.act, text=entry.name)

    async def search(self, query: str) -> Hits:
        """What is called so, or does so."""
        matcher = self.matcher(query)
        for entry in self._entries():
            # Whole words of the help count for less than the name.
            score = max(matcher.match(entry.name), matcher.match(entry.help) / 2)
            if score > 0:
                name = Content(entry.name)
                found, places = matcher.fuzzy_search.match(query, entry.name)
                if found:
                    for place in places:
                        name = name.stylize(matcher.match_style, place, place + 1)
                yield Hit(score, _prompt(name, entry.help), entry.act, text=entry.name)

    def _entries(self) -> Iterator[Entry]:
        told = cast("Acting", self.app).view().story is not None
        for group in GROUPS:
            for key in keys_known(story=told):
                if key.group == group and key.key not in _PALETTE:
                    yield Entry(_called(key), key.help, partial(self._press, key))
        order = list(dict.fromkeys(str(one.get("group")) for one in self._commands))
        for entry in sorted(self._commands, key=lambda one: order.index(str(one.get("group")))):
            yield self._command(entry)
        yield Entry("theme", "Choose other colours.", self.app.action_change_theme)

    def _command(self, entry: Mapping[str, wire.Json]) -> Entry:
        name = str(entry.get("name", ""))
        return Entry(
            shown(name, _LONGEST), shown(str(entry.get("summary", "")), _LONGEST), partial(self._begin, name)
        )

    async def _press(self, key: Key) -> None:
        """What a key does on the screen below, as an action: a key event would go to whatever has the focus by then.

        What is not about a selection is done from everywhere; what is, only where the selection can be seen.
        """
        for screen in reversed(self.app.screen_stack):
            if screen.is_modal:
                return
            bound = screen.active_bindings.get(key.key)
            acts = getattr(screen, "ACTS", None)
            if bound is not None and (acts is None or key.key in acts or key.group in ("look", "move")):
                await self.app.run_action(bound.binding.action, bound.node)
                return
            if key.target in ("client", "release"):
                return

    def _begin(self, name: str) -> None:
        acting = cast("Acting", self.app)
        self.app.run_worker(carry_out(acting, Ask(name)), name=f"command {name}", exclusive=False)


PROVIDERS: set[type[Provider] | Callable[[], type[Provider]]] = {DashboardCommands}
"""What the dashboard's palette finds: of what Textual offers every app, only the themes."""


def _called(key: Key) -> str:
    return f"{key.label}  {key.shown}"


def _prompt(name: Content, help_text: str) -> Content:
    return Content.assemble(name, "\n", (help_text, _HELP)) if help_text else name
