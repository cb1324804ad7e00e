from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hotswap_dev.tauri.findings import Missing, changes, missing
from hotswap_dev.tauri.project import TauriProject, read_project
from tests.unit.tauri.conftest import PUBKEY, Copy, Read, Write

FixtureProject = Callable[..., TauriProject]


def by_code(project: TauriProject) -> dict[str, Missing]:
    return {finding.code: finding for finding in missing(project)}


@pytest.mark.parametrize("platform", ["linux", "macos", "windows", "ios"])
def test_nothing_is_missing_in_a_whole_project(fixture_project: FixtureProject, platform: str) -> None:
    assert missing(fixture_project("json", platform=platform)) == []


def test_a_bare_project_is_told_each_thing_and_its_place(fixture_project: FixtureProject) -> None:
    findings = missing(fixture_project("json5-in-json"))
    assert [(finding.what, finding.where) for finding in findings] == [
        ("version (no version in tauri.conf.json)", "src-tauri/tauri.conf.json"),
        ("dependency tauri-plugin-hotswap", "src-tauri/Cargo.toml"),
        ("tauri_plugin_hotswap::init", "src-tauri/src/main.rs"),
        ("capability hotswap:default", "src-tauri/capabilities/default.json"),
    ]
    assert all(finding.blocks and finding.hint for finding in findings)


def test_single_permissions_that_lack_one_name_it(fixture_project: FixtureProject) -> None:
    (finding,) = missing(fixture_project("toml"))
    assert finding.what == "capability hotswap:allow-hotswap-apply"
    assert finding.where == "src-tauri/capabilities/main.toml"


def test_an_app_configured_in_rust_is_told_that_no_overlay_reaches_it(
    fixture_project: FixtureProject,
) -> None:
    finding = by_code(fixture_project("cargo-workspace"))["configured-in-rust"]
    assert finding.where == "src-tauri/src/main.rs"
    assert finding.blocks


def test_an_invalid_version_is_told_apart_from_an_absent_one(project: Read) -> None:
    assert "1.0" in by_code(project(version="1.0"))["version-invalid"].what
    assert "version-absent" in by_code(project())


def test_no_identifier_and_a_bad_one_are_named(write: Write, project: Read) -> None:
    assert "identifier-absent" in by_code(read_project(write({}), platform="linux"))
    assert "com.my_app" in by_code(project(identifier="com.my_app"))["identifier-invalid"].what
    assert not any(code.startswith("identifier") for code in by_code(project(identifier="com.my-app")))


def test_a_hyphen_in_the_identifier_matters_on_android_alone(fixture_project: FixtureProject) -> None:
    finding = by_code(fixture_project("platforms", platform="android"))["identifier-android"]
    assert "com.example.every-where" in finding.hint
    assert "com.example.every_where" in finding.hint


def test_an_absent_section_is_no_obstacle_to_builds_with_the_overlay(copy: Copy) -> None:
    config = copy("json") / "src-tauri" / "tauri.conf.json"
    config.write_text('{"identifier": "a.b", "version": "1.0.0", "build": {"frontendDist": "../dist"}}')
    (finding,) = missing(read_project(config, platform="linux"))
    assert (finding.code, finding.blocks) == ("plugin-config-absent", False)


def test_a_value_that_the_plugin_can_not_read_blocks_unless_the_overlay_replaces_it(project: Read) -> None:
    section = {"pubkey": PUBKEY, "max_retries": "three", "endpoint": 5}
    found = [f for f in missing(project(plugins={"hotswap": section})) if f.code == "plugin-config-invalid"]
    assert {(f.what.rsplit(": ", 1)[-1], f.blocks) for f in found} == {
        ("plugins.hotswap.endpoint is 5, not a text", False),
        ('plugins.hotswap.max_retries is "three", not a whole number', True),
    }


def test_a_frontend_that_can_not_be_watched_is_named_with_its_reason(project: Read) -> None:
    finding = by_code(project(build={"frontendDist": "https://app.example.com"}))["frontend-dist"]
    assert "https://app.example.com" in finding.what


def test_a_broken_capability_file_is_named(copy: Copy) -> None:
    root = copy("json")
    (root / "src-tauri" / "capabilities" / "extra.toml").write_text("permissions = [,]")
    (finding,) = missing(read_project(root / "src-tauri" / "tauri.conf.json", platform="linux"))
    assert finding.where == "src-tauri/capabilities/extra.toml"
    assert "line 1" in finding.what


def test_an_unchanged_config_has_no_changes(fixture_project: FixtureProject) -> None:
    project = fixture_project("json")
    assert changes(project, project) == []
    assert changes(project, replace(project, name="Another")) == []


def test_a_new_version_counts_from_the_next_build(project: Read) -> None:
    before, after = project(version="0.1.0"), project(version="0.2.0")
    (change,) = changes(before, after)
    assert (change.field, change.old, change.new) == ("version", "0.1.0", "0.2.0")
    assert change.sentence == "version 0.2.0 (src-tauri/tauri.conf.json) counts from the next build"


def test_a_version_that_can_not_be_read_any_more_leaves_the_old_one(project: Read) -> None:
    (change,) = changes(project(version="0.1.0"), project(version="0.2"))
    assert change.new is None
    assert change.sentence == 'version "0.2" in tauri.conf.json is not semver: 0.1.0 goes on counting'


@pytest.mark.parametrize("field", ["endpoint", "pubkey", "channel"])
def test_a_changed_value_that_is_compiled_in_asks_for_a_rebuild(project: Read, field: str) -> None:
    section = {"endpoint": "https://a", "pubkey": PUBKEY, "channel": "a"}
    before = project(plugins={"hotswap": section})
    (change,) = changes(before, project(plugins={"hotswap": {**section, field: "https://b"}}))
    assert (change.field, change.new) == (field, "https://b")
    assert "rebuild the app" in change.sentence
    (gone,) = changes(before, project(plugins={"hotswap": {k: v for k, v in section.items() if k != field}}))
    assert gone.new is None
    assert f"plugins.hotswap.{field} is gone" in gone.sentence


def test_a_changed_identifier_or_folder_asks_for_a_new_start(project: Read) -> None:
    before = project(identifier="com.a", build={"frontendDist": "../dist"})
    found = changes(before, project(identifier="com.b", build={"frontendDist": "../out"}))
    assert [change.field for change in found] == ["identifier", "frontend-dist"]
    assert all("start hotswap-dev again" in change.sentence for change in found)
