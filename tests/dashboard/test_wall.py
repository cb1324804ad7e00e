"""`v`: the link to the wall of phones, its code, and what there is to know of it."""

from __future__ import annotations

import pytest

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.details.qr import qr_rows
from hotswap_dev.dashboard.details.wall_text import wall_lines
from hotswap_dev.dashboard.screens.addresses import CodePage
from hotswap_dev.dashboard.screens.wall import WallScreen
from hotswap_dev.errors import HotswapError, Unreachable
from tests.dashboard.details import a_moment, opened, text_of, too_wide, unprintable, words_of
from tests.dashboard.scripted import ScriptedControl, dashboard_on

LINK = "http://127.0.0.1:43215/wall/4taG5c64Fsc4mZCu/"
ANSWERS = {"/api/wall": {"url": LINK}}


@pytest.mark.parametrize("width", [30, 38, 80, 120])
def test_the_page_fits_any_width_and_says_whom_the_link_serves(width: int) -> None:
    lines = wall_lines(LINK, "", width, code=True)

    assert too_wide(lines, width) == []
    assert unprintable(lines) == []
    assert LINK in text_of(lines).replace("\n", "").replace(" ", "")
    assert "adbreversetcp:43215tcp:43215" in text_of(lines).replace("\n", "").replace(" ", "")
    assert "the link works on this machine only" in words_of(lines)
    assert "can change nothing" in words_of(lines)


@pytest.mark.screens
@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_link_is_whole_and_its_code_beside_it(size: tuple[int, int]) -> None:
    async with opened(WallScreen(), a_moment(), ANSWERS, size=size) as detail:
        page = detail.page
        assert isinstance(page, CodePage)
        assert list(page.code) == qr_rows(LINK)
        assert LINK in detail.text.replace("\n", "").replace(" ", "")
        assert detail.app.control.asked == [("/api/wall", {})]


@pytest.mark.screens
async def test_y_copies_the_link() -> None:
    async with opened(WallScreen(), a_moment(), ANSWERS) as detail:
        await detail.press("y")

        assert detail.app.copied == [LINK]
        assert detail.app.told[0][0] == "copied: the wall's link"


@pytest.mark.screens
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ServerRefused({"detail": "no port is free", "hint": "end something"}, 400), "no port is free. end something."),
        (Unreachable("the server does not answer", "start it again"), "the server does not answer"),
        ({"link": LINK}, "another version"),
        ([LINK], "another version"),
    ],
)  # fmt: skip
async def test_where_there_is_no_wall_the_page_says_why_and_y_copies_nothing(
    answer: HotswapError | object, words: str
) -> None:
    async with opened(WallScreen(), a_moment(), {"/api/wall": answer}) as detail:
        assert words in detail.words
        await detail.press("y")
        assert detail.app.copied == []


@pytest.mark.screens
async def test_v_opens_the_wall_and_esc_leads_back() -> None:
    control = ScriptedControl()
    control.answers |= ANSWERS
    async with dashboard_on(control) as desk:
        await desk.press("v")
        assert isinstance(desk.app.screen, WallScreen)
        assert "Wall of phones" in desk.screen
        assert LINK[:20] in desk.screen
        await desk.press("escape")
        assert len(desk.app.screen_stack) == 2
