"""Pages keep their columns, whatever is said on them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.details.figures import ago, clock, counted, day_and_clock, size, took
from hotswap_dev.dashboard.details.paragraphs import broken, fields, hanging, head, sentence, table, whole
from hotswap_dev.dashboard.spans import Span, cells, line, plain
from hotswap_dev.domain.text import shown
from tests.dashboard.details import text_of, too_wide
from tests.unit.making import NOW

texts = st.text(max_size=300).map(shown)
widths = st.integers(20, 130)


@given(texts, widths, st.integers(0, 12))
def test_no_line_of_a_sentence_is_wider_than_the_page(text: str, width: int, before: int) -> None:
    lines = hanging((Span("x" * before),), text, width)

    assert too_wide(lines, width) == []


@given(texts, widths)
def test_a_text_to_be_copied_loses_and_gains_nothing(text: str, width: int) -> None:
    lines = whole(text, width, margin=2)

    assert "".join(plain(one)[2:] for one in lines) == text
    assert too_wide(lines, width) == []


@given(
    st.lists(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=15), min_size=1
    )
)
def test_words_that_fit_are_never_torn(words: list[str]) -> None:
    pieces = broken(" ".join(words), 20)

    assert [word for piece in pieces for word in piece.split()] == words
    assert all(len(piece) <= 20 for piece in pieces)


@given(st.lists(st.tuples(texts, texts), max_size=5), widths)
def test_values_stand_below_each_other_and_what_is_empty_is_left_out(
    pairs: list[tuple[str, str]], width: int
) -> None:
    lines = fields(pairs, width)

    assert too_wide(lines, width) == []
    assert len(lines) >= sum(1 for _, value in pairs if value)


def test_a_long_value_goes_on_below_itself() -> None:
    assert text_of(fields([("from", "a"), ("channel", "one two three")], 22)) == (
        "  from     a\n  channel  one two\n           three"
    )


def test_a_label_that_is_cut_keeps_its_distance() -> None:
    assert text_of(fields([("Cross-Origin-Resource-Policy", "same-origin")], 80)) == (
        "  Cross-Origin-Reso…  same-origin"
    )


def test_wide_letters_keep_the_columns_of_a_table() -> None:
    rows = [(line("漢字"), line("1 kB")), (line("abc"), line("20 kB"))]

    assert text_of(table(rows, 40, right=frozenset({1}))) == "  漢字   1 kB\n  abc   20 kB"


def test_a_head_keeps_its_right_end_and_cuts_its_left() -> None:
    made = head((Span("x" * 100),), (Span("204"),), 40)

    assert cells(made) == 40
    assert plain(made).endswith(" 204 ")


def test_an_empty_sentence_is_an_empty_line() -> None:
    assert text_of(sentence("", 40)) == ""


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_340, "12 kB"),
        (1_234_567, "1.2 MB"),
        (7 * 10**12, "7000 GB"),
    ],
)
def test_bytes_are_said_in_the_unit_that_a_person_would_use(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (0, "just now"),
        (8, "8 s ago"),
        (90, "1 min ago"),
        (7200, "2 h ago"),
        (10**6, "11 days ago"),
    ],
)
def test_an_age_is_never_negative_and_grows_in_its_unit(seconds: int, text: str) -> None:
    assert ago(NOW, NOW + timedelta(seconds=seconds)) == text


def test_a_time_of_another_day_has_its_date() -> None:
    assert day_and_clock(NOW, NOW) == clock(NOW)
    assert day_and_clock(NOW, NOW + timedelta(days=3)) == NOW.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def test_durations_and_counts_read_as_they_are_spoken() -> None:
    assert [took(0.42), took(28.3), took(1300), took(200_000)] == ["0.4 ms", "28 ms", "1.3 s", "3 min"]
    assert [counted(1, "file"), counted(1200, "file"), counted(2, "entry", "entries")] == [
        "1 file", "1,200 files", "2 entries",
    ]  # fmt: skip
