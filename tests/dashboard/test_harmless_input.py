"""A line to type into: whatever is pasted, what is drawn is text, and all of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual import events

from hotswap_dev.dashboard.screens.filter import FilterBox
from hotswap_dev.dashboard.widgets.harmless_input import harmless
from tests.dashboard.desks import desk_on

_HOSTILE = "a\u202eb\u200bc\x1b[31m\x9b"


@given(st.text(max_size=40))
def test_what_becomes_of_a_text_is_printable_and_stays_as_it_is(text: str) -> None:
    clean = harmless(text)

    assert all(letter.isprintable() for letter in clean)
    assert harmless(clean) == clean
    assert not clean.endswith("…") or "…" in text


async def test_C3_what_is_pasted_into_the_filter_is_drawn_as_text_with_the_cursor_behind_it() -> None:
    async with desk_on() as desk:
        await desk.press("slash", "x", "y", "left")
        box = desk.app.screen.query_one(FilterBox)
        box.post_message(events.Paste(_HOSTILE))
        await desk.press("!")

        assert box.value == "x" + harmless(_HOSTILE) + "!y"
        assert all(letter.isprintable() or letter == "\n" for letter in desk.screen)


async def test_C3_what_is_suggested_is_drawn_only_where_it_is_text() -> None:
    async with desk_on() as desk:
        await desk.press("slash")
        box = desk.app.screen.query_one(FilterBox)
        box._suggestion = _HOSTILE
        assert box._suggestion == ""
        box._suggestion = "plain"
        assert box._suggestion == "plain"
