"""Lists and objects typed into one line mean what they say, whatever an id has in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.typed_values import as_item, items_in, object_in, pairs_of
from hotswap_dev.dashboard.widgets.list_suggester import SuggestItem
from hotswap_dev.errors import HotswapError

texts = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["a,b", '"', "''", "\\", '\\"', " x ", "local/linux/x86_64"]
)


@given(st.lists(texts))
def test_items_that_are_written_are_read_again_whatever_is_in_them(items: list[str]) -> None:
    assert items_in(", ".join(map(as_item, items))) == items


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("", []),
        ("''", []),
        (" , ,", []),
        ("android,ios", ["android", "ios"]),
        (" android , ios ", ["android", "ios"]),
        ('"a, b", c', ["a, b", "c"]),
        ('"a" b, c', ['"a" b', "c"]),
        ('"open, c', ['"open', "c"]),
    ],
)
def test_a_list_is_what_stands_between_its_commas(typed: str, means: list[str]) -> None:
    assert items_in(typed) == means


names = st.from_regex(r"[a-z_]{1,10}", fullmatch=True)
values = (
    st.integers(-1000, 10**6) | st.floats(0, 1000, allow_nan=False).map(lambda one: round(one, 3)) | texts
)


@given(st.dictionaries(names, values, max_size=4))
def test_an_object_that_is_written_name_by_name_is_read_again(value: dict[str, int | float | str]) -> None:
    written = pairs_of(value)

    if written is not None:
        assert object_in(written) == value


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("ms=500, jitter=50", {"ms": 500, "jitter": 50}),
        ("percent=12.5", {"percent": 12.5}),
        ("field=url", {"field": "url"}),
        ('{"ms": 500}', {"ms": 500}),
        ("", {}),
    ],
)
def test_an_object_is_typed_name_by_name_or_as_json(typed: str, means: object) -> None:
    assert object_in(typed) == means


@pytest.mark.parametrize("typed", ["ms", "ms 500", "=500", '{"ms"', "[1]", "ms=1, x"])
def test_what_is_neither_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(HotswapError, match="ms=500"):
        object_in(typed)


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("a", "android"),
        ("android, I", "android, Ios"),
        ("android,  lin", "android,  linux"),
        ("android", None),
        ("android, ", None),
        ("", None),
        ("beos", None),
    ],
)
async def test_the_item_that_is_being_typed_is_completed(typed: str, suggested: str | None) -> None:
    assert await SuggestItem(("android", "ios", "linux", "li,st")).get_suggestion(typed) == suggested
