from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.packages import read_packages
from tests.unit.tauri.conftest import put


@pytest.mark.parametrize(
    ("lock", "manager"),
    [
        ("package-lock.json", "npm"),
        ("npm-shrinkwrap.json", "npm"),
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("deno.lock", "deno"),
    ],
)
def test_the_lock_file_names_the_manager(tmp_path: Path, lock: str, manager: str) -> None:
    put(tmp_path / "package.json", "{}")
    put(tmp_path / lock)
    assert read_packages(tmp_path).manager == manager


def test_a_package_without_a_lock_is_npms_and_none_at_all_is_cargos(tmp_path: Path) -> None:
    assert read_packages(tmp_path).manager == "cargo"
    put(tmp_path / "package.json", "{}")
    assert read_packages(tmp_path).manager == "npm"


def test_a_left_over_package_lock_does_not_win(tmp_path: Path) -> None:
    put(tmp_path / "package-lock.json")
    put(tmp_path / "pnpm-lock.yaml")
    assert read_packages(tmp_path).manager == "pnpm"


def test_the_package_manager_field_outranks_lock_files(tmp_path: Path) -> None:
    put(tmp_path / "package-lock.json")
    put(tmp_path / "package.json", '{"packageManager": "yarn@4.1.0"}')
    assert read_packages(tmp_path).manager == "yarn"
    put(tmp_path / "package.json", '{"packageManager": "unheard-of@1"}')
    assert read_packages(tmp_path).manager == "npm"


def test_a_lock_at_the_top_of_the_git_tree_counts_and_none_above_it(tmp_path: Path) -> None:
    app = tmp_path / "repo" / "apps" / "desktop"
    put(app / "package.json", "{}")
    put(tmp_path / "repo" / "pnpm-lock.yaml")
    assert read_packages(app).manager == "npm", "outside of git only the root is looked at"
    (tmp_path / "repo" / ".git").mkdir()
    assert read_packages(app).manager == "pnpm"
    (tmp_path / "repo" / "pnpm-lock.yaml").rename(tmp_path / "pnpm-lock.yaml")
    assert read_packages(app).manager == "npm"


@pytest.mark.parametrize(
    ("script", "usable"),
    [
        ("tauri", True),
        ("cross-env WEBKIT_DISABLE_DMABUF_RENDERER=1 tauri", True),
        ("tauri dev", False),
        ("", False),
        (5, False),
    ],
)
def test_a_script_counts_when_a_command_can_follow_it(tmp_path: Path, script: object, usable: bool) -> None:
    put(tmp_path / "package.json", json.dumps({"scripts": {"tauri": script}}))
    assert read_packages(tmp_path).tauri_script is usable


def test_the_cli_may_be_hoisted_to_the_top_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    put(tmp_path / "package.json", '{"devDependencies": {"@tauri-apps/cli": "2", "vite": "7"}}')
    app = tmp_path / "app"
    put(app / "package.json", "{}")
    found = read_packages(app)
    assert found.tauri_cli
    assert not found.vite, "whose vite that is can't be told"


@pytest.mark.parametrize("content", ['{"scripts": 5, "dependencies": []}', '{"scripts": {"tauri": null}}'])
def test_an_odd_package_json_does_not_crash(tmp_path: Path, content: str) -> None:
    put(tmp_path / "package.json", content)
    assert not read_packages(tmp_path).tauri_script


def test_a_broken_package_json_is_named(tmp_path: Path) -> None:
    put(tmp_path / "package.json", "{")
    with pytest.raises(HotswapError, match=r"package\.json, line 1"):
        read_packages(tmp_path)
