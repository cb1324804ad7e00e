from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hotswap_dev.tauri.lines import build_line, watch_line
from hotswap_dev.tauri.packages import Packages
from hotswap_dev.tauri.project import TauriProject, read_project
from tests.unit.tauri.conftest import Read, Write, put

FixtureProject = Callable[..., TauriProject]
TAIL = "--debug --no-bundle -c .hotswap-dev/tauri.dev.conf.json"


def overlay(project: TauriProject) -> Path:
    return project.root / ".hotswap-dev" / "tauri.dev.conf.json"


def with_packages(project: TauriProject, **values: object) -> TauriProject:
    packages = Packages(
        **{
            "manager": "npm",
            "manifest": None,
            "tauri_script": True,
            "tauri_cli": True,
            "vite": True,
            **values,
        }  # type: ignore[arg-type]
    )
    return replace(project, packages=packages, frontend=packages)


@pytest.mark.parametrize(
    ("manager", "script", "line"),
    [
        ("npm", True, f"npm run tauri build -- {TAIL}"),
        ("npm", False, f"npx tauri build {TAIL}"),
        ("pnpm", True, f"pnpm tauri build {TAIL}"),
        ("pnpm", False, f"pnpm exec tauri build {TAIL}"),
        ("yarn", True, f"yarn tauri build {TAIL}"),
        ("yarn", False, f"npx tauri build {TAIL}"),
        ("bun", True, f"bun run tauri build {TAIL}"),
        ("bun", False, f"bunx tauri build {TAIL}"),
        ("deno", True, f"deno task tauri build {TAIL}"),
        ("deno", False, f"deno run -A npm:@tauri-apps/cli build {TAIL}"),
    ],
)
def test_the_build_line_speaks_the_projects_package_manager(
    project: Read, manager: str, script: bool, line: str
) -> None:
    app = with_packages(project(), manager=manager, tauri_script=script)
    assert build_line(app, overlay(app)) == line


@pytest.mark.parametrize("manager", ["npm", "pnpm", "yarn", "bun", "cargo"])
def test_without_the_clis_package_it_is_cargos(project: Read, manager: str) -> None:
    app = with_packages(project(), manager=manager, tauri_script=False, tauri_cli=False)
    assert build_line(app, overlay(app)) == f"cargo tauri build {TAIL}"


def test_the_lines_of_whole_projects(fixture_project: FixtureProject) -> None:
    app = fixture_project("json")
    assert build_line(app, overlay(app)) == f"npm run tauri build -- {TAIL}"
    assert watch_line(app) == "npx vite build --watch"
    app = fixture_project("toml")
    assert build_line(app, overlay(app)) == f"pnpm tauri build {TAIL}"
    assert watch_line(app) == "cd web && pnpm build", "no vite: the app's own build command, where it runs"
    app = fixture_project("cargo-workspace")
    assert build_line(app, overlay(app)) == f"cargo tauri build {TAIL}"
    assert watch_line(app) is None


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        ("npm", "npx vite build --watch"),
        ("pnpm", "pnpm exec vite build --watch"),
        ("yarn", "yarn vite build --watch"),
        ("bun", "bunx vite build --watch"),
        ("deno", "deno run -A npm:vite build --watch"),
    ],
)
def test_the_watch_line_speaks_it_too(project: Read, manager: str, line: str) -> None:
    assert watch_line(with_packages(project(), manager=manager)) == line


def test_a_frontend_in_a_folder_of_its_own_is_built_there(write: Write) -> None:
    config = write(
        {"identifier": "a.b", "build": {"frontendDist": "../my ui/dist", "beforeBuildCommand": "make ui"}}
    )
    put(config.parent.parent / "my ui" / "pnpm-lock.yaml")
    package = put(config.parent.parent / "my ui" / "package.json", "{}")
    assert watch_line(read_project(config, platform="linux")) == "cd 'my ui' && make ui"
    package.write_text('{"devDependencies": {"vite": "7"}}')
    app = read_project(config, platform="linux")
    assert watch_line(app) == "cd 'my ui' && pnpm exec vite build --watch"
    assert build_line(app, overlay(app)) == f"cargo tauri build {TAIL}", "the CLI is looked for at the root"


def test_a_path_with_spaces_stays_one_argument(project: Read) -> None:
    app = project()
    line = build_line(app, app.root / "it's here" / "tauri.dev.conf.json")
    assert shlex.split(line)[-1] == "it's here/tauri.dev.conf.json"


def test_on_windows_a_path_is_quoted_as_its_shells_do(project: Read) -> None:
    app = project(platform="windows")
    line = build_line(app, app.root / "my files" / "tauri.dev.conf.json")
    assert line.endswith('-c "my files/tauri.dev.conf.json"')
    assert build_line(app, overlay(app)).endswith(TAIL)


def test_an_overlay_elsewhere_is_named_by_its_whole_path(project: Read, tmp_path: Path) -> None:
    elsewhere = tmp_path.resolve() / "elsewhere" / "tauri.dev.conf.json"
    assert build_line(project(), elsewhere).endswith(f"-c {elsewhere}")


@pytest.mark.parametrize("folder", ["{state}", "-state"])
def test_no_path_is_taken_for_json_or_for_a_flag(project: Read, folder: str) -> None:
    app = project()
    words = shlex.split(build_line(app, app.root / folder / "tauri.dev.conf.json"))
    assert words[-2:] == ["-c", f"./{folder}/tauri.dev.conf.json"]
