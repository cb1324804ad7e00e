"""What changed from one list of files to another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.file_changes import (
    ChangeCounts,
    FileChange,
    ListedFile,
    file_changes,
    file_changes_in_steps,
)

trees = st.dictionaries(st.sampled_from(["index.html", "a.js", "b/ä.css", "c", "d"]), st.binary(max_size=2))


def listed(tree: Mapping[str, bytes]) -> tuple[ListedFile, ...]:
    return tuple((path, len(tree[path]), hashlib.sha256(tree[path]).digest()) for path in sorted(tree))


def test_files_are_added_changed_and_removed_in_the_order_of_their_paths() -> None:
    before = listed({"index.html": b"old", "z.js": b"z", "same.css": b"same"})
    after = listed({"index.html": b"newer", "a.js": b"a", "same.css": b"same"})

    found = file_changes(before, after)

    assert found.changes == (
        FileChange("a.js", "added", None, 1),
        FileChange("index.html", "changed", 3, 5),
        FileChange("z.js", "removed", 1, None),
    )
    assert found.counts == ChangeCounts(added=1, changed=1, removed=1, same=1)
    assert (found.before, found.after) == (8, 10)


def test_a_file_with_other_content_of_the_same_size_is_changed() -> None:
    found = file_changes(listed({"a": b"one"}), listed({"a": b"two"}))

    assert found.changes == (FileChange("a", "changed", 3, 3),)


def test_a_file_that_moved_is_removed_and_added() -> None:
    found = file_changes(listed({"a": b"x"}), listed({"b": b"x"}))

    assert [(one.path, one.change) for one in found.changes] == [("a", "removed"), ("b", "added")]


def test_whoever_compares_can_do_other_things_between_some_files() -> None:
    before = listed({f"{number:04}": b"x" for number in range(1_000)})
    steps = file_changes_in_steps(iter(before), iter(before[::2]), files=100)

    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found = done.value
            break
        pauses += 1

    assert pauses == 10
    assert found == file_changes(before, before[::2])
    assert found.counts == ChangeCounts(removed=500, same=500)


@given(trees)
def test_nothing_changes_from_a_tree_to_itself(tree: dict[str, bytes]) -> None:
    found = file_changes(listed(tree), listed(tree))

    assert found.changes == ()
    assert found.counts == ChangeCounts(same=len(tree))


@given(trees, trees)
def test_the_changes_turn_the_one_list_into_the_other(
    before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    found = file_changes(listed(before), listed(after))

    made = {path: len(content) for path, content in before.items()}
    for one in found.changes:
        assert made.pop(one.path, None) == one.before
        if one.after is not None:
            made[one.path] = one.after
    assert made == {path: len(content) for path, content in after.items()}
    counts = found.counts
    assert counts.changed + counts.removed + counts.same == len(before)
    assert counts.changed + counts.added + counts.same == len(after)
    assert (found.before, found.after) == (sum(map(len, before.values())), sum(map(len, after.values())))


@given(trees, trees)
def test_the_way_back_removes_what_the_way_there_added(
    before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    there, back = file_changes(listed(before), listed(after)), file_changes(listed(after), listed(before))

    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(one.path, turned[one.change], one.after, one.before) for one in there.changes] == [
        (one.path, one.change, one.before, one.after) for one in back.changes
    ]
