"""Text from outside can't draw, hide or flood anything."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hotswap_dev.domain.text import MAX_SHOWN, shown

anything = st.text(st.characters(), max_size=400)  # lone surrogates too: undecodable bytes arrive as such


@given(anything, st.integers(1, 300))
@example("\x1b]52;c;aGk=\x07", 300)
@example("\u202e\u200b\x9b31m\udcff", 300)
@example("e" + "\u0301" * 50, 300)
@example("x" * 400, 1)
def test_whatever_comes_is_printable_and_no_longer_than_the_limit_and_shown_twice_the_same(
    text: str, limit: int
) -> None:
    once = shown(text, limit)
    assert once.isprintable()
    assert len(once) <= limit
    assert shown(once, limit) == once


@given(anything)
def test_no_letter_carries_more_than_four_marks(text: str) -> None:
    run = 0
    for letter in shown(text):
        run = run + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        assert run <= 4


@pytest.mark.parametrize("mark", ["\u0301", "\u0489", "\u20dd", "\u0e31", "\ufe0f"])
def test_a_tower_of_marks_is_cut_to_four_whatever_kind_of_mark_it_is(mark: str) -> None:
    assert shown("Z" + mark * 100 + "a") == "Z" + mark * 4 + "a"


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=MAX_SHOWN))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_text_in_the_scripts_of_the_world_stays_as_it_is() -> None:
    for text in ("Grüße", "日本語", "שלום", "हिन्दी", "ภาษาไทย", "Việt", "👍🏽"):
        assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\x00b\nc", r"a\x00b\x0ac"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202egnp.exe", r"user\u{202e}gnp.exe"),
        ("a\u200bb", r"a\u{200b}b"),
        ("\udcff", r"\u{dcff}"),
        ("\U000e0001", r"\u{e0001}"),
        ("a b", r"a b"),
        ("a\u00a0b", r"a\xa0b"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_what_is_cut_says_so() -> None:
    assert shown("abcdef", 4) == "abc…"
    assert shown("abcd", 4) == "abcd"
    assert shown("x" * 10_000) == "x" * 255 + "…"
