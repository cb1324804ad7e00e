"""Versions in the client's order, and nothing taken that the client would refuse."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.versions import MAX_LENGTH, is_version, parse

# As Rust's semver 1.0.28 sorts them (`Vec::sort`; run once against the crate itself, as is the table of refusals).
RUST_ORDER = (
    *("0.0.0-0", "0.0.0", "0.0.1", "0.0.18446744073709551615", "0.1.0-0", "0.1.0--", "0.1.0--1", "0.1.0-00a"),
    *(
        "0.1.0-A",
        "0.1.0-a",
        "0.1.0-alpha",
        "0.1.0-alpha.1",
        "0.1.0-alpha.2",
        "0.1.0-alpha.10",
        "0.1.0-alpha.beta",
    ),
    *("0.1.0-alpha1", "0.1.0-ota.1", "0.1.0-ota.1+4", "0.1.0-ota.1+5", "0.1.0-ota.2", "0.1.0-ota.10"),
    *("0.1.0", "0.1.0+0", "0.1.0+0.1", "0.1.0+00", "0.1.0+1", "0.1.0+01", "0.1.0+001", "0.1.0+2", "0.1.0+10"),
    *(
        "0.1.0+-",
        "0.1.0+1-a",
        "0.1.0+a",
        "0.1.0+a.1",
        "0.1.0+a.b",
        "0.2.0",
        "0.10.0",
        "1.0.0-9",
        "1.0.0-18446744073709551615",
    ),
    *("1.0.0-18446744073709551616", "1.0.0-99999999999999999999999", "1.0.0-a", "1.0.0+18446744073709551616"),
    *(
        "1.0.0+99999999999999999999999",
        "18446744073709551615.0.0",
    ),
)

RUST_REFUSES = (
    *("v1.0.0", "V1.0.0", "01.0.0", "1.00.0", "1.0.01", "1.0", "1", "1.0.0.0", "", "*", "1.x.0"),
    *(
        "1.0.0-01",
        "1.0.0-a..b",
        "1.0.0-",
        "1.0.0-a.",
        "1.0.0-a_b",
        "1.0.0+",
        "1.0.0+a.",
        "1.0.0+a..b",
        "1.0.0+a+b",
    ),
    *(
        " 1.0.0",
        "1.0.0 ",
        "1.0.0\n",
        "1.0.0\t",
        "1.0.0\0",
        "1.0.0-a\n",
        "1_0.0.0",
        "+1.0.0",
        "-1.0.0",
        "1.-1.0",
    ),
    *("\uff11.0.0", "1.٣.0", "1.1٣.0", "1.0.0-1٣", "1.0.0-é", "1.0.0-٣", "1.0.0+é"),
    *("18446744073709551616.0.0", "0.18446744073709551616.0", "0.0.18446744073709551616"),
)

identifiers = st.one_of(
    st.integers(0, 2**70).map(str),
    st.from_regex(r"[0-9A-Za-z-]{1,4}", fullmatch=True).filter(lambda part: part == "0" or part[0] != "0"),
)
build_identifiers = st.from_regex(r"[0-9A-Za-z-]{1,4}", fullmatch=True)
numbers = st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1))


@st.composite
def version_texts(draw: st.DrawFn) -> str:
    text = f"{draw(numbers)}.{draw(numbers)}.{draw(numbers)}"
    if prerelease := draw(st.lists(identifiers, max_size=3)):
        text += "-" + ".".join(prerelease)
    if build := draw(st.lists(build_identifiers, max_size=3)):
        text += "+" + ".".join(build)
    return text


def test_versions_are_in_the_order_of_rusts_semver_build_metadata_included() -> None:
    for lower, higher in itertools.combinations(RUST_ORDER, 2):
        assert parse(lower) < parse(higher), f"{lower} < {higher}"
        assert not parse(higher) < parse(lower), f"not {higher} < {lower}"


@pytest.mark.parametrize("text", RUST_REFUSES)
def test_what_rust_refuses_is_refused_and_named(text: str) -> None:
    assert not is_version(text)
    with pytest.raises(ValueError, match=r"semantic version|above 18446744073709551615") as caught:
        parse(text)
    assert repr(text) in str(caught.value)


def test_a_version_is_cut_off_at_256_characters() -> None:
    longest = "1.0.0-" + "a" * (MAX_LENGTH - len("1.0.0-"))
    assert is_version(longest)
    with pytest.raises(ValueError, match="257 characters, at most 256"):
        parse(longest + "a")


def test_a_version_shows_the_text_it_was_read_from_and_its_core() -> None:
    version = parse("1.20.3-ota.4+x86")
    assert str(version) == "1.20.3-ota.4+x86"
    assert version.core == "1.20.3"


@given(version_texts(), version_texts())
def test_of_two_versions_exactly_one_is_lower_unless_they_are_the_same_text(one: str, other: str) -> None:
    a, b = parse(one), parse(other)
    assert (a < b) + (b < a) + (one == other) == 1
    assert (a == b) == (one == other)


@given(st.lists(version_texts(), min_size=3, max_size=3))
def test_the_order_is_transitive(texts: list[str]) -> None:
    for a, b, c in itertools.permutations(map(parse, texts)):
        if a <= b and b <= c:
            assert a <= c


@given(version_texts(), build_identifiers)
def test_build_metadata_makes_a_version_higher_and_a_prerelease_lower(text: str, build: str) -> None:
    core = parse(text).core
    assert parse(f"{core}-0") < parse(core) < parse(f"{core}+{build}")


@given(st.text(max_size=300))
def test_no_text_makes_it_raise_anything_but_valueerror(text: str) -> None:
    assert is_version(text) in (True, False)
