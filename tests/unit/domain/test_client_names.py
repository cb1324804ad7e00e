"""Which client a person means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.client_names import meant
from hotswap_dev.errors import HotswapError

IDS = ["Pixel", "Pixel 8", "local/linux/x86_64", "h:0123456789abcdef"]
NAMES = {"local/linux/x86_64": "QA laptop", "h:0123456789abcdef": "Pixel"}

texts = st.text(st.sampled_from("abAB é/"), max_size=4)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Pixel", "Pixel"),
        ("Pixel 8", "Pixel 8"),
        ("QA laptop", "local/linux/x86_64"),
        ("local", "local/linux/x86_64"),
        ("LOCAL", "local/linux/x86_64"),
        ("qa", "local/linux/x86_64"),
        ("h:0", "h:0123456789abcdef"),
        ("iPhone", None),
        ("", None),
    ],
)
def test_a_client_is_meant_by_its_id_its_name_or_the_beginning_of_either(
    wanted: str, found: str | None
) -> None:
    assert meant(wanted, IDS, NAMES) == found


def test_what_could_be_several_clients_is_refused_and_they_are_listed() -> None:
    with pytest.raises(
        HotswapError, match="could be 3 clients: Pixel, Pixel 8, h:0123456789abcdef"
    ) as caught:
        meant("pix", IDS, NAMES)
    assert caught.value.code == "ambiguous-client"
    assert caught.value.hint


def test_two_clients_of_one_name_are_never_mistaken_for_one_another() -> None:
    with pytest.raises(HotswapError, match="could be 2 clients"):
        meant("QA", ["a", "b"], {"a": "QA", "b": "QA"})


def test_a_name_means_a_client_that_was_never_seen_too() -> None:
    names = {"new": "QA phone"}

    assert meant("QA phone", ["a"], names) == meant("qa", ["a"], names) == meant("new", ["a"], names) == "new"


@given(
    texts,
    st.lists(texts.filter(bool), unique=True, max_size=5),
    st.dictionaries(texts.filter(bool), texts.filter(bool), max_size=3),
)
def test_who_is_meant_was_seen_or_named_and_a_whole_id_always_means_itself(
    wanted: str, ids: list[str], names: dict[str, str]
) -> None:
    try:
        found = meant(wanted, ids, names)
    except HotswapError:
        assert wanted not in {*ids, *names}
        return
    if wanted in {*ids, *names}:
        assert found == wanted
    if found is not None:
        assert found in {*ids, *names}
        begin = wanted.casefold()
        assert found.casefold().startswith(begin) or names[found].casefold().startswith(begin)
