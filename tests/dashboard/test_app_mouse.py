"""The mouse does what the keys do: a click selects, two open, the wheel scrolls, and every key can be clicked."""

from __future__ import annotations

import pytest
from textual import events

from hotswap_dev.dashboard.widgets.row_list import RowList
from tests.dashboard.desks import asked_after, busy, checked, desk_on, later, on_screen
from tests.dashboard.scripted import Desk

pytestmark = pytest.mark.screens


def place_of(desk: Desk, text: str, *, after: str = "") -> tuple[int, int]:
    """The cell in which a text stands on the screen; with `after`, below the row that has that."""
    rows = desk.screen.splitlines()
    first = next(index for index, row in enumerate(rows) if after in row) if after else 0
    y = next(index for index in range(first, len(rows)) if text in rows[index])
    return rows[y].index(text), y


async def click(desk: Desk, text: str, *, after: str = "", times: int = 1) -> None:
    await desk.pilot.click(offset=place_of(desk, text, after=after), times=times)
    await desk.rests()


async def wheel(desk: Desk, pane: str, turns: int, kind: type[events.MouseEvent]) -> None:
    rows = desk.app.screen.query_one(f"#{pane}", RowList)
    for _ in range(turns):
        await desk.pilot._post_mouse_events([kind], rows, (3, 3))
    await desk.rests()


async def test_a_click_selects_a_row_and_goes_to_its_pane() -> None:
    async with desk_on() as desk:
        await click(desk, "1.0.0-ota.2")
        assert (desk.app.looking.pane, desk.app.looking.release) == ("releases", 2)
        await click(desk, "Pixel")
        assert (desk.app.looking.pane, desk.app.looking.client) == ("clients", "phone")
        await click(desk, "newer-release")
        row = desk.app.view().row
        assert row is not None
        assert row.client == "phone"
        assert asked_after(desk) == []


async def test_a_double_click_opens_what_it_is_on() -> None:
    async with desk_on() as desk:
        opened = []
        for text in ("1.0.0-ota.2", "Pixel", "newer-release"):
            await click(desk, text, times=2)
            opened.append(on_screen(desk.app))
            await desk.press("escape")
            assert on_screen(desk.app) == "MainScreen"

        assert opened == ["ReleaseScreen", "ClientScreen", "ExchangeScreen"]


async def test_a_click_below_the_last_row_selects_nothing_else() -> None:
    async with desk_on() as desk:
        before = desk.app.looking
        rows = desk.app.screen.query_one("#checks", RowList).region
        await desk.pilot.click(offset=(rows.x + 5, rows.bottom - 1))
        await desk.rests()

        assert desk.app.looking == before


async def test_a_click_on_a_pane_that_says_it_is_empty_breaks_nothing() -> None:
    async with desk_on(busy()) as desk:
        await desk.press("slash", *"nobody", "enter")
        await click(desk, "Nothing here matches")

        assert on_screen(desk.app) == "MainScreen"


async def test_the_wheel_scrolls_the_list_and_at_its_end_more_of_the_past_comes() -> None:
    control = busy()
    control.recorded[:0] = [checked(f"c{number}", at=later(number - 2_000)) for number in range(700)]
    async with desk_on(control) as desk:
        rows = desk.app.screen.query_one("#checks", RowList)
        assert len(control.pages) == 1
        await wheel(desk, "checks", 3, events.MouseScrollDown)
        assert rows.scroll_offset.y > 0
        seen = rows.scroll_offset.y
        await wheel(desk, "checks", 1, events.MouseScrollUp)
        assert rows.scroll_offset.y < seen

        rows.scroll_to(y=rows.virtual_size.height - rows.size.height - 5, animate=False, force=True)
        await desk.rests()
        await wheel(desk, "checks", 2, events.MouseScrollDown)
        assert len(control.pages) == 2
        assert len(desk.app.view().rows) == 703


async def test_the_wheel_holds_the_clients_where_they_were_scrolled_to() -> None:
    async with desk_on(busy(*(checked(f"c{n:02}", at=later(n)) for n in range(60)))) as desk:
        rows = desk.app.screen.query_one("#clients", RowList)
        await wheel(desk, "clients", 4, events.MouseScrollDown)
        seen = rows.scroll_offset.y
        assert seen > 0
        await desk.happens(checked("late", at=later(99)))
        assert rows.scroll_offset.y == seen + 1  # the same clients are in sight, below one more


async def test_the_wheel_holds_a_list_that_is_followed_where_it_was_scrolled_to() -> None:
    control = busy(*(checked(f"c{number}", at=later(number)) for number in range(60)))
    async with desk_on(control) as desk:
        rows = desk.app.screen.query_one("#checks", RowList)
        await wheel(desk, "checks", 4, events.MouseScrollDown)
        seen = rows.scroll_offset.y
        top = desk.screen.splitlines()[rows.region.y]
        await desk.happens(checked("new", at=later(99)))

        assert seen > 0
        assert desk.screen.splitlines()[rows.region.y] == top


async def test_a_click_on_a_tab_goes_to_its_pane() -> None:
    async with desk_on(size=(80, 24)) as desk:
        seen = []
        for title in ("Releases", "Clients", "Check-ins"):
            await click(desk, title)
            seen.append(desk.app.looking.pane)

        assert seen == ["releases", "clients", "checks"]


async def test_a_click_on_a_key_of_the_last_line_presses_it_also_on_its_words() -> None:
    async with desk_on() as desk:
        await click(desk, "n no update")
        await click(desk, "no update tablet  x fault")
        assert asked_after(desk) == [
            ("force-204", {"on": True, "client": "tablet", "times": 1}),
            ("force-204", {"on": True, "client": "tablet"}),
        ]
        await click(desk, "? help")
        assert on_screen(desk.app) == "HelpScreen"


async def test_a_click_on_the_key_of_a_chip_clears_it_and_on_that_of_why_does_what_it_says() -> None:
    async with desk_on() as desk:
        await desk.press("N")
        await click(desk, "Z clear")
        assert desk.text("chips") == ""
        await click(desk, "r offer 3 again")
        assert asked_after(desk, 1) == [("clear-overrides", {}), ("reoffer", {"sequence": 3})]


async def test_a_click_beside_the_keys_presses_none() -> None:
    async with desk_on() as desk:
        for name in ("header", "way", "why", "foot"):
            bar = desk.app.screen.query_one(f"#{name}").region
            await desk.pilot.click(offset=(bar.right - 1, bar.bottom - 1))
        await desk.rests()

        assert asked_after(desk) == []
        assert on_screen(desk.app) == "MainScreen"


async def test_a_click_on_back_leaves_a_detail() -> None:
    async with desk_on() as desk:
        await desk.press("enter")
        await click(desk, "esc back")

        assert on_screen(desk.app) == "MainScreen"


async def test_a_question_can_be_answered_with_the_mouse() -> None:
    async with desk_on() as desk:
        await desk.press("1", "G", "b")
        await click(desk, "esc  leave it")
        assert on_screen(desk.app) == "MainScreen"
        assert asked_after(desk) == []

        await desk.press("b")
        await click(desk, "y  do it")
        assert on_screen(desk.app) == "MainScreen"
        assert [name for name, _ in asked_after(desk)] == ["roll-back-to"]
