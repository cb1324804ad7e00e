from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotswap_dev.tauri.capabilities import read_capabilities
from tests.unit.tauri.conftest import put


def config_with(tmp_path: Path, **files: object) -> Path:
    for name, content in files.items():
        put(tmp_path / "capabilities" / f"{name}.json", json.dumps(content))
    return tmp_path / "tauri.conf.json"


def capability(identifier: str, *permissions: object, **more: object) -> dict[str, object]:
    return {"identifier": identifier, "permissions": list(permissions), **more}


def test_the_default_set_lacks_nothing(tmp_path: Path) -> None:
    config = config_with(tmp_path, default=capability("default", "core:default", "hotswap:default"))
    assert read_capabilities(config, None, "linux").lacking == ()


def test_without_any_file_the_default_set_is_what_to_add_to_a_new_one(tmp_path: Path) -> None:
    found = read_capabilities(tmp_path / "tauri.conf.json", None, "linux")
    assert found.lacking == ("hotswap:default",)
    assert found.home == tmp_path / "capabilities" / "default.json"


def test_a_permission_goes_where_the_app_has_its_own(tmp_path: Path) -> None:
    config = config_with(tmp_path, main=capability("main", "core:default"))
    assert read_capabilities(config, None, "linux").home.name == "main.json"
    config = config_with(tmp_path, default=capability("default", "core:default"))
    assert read_capabilities(config, None, "linux").home.name == "default.json"


@pytest.mark.parametrize(
    "content",
    [
        [capability("a", "core:default"), capability("b", "hotswap:default")],
        {"capabilities": [capability("a", {"identifier": "hotswap:default"})]},
    ],
)
def test_a_file_may_hold_a_list(tmp_path: Path, content: object) -> None:
    assert read_capabilities(config_with(tmp_path, all=content), None, "linux").lacking == ()


def test_files_in_folders_count_and_generated_schemas_do_not(tmp_path: Path) -> None:
    put(tmp_path / "capabilities" / "schemas" / "s.json", json.dumps(capability("s", "hotswap:default")))
    assert read_capabilities(tmp_path / "tauri.conf.json", None, "linux").lacking
    put(tmp_path / "capabilities" / "desk" / "d.json5", "{identifier: 'd', permissions: ['hotswap:default']}")
    assert not read_capabilities(tmp_path / "tauri.conf.json", None, "linux").lacking


def test_a_capability_of_other_platforms_grants_nothing_here(tmp_path: Path) -> None:
    config = config_with(tmp_path, desk=capability("desk", "hotswap:default", platforms=["macOS", "linux"]))
    assert read_capabilities(config, None, "macos").lacking == ()
    assert read_capabilities(config, None, "windows").lacking == ("hotswap:default",)


def test_single_permissions_that_suffice_lack_nothing(tmp_path: Path) -> None:
    config = config_with(
        tmp_path,
        some=capability(
            "some",
            "hotswap:allow-hotswap-check",
            "hotswap:allow-hotswap-apply",
            "hotswap:allow-hotswap-notify-ready",
        ),
    )
    assert read_capabilities(config, None, "linux").lacking == ()


def test_of_single_permissions_those_that_are_absent_are_named(tmp_path: Path) -> None:
    config = config_with(tmp_path, some=capability("some", "hotswap:allow-hotswap-check"))
    assert read_capabilities(config, None, "linux").lacking == (
        "hotswap:allow-hotswap-apply",
        "hotswap:allow-hotswap-notify-ready",
    )


def test_with_a_list_in_the_config_only_what_it_names_is_in_force(tmp_path: Path) -> None:
    config = config_with(tmp_path, a=capability("a", "hotswap:default"), b=capability("b", "core:default"))
    assert read_capabilities(config, ["b"], "linux").lacking == ("hotswap:default",)
    assert read_capabilities(config, ["a"], "linux").lacking == ()
    assert read_capabilities(config, [], "linux").lacking == ()
    assert read_capabilities(config, [capability("inline", "hotswap:default"), "b"], "linux").lacking == ()


def test_inline_capabilities_are_added_to_in_the_config(tmp_path: Path) -> None:
    config = tmp_path / "tauri.conf.json"
    assert read_capabilities(config, [capability("inline", "core:default")], "linux").home == config


def test_a_broken_file_is_named_and_the_others_still_count(tmp_path: Path) -> None:
    config = config_with(tmp_path, good=capability("good", "hotswap:default"))
    bad = put(tmp_path / "capabilities" / "bad.json", "{")
    found = read_capabilities(config, None, "linux")
    assert found.lacking == ()
    ((path, problem),) = found.broken
    assert path == bad
    assert "line 1" in problem


@pytest.mark.parametrize(
    "content", [5, "x", [1, None], {"permissions": "hotswap:default"}, {"capabilities": {}}]
)
def test_odd_contents_grant_nothing_and_do_not_crash(tmp_path: Path, content: object) -> None:
    config = config_with(tmp_path, odd=content)
    assert read_capabilities(config, None, "linux").lacking == ("hotswap:default",)
