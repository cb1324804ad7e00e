"""The screens over the main one: each shows its page, what it asked for, and what became of the asking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.screen import Screen

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.screens.addresses import AddressesScreen
from hotswap_dev.dashboard.screens.client import ClientScreen
from hotswap_dev.dashboard.screens.copy import CopyScreen
from hotswap_dev.dashboard.screens.exchange import ExchangeScreen
from hotswap_dev.dashboard.screens.help import HelpScreen
from hotswap_dev.dashboard.screens.release import ReleaseScreen
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import Unreachable
from tests.dashboard.details import (
    HOSTILE,
    MINUTE,
    a_moment,
    an_about,
    an_exchange,
    checks_of,
    not_activated,
    opened,
    releases,
)
from tests.unit.domain.clients import a_download
from tests.unit.making import NOW, an_answered_check

pytestmark = pytest.mark.screens

NOT_KEPT = ServerRefused(
    {"title": "not-kept", "detail": "no exchange is kept", "hint": "look elsewhere"}, 404
)
GONE = Unreachable("the server does not answer", "start it again: hotswap-dev serve")
DETAIL = {
    "compared_with": 13,
    "changes": [{"path": f"{n:02}.js", "change": "added", "before": None, "after": n} for n in range(30)],
    "changes_missing": None,
    "counts": {"added": 30, "changed": 0, "removed": 0, "same": 0},
    "sizes": {"before": 0, "after": 435, "bundle_before": 0, "bundle_after": 10},
    "warnings": [],
    "adoption": {"points": [[wire.stored_time(NOW), 1]], "since": None},
}


def a_day() -> View:
    return a_moment(*not_activated(), controls=releases(13, 14), about=an_about())


def an_offer_row(view: View) -> Row:
    return next(row for row in view.rows if row.check is not None and row.check.offered == 14)


def answers() -> dict[str, Any]:
    check = an_offer_row(a_day()).check
    assert check is not None
    return {
        "/api/exchange": an_exchange(check),
        "/api/releases/14": DETAIL,
        "/api/checks": wire.plain(checks_of(not_activated())),
    }


SCREENS: dict[str, Callable[[], Screen[None]]] = {
    "exchange": lambda: ExchangeScreen(an_offer_row(a_day())),
    "release": lambda: ReleaseScreen(14),
    "client": lambda: ClientScreen("Pixel-8"),
    "addresses": AddressesScreen,
    "help": HelpScreen,
}
every_screen = pytest.mark.parametrize("make", SCREENS.values(), ids=SCREENS.keys())


@every_screen
async def test_every_page_fits_its_screen_names_its_keys_scrolls_and_leads_back(
    make: Callable[[], Screen[None]],
) -> None:
    async with opened(make(), a_day(), answers()) as detail:
        lines = detail.screen.split("\n")
        assert lines[-1].startswith(" esc back")
        assert len(lines) == 24
        assert all(len(line) <= 80 for line in lines)

        await detail.press("G")
        assert detail.page.scroll_offset.y == detail.page.max_scroll_y > 0

        await detail.press("escape")
        assert len(detail.app.screen_stack) == 1


async def test_a_page_scrolls_by_the_keys_of_a_pager_and_q_leaves_it() -> None:
    async with opened(ClientScreen("Pixel-8"), a_day(), answers(), size=(40, 12)) as detail:
        places = []
        for key in ("j", "j", "k", "space", "pageup", "pageup", "end", "j", "g", "k"):
            await detail.pilot.press(key)
            places.append(detail.page.scroll_offset.y)

        page, end = detail.page.size.height - 1, detail.page.max_scroll_y
        assert places == [1, 2, 1, 1 + page, 1, 0, end, end, 0, 0]

        await detail.press("q")
        assert len(detail.app.screen_stack) == 1


@every_screen
async def test_on_a_terminal_without_utf_8_a_page_is_ascii(make: Callable[[], Screen[None]]) -> None:
    async with opened(make(), a_day(), answers(), in_ascii=True, size=(120, 60)) as detail:
        beyond = "".join(sign for sign in detail.screen if not sign.isascii())

        assert beyond.strip("▁▂▃▄▅▆▇█") == ""  # Textual's own scrollbar


# --- an exchange ---------------------------------------------------------------------------------------------------


async def test_an_exchange_is_asked_for_by_its_client_and_its_very_time() -> None:
    async with opened(SCREENS["exchange"](), a_day(), answers()) as detail:
        assert detail.app.control.asked == [
            ("/api/exchange", {"client": "Pixel-8", "at": wire.stored_time(NOW + 9 * MINUTE)})
        ]
        assert "ANSWERED   200 OK" in detail.text


async def test_an_exchange_that_is_not_kept_any_more_leaves_the_row_and_says_why() -> None:
    async with opened(SCREENS["exchange"](), a_day(), {"/api/exchange": NOT_KEPT}) as detail:
        assert "Headers and answer are gone" in detail.text
        assert "GET /api/ota/13" in detail.text


async def test_a_download_asks_for_no_exchange() -> None:
    row = Row(number=1, event=a_download(14, client="Pixel-8"), first_at=NOW)

    async with opened(ExchangeScreen(row), a_day()) as detail:
        assert detail.app.control.asked == []
        assert "All of release 14 was sent." in detail.text


async def test_y_offers_the_request_as_curl_first_with_the_headers_that_were_sent() -> None:
    async with opened(SCREENS["exchange"](), a_day(), answers()) as detail:
        await detail.press("y")
        assert isinstance(detail.app.screen, CopyScreen)

        await detail.press("1")

        assert len(detail.app.copied) == 1
        assert detail.app.copied[0].startswith("curl -i -H 'accept: */*' -H 'x-device-id: Pixel-8' ")


# --- while it is asked for, and where it can't be had ----------------------------------------------------------------


ASKING = ["exchange", "release", "client"]


@pytest.mark.parametrize("name", ["exchange"])
async def test_while_the_server_thinks_the_page_is_there_and_says_so(name: str) -> None:
    never = asyncio.Event()

    async def slow() -> Any:
        await never.wait()

    slowly = dict.fromkeys(answers(), slow)
    async with opened(SCREENS[name](), a_day(), slowly, waits=False) as detail:
        assert "Asked for …" in detail.text
        assert "14" in detail.text

        await detail.pilot.press("escape")  # it can be left meanwhile
        await detail.settles()
        assert len(detail.app.screen_stack) == 1
        never.set()


@pytest.mark.parametrize("name", ["exchange", "client"])
async def test_a_server_that_does_not_answer_is_said_with_what_to_do(name: str) -> None:
    async with opened(SCREENS[name](), a_day(), dict.fromkeys(answers(), GONE)) as detail:
        assert "the server does not answer. start it again: hotswap-dev serve." in detail.words


@pytest.mark.parametrize("name", ASKING)
async def test_an_answer_of_another_version_is_said_to_be_one(name: str) -> None:
    async with opened(SCREENS[name](), a_day(), {path: ["x"] for path in answers()}) as detail:
        assert "of another version of hotswap-dev" in detail.words


# --- a release -----------------------------------------------------------------------------------------------------


async def test_enter_unfolds_the_files_of_a_release_and_folds_them_again() -> None:
    async with opened(ReleaseScreen(14), a_day(), answers()) as detail:
        assert detail.text.count(".js") == 8

        await detail.press("enter")
        assert detail.text.count(".js") == 30

        await detail.press("enter")
        assert detail.text.count(".js") == 8


async def test_a_release_is_asked_for_again_only_when_more_run_it() -> None:
    view = a_day()
    async with opened(ReleaseScreen(14), view, answers()) as detail:
        await detail.becomes(replace(view, now=view.now + MINUTE))
        assert len(detail.app.control.asked) == 1

        check = an_answered_check("Pixel-8", sequence=14)
        after = a_moment(*not_activated(), check, controls=releases(13, 14), about=an_about())
        await detail.becomes(replace(after, now=view.now + 2 * MINUTE))

        assert len(detail.app.control.asked) == 2
        assert "running  Pixel-8" in detail.text


async def test_C9_under_load_a_page_asks_once_a_second_and_the_last_change_is_not_lost() -> None:
    events = list(not_activated())
    view = a_moment(*events, controls=releases(13, 14))
    async with opened(ClientScreen("Pixel-8"), view, answers()) as detail:
        for number in range(1, 21):  # eight times a second
            events.append(an_answered_check("Pixel-8", sequence=13, at=NOW + 10 * MINUTE))
            moment = a_moment(*events, controls=releases(13, 14), now=view.now + number * MINUTE / 480)
            await detail.becomes(moment)
        assert len(detail.app.control.asked) == 3

        await detail.becomes(replace(moment, now=moment.now + MINUTE))

        assert len(detail.app.control.asked) == 4


async def test_a_page_that_lost_its_server_says_so_and_asks_again_when_it_is_back() -> None:
    view = a_day()
    async with opened(ClientScreen("Pixel-8"), view, dict.fromkeys(answers(), GONE)) as detail:
        lost = replace(view, link=Link(state="reconnecting", since=view.now), now=view.now + MINUTE)
        await detail.becomes(lost)
        assert detail.screen.split("\n")[-1].endswith("not connected: as it was")
        assert len(detail.app.control.asked) == 1

        detail.app.control.answers = answers()
        back = view.now + 2 * MINUTE
        await detail.becomes(replace(view, link=Link(state="live", since=back), now=back))

        assert len(detail.app.control.asked) == 2
        assert "does not answer" not in detail.text
        assert "not connected" not in detail.screen


@pytest.mark.parametrize("name", ["client", "release", "exchange"])
async def test_y_is_about_what_the_page_shows_whatever_is_selected_meanwhile(name: str) -> None:
    other = an_answered_check("another", at=NOW + 9 * MINUTE)
    view = a_moment(*not_activated(), other, controls=releases(13, 14), about=an_about())
    view = replace(view, selected=Selected("client", "another"), rows=view.rows[:1])

    async with opened(SCREENS[name](), view, answers()) as detail:
        await detail.press("y")

        assert "another" not in detail.text
        assert ("Pixel-8" in detail.text) == (name != "release")
        assert "URL of release 14" in detail.text


async def test_a_release_that_is_not_there_asks_for_nothing() -> None:
    async with opened(ReleaseScreen(99), a_day(), answers()) as detail:
        assert detail.app.control.asked == []
        assert "There is no release 99" in detail.text


# --- a client ------------------------------------------------------------------------------------------------------


async def test_a_client_s_page_goes_on_with_its_checks() -> None:
    events = not_activated()
    async with opened(ClientScreen("Pixel-8"), a_day(), answers()) as detail:
        assert "not activated" in detail.text

        check = an_answered_check("Pixel-8", sequence=14, at=NOW + 12 * MINUTE)
        detail.app.control.answers["/api/checks"] = wire.plain(checks_of([*events, check]))
        await detail.becomes(a_moment(*events, check, controls=releases(13, 14)))

        assert [path for path, _ in detail.app.control.asked] == ["/api/checks", "/api/checks"]
        assert "applied 14" in detail.text


async def test_a_client_that_is_forgotten_while_its_page_is_open_leaves_a_sentence() -> None:
    view = a_day()
    async with opened(ClientScreen("Pixel-8"), view, answers()) as detail:
        await detail.becomes(replace(view, clients={}))

        assert "This client is not known any more" in detail.text


async def test_the_place_that_one_has_scrolled_to_stays_when_the_page_is_drawn_anew() -> None:
    view = a_day()
    async with opened(ClientScreen("Pixel-8"), view, answers()) as detail:
        await detail.press("j", "j", "j")

        await detail.becomes(replace(view, now=view.now + MINUTE))

        assert detail.page.scroll_offset.y == 3


# --- help ----------------------------------------------------------------------------------------------------------


async def test_question_mark_opens_help_and_leaves_it() -> None:
    async with opened(ClientScreen("Pixel-8"), a_day(), answers()) as detail:
        await detail.press("question_mark")
        assert isinstance(detail.app.screen, HelpScreen)

        await detail.press("question_mark")
        assert isinstance(detail.app.screen, ClientScreen)


# --- hostile text --------------------------------------------------------------------------------------------------


async def test_C1_C2_hostile_text_is_drawn_as_text_on_every_page_and_runs_nothing() -> None:
    events: list[CheckAnswered] = [
        an_answered_check(
            shown(text) or "x", channel=shown(text), platform=shown(text), path=f"/api/ota/0?{shown(text)}"
        )
        for text in HOSTILE
    ]
    view = a_moment(*events, controls=releases(14, version="[@click=app.leave]x[/]"), about=an_about())
    given = {
        "/api/checks": wire.plain(tuple(events)),
        "/api/releases/14": DETAIL
        | {"changes": [{"path": text, "change": "added", "before": None, "after": 1} for text in HOSTILE]},
    }
    pages: list[Screen[None]] = [ReleaseScreen(14)]
    for number, event in enumerate(events):
        row = Row(number=1, event=event, first_at=event.at)
        pages.append(ClientScreen(event.client) if number % 2 else ExchangeScreen(row))
    async with opened(pages[0], view, {**given, "/api/exchange": NOT_KEPT}, size=(80, 40)) as detail:
        for page in pages:
            if page is not pages[0]:
                await detail.app.push_screen(page)
                await detail.rests()
            lines = detail.screen.split("\n")
            assert len(lines) == 40
            assert all(line.isprintable() for line in lines)
            await detail.pilot.click(offset=(4, 0))
            assert detail.app.screen is page
