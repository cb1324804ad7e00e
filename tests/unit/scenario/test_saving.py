"""A save puts a build's files in the place of those before, whole, the page last, and never twice the same."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.stopping import PackingStopped
from hotswap_dev.scenario.saving import save

Tree = dict[str, bytes]


def _written(folder: Path, tree: Tree) -> Path:
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    folder.mkdir(exist_ok=True)
    return folder


def _tree(folder: Path) -> Tree:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


_NAMES = st.sampled_from(["app.js", "a", "a/b.js", "a/b/c.css", "assets/x.svg", "assets"])
_TREES = st.dictionaries(_NAMES, st.binary(max_size=8), max_size=5).filter(
    lambda tree: not any(other.startswith(f"{name}/") for name in tree for other in tree)
)


@settings(max_examples=40, deadline=None)
@given(was=_TREES, is_=_TREES.map(lambda tree: {**tree, "index.html": b"<p>new"}))
def test_whatever_was_there_the_folder_has_the_builds_files_and_no_others(
    was: Tree, is_: Tree, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("save")
    into = _written(base / "dist", was)

    save(_written(base / "build", is_), into, mark="saved once")

    marked = {
        name: content + b"<!-- saved once -->\n" if name == "index.html" else content
        for name, content in is_.items()
    }
    assert _tree(into) == marked
    assert sorted(path.name for path in base.iterdir()) == ["build", "dist"], "nothing is left beside it"


def test_whoever_looks_meanwhile_finds_one_of_the_two_builds_or_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {"index.html": b"new", "assets/new.js": b"new", "both.js": b"new"}
    old = {"index.html": b"old", "assets/old.js": b"old", "both.js": b"old"}
    build = _written(tmp_path / "build", new)
    into = _written(tmp_path / "dist", old)
    looks: list[Tree] = []
    replace = os.replace

    def looking(whole: Path, path: Path) -> None:
        looks.append(_tree(into))
        replace(whole, path)
        looks.append(_tree(into))

    monkeypatch.setattr(os, "replace", looking)
    save(build, into, mark="m")

    for look in looks:
        assert "index.html" not in look or look in (old, {**new, "index.html": b"new<!-- m -->\n"})


def test_what_is_saved_into_need_not_be_there_and_what_is_saved_must_be(tmp_path: Path) -> None:
    build = _written(tmp_path / "build", {"index.html": b"page"})

    save(build, tmp_path / "deep" / "dist", mark="m")

    assert _tree(tmp_path / "deep" / "dist") == {"index.html": b"page<!-- m -->\n"}
    with pytest.raises(HotswapError, match="there is no folder"):
        save(tmp_path / "nowhere", tmp_path / "dist", mark="m")
    with pytest.raises(HotswapError, match="deep has no index.html"):
        save(tmp_path / "deep", tmp_path / "dist", mark="m")


def test_where_nothing_can_be_written_it_is_said_of_which_file(tmp_path: Path) -> None:
    build = _written(tmp_path / "build", {"index.html": b"page"})
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(HotswapError) as refused:
        save(build, tmp_path / "file" / "dist", mark="m")
    assert refused.value.code == "not-saved"
    assert str(tmp_path / "file") in refused.value.message


def test_what_no_bundle_may_hold_is_not_saved_since_a_copy_would_hide_it(tmp_path: Path) -> None:
    build = _written(tmp_path / "build", {"index.html": b"page"})
    (tmp_path / "private.txt").write_text("of nobody else")
    try:
        (build / "notes.txt").symlink_to(tmp_path / "private.txt")
    except OSError:
        pytest.skip("no links can be made here")

    with pytest.raises(HotswapError, match="notes.txt: it points to .*, outside the folder") as refused:
        save(build, tmp_path / "dist", mark="m")

    assert refused.value.code == "symlink-outside"
    assert not (tmp_path / "dist").exists()


def test_a_save_that_nobody_wants_any_more_ends_and_leaves_nothing_beside_the_folder(tmp_path: Path) -> None:
    build = _written(tmp_path / "build", {"index.html": b"new", "app.js": b"new"})
    into = _written(tmp_path / "dist", {"index.html": b"old"})
    stop = threading.Event()
    stop.set()

    with pytest.raises(PackingStopped):
        save(build, into, mark="m", stop=stop)

    assert _tree(into) == {"index.html": b"old"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "dist"]
