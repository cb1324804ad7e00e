from __future__ import annotations

from pathlib import Path

import pytest

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.crate import Crate, read_crate
from tests.unit.tauri.conftest import put


def crate(folder: Path, manifest: str, **sources: str) -> Crate:
    put(folder / "Cargo.toml", manifest)
    for name, text in sources.items():
        put(folder / "src" / f"{name}.rs", text)
    return read_crate(folder, {})


PACKAGE = '[package]\nname = "my-app"\n'


@pytest.mark.parametrize(
    ("manifest", "binary"),
    [
        (PACKAGE, "my-app"),
        (PACKAGE + '[[bin]]\nname = "one"\npath = "src/main.rs"\n', "one"),
        (PACKAGE + '[[bin]]\nname = "tool"\npath = "src/tool.rs"\n', "my-app"),
        (PACKAGE + 'default-run = "two"\n[[bin]]\nname = "one"\n[[bin]]\nname = "two"\n', "two"),
        ("[package]\n", None),
    ],
)
def test_the_main_binary_is_the_one_that_the_tauri_cli_takes(
    tmp_path: Path, manifest: str, binary: str | None
) -> None:
    assert crate(tmp_path, manifest, main="fn main() {}").binary == binary


def test_no_cargo_toml_is_no_binary(tmp_path: Path) -> None:
    found = read_crate(tmp_path, {})
    assert (found.package, found.binary, found.plugin) == (None, None, False)


def test_a_workspace_that_excludes_the_crate_has_no_part_in_it(tmp_path: Path) -> None:
    put(tmp_path / "Cargo.toml", '[workspace]\nexclude = ["src-*"]\n')
    assert crate(tmp_path / "src-tauri", PACKAGE).target == tmp_path / "src-tauri" / "target"
    put(tmp_path / "Cargo.toml", "[workspace]\n")
    assert crate(tmp_path / "src-tauri", PACKAGE).target == tmp_path / "target"


def test_a_crate_may_name_its_workspace_or_be_one(tmp_path: Path) -> None:
    put(tmp_path / "Cargo.toml", "[workspace]\n")
    put(tmp_path / "other" / "Cargo.toml", "[workspace]\n")
    named = crate(tmp_path / "a", PACKAGE + 'workspace = "../other"\n')
    assert named.target == (tmp_path / "other").resolve() / "target"
    assert crate(tmp_path / "b", PACKAGE + "[workspace]\n").target == tmp_path / "b" / "target"


def test_a_parent_crate_that_is_no_workspace_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "Cargo.toml", PACKAGE)
    assert crate(tmp_path / "src-tauri", PACKAGE).target == tmp_path / "src-tauri" / "target"


@pytest.mark.parametrize(
    ("dependency", "plugin", "unpacks_zip"),
    [
        ('[dependencies]\ntauri-plugin-hotswap = "0.0.4"', True, False),
        ('[dependencies.tauri-plugin-hotswap]\nversion = "0.0.4"\nfeatures = ["zip"]', True, True),
        ('[target."cfg(desktop)".dependencies]\ntauri-plugin-hotswap = "0.0.4"', True, False),
        ('[dependencies]\nota = { package = "tauri-plugin-hotswap", version = "0.0.4" }', True, False),
        ('[dev-dependencies]\ntauri-plugin-hotswap = "0.0.4"', False, False),
        ('[dependencies]\ntauri-plugin-hotswap = { package = "another", version = "1" }', False, False),
        ("", False, False),
    ],
)
def test_the_plugin_is_found_however_it_is_depended_on(
    tmp_path: Path, dependency: str, plugin: bool, unpacks_zip: bool
) -> None:
    found = crate(tmp_path, PACKAGE + dependency)
    assert (found.plugin, found.zip_feature) == (plugin, unpacks_zip)


def test_features_are_inherited_from_the_workspace(tmp_path: Path) -> None:
    put(
        tmp_path / "Cargo.toml",
        '[workspace.dependencies]\ntauri-plugin-hotswap = { version = "0.0.4", features = ["zip"] }\n',
    )
    found = crate(tmp_path / "app", PACKAGE + "[dependencies]\ntauri-plugin-hotswap.workspace = true\n")
    assert found.plugin
    assert found.zip_feature


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ("let (p, c) = tauri_plugin_hotswap::init(tauri::generate_context!())?;", "init"),
        ("use tauri_plugin_hotswap as ota; fn f() { ota::init(context) }", "init"),
        ("tauri_plugin_hotswap::init_with_config(context, config)", "in-rust"),
        ("use tauri_plugin_hotswap::{HotswapBuilder, HttpResolver};", "in-rust"),
        ("// tauri_plugin_hotswap::init(context)", "none"),
        ("/* tauri_plugin_hotswap::\n init(context) */ fn init() {}", "none"),
        ("fn init() {}", "none"),
    ],
)
def test_how_the_plugin_is_started_is_read_from_the_sources(tmp_path: Path, source: str, start: str) -> None:
    assert crate(tmp_path, PACKAGE, main="fn main() {}", ota=source).start == start


def test_one_plain_start_is_enough_beside_another_in_rust(tmp_path: Path) -> None:
    found = crate(
        tmp_path,
        PACKAGE,
        a="tauri_plugin_hotswap::init_with_config(context, config)",
        b="tauri_plugin_hotswap::init(context)",
    )
    assert found.start == "init"


def test_the_start_belongs_into_lib_rs_where_there_is_one(tmp_path: Path) -> None:
    assert crate(tmp_path, PACKAGE, main="").entry.name == "main.rs"
    assert crate(tmp_path, PACKAGE, lib="").entry.name == "lib.rs"


def test_a_source_that_is_not_utf_8_is_read_all_the_same(tmp_path: Path) -> None:
    put(tmp_path / "Cargo.toml", PACKAGE)
    put(tmp_path / "src" / "main.rs").write_bytes(b'"\xff"; tauri_plugin_hotswap::init(context)')
    assert read_crate(tmp_path, {}).start == "init"


def test_a_broken_cargo_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(HotswapError, match=r"Cargo\.toml, line 2, column 8"):
        crate(tmp_path, "[package]\nname = my-app\n")
