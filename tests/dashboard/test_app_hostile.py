"""Text of clients, files and servers is text: no markup, no action, no escape, and every column where it was."""

from __future__ import annotations

import unicodedata
from typing import Any
from unittest import mock

import pytest
from textual import events
from textual.geometry import Offset, Region

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.client.live import LiveControl
from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.dashboard.keys import KEYS
from hotswap_dev.dashboard.screens.main import MainScreen
from hotswap_dev.dashboard.widgets.bar import Bar
from hotswap_dev.domain.facts import ChannelCreated, ClientNamed, NoteAdded, ReleaseAdded
from hotswap_dev.domain.observations import BuildRefused, BuildStarted, Noticed, Published
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError
from tests.dashboard.desks import (
    RefusingControl,
    RememberingControl,
    busy,
    checked,
    column_of,
    desk_on,
    fetched,
    later,
    offered,
    on_screen,
    strips_of,
)
from tests.dashboard.scripted import Desk, screen_text
from tests.server.asking import Asking, until
from tests.server.conftest import Serve, key, serve  # noqa: F401 - a server is a fixture
from tests.unit.making import NOW, a_release

pytestmark = pytest.mark.screens

ACTIONS = (
    "[@click=app.force_mandatory]Pixel 8[/]",
    "[@click=app.leave]Pixel 9[/]",
    "[@click=screen.back()]x[/]",
    "[@click='app.bell']y[/]",
)
MARKUP = ("[/nope]", "[red]x", "[[b]", "[/]", "[link=file:///x]y[/link]", "\\[b]", "[$primary]z", "[on red]")
ESCAPES = (
    "\x1b[2Jcleared",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31mred\x9d0;title\x9c",
    "\x00\x07\x08\x7f",
    "a\nb\tc\rd\x0be\x0cf",
)
TRICKS = (
    "photo\u202egnp.exe",
    "\u2066isolated\u2069",
    "a\u200bb\u200cc\ufeffd\u2060",
    "line\u2028and\u2029paragraph",
    "soft\u00adhyphen",
    "\U000e0041\U000e0042 tags",
    "half\udcff\ud800 a surrogate",
)
WIDE = (
    "漢字漢字漢字漢字漢字",
    "ﾊﾝｶｸ",
    "👩\u200d👩\u200d👧\u200d👦 family",
    "👍🏽 🇩🇪 ❤️ 1️⃣",
    "Z" + "\u0301\u0489\u20dd" * 40,
    "ก็็็็็็็็็",
    "\u1100\u1161\u11a8 jamo",
    "x" * 4_000,
    "漢" * 4_000,
)
CORPUS = (*ACTIONS, *MARKUP, *ESCAPES, *TRICKS, *WIDE)


