from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.project import Platform, TauriProject, read_project, this_platform
from tests.unit.tauri.conftest import PUBKEY, Copy, Read, Write, put

FixtureProject = Callable[..., TauriProject]


def test_a_whole_project_is_read_from_its_json(fixture_project: FixtureProject) -> None:
    project = fixture_project("json")
    assert project.root.name == "json"
    assert project.config == project.root / "src-tauri" / "tauri.conf.json"
    assert (project.name, project.identifier) == ("My App", "com.example.my-app")
    assert (project.version, project.version_source) == ("0.4.1", "src-tauri/tauri.conf.json")
    assert project.frontend_dist == project.root / "dist"
    assert project.dev_url == "http://localhost:1420"
    assert project.before_build_command == "npm run build"
    assert project.before_build_folder == project.root
    assert project.csp
    assert project.global_tauri
    assert project.package_manager == "npm"
    assert project.binary == project.root / "src-tauri" / "target" / "debug" / "my-app"
    assert project.hotswap.endpoint == "https://updates.example.com/api/ota/{{current_sequence}}"
    assert (project.hotswap.pubkey, project.hotswap.channel) == (PUBKEY, "beta")
    assert project.hotswap.require_https
    assert project.hotswap.header_names == ("Authorization",)
    assert project.crate.zip_feature


def test_a_whole_project_is_read_from_kebab_case_toml(fixture_project: FixtureProject) -> None:
    project = fixture_project("toml")
    assert (project.name, project.identifier) == ("Kebab", "com.example.kebab")
    assert (project.version, project.version_source) == ("1.2.3-beta.4", "package.json")
    assert project.frontend_dist == project.root / "dist"
    assert project.dev_url == "http://localhost:4321"
    assert project.before_build_command == "pnpm build"
    assert project.before_build_folder == project.root / "web"
    assert not project.csp
    assert not project.global_tauri
    assert project.package_manager == "pnpm"
    assert project.binary == project.root / "src-tauri" / "target" / "debug" / "kebab-app"
    assert project.hotswap.require_https is True


def test_a_project_is_read_from_json5(fixture_project: FixtureProject) -> None:
    project = fixture_project("json5")
    assert (project.version, project.version_source) == ("5.0.0", "src-tauri/tauri.conf.json5")
    assert project.frontend_dist == project.root / "out"
    assert project.name == "json5", "the root names an app that has neither productName nor Cargo.toml"
    assert project.binary is None


def test_a_project_without_the_plugin_is_read_too(fixture_project: FixtureProject) -> None:
    project = fixture_project("json5-in-json")
    assert project.name == "Plain"
    assert not project.hotswap.present
    assert (project.version, project.version_source) == (None, None)
    assert project.version_problem == "no version in tauri.conf.json"
    assert project.package_manager == "cargo"


@pytest.mark.parametrize(
    ("platform", "version", "source", "channel", "headers"),
    [
        ("linux", "1.0.1", "src-tauri/tauri.linux.conf.json", "linux", ()),
        ("macos", "1.0.0", "src-tauri/tauri.conf.json", "mac", ("X-Team",)),
        ("windows", "1.0.0", "src-tauri/tauri.conf.json", "stable", ("X-Team",)),
    ],
)
def test_a_platform_file_is_merged_over_the_base(
    fixture_project: FixtureProject,
    platform: Platform,
    version: str,
    source: str,
    channel: str,
    headers: tuple[str, ...],
) -> None:
    project = fixture_project("platforms", platform=platform)
    assert (project.version, project.version_source) == (version, source)
    assert project.hotswap.channel == channel
    assert project.hotswap.header_names == headers
    assert project.hotswap.pubkey == PUBKEY


def test_a_platform_file_may_be_toml_beside_json(fixture_project: FixtureProject) -> None:
    project = fixture_project("platforms", platform="windows")
    assert project.frontend_dist == project.root / "dist-windows"


def test_a_frontend_that_is_no_folder_is_said_with_its_reason(
    fixture_project: FixtureProject, project: Read
) -> None:
    readings = {
        "the URL https://app.example.com": fixture_project("platforms", platform="android"),
        "a list of files": project(build={"frontendDist": ["../a.html"]}),
        "no build.frontendDist": project(),
        "contains src-tauri": project(build={"frontendDist": ".."}),
    }
    for reason, reading in readings.items():
        assert reading.frontend_dist is None
        assert reason in (reading.frontend_dist_problem or "")


def test_a_frontend_beside_a_linked_src_tauri_is_that_of_the_real_folder(tmp_path: Path) -> None:
    real = put(tmp_path / "real" / "src-tauri" / "tauri.conf.json", '{"build": {"frontendDist": "../dist"}}')
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "src-tauri").symlink_to(real.parent, target_is_directory=True)
    project = read_project(tmp_path / "app" / "src-tauri" / "tauri.conf.json", platform="linux")
    assert project.frontend_dist == tmp_path.resolve() / "real" / "dist"


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "01.0.0", "latest", "", "1.0.0 ", "x" * 5000, "a\0b"])
def test_a_version_that_the_client_could_not_read_is_said_and_does_not_crash(
    project: Read, version: str
) -> None:
    reading = project(version=version)
    assert reading.version is None
    assert reading.version_source is None
    assert f'version "{version}" in tauri.conf.json is not semver' == reading.version_problem


def test_a_version_in_package_json_is_checked_too(write: Write) -> None:
    config = write({"version": "../package.json"})
    package = put(config.parent.parent / "package.json", '{"version": "1.0"}')
    assert (
        read_project(config, platform="linux").version_problem
        == 'version "1.0" in package.json is not semver'
    )
    package.write_text("{}")
    problem = read_project(config, platform="linux").version_problem
    assert problem == "no version in package.json, which tauri.conf.json names"


