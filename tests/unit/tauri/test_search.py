from __future__ import annotations

import os
from pathlib import Path

import pytest

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.search import find_config
from tests.unit.tauri.conftest import put


def test_a_config_is_found_here_and_in_src_tauri(tmp_path: Path) -> None:
    config = put(tmp_path / "src-tauri" / "tauri.conf.json", "{}")
    assert find_config(tmp_path, explicit=False) == config
    assert find_config(tmp_path / "src-tauri", explicit=True) == config


def test_here_wins_over_src_tauri_and_both_over_what_lies_deeper(tmp_path: Path) -> None:
    put(tmp_path / "apps" / "one" / "tauri.conf.json", "{}")
    beside = put(tmp_path / "src-tauri" / "tauri.conf.json", "{}")
    assert find_config(tmp_path, explicit=False) == beside
    here = put(tmp_path / "Tauri.toml")
    assert find_config(tmp_path, explicit=False) == here


def test_of_several_formats_in_one_folder_tauris_order_decides(tmp_path: Path) -> None:
    for name in ("Tauri.toml", "tauri.conf.json5", "tauri.conf.json"):
        config = put(tmp_path / "src-tauri" / name)
        assert find_config(tmp_path, explicit=False) == config


def test_a_config_is_found_three_folders_down_and_no_deeper(tmp_path: Path) -> None:
    config = put(tmp_path / "apps" / "desktop" / "src-tauri" / "tauri.conf.json", "{}")
    assert find_config(tmp_path, explicit=True) == config
    (tmp_path / "apps").rename(tmp_path / "deep")
    config.parents[2].mkdir()
    (tmp_path / "deep").rename(tmp_path / "apps" / "deep")
    assert find_config(tmp_path, explicit=True) is None


def test_two_configs_below_are_an_error_that_lists_them(tmp_path: Path) -> None:
    put(tmp_path / "apps" / "one" / "src-tauri" / "tauri.conf.json", "{}")
    put(tmp_path / "two" / "Tauri.toml")
    with pytest.raises(HotswapError) as caught:
        find_config(tmp_path, explicit=False)
    assert caught.value.code == "config-several"
    assert "apps/one/src-tauri/tauri.conf.json, two/Tauri.toml" in caught.value.message
    assert "--project apps/one/src-tauri" in caught.value.hint


def test_a_long_list_of_configs_is_cut(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / f"app-{number:02}" / "tauri.conf.json", "{}")
    with pytest.raises(HotswapError, match=r"app-07/tauri\.conf\.json and 12 more"):
        find_config(tmp_path, explicit=False)


@pytest.mark.parametrize("folder", ["node_modules", "target", ".git", ".cache"])
def test_folders_that_hold_no_app_are_not_searched(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder / "tauri.conf.json", "{}")
    assert find_config(tmp_path, explicit=True) is None


def test_what_lies_below_a_found_config_is_not_a_second_one(tmp_path: Path) -> None:
    config = put(tmp_path / "app" / "src-tauri" / "tauri.conf.json", "{}")
    put(tmp_path / "app" / "src-tauri" / "gen" / "tauri.conf.json", "{}")
    assert find_config(tmp_path, explicit=False) == config


def test_links_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "outside" / "tauri.conf.json", "{}")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "loop").symlink_to(tmp_path / "here", target_is_directory=True)
    (tmp_path / "here" / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
    assert find_config(tmp_path / "here", explicit=True) is None


@pytest.mark.parametrize(
    ("line", "excluded"),
    [
        ("build", True),
        ("build/", True),
        ("/out/build", True),
        ("**/build", True),
        ("bu*", True),
        ("out/*", True),
        ("out/", True),
        ("/build", False),
        ("# build", False),
        ("*/build/x", False),
        ("build\n!build", False),
        ("", False),
    ],
)
def test_what_git_ignores_is_not_searched(tmp_path: Path, line: str, excluded: bool) -> None:
    config = put(tmp_path / "out" / "build" / "tauri.conf.json", "{}")
    put(tmp_path / ".gitignore", f"# generated\n{line}\n")
    assert find_config(tmp_path, explicit=True) == (None if excluded else config)


def test_a_gitignore_further_down_counts_from_its_own_folder(tmp_path: Path) -> None:
    put(tmp_path / "a" / ".gitignore", "/old\n")
    put(tmp_path / "a" / "old" / "tauri.conf.json", "{}")
    kept = put(tmp_path / "b" / "old" / "tauri.conf.json", "{}")
    assert find_config(tmp_path, explicit=True) == kept


def test_without_one_below_it_is_looked_for_above(tmp_path: Path) -> None:
    config = put(tmp_path / "src-tauri" / "tauri.conf.json", "{}")
    start = tmp_path / "web" / "src" / "pages"
    start.mkdir(parents=True)
    assert find_config(start, explicit=False) == config
    assert find_config(tmp_path / "src-tauri" / "..", explicit=False) is not None


def test_a_named_folder_is_not_left_upwards(tmp_path: Path) -> None:
    put(tmp_path / "src-tauri" / "tauri.conf.json", "{}")
    (tmp_path / "web").mkdir()
    assert find_config(tmp_path / "web", explicit=True) is None


def test_above_a_folder_of_somebody_else_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "tauri.conf.json", "{}")
    start = tmp_path / "shared" / "mine"
    start.mkdir(parents=True)
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        fields = list(real(path, **options))
        if path == tmp_path / "shared":
            fields[4] += 1  # st_uid
        return os.stat_result(fields)

    assert find_config(start, explicit=False) == tmp_path / "tauri.conf.json"
    monkeypatch.setattr(Path, "stat", stat)
    assert find_config(start, explicit=False) is None


def test_a_config_file_may_be_named_itself(tmp_path: Path) -> None:
    config = put(tmp_path / "odd" / "Tauri.toml")
    assert find_config(config, explicit=True) == config


def test_a_named_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HotswapError, match="there is no folder"):
        find_config(tmp_path / "typo", explicit=True)
    assert find_config(tmp_path / "typo", explicit=False) is None


def test_a_relative_start_gives_an_absolute_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = put(tmp_path / "src-tauri" / "tauri.conf.json", "{}")
    monkeypatch.chdir(tmp_path)
    assert find_config(Path(), explicit=False) == config


def test_a_folder_that_may_not_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = put(tmp_path / "app" / "tauri.conf.json", "{}")
    (tmp_path / "locked").mkdir()
    real = os.scandir

    def scandir(folder: Path) -> object:
        if folder == tmp_path / "locked":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert find_config(tmp_path, explicit=True) == config
