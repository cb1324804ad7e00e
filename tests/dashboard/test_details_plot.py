"""The plot says when how many, in as much room as there is; the QR code is the code that segno makes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.details.plot import plot, sampled
from hotswap_dev.dashboard.details.qr import QUIET, qr_rows
from hotswap_dev.dashboard.spans import plain
from tests.dashboard.details import MINUTE, text_of, too_wide
from tests.unit.making import NOW


def at(*steps: tuple[float, int]) -> list[tuple[datetime, int]]:
    return [(NOW + minutes * MINUTE, value) for minutes, value in steps]


def test_a_rise_and_a_fall_are_drawn_where_they_were() -> None:
    drawn = plot(at((0, 0), (10, 2), (20, 1)), since=NOW, until=NOW + 30 * MINUTE, width=33, height=2)

    def clock(minutes: float) -> str:
        return (NOW + minutes * MINUTE).astimezone().strftime("%H:%M")

    assert text_of(drawn).split("\n") == [
        "2│" + " " * 10 + "█" * 11,
        "0│" + " " * 10 + "█" * 20,
        " └" + "─" * 30,
        "  " + clock(0) + " " * 8 + clock(15) + " " * 9 + "now",
    ]


def test_one_row_alone_still_says_more_and_less() -> None:
    drawn = plain(plot(at((0, 1), (5, 8)), since=NOW, until=NOW + 10 * MINUTE, width=23, height=1)[0])

    assert drawn == "8│" + "▁" * 10 + "█" * 10


def test_what_was_there_for_a_second_is_seen() -> None:
    points = [*at((5, 3)), (NOW + 5 * MINUTE + timedelta(seconds=1), 0)]

    values = sampled(points, NOW, NOW + 600 * MINUTE, 20)

    assert max(values) == 3
    assert values[1:] == [0] * 19


def test_a_little_of_much_is_not_nothing() -> None:
    drawn = plot(at((0, 10_000), (5, 1)), since=NOW, until=NOW + 10 * MINUTE, width=27, height=2)

    assert plain(drawn[1]).endswith("▁")


def test_where_there_is_no_room_nothing_is_drawn() -> None:
    assert plot(at((0, 1)), since=NOW, until=NOW + MINUTE, width=12, height=4) == []


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**4)), max_size=60),
    st.integers(0, 10**6),
    st.integers(1, 200),
    st.integers(1, 9),
)
def test_a_plot_keeps_its_width_and_its_height(
    steps: list[tuple[int, int]], seconds: int, width: int, height: int
) -> None:
    points = [(NOW + timedelta(seconds=second), value) for second, value in sorted(steps)]

    drawn = plot(points, since=NOW, until=NOW + timedelta(seconds=seconds), width=width, height=height)

    assert too_wide(drawn, width) == []
    assert len(drawn) in (0, height + 2)


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 50)), min_size=1, max_size=30),
    st.integers(16, 90),
)
def test_the_highest_value_is_always_on_the_plot_and_the_last_one_is_its_end(
    steps: list[tuple[int, int]], columns: int
) -> None:
    points = [
        (NOW + timedelta(seconds=second), value) for second, value in sorted(steps, key=lambda one: one[0])
    ]

    values = sampled(points, NOW, NOW + timedelta(seconds=1000), columns)

    assert len(values) == columns
    assert max(values) == max(value for _, value in points)
    assert values[-1] >= points[-1][1]


# --- the code ----------------------------------------------------------------------------------------------------


def modules_of(rows: list[str]) -> list[list[bool]]:
    """The dark modules, read back from half blocks."""
    halves = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
    return [[halves[sign][half] for sign in row] for row in rows for half in (0, 1)]


@pytest.mark.parametrize(
    "text", ["http://192.168.1.20:3333", "https://a-long-name-for-a-tunnel.example.test/app", "x"]
)
def test_the_drawn_code_is_the_one_that_segno_makes_with_its_quiet_zone(text: str) -> None:
    expected = [
        [bool(one) for one in row] for row in segno.make_qr(text, error="l", boost_error=False).matrix
    ]

    drawn = modules_of(qr_rows(text))

    side = len(expected)
    assert [row[QUIET : QUIET + side] for row in drawn[QUIET : QUIET + side]] == expected
    assert {len(row) for row in drawn} == {side + 2 * QUIET}
    assert not any(any(row) for row in (*drawn[:QUIET], *drawn[QUIET + side :]))
    assert not any(any(row[:QUIET]) or any(row[QUIET + side :]) for row in drawn)
    assert len(drawn) >= side + 2 * QUIET


def test_in_ascii_a_module_is_two_columns_and_nothing_else_is_lost() -> None:
    text = "http://192.168.1.20:3333"
    half = modules_of(qr_rows(text))

    plainly = [
        [row[place : place + 2] == "##" for place in range(0, len(row), 2)]
        for row in qr_rows(text, in_ascii=True)
    ]

    assert plainly == half[: len(plainly)]
    assert all(set(row) <= {"#", " "} for row in qr_rows(text, in_ascii=True))
