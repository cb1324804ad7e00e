"""The page of addresses has a code that a camera reads, wherever there is room for it and whatever the theme."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.screens.addresses import AddressesScreen, CodePage
from hotswap_dev.dashboard.view import View
from tests.dashboard.details import a_moment, an_about, not_activated, on_loopback, opened, releases

pytestmark = pytest.mark.screens


def a_day() -> View:
    return a_moment(*not_activated(), controls=releases(13, 14), about=an_about())


def code_on(detail: Any) -> list[str]:
    """The code on the screen: what is drawn black on white."""
    rows = []
    for strip in detail.app.screen._compositor.render_strips():
        text = "".join(
            segment.text
            for segment in strip
            if segment.style
            and segment.style.bgcolor
            and segment.style.bgcolor.get_truecolor() == (255, 255, 255)
            and segment.style.color.get_truecolor() == (0, 0, 0)
        )
        if text:
            rows.append(text)
    return rows


@pytest.mark.parametrize(("theme", "size"), [("hotswap-dark", (80, 24)), ("hotswap-light", (120, 36))])
async def test_the_code_stands_beside_the_text_dark_on_light_in_any_theme(
    theme: str, size: tuple[int, int]
) -> None:
    async with opened(AddressesScreen(), a_day(), size=size) as detail:
        detail.app.theme = theme
        await detail.rests()

        page = detail.page
        assert isinstance(page, CodePage)
        assert code_on(detail) == list(page.code)
        assert len(page.code) > 15


async def test_where_there_is_no_room_beside_the_text_the_code_stands_below_it() -> None:
    async with opened(AddressesScreen(), a_day(), size=(60, 70)) as detail:
        page = detail.page
        assert isinstance(page, CodePage)
        assert code_on(detail) == list(page.code)
        assert an_about().endpoint in detail.text

    async with opened(AddressesScreen(), a_day(), size=(80, 24), in_ascii=True) as detail:
        await detail.press("G")
        assert all(set(row) <= {"#", " "} for row in code_on(detail))
        assert code_on(detail)


async def test_a_code_is_scrolled_with_the_page() -> None:
    async with opened(AddressesScreen(), a_day(), size=(80, 24)) as detail:
        page = detail.page
        assert isinstance(page, CodePage)

        await detail.press("j", "j", "j", "j")

        assert code_on(detail) == list(page.code)[2:]


async def test_a_server_of_this_machine_alone_has_no_code() -> None:
    view = a_moment(about=on_loopback())
    async with opened(AddressesScreen(), view) as detail:
        assert code_on(detail) == []
        assert "hotswap-dev my-app/dist --host 0.0.0.0" in detail.text

        await detail.becomes(replace(view, about=an_about()))
        assert code_on(detail)
