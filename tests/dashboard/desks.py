"""A desk for the tests of the whole dashboard: a server with something on it, and what a screen shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from rich.cells import cell_len
from textual.app import App
from textual.strip import Strip

from hotswap_dev import wire
from hotswap_dev.domain.facts import ClientNamed, Fact
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, Observation
from hotswap_dev.errors import HotswapError
from tests.dashboard.scripted import Desk, ScriptedControl, dashboard_on
from tests.unit.making import NOW, a_release, an_answered_check, controls_with


@asynccontextmanager
async def desk_on(
    control: ScriptedControl | None = None, *, size: tuple[int, int] = (120, 36), theme: str | None = None
) -> AsyncIterator[Desk]:
    """A dashboard on a scripted server; without one of the test's own, on a busy one."""
    async with dashboard_on(busy() if control is None else control, size=size, theme=theme) as desk:
        yield desk


def later(seconds: float) -> Any:
    """So many seconds after the scripted clock's time."""
    return NOW + timedelta(seconds=seconds)


def checked(client: str = "tablet", **changes: Any) -> CheckAnswered:
    """A check of a client that has 3, the newest release."""
    fields: dict[str, Any] = {
        "sequence": 3,
        "args": {"channel": "production", "current": 3, "newest": 3},
        **changes,
    }
    return an_answered_check(client, **fields)


def offered(client: str = "phone", sequence: int = 2, to: int = 3, **changes: Any) -> CheckAnswered:
    """A check of a client that was offered something newer."""
    fields: dict[str, Any] = {
        "sequence": sequence,
        "status": 200,
        "reason": "newer-release",
        "offered": to,
        "args": {},
        **changes,
    }
    return an_answered_check(client, **fields)


def fetched(client: str | None = "phone", sequence: int = 3, **changes: Any) -> DownloadEnded:
    """A whole download."""
    fields: dict[str, Any] = {
        "at": NOW,
        "client": client,
        "peer": "127.0.0.1",
        "sequence": sequence,
        "bytes": 1000,
        "complete": True,
        "attempt": 1,
        "duration_ms": 40.0,
        **changes,
    }
    return DownloadEnded(**fields)


class RememberingControl(ScriptedControl):
    """A server whose history is what happened on it, as `GET /api/history` tells it: newest first, before `until`."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.recorded: list[Fact | Observation] = []
        self.pages: list[dict[str, Any]] = []
        """The queries of the history, in their order."""
        self.answers["/api/history"] = self._page

    def happens(self, *events: Fact | Observation) -> None:
        self.recorded.extend(events)
        super().happens(*events)

    def _page(
        self, *, limit: int, until: str | None = None, before: int | None = None, **query: Any
    ) -> list[Any]:
        self.pages.append({"limit": limit, "until": until, "before": before, **query})
        numbered = list(enumerate(self.recorded, start=1))
        found = [
            (number, event)
            for number, event in reversed(numbered)
            if (until is None or wire.stored_time(event.at).rstrip("Z") < until.rstrip("Z"))
            and (before is None or number < before)
            and all(getattr(event, name, None) == value for name, value in query.items())
        ]
        return [{"number": number, **wire.plain(event)} for number, event in found[:limit]]


def busy(*more: Fact | Observation) -> RememberingControl:
    """Releases 1 to 3 on production and 4 on beta; a phone at 2 that is called Pixel, and a tablet at 3."""
    control = RememberingControl(
        controls_with(a_release(1), a_release(2), a_release(3), a_release(4, channel="beta"))
    )
    control.happens(ClientNamed(at=NOW, client="phone", name="Pixel"), offered(), checked(), *more)
    return control


def asked_after(desk: Desk, before: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """What was asked of the server in earnest, from the so-manieth command on."""
    return [(name, dict(arguments)) for name, arguments in desk.control.commands[before:]]


def strips_of(app: App[Any]) -> list[Strip]:
    """The rows of the whole screen, as they are drawn."""
    return [Strip(row) for row in app.screen._compositor.render_strips()]


def on_screen(app: App[Any]) -> str:
    """The name of the screen that has the keys."""
    return type(app.screen).__name__


def line_with(desk: Desk, text: str) -> str:
    """The first row of the screen that has this text."""
    return next((row for row in desk.screen.splitlines() if text in row), "")


def column_of(row: str, text: str) -> int:
    """The column of the terminal in which a text of a row begins."""
    return cell_len(row[: row.index(text)])


class RefusingControl(ScriptedControl):
    """A server that reads well and does nothing: every command is refused with what the test says."""

    def __init__(self, *, refusal: HotswapError, **more: Any) -> None:
        super().__init__(**more)
        self.refusal = refusal

    async def command(self, name: str, arguments: Any, *, dry_run: bool = False) -> Any:
        self.commands.append((name, dict(arguments)))
        raise self.refusal


OPENS: Mapping[str, tuple[str, ...]] = {
    "ExchangeScreen": ("enter",),
    "ReleaseScreen": ("1", "enter"),
    "ClientScreen": ("2", "enter"),
    "AddressesScreen": ("u",),
    "WallScreen": ("v",),
    "HelpScreen": ("question_mark",),
    "CopyScreen": ("y",),
    "CommandForm": ("semicolon",),
    "ConfirmCommand": ("1", "G", "b"),
    "CommandPalette": ("colon",),
    "MainScreen": (),
}
"""The keys that lead from the main screen to each of the others."""
