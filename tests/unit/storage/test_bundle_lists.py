"""What is kept beside a bundle, read in pieces: the same as at once, whatever its files are called."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.file_changes import BundleList, ListedFile, TreeWarning

NASTY = ('x"],["', 'A"],["a",1,"', '],"warnings":', '{"files":[', "]]", '"', "\\", "ä\u202e", "a,b")

names = st.lists(
    st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=4
).map("".join)
lists = st.builds(
    BundleList,
    st.lists(names, max_size=30).map(lambda paths: tuple(map(listed, paths))),
    st.none() | st.lists(st.builds(TreeWarning, names, names, names), max_size=3).map(tuple),
)


def listed(path: str) -> ListedFile:
    return path, len(path), hashlib.sha256(path.encode()).digest()


def in_pieces(data: bytes) -> tuple[BundleList, Sequence[int]]:
    """The list, and how many files there were in each piece."""
    pieces, warnings = wire.bundle_list_in_pieces(data)
    files = list(pieces)
    return BundleList(tuple(itertools.chain(*files)), warnings), [len(piece) for piece in files]


@given(lists, st.integers(0, 300))
def test_a_list_in_pieces_is_the_list(kept: BundleList, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_PIECE", piece)
        assert in_pieces(wire.encode(kept))[0] == kept
        # As it was before warnings were kept.
        assert in_pieces(wire.encode(kept.files))[0] == BundleList(kept.files)


def test_a_long_list_comes_some_hundreds_of_files_at_a_time() -> None:
    kept = BundleList(tuple(listed(f"assets/{number:05}.js") for number in range(10_000)), ())

    found, pieces = in_pieces(wire.encode(kept))

    assert found == kept
    assert len(pieces) > 10
    assert max(pieces) < 1_000


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[", b"]", b'["index.html"]', b'{"files":[["a",1]],"warnings":null}', b"null", b"\xff"],
)
def test_a_list_that_can_not_be_read_says_so(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        in_pieces(data)


def test_a_list_that_was_written_otherwise_is_read_too() -> None:
    kept = BundleList((listed("a.js"), listed("b.js")), (TreeWarning("code", "a.js", "detail"),))
    spaced = wire.encode(kept).replace(b",", b" , ").replace(b"{", b"{ ")

    assert in_pieces(spaced)[0] == kept
