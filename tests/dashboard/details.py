"""Moments as the details show them, what a server answers about them, and a detail that is open."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from hotswap_dev import wire
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.spans import Line, cells, plain
from hotswap_dev.dashboard.themes import DARK, LIGHT
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import CheckAnswered, Observation
from tests.unit.domain.clients import a_download, an_offer
from tests.unit.making import NOW, a_bundle, a_release, an_answered_check, controls_with

MINUTE = timedelta(minutes=1)
LIVE = Link(state="live", since=NOW)
SITE = "http://192.168.1.20:3333"

HOSTILE = (
    "[red]bold[/red]",
    "[@click=app.leave]Pixel[/]",
    "\x1b]52;c;ZXZpbA==\x07\x1b[2J",
    "a\u202edlrow\u200bb\u2066c",
    "漢字" * 40,
    "e" + "\u0301" * 60,
    "🧑‍🚀👩‍👩‍👧" * 10,
    "x" * 4_000,
    "/" * 300 + " " * 300,
    "\udcff\ud800",
    "$(touch x)`id`'\"; rm -rf ~ #",
    "-oProxyCommand=x",
    "@file",
    "",
)
"""What a client, a channel or a file may be called by somebody who means harm."""

hostile = pytest.mark.parametrize(
    "text", HOSTILE, ids=[f"hostile {number}" for number in range(len(HOSTILE))]
)


def an_about(**changes: Any) -> wire.About:
    """What a server on the network says of itself."""
    about = wire.About(
        app="my-app",
        version="0.1.0",
        site=SITE,
        endpoint=f"{SITE}/api/ota/{{{{current_sequence}}}}",
        addresses=(SITE, "http://127.0.0.1:3333"),
        pubkey="RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
        key_id="3FqA",
        production_key=False,
        workspace="my-app/.hotswap-dev",
        dist="my-app/dist",
        overlays=("my-app/.hotswap-dev/tauri.dev.conf.json", "my-app/.hotswap-dev/tauri.mobile.conf.json"),
        build_line="npm run tauri build -- --debug --no-bundle -c .hotswap-dev/tauri.dev.conf.json",
        watch_line="npx vite build --watch",
        devtools_line="(async h => { const u = await h('plugin:hotswap|hotswap_check') })(invoke)",
        host_is_loopback=False,
        channel_configured="production",
    )
    return replace(about, **changes)


def on_loopback(**changes: Any) -> wire.About:
    """What a server that only its own machine reaches says of itself."""
    site = "http://127.0.0.1:3333"
    fields: dict[str, Any] = {
        "site": site,
        "endpoint": f"{site}/api/ota/{{{{current_sequence}}}}",
        "addresses": (site,),
        "host_is_loopback": True,
    }
    return an_about(**{**fields, **changes})


def a_moment(
    *events: Fact | Observation,
    controls: Controls = Controls(),  # noqa: B008 - frozen
    now: datetime | None = None,
    about: wire.About | None = None,
    selected: Selected | None = None,
) -> View:
    """The view once these events happened, one after the other."""
    mirror = Mirror()
    mirror.reset(wire.State(instance="one", revision=0, controls=controls, clients=(), about=about))
    for number, event in enumerate(events, 1):
        assert mirror.advance(wire.EventLine("one", number, event))
    at = now or max([NOW, *(event.at for event in events)]) + timedelta(seconds=8)
    return replace(mirror.view(at, LIVE), rows=mirror.checks.rows(), selected=selected)


def releases(*sequences: int, **changes: Any) -> Controls:
    """Controls with these releases, each 10 minutes after the one before, the last one now."""
    made = [
        a_release(
            sequence,
            **{
                "bundle": a_bundle(str(sequence), size=1_234_567),
                "published_at": NOW - 10 * (len(sequences) - place - 1) * MINUTE,
                **changes,
            },
        )
        for place, sequence in enumerate(sequences)
    ]
    return controls_with(*made)


def not_activated(client: str = "Pixel-8", **changes: Any) -> list[Observation]:
    """A client that was offered 14, fetched it whole and asks for it again."""
    path = "/api/ota/13?binary_version=1.0.0&platform=android&arch=aarch64"
    about: dict[str, Any] = {
        "client": client, "platform": "android", "arch": "aarch64", "path": path, "sequence": 13, **changes,
    }  # fmt: skip
    offer: Callable[..., CheckAnswered] = functools.partial(an_offer, 14, **about)
    newest = {"channel": "production", "current": 13, "newest": 13}
    return [
        an_answered_check(at=NOW, args=newest, **about),
        offer(at=NOW + 3 * MINUTE),
        a_download(14, client=client, at=NOW + 3 * MINUTE + timedelta(seconds=20), bytes=1_234_567),
        offer(at=NOW + 9 * MINUTE),
    ]


def checks_of(events: Sequence[Fact | Observation]) -> tuple[CheckAnswered, ...]:
    """The checks among events, newest first, as the history lists them."""
    return tuple(event for event in reversed(events) if isinstance(event, CheckAnswered))


def an_exchange(event: CheckAnswered, **changes: Any) -> dict[str, Any]:
    """What `GET /api/exchange` answers of a check."""
    manifest = {
        "version": "1.0.0-ota.14",
        "sequence": 14,
        "min_binary_version": "1.0.0",
        "url": f"{SITE}/bundles/0123456789/14/89abcdef.tar.gz",
        "signature": "untrusted comment: signature\nRUQf6LRCGA9i5xyz\ntrusted comment: t\nabc",
        "bundle_size": 1_234_567,
    }
    return {
        "at": wire.stored_time(event.at),
        "client": event.client,
        "peer": event.peer,
        "method": "GET",
        "target": event.path,
        "headers": [
            ["host", "192.168.1.20:3333"],
            ["accept", "*/*"],
            ["x-device-id", event.client],
            ["authorization", "***"],
        ],
        "status": event.status,
        "answer_headers": [
            ["Cache-Control", "no-store"],
            ["X-Hotswap-Reason", event.reason],
            ["Content-Type", "application/json"],
        ],
        "body": wire.encode(manifest).decode() if event.status == 200 else None,
        "duration_ms": event.duration_ms,
        **changes,
    }


def text_of(lines: Sequence[Line]) -> str:
    """The lines as they are read."""
    return "\n".join(plain(line).rstrip() for line in lines)


def words_of(lines: Sequence[Line]) -> str:
    """What the lines say, wherever they are broken."""
    return " ".join(" ".join(plain(line) for line in lines).split())


def too_wide(lines: Sequence[Line], width: int) -> list[str]:
    """The lines that do not fit."""
    return [plain(line) for line in lines if cells(line) > width]


def unprintable(lines: Sequence[Line]) -> list[str]:
    """The spans that a terminal would not just draw."""
    return [span.text for line in lines for span in line if not span.text.isprintable()]


class Answers:
    """A control site that answers what it is told to, and remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def get(self, path: str, **query: str | int | None) -> wire.Json:
        self.asked.append((path, query))
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        return await answer() if callable(answer) else answer

    async def post(self, path: str, arguments: Mapping[str, wire.Json]) -> wire.Json:
        return await self.get(path, **arguments)