def test_every_file_that_counts_is_named_for_watching(copy: Copy) -> None:
    root = copy("toml")
    project = read_project(root / "src-tauri" / "Tauri.toml", platform="macos")
    watched = {project.shown(path) for path in project.files}
    assert watched == {
        "src-tauri/Tauri.toml",
        "src-tauri/tauri.macos.conf.json",
        "src-tauri/tauri.macos.conf.json5",
        "src-tauri/Tauri.macos.toml",
        "package.json",
        "src-tauri/Cargo.toml",
        "src-tauri/capabilities",
        "src-tauri/capabilities/main.toml",
    }


def test_the_root_is_the_folder_that_holds_src_tauri(project: Read) -> None:
    assert project().root.name == "app"


def test_the_root_of_a_config_elsewhere_is_the_folder_of_the_app(tmp_path: Path) -> None:
    config = put(tmp_path / "desktop" / "tauri.conf.json", "{}")
    assert read_project(config, platform="linux").root == tmp_path.resolve() / "desktop"
    put(tmp_path / "package.json", "{}")
    assert read_project(config, platform="linux").root == tmp_path.resolve(), (
        "it is watched by `tauri dev` no more"
    )
    put(tmp_path / "other" / "Tauri.toml")
    assert read_project(config, platform="linux").root == tmp_path.resolve() / "desktop", (
        "two apps share no workspace"
    )


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("linux", "desk-app"),
        ("macos", "desk-app"),
        ("windows", "desk-app.exe"),
        ("android", None),
        ("ios", None),
    ],
)
def test_the_binary_lies_in_the_target_folder_of_the_cargo_workspace(
    fixture_project: FixtureProject, platform: Platform, name: str | None
) -> None:
    project = fixture_project("cargo-workspace", platform=platform)
    assert project.binary == (project.root / "target" / "debug" / name if name else None)


def test_cargo_target_dir_moves_the_binary(fixture_project: FixtureProject, tmp_path: Path) -> None:
    project = fixture_project("json", environ={"CARGO_TARGET_DIR": str(tmp_path / "cache")})
    assert project.binary == tmp_path / "cache" / "debug" / "my-app"


@pytest.mark.parametrize(
    "content",
    [
        {"package": {"productName": "Old"}},
        {"tauri": {}},
        {"identifier": "a.b", "build": {"distDir": "../dist"}},
        {"identifier": "a.b", "build": {"dev-path": "http://localhost"}},
    ],
)
def test_a_v1_layout_is_an_error_of_its_own(write: Write, content: dict[str, object]) -> None:
    with pytest.raises(HotswapError, match="laid out for Tauri v1") as caught:
        read_project(write(content), platform="linux")
    assert caught.value.code == "config-v1"
    assert "tauri migrate" in caught.value.hint


def test_the_v1_fixture_names_all_that_is_old(fixture_project: FixtureProject) -> None:
    with pytest.raises(HotswapError, match=r"package, tauri, build\.distDir, build\.devPath"):
        fixture_project("v1")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"productName": 5}, "productName is 5, where a text belongs"),
        ({"build": []}, "build is [], where an object belongs"),
        ({"app": {"security": "x"}}, "security is 'x', where an object belongs"),
        ({"build": {"frontendDist": 3}}, "frontendDist is 3, where a path belongs"),
        ({"plugins": 1}, "plugins is 1, where an object belongs"),
        ({"mainBinaryName": {}}, "mainBinaryName is {}, where a text belongs"),
        ({"version": 1.0}, "version is 1.0, where a text belongs"),
        ({"productName": "a", "product-name": "b"}, "both productName and product-name are set"),
    ],
)
def test_a_key_of_a_wrong_type_is_named_with_its_file(
    write: Write, content: dict[str, object], says: str
) -> None:
    config = write(content)
    with pytest.raises(HotswapError) as caught:
        read_project(config, platform="linux")
    assert caught.value.code == "config-invalid"
    assert str(config) in caught.value.message
    assert says in caught.value.message


@pytest.mark.parametrize("identifier", ["..", "../../evil", "a/b", "C:\\x", ".", " ", "a\0b", "a\nb"])
def test_an_identifier_that_would_be_a_path_is_refused(write: Write, identifier: str) -> None:
    with pytest.raises(HotswapError, match="can't name a folder"):
        read_project(write({"identifier": identifier}), platform="linux")


def test_a_broken_platform_file_is_named(write: Write) -> None:
    config = write({"identifier": "a.b"})
    put(config.parent / "tauri.linux.conf.json", "{,}")
    with pytest.raises(HotswapError, match=r"tauri\.linux\.conf\.json, line 1, column 2"):
        read_project(config, platform="linux")
    assert read_project(config, platform="windows").identifier == "a.b"


def test_two_readings_of_one_project_are_equal(write: Write) -> None:
    config = write({"identifier": "a.b", "version": "1.0.0"})
    assert read_project(config, platform="linux") == read_project(config, platform="linux")


def test_no_header_value_is_shown_with_the_project(fixture_project: FixtureProject) -> None:
    project = fixture_project("json")
    assert "production-token" in json.dumps(project.merged)
    assert "production-token" not in repr(project)


def test_this_platform_is_one_that_tauri_knows() -> None:
    expected = {"linux": "linux", "darwin": "macos", "win32": "windows"}
    assert this_platform() == expected.get(sys.platform, "linux")


def test_reading_a_plain_json_project_imports_no_json5(copy: Copy) -> None:
    config = copy("json") / "src-tauri" / "tauri.conf.json"
    code = (
        "import sys; from pathlib import Path; from hotswap_dev.tauri.project import read_project; "
        "read_project(Path(sys.argv[1]), platform='linux'); sys.exit('json5' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(config)], check=False).returncode == 0
