"""Which toasts stand, by themselves and on the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.toasts import Severity, Toast, rows, standing
from tests.dashboard.desks import desk_on, on_screen
from tests.dashboard.scripted import Desk


def toast(text: str, severity: Severity = "information", until: float = 10.0) -> Toast:
    return Toast(text, severity, until)


def test_what_a_command_did_takes_the_place_of_what_the_one_before_did() -> None:
    told = standing([toast("one")], toast("two"), 0, 80, 24)

    assert told == [toast("two")]


def test_an_error_stands_up_to_its_time_beside_what_comes_after_it() -> None:
    wrong = toast("the disk is full", "error", until=5)

    assert standing([wrong], toast("two"), 4, 80, 24) == [wrong, toast("two")]
    assert standing([wrong], toast("two"), 6, 80, 24) == [toast("two")]


def test_the_same_error_again_stands_once() -> None:
    told = standing([toast("no", "error", 5)], toast("no", "error", 9), 1, 80, 24)

    assert told == [toast("no", "error", 9)]


@given(
    st.lists(st.builds(toast, st.text("ab \n", max_size=200), st.sampled_from(["error", "warning"]))),
    st.text("ab ", max_size=80),
    st.integers(40, 200),
    st.integers(24, 80),
)
def test_toasts_take_at_most_a_third_of_the_screen(
    told: list[Toast], text: str, width: int, height: int
) -> None:
    found = standing(told, toast(text), 0, width, height)

    assert found[-1].text == text
    assert len(found) == 1 or sum(rows(one.text, width) for one in found) <= height // 3


async def test_toasts_on_the_screen_are_one_above_why_and_hidden_behind_a_question() -> None:
    async with desk_on(size=(80, 24)) as desk:
        await desk.press("n", "n")
        (told,) = desk.toasts
        assert desk.app.screen.query("ToastHolder").first() is desk.app.screen.query("ToastHolder").last()
        first = told.splitlines()[0]
        assert row_of(desk, "WHY") - row_of(desk, first, column=COLUMN) == 2

        await desk.press("slash")
        assert "client:pixel" in desk.screen.splitlines()[row_of(desk, "WHY") - 1]
        assert row_of(desk, first, column=COLUMN) == row_of(desk, "WHY") - 3
        await desk.press("enter")

        await desk.press("1", "G", "b")
        assert on_screen(desk.app) == "ConfirmCommand"
        assert desk.toasts == [told]
        assert not any(toast.display for toast in desk.app.screen.query("Toast"))
        await desk.press("escape")

        assert "▌" in desk.screen
        await desk.press("escape")
        assert desk.toasts == []
        assert "▌" not in desk.screen


async def test_toasts_that_come_quickly_leave_one_on_the_screen() -> None:
    async with desk_on(size=(80, 24)) as desk:
        for number in range(4):
            desk.app.tell(f"message {number}", "", "warning")
            await desk.pilot.pause(0)
        await desk.rests()
        assert [row for row in desk.screen.splitlines() if "message" in row] == [
            row for row in desk.screen.splitlines() if "message 3" in row
        ]
        assert "message 3" in desk.screen


COLUMN = 20
"""Where toasts begin at the earliest: rows of the list say the same further left."""


def row_of(desk: Desk, text: str, column: int = 0) -> int:
    """The first row of the screen that has this text from a column on."""
    return next(at for at, row in enumerate(desk.screen.splitlines()) if text in row[column:])