class Hostile(RememberingControl):
    """A server on which everything that has a text has a hostile one; `trapped` is what the text made happen."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        super().__init__()
        text = texts[0]
        for number, one in enumerate(texts, start=1):
            self.happens(
                ChannelCreated(at=later(number), channel=one),
                ReleaseAdded(
                    at=later(number),
                    release=a_release(
                        number, channel=one, version=one, notes=one, min_binary_version="0.0.0"
                    ),
                ),
            )
        for number, one in enumerate(texts, start=len(texts)):
            about: dict[str, Any] = {
                "channel": one,
                "platform": one,
                "arch": one,
                "peer": one,
                "path": one,
                "flags": (one,),
                "args": {"channel": one, "current": 3, "newest": 3, "why": one},
            }
            unreadable = {"parameter": one, "value": one, "expected": one, "example": one}
            self.happens(
                checked(one, at=later(number), **about),
                offered(one, at=later(number), **about),
                fetched(one, at=later(number), peer=one),
                ClientNamed(at=later(number), client=f"named {number}", name=one),
                checked(f"named {number}", at=later(number), status=400, reason="bad-request",
                        **{**about, "args": unreadable, "binary_version": one, "sequence": None}),
                NoteAdded(at=later(number), text=one),
                Noticed(at=later(number), level="error", code=one, message=one, hint=one),
                BuildStarted(at=later(number), path=one),
                BuildRefused(at=later(number), code=one, detail=one, hint=one, path=one),
                Published(
                    at=later(number), sequence=1, version=one, channel=one, origin="build", bundle_size=1,
                    files=1, changed=1, scan_ms=1.0, pack_ms=1.0, offered_ms=1.0,
                ),
            )  # fmt: skip
        self.happens(BuildRefused(at=later(99), code=text, detail=text, hint=text, path=text))
        for number, one in enumerate(texts, start=1):
            self.answers[f"/api/releases/{number}"] = {
                "compared_with": None,
                "changes_missing": one,
                "changes": [{"path": one, "change": "added", "before": None, "after": 5}],
                "counts": {"added": 1, "removed": 0, "changed": 0, "same": 0},
                "warnings": [{"code": one, "path": one, "detail": one}],
                "adoption": {"points": [], "since": None},
            }
        self.answers["/api/exchange"] = {
            "at": wire.stored_time(NOW),
            "client": text,
            "peer": text,
            "method": text,
            "target": text,
            "headers": [[one, one] for one in texts],
            "status": 200,
            "answer_headers": [[one, one] for one in texts],
            "body": "\n".join(texts),
            "duration_ms": 0.4,
        }
        self.answers["/api/checks"] = [
            wire.plain(event) for event in reversed(self.recorded) if type(event).__name__ == "CheckAnswered"
        ]


def assert_harmless(app: Any) -> None:
    """Every row of the screen as wide as the screen, and nothing in it that a terminal would obey or fold."""
    for number, strip in enumerate(strips_of(app)):
        for segment in strip:
            bad = [
                letter
                for letter in segment.text
                if not letter.isprintable() or unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
            ]
            assert not bad, f"row {number} has {bad!r}: {segment.text!r}"
            assert segment.style is None or segment.style.link is None, (
                f"row {number} links: {segment.text!r}"
            )
            meta = {} if segment.style is None else segment.style.meta
            assert "@click" not in meta, f"row {number} acts: {meta}"
        assert strip.cell_length == app.size.width, f"row {number}: {strip.text!r}"


async def click_cells(desk: Desk, region: Region) -> None:
    """Press and release the mouse on each cell, as the pilot does but for the pauses between."""
    screen = desk.app.screen
    for y in range(region.y, region.bottom):
        for x in range(region.x, region.right):
            desk.app.mouse_position = Offset(x, y)
            for kind in (events.MouseDown, events.MouseUp, events.Click):
                screen._forward_event(
                    kind(
                        None, x=x, y=y, delta_x=0, delta_y=0, button=1, shift=False, meta=False, ctrl=False,
                        screen_x=x, screen_y=y,
                    )
                )  # fmt: skip
        await desk.pilot.pause(0)
    await desk.rests()


def trap(app: Any) -> list[str]:
    """What actions ran that no key of ours asked for."""
    ran: list[str] = []
    app.action_force_mandatory = lambda: ran.append("force_mandatory")
    app.action_leave = lambda: ran.append("leave")
    app.action_bell = lambda: ran.append("bell")
    return ran


OPENS: tuple[tuple[str, ...], ...] = (
    (),
    ("minus",),
    ("2", "minus"),
    ("1", "minus"),
    ("3", "enter"),
    ("2", "enter"),
    ("1", "enter"),
    ("u",),
    ("y",),
    ("question_mark",),
    ("1", "greater_than_sign"),
    ("e",),
    ("colon",),
    ("slash", "left_square_bracket", "slash", "right_square_bracket"),
)
"""Keys that lead to each screen from the main one, and to each pane of it alone."""


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
async def test_C3_no_screen_shows_a_control_character_whatever_was_said(size: tuple[int, int]) -> None:
    async with desk_on(Hostile(CORPUS), size=size) as desk:
        for opens in OPENS:
            if opens:
                await desk.press(*opens)
            assert_harmless(desk.app)
            if on_screen(desk.app) != "MainScreen":
                await desk.press("escape")
            elif "minus" in opens:
                await desk.press("minus")


SQUEEZED = tuple("".join(group)[:200] for group in (ACTIONS, MARKUP, ESCAPES, TRICKS, WIDE[:-2]))
_GROUPS = ("actions", "markup", "escapes", "tricks", "wide")


@pytest.mark.parametrize("text", SQUEEZED, ids=_GROUPS)
async def test_C3_a_detail_of_what_has_nothing_but_such_texts_is_harmless(text: str) -> None:
    await visit_details(text)


@pytest.mark.slow
@pytest.mark.parametrize("text", CORPUS, ids=[f"{number}" for number in range(len(CORPUS))])
async def test_C3_each_text_alone_is_harmless_in_every_row_and_in_its_detail(text: str) -> None:
    await visit_details(text)


async def visit_details(text: str) -> None:
    async with desk_on(Hostile((text,)), size=(120, 40)) as desk:
        assert_harmless(desk.app)
        for pane in ("1", "2", "3"):
            await desk.press(pane, "enter")
            assert_harmless(desk.app)
            assert on_screen(desk.app) != "MainScreen"
            await desk.press("escape")


async def test_C1_what_looks_like_markup_is_on_the_screen_as_it_was_written() -> None:
    async with desk_on(busy(*(checked(text, at=later(9)) for text in MARKUP)), size=(170, 60)) as desk:
        for text in MARKUP:
            assert text in desk.screen


async def test_C3_columns_keep_their_place_beside_wide_and_stacked_letters() -> None:
    control = busy(*(checked(text, at=later(9)) for text in CORPUS))
    async with desk_on(control, size=(120, 60)) as desk:
        await desk.press("minus")
        rows = [row for row in desk.screen.splitlines() if "up-to-date" in row]
        assert len(rows) == len(CORPUS) + 1
        assert (
            len(
                {
                    (column_of(row, "at 3"), column_of(row, "204"), column_of(row, "up-to-date"))
                    for row in rows
                }
            )
            == 1
        )


async def test_C2_a_click_on_any_cell_of_any_pane_runs_no_action_and_sends_no_command() -> None:
    async with desk_on(
        Hostile(ACTIONS), size=(64, 15)
    ) as desk:  # one pane at a time, and the others by their keys
        ran = trap(desk.app)
        for pane, name in (("1", "releases"), ("2", "clients"), ("3", "checks")):
            await desk.press(pane)
            region = desk.app.screen.query_one(f"#{name}").region
            assert region.area > 150
            await click_cells(desk, region)
            while on_screen(desk.app) != "MainScreen":  # two clicks on one row open it
                await desk.press("escape")

        assert ran == []
        assert desk.control.commands == []


@pytest.mark.parametrize(
    "opens", [("enter",), ("1", "enter"), ("2", "enter")], ids=["check-in", "client", "release"]
)
async def test_C2_a_click_on_any_cell_of_a_detail_runs_no_action_and_sends_no_command(
    opens: tuple[str, ...],
) -> None:
    async with desk_on(Hostile(ACTIONS), size=(44, 14)) as desk:
        ran = trap(desk.app)
        await desk.press(*opens)
        await click_cells(desk, desk.app.screen.query_one("#page").region)

        assert ran == []
        assert desk.control.commands == []


async def test_C2_a_click_on_a_bar_presses_at_most_one_of_our_own_keys() -> None:
    async with desk_on(Hostile(ACTIONS), size=(72, 20)) as desk:
        ran = trap(desk.app)
        pressed: list[str] = []
        with mock.patch.object(
            MainScreen, "on_bar_pressed", lambda _, message: pressed.append(message.shown)
        ):
            for bar in desk.app.screen.query(Bar):
                await click_cells(desk, bar.region)

        assert ran == []
        assert pressed != []
        assert set(pressed) <= {key.shown for key in KEYS}


@pytest.mark.parametrize("text", SQUEEZED, ids=_GROUPS)
async def test_C3_a_refusal_of_the_server_is_told_as_text(text: str) -> None:
    async with desk_on(RefusingControl(refusal=HotswapError(text, text)), size=(100, 30)) as desk:
        await desk.press("N")

        assert len(desk.toasts) == 1
        assert_harmless(desk.app)
        assert text[:10] in desk.screen or text not in SQUEEZED[:2]


async def test_C3_a_lost_server_and_a_detail_that_is_refused_say_so_as_text() -> None:
    text = "".join(one for one in (*ACTIONS, *MARKUP, *ESCAPES, *TRICKS))
    control = Hostile((text,))
    control.answers["/api/releases/1"] = ServerRefused({"title": text, "detail": text, "hint": text}, 404)
    async with desk_on(control) as desk:
        await desk.press("1", "enter")
        assert_harmless(desk.app)
        await desk.press("escape")
        desk.app.feed._server_ended = lambda: text
        control.goes_away()
        await desk.rests()
        assert "server gone" in desk.screen
        assert_harmless(desk.app)


async def test_C1_a_hostile_client_over_http_is_text_on_the_screen_of_the_real_server(serve: Serve) -> None:  # noqa: F811
    async with serve() as server:
        control = LiveControl(lambda: (server.running.file.control, server.token))
        app = Dashboard(control, frame=0)
        async with app.run_test(size=(140, 60)) as pilot:
            await until(lambda: app.feed.link.state == "live", "a live dashboard")
            asked = await asked_hostile(server)
            await until(
                lambda: sum(client.checks for client in app.mirror.clients.values()) == asked,
                "every check on the screen",
            )
            app.paint()
            await pilot.pause(0)
            assert_harmless(app)
            for key_name in ("enter", "escape", "2", "enter", "escape", "minus"):
                await pilot.press(key_name)
                await pilot.pause(0)
                assert_harmless(app)
            assert "[@click=app." in screen_text(app)
            assert app.return_code is None


async def asked_hostile(server: Asking) -> int:
    """Check with each text wherever HTTP lets it through; how many checks were answered."""
    asked = 0
    for text in CORPUS:
        name = text[:3_000].encode("utf-8", "replace").decode()
        header = shown(text[:200]).encode("ascii", "replace").decode()
        answers = [
            await server.check(0, {"X-Device-Id": header}, channel=name),
            await server.check(0, {"X-Device-Id": "phone"}, binary_version=name, platform=name),
        ]
        asked += sum(1 for answer in answers if answer.reason is not None)
    return asked
