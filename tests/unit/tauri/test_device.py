from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.tauri.device import Meta, highest_sequence, plugin_folder, read_device
from hotswap_dev.tauri.project import Platform
from tests.unit.tauri.conftest import put

HOME = Path("/home/me")


def bundle(folder: Path, named: int, *, confirmed: bool = True, **changed: object) -> Path:
    meta = {
        "version": f"0.1.0-ota.{named}",
        "sequence": named,
        "min_binary_version": "0.1.0",
        "confirmed": confirmed,
        "unconfirmed_launch_count": 0,
        **changed,
    }
    return put(folder / f"seq-{named}" / "hotswap-meta.json", json.dumps(meta)).parent


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/me/.local/share/com.a-b/hotswap"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/com.a-b/hotswap"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/me/.local/share/com.a-b/hotswap"),
        ("linux", {"XDG_DATA_HOME": ""}, "/home/me/.local/share/com.a-b/hotswap"),
        ("macos", {"XDG_DATA_HOME": "/data"}, "/home/me/Library/Application Support/com.a-b/hotswap"),
        ("ios", {}, "/home/me/Library/Application Support/com.a-b/hotswap"),
        ("windows", {"APPDATA": "/roaming"}, "/roaming/com.a-b/hotswap"),
        ("windows", {}, "/home/me/AppData/Roaming/com.a-b/hotswap"),
        ("android", {}, "/data/data/com.a-b/files/hotswap"),
    ],
)
def test_the_folder_is_the_one_that_the_plugin_takes(
    platform: Platform, environ: dict[str, str], expected: str
) -> None:
    assert plugin_folder("com.a-b", platform=platform, environ=environ, home=HOME) == Path(expected)


def test_an_app_that_never_started_has_no_state(tmp_path: Path) -> None:
    state = read_device(tmp_path / "hotswap")
    assert not state.exists
    assert (state.current, state.installed, state.highest) == (None, (), None)


def test_an_app_on_its_embedded_page_has_no_current(tmp_path: Path) -> None:
    state = read_device(tmp_path)
    assert state.exists
    assert (state.current, state.pointer, state.highest) == (None, None, None)


def test_the_active_bundle_and_the_one_behind_it_are_read(tmp_path: Path) -> None:
    bundle(tmp_path, 9)
    newest = bundle(tmp_path, 10, confirmed=False, unconfirmed_launch_count=1)
    put(tmp_path / "current", "seq-10")
    state = read_device(tmp_path)
    assert state.current == 10
    assert [installed.sequence for installed in state.installed] == [10, 9], "by number, not by name"
    assert state.installed[0].folder == newest
    assert state.installed[0].meta == Meta(
        version="0.1.0-ota.10",
        sequence=10,
        min_binary_version="0.1.0",
        confirmed=False,
        unconfirmed_launch_count=1,
    )
    assert highest_sequence(tmp_path) == 10


def test_metadata_of_an_older_plugin_has_no_launch_count(tmp_path: Path) -> None:
    put(
        tmp_path / "seq-3" / "hotswap-meta.json",
        '{"version": "1.0.0", "sequence": 3, "min_binary_version": "1.0.0", "confirmed": true}',
    )
    (installed,) = read_device(tmp_path).installed
    assert installed.meta is not None
    assert installed.meta.unconfirmed_launch_count == 0


def test_after_a_rollback_the_newer_folder_still_counts_for_the_floor(tmp_path: Path) -> None:
    bundle(tmp_path, 4)
    bundle(tmp_path, 7)
    put(tmp_path / "current", "  seq-4\n")
    state = read_device(tmp_path)
    assert state.current == 4
    assert state.highest == 7


def test_an_extraction_that_never_ended_counts_for_the_floor(tmp_path: Path) -> None:
    bundle(tmp_path, 4)
    (tmp_path / ".tmp-seq-12").mkdir()
    state = read_device(tmp_path)
    assert state.unfinished == (12,)
    assert state.highest == 12


def test_a_pointer_to_a_bundle_that_is_gone_is_shown_and_counts_for_the_floor(tmp_path: Path) -> None:
    put(tmp_path / "current", "seq-8")
    state = read_device(tmp_path)
    assert (state.current, state.pointer) == (None, "seq-8")
    assert state.highest == 8


def test_the_sequence_in_the_metadata_counts_for_the_floor(tmp_path: Path) -> None:
    bundle(tmp_path, 2, sequence=20)
    assert highest_sequence(tmp_path) == 20


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("seq-0", 0),
        ("seq-007", 7),
        ("seq-+5", 5),
        (f"seq-{2**64 - 1}", 2**64 - 1),
        (f"seq-{2**64}", None),
        ("seq-", None),
        ("seq--1", None),
        ("seq-1_0", None),
        ("seq-٣", None),
        ("seq-" + "9" * 200, None),
        ("seq-" + "0" * 200 + "1", 1),
        ("other", None),
    ],
)
def test_folder_names_are_read_as_rust_reads_them(tmp_path: Path, name: str, sequence: int | None) -> None:
    (tmp_path / name).mkdir()
    assert highest_sequence(tmp_path) == sequence


@pytest.mark.parametrize(
    "pointer",
    ["../../etc", "seq-1/../..", "", "\n", "seq-1\nseq-2", "latest", "\0", "\x1cseq-1", "./seq-1", "SEQ-1"],
)
def test_a_pointer_that_the_plugin_would_reject_is_no_current(tmp_path: Path, pointer: str) -> None:
    bundle(tmp_path, 1)
    put(tmp_path / "current", pointer)
    state = read_device(tmp_path)
    assert (state.current, state.highest) == (None, 1)


@given(content=st.binary(max_size=60), name=st.sampled_from(["current", "seq-5/hotswap-meta.json"]))
def test_no_content_makes_it_raise(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    folder = tmp_path_factory.mktemp("device")
    (folder / "seq-5").mkdir()
    (folder / name).write_bytes(content)
    highest = highest_sequence(folder)
    assert highest is not None
    assert highest >= 5


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "version": json_values,
            "sequence": json_values,
            "min_binary_version": json_values,
            "confirmed": json_values,
            "unconfirmed_launch_count": json_values,
        },
    )
)
def test_metadata_of_any_shape_is_read_or_passed_over(
    tmp_path_factory: pytest.TempPathFactory, meta: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("device")
    put(folder / "seq-5" / "hotswap-meta.json", json.dumps(meta))
    (installed,) = read_device(folder).installed
    if installed.meta is not None:
        assert isinstance(installed.meta.sequence, int)
        assert 0 <= installed.meta.sequence < 2**64


def test_rubbish_in_every_place_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    put(tmp_path / "seq-99", "a file")
    put(tmp_path / "seq-1" / "hotswap-meta.json", "[" * 100_000)
    (tmp_path / "seq-2" / "hotswap-meta.json").mkdir(parents=True)
    (tmp_path / "seq-50").symlink_to(tmp_path / "seq-1", target_is_directory=True)
    state = read_device(tmp_path)
    assert [(installed.sequence, installed.meta) for installed in state.installed] == [(2, None), (1, None)]
    assert state.current is None


def test_a_file_in_place_of_the_folder_is_no_folder(tmp_path: Path) -> None:
    assert not read_device(put(tmp_path / "hotswap", "x")).exists


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    bundle(tmp_path, 3)
    os.mkfifo(tmp_path / "current")
    assert highest_sequence(tmp_path) == 3
