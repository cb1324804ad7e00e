"""What is drawn is as high, as wide and as late as what it stands for."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.export.axes import HEIGHT, LEFT, WIDTH, ceiling, marks
from hotswap_dev.export.plots import Segment, bar, columns, lines, thinned
from hotswap_dev.export.stacked import stacked
from hotswap_dev.export.told import Moment, Rate, Series

TOP, BOTTOM = 14, 14 + HEIGHT


def test_counts_lie_on_top_of_each_other_as_high_as_they_are() -> None:
    drawn = stacked(
        "x",
        "x",
        (Series(name="release 2", points=((0.0, 3),)), Series(name="release 1", points=((0.0, 2),))),
        kinds={"release 2": "one", "release 1": "old0"},
        seconds=10,
    )
    lower, upper = re.findall(r'class="band \w+" d="M56 ([\d.]+)V([\d.]+)H', drawn)
    assert lower == (str(BOTTOM), str(BOTTOM - HEIGHT * 3 // 5))
    assert upper == (str(BOTTOM - HEIGHT * 3 // 5), str(TOP))
    assert ">3 run 2<" in drawn
    assert ">2 run 1<" in drawn


def test_a_band_begins_when_its_first_client_does_and_ends_with_its_last() -> None:
    drawn = stacked(
        "x", "x", (Series(name="a", points=((0.0, 0), (5.0, 4), (7.5, 0))),), kinds={"a": "bad"}, seconds=10
    )
    begin, end = re.findall(r'class="band bad" d="M([\d.]+) \d+V[\d.]+H([\d.]+)', drawn)[0]
    whole = WIDTH - LEFT - 132
    assert abs(float(begin) - (LEFT + whole / 2)) <= whole / 160
    assert abs(float(end) - (LEFT + whole * 3 / 4)) <= whole / 160


def test_what_ran_something_bad_is_seen_however_short_that_was() -> None:
    """Two seconds of ten minutes are less than a part of the time that is told apart."""
    drawn = stacked(
        "x",
        "x",
        (
            Series(name="release 2", points=((0.0, 0), (300.5, 30), (301.0, 50), (301.5, 0))),
            Series(name="release 1", points=((0.0, 50), (300.5, 20), (301.0, 0), (301.5, 50))),
        ),
        kinds={"release 2": "bad", "release 1": "old0"},
        seconds=600,
    )
    assert f'class="band bad" d="M442 {BOTTOM}V{TOP}H446.8V{BOTTOM}Z"' in drawn
    assert "release 2: at most 50<" in drawn
    assert "release 2: 0 at the end, 50 at most; release 1: 50 at the end, 50 at most</desc>" in drawn
    assert ">50 run 1<" in drawn


def test_a_line_steps_at_the_time_and_to_the_height_of_each_count() -> None:
    drawn = lines("x", "x", (Series(name="a", points=((0.0, 0), (5.0, 4))),), kinds={}, seconds=10)
    half = LEFT + (WIDTH - LEFT - 210) / 2
    assert f'd="M56 {BOTTOM}H{half:.0f}V{TOP}H750"' in drawn


def test_columns_are_as_high_as_what_a_minute_would_have() -> None:
    drawn = columns("x", "x", Rate(period=30, counts=(5, 0, 10)))
    heights = [float(one) for one in re.findall(r'<rect[^>]* height="([\d.]+)"', drawn)]
    assert heights == [85.0, 170.0]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(0, 10**6))
def test_the_parts_of_a_bar_fill_it_no_further_than_it_is_wide_and_none_that_counts_is_unseen(
    counts: list[int], others: int
) -> None:
    drawn = bar([Segment("a", count, "x") for count in counts], sum(counts) + others, width=300)
    wide = [float(one) for one in re.findall(r'class="a"[^>]* width="([\d.]+)"', drawn)]
    assert len(wide) == sum(count > 0 for count in counts)
    assert sum(wide) <= 300.5
    assert all(one >= 4 for one in wide)


@given(st.integers(0, 10**9))
def test_the_upper_edge_of_an_axis_holds_all_and_is_not_far_above(value: int) -> None:
    assert value <= ceiling(value) <= max(1, value * 1.6)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 100)), min_size=1, max_size=2000))
def test_a_thinned_line_keeps_its_peak_its_end_and_no_more_than_can_be_told_apart(
    points: list[tuple[int, int]],
) -> None:
    told = tuple(sorted({at: (float(at), value) for at, value in points}.values()))
    kept = thinned(told, told[-1][0])
    assert set(kept) <= set(told)
    assert kept[-1] == told[-1]
    assert max(value for _, value in kept) == max(value for _, value in told)
    assert len(kept) <= 3 * 82


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["4 saved", "4 withheld", "x"])), max_size=60))
def test_the_words_of_two_marks_never_lie_on_each_other(told: list[tuple[float, str]]) -> None:
    placed, rows = marks([Moment(at=at, words=words) for at, words in told], 100, 132)
    taken: dict[int, list[tuple[float, float]]] = {}
    for one in placed:
        if one.row is None:
            continue
        assert one.row < rows
        wide = 8.0 * len(one.words)
        span = (one.x - wide, one.x) if one.before else (one.x, one.x + wide)
        assert all(span[1] <= low or span[0] >= high for low, high in taken.setdefault(one.row, []))
        taken[one.row].append(span)
