from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.document import kebab_case, merge_patch, read_document, spelling
from tests.unit.tauri.conftest import FIXTURES, put

# RFC 7396, appendix A: target, patch, result.
RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_a_patch_merges_as_the_rfc_says(target: object, patch: object, result: object) -> None:
    assert merge_patch(target, patch) == result


@given(target=json_values, patch=json_values)
def test_a_patch_applied_twice_is_applied_once(target: object, patch: object) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


@given(target=st.dictionaries(st.sampled_from("abcd"), json_values), patch=json_values)
def test_a_patch_changes_neither_argument(target: dict[str, Any], patch: object) -> None:
    before = (repr(target), repr(patch))
    merge_patch(target, patch)
    assert (repr(target), repr(patch)) == before


@given(target=json_values, patch=st.dictionaries(st.sampled_from("abcd"), json_values, min_size=1))
def test_every_key_of_a_patch_is_either_gone_or_set(target: object, patch: dict[str, Any]) -> None:
    merged = merge_patch(target, patch)
    for key, value in patch.items():
        if value is None:
            assert key not in merged
        elif not isinstance(value, dict):
            assert merged[key] == value


def test_a_json_file_may_hold_json5() -> None:
    document = read_document(FIXTURES / "json5-in-json" / "src-tauri" / "tauri.conf.json")
    assert document["productName"] == "Plain"


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    for name, text in (("a.json", '{"a": 1}'), ("a.toml", "a = 1"), ("a.json5", "{a: 1}")):
        path = tmp_path / name
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert read_document(path) == {"a": 1}


@pytest.mark.parametrize(
    ("name", "place", "what"),
    [
        ("comma.conf.json", "line 3, column 22", "property name"),
        ("after-comment.conf.json", "line 4, column 13", '"'),
        ("open.toml", "open.toml: ", "at end of document"),
        ("quote.toml", "line 2, column 17", "Illegal character"),
        ("half.conf.json5", "line 2, column 1", "end of input"),
        ("latin.conf.json", "latin.conf.json: byte 19", "not UTF-8"),
        ("list.conf.json", "line 1, column 1", "an object"),
    ],
)
def test_a_broken_file_is_named_with_the_place_of_the_mistake(name: str, place: str, what: str) -> None:
    with pytest.raises(HotswapError) as caught:
        read_document(FIXTURES / "broken" / name)
    assert caught.value.code == "config-broken"
    assert name in caught.value.message
    assert place in caught.value.message
    assert what in caught.value.message
    assert caught.value.hint


def test_an_empty_file_is_broken_and_not_a_crash(tmp_path: Path) -> None:
    for name in ("a.json", "a.json5"):
        with pytest.raises(HotswapError) as caught:
            read_document(put(tmp_path / name))
        assert caught.value.code == "config-broken"


def test_a_file_nested_without_end_is_broken_and_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(HotswapError) as caught:
        read_document(put(tmp_path / "a.json", '{"a":' * 100_000))
    assert caught.value.code == "config-broken"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HotswapError, match=r"gone\.json can't be read: No such file") as caught:
        read_document(tmp_path / "gone.json")
    assert caught.value.code == "config-unreadable"


@given(text=st.text(max_size=40), name=st.sampled_from(["a.json", "a.json5", "a.toml"]))
def test_no_text_makes_reading_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome: object
    try:
        outcome = read_document(path)
    except HotswapError as error:
        outcome = error.code
    assert outcome == "config-broken" or isinstance(outcome, dict)


def test_keys_are_found_in_either_spelling() -> None:
    assert spelling({"frontend-dist": "x"}, "frontendDist") == "frontend-dist"
    assert spelling({"frontendDist": "x"}, "frontendDist") == "frontendDist"
    assert spelling({"frontend_dist": "x"}, "frontendDist") is None
    assert kebab_case("withGlobalTauri") == "with-global-tauri"
    assert kebab_case("csp") == "csp"