class Host(App[None]):
    """What a detail needs of the dashboard, and nothing else of it."""

    def __init__(self, view: View, answers: Mapping[str, Any], *, in_ascii: bool = False) -> None:
        super().__init__()
        self.control = Answers(answers)
        self.moment = view
        self.in_ascii = in_ascii
        self.copied: list[str] = []
        self.told: list[tuple[str, str, str]] = []

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def view(self) -> View:
        return self.moment

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def tell(self, message: str, hint: str = "", severity: str = "information") -> None:
        self.told.append((message, hint, severity))

    def told_away(self) -> bool:
        return False


class Opened:
    """A detail that is open."""

    def __init__(self, app: Host, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def page(self) -> Lines:
        return self.app.screen.query_one("#page", Lines)

    @property
    def text(self) -> str:
        """The whole page, what is scrolled away too."""
        return text_of(self.page.lines)

    @property
    def words(self) -> str:
        """What the page says, wherever its lines are broken."""
        return words_of(self.page.lines)

    @property
    def screen(self) -> str:
        """What is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rests()

    async def rests(self) -> None:
        """Nothing is under way any more."""
        await self.app.workers.wait_for_complete()
        await self.settles()

    async def settles(self) -> None:
        """What was said is drawn; an answer may still be on its way."""
        for _ in range(3):
            await self.pilot.pause()

    async def becomes(self, view: View) -> None:
        """Another moment, as the app hands it on."""
        self.app.moment = view
        refreshed = getattr(self.app.screen, "refreshed", None)
        assert refreshed is not None
        refreshed(view)
        await self.rests()


@asynccontextmanager
async def opened(
    screen: Screen[None],
    view: View,
    answers: Mapping[str, Any] | None = None,
    *,
    size: tuple[int, int] = (80, 24),
    in_ascii: bool = False,
    waits: bool = True,
) -> AsyncIterator[Opened]:
    """A detail over an empty screen with all that it asked for; without `waits` an answer may never come."""
    app = Host(view, answers or {}, in_ascii=in_ascii)
    async with app.run_test(size=size) as pilot:
        app.push_screen(screen)
        detail = Opened(app, pilot)
        await (detail.rests() if waits else detail.settles())
        yield detail
