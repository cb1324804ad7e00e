"""A Tauri app as its config, Cargo.toml and package.json describe it: everything that is taken without asking.

Owns what the keys of the Tauri config mean to us. Where the config lies is `search`, its syntax `document`, the
plugin's own section `plugin_config`, cargo `crate`, npm and its kin `packages`, permissions `capabilities`; what is
wrong with it `findings`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hotswap_dev.domain import versions
from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.capabilities import Capabilities, read_capabilities
from hotswap_dev.tauri.crate import Crate, read_crate
from hotswap_dev.tauri.document import Table, kebab_case, merge_patch, read_document, spelling
from hotswap_dev.tauri.packages import PackageManager, Packages, read_packages
from hotswap_dev.tauri.plugin_config import HotswapConfig, read_plugin_config
from hotswap_dev.tauri.search import CONFIG_NAMES, find_config

__all__ = ["Platform", "TauriProject", "find_config", "read_project", "this_platform"]

Platform = Literal["linux", "macos", "windows", "android", "ios"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two letters at least: `C:\dist` is a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class TauriProject:
    """What was read, for one platform. Paths are absolute; None is "not said" or "not usable"."""

    # Where commands run and the workspace goes; not watched by `tauri dev` where that can be had.
    root: Path
    config: Path
    platform: Platform
    # To be watched, since all of this depends on them. Some may not exist yet, one is a folder.
    files: tuple[Path, ...]
    # With the platform's file merged in, keys as they are spelled there. It may hold the app's tokens.
    merged: Mapping[str, Any] = field(repr=False)
    name: str  # productName, else the package of Cargo.toml, else the root's name
    identifier: str | None
    version: str | None  # semver as the plugin sends it in `binary_version`
    version_source: str | None  # the file that has it, relative to root
    version_problem: str | None  # why there is no version, a sentence without a full stop
    frontend_dist: Path | None  # may not exist yet
    frontend_dist_problem: str | None  # why there is no folder to watch
    dev_url: str | None
    before_build_command: str | None
    before_build_folder: Path  # where that command runs
    csp: bool  # app.security.csp is set: no inline script of a bundle runs
    global_tauri: bool  # app.withGlobalTauri: the pages have window.__TAURI__
    binary: Path | None  # the debug binary of the build line; None on phones and without Cargo.toml
    hotswap: HotswapConfig
    crate: Crate
    packages: Packages  # of the root, for the Tauri CLI
    frontend: Packages  # of the folder that the frontend is built in, mostly the same
    frontend_folder: Path
    capabilities: Capabilities

    @property
    def package_manager(self) -> PackageManager:
        """By the lock file; `cargo` where there is no JavaScript package."""
        return self.packages.manager

    def shown(self, path: Path) -> str:
        """`path` for people: relative to the root with `/`, absolute where it is elsewhere."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def this_platform() -> Platform:
    """The platform of this machine, as Tauri names it."""
    if sys.platform == "darwin":
        return "macos"
    return "windows" if sys.platform == "win32" else "linux"


def read_project(
    config: Path, *, platform: Platform, environ: Mapping[str, str] | None = None
) -> TauriProject:
    """Read the app whose Tauri config is `config`.

    `environ` is asked for cargo's CARGO_TARGET_DIR only. What is merely absent or can't be used (version, folder,
    permissions) is said in the fields and by `findings.missing`. Raises HotswapError for what can't be read past:
    `config-unreadable`, `config-broken` (file, line, column), `config-v1`, `config-invalid` (a key of a wrong type,
    an identifier that is no folder name).
    """
    # The folder's links are resolved and the file's are not: `..` in a path of the config starts at the real folder.
    config = config.parent.resolve() / config.name
    base = read_document(config)
    _refuse_v1(base, config)
    overlay_file = next((path for path in _platform_files(config, platform) if path.is_file()), None)
    overlay = read_document(overlay_file) if overlay_file is not None else {}
    merged: Table = merge_patch(base, overlay)

    root = _root(config)
    crate = read_crate(config.parent, environ or {})
    packages = read_packages(root)
    app, build = _table(merged, "app", config), _table(merged, "build", config)
    security = _table(app, "security", config)
    capabilities = read_capabilities(config, security.get("capabilities"), platform)
    source = overlay_file if overlay_file is not None and "version" in overlay else config
    version, version_file, version_problem = _version(merged, config, source)
    dist, dist_problem = _frontend_dist(build, config)
    frontend_folder = _frontend_folder(root, dist)
    command, command_folder = _before_build(build, config)
    section = _table(merged, "plugins", config).get("hotswap")
    frontend = packages if frontend_folder == root else read_packages(frontend_folder)
    return TauriProject(
        root=root,
        config=config,
        platform=platform,
        files=_watched(config, platform, version_file, crate, packages, frontend, capabilities),
        merged=merged,
        name=_text(merged, "productName", config) or crate.package or root.name,
        identifier=_identifier(merged, config),
        version=version,
        version_source=_relative(version_file, root) if version is not None else None,
        version_problem=version_problem,
        frontend_dist=dist,
        frontend_dist_problem=dist_problem,
        dev_url=_text(build, "devUrl", config),
        before_build_command=command,
        before_build_folder=command_folder or frontend_folder,
        csp=security.get("csp") is not None,
        global_tauri=_value(app, "withGlobalTauri", config) is True,
        binary=_binary(merged, config, crate, platform),
        hotswap=read_plugin_config(section),
        crate=crate,
        packages=packages,
        frontend=frontend,
        frontend_folder=frontend_folder,
        capabilities=capabilities,
    )


def _platform_files(config: Path, platform: Platform) -> tuple[Path, ...]:
    """The names under which the platform's file is looked for, in Tauri's order; any format goes with any base."""
    names = (f"tauri.{platform}.conf.json", f"tauri.{platform}.conf.json5", f"Tauri.{platform}.toml")
    return tuple(config.parent / name for name in names)


def _root(config: Path) -> Path:
    """The folder that holds `src-tauri`; of a config elsewhere its own folder, or a parent that is plainly the app.

    `tauri dev` watches the config's folder and rebuilds at any change there, so the parent is better: taken if it
    has the package.json and no second app beside this one, with which it would share a workspace.
    """
    folder = config.parent
    if folder.name == "src-tauri":
        return folder.parent
    if (folder / "package.json").is_file() or not (folder.parent / "package.json").is_file():
        return folder
    apps = {path.parent for name in CONFIG_NAMES for path in folder.parent.glob(f"*/{name}")}
    return folder.parent if apps == {folder} else folder


def _refuse_v1(base: Table, config: Path) -> None:
    build = base.get("build")
    old = [key for key in ("package", "tauri") if isinstance(base.get(key), dict)]
    old += [
        f"build.{key}" for key in ("distDir", "devPath") if isinstance(build, dict) and spelling(build, key)
    ]
    if old:
        raise HotswapError(
            f"{config} is laid out for Tauri v1 ({', '.join(old)})",
            "tauri-plugin-hotswap needs Tauri v2: `tauri migrate` of the v2 CLI rewrites the file",
            code="config-v1",
        )


def _identifier(merged: Table, config: Path) -> str | None:
    identifier = _text(merged, "identifier", config)
    if not identifier:
        return None
    if not identifier.strip(". ") or re.search(r"[/\\:\x00-\x1f]", identifier):
        # Folders are named by it, on this machine and in the app: `../../x` must not become a path.
        raise HotswapError(
            f"{config}: the identifier {identifier!r} can't name a folder",
            'use reverse domain name notation, such as "com.example.app"',
            code="config-invalid",
        )
    return identifier


def _version(merged: Table, config: Path, source: Path) -> tuple[str | None, Path, str | None]:
    """(version, the file that has it, what is wrong), by `PackageVersion` of tauri-utils' config.rs."""
    text = _text(merged, "version", config)
    if text is None:
        return None, source, f"no version in {source.name}"
    # A path to a package.json, from the config's folder; what is no file is taken as the version itself.
    path = _inside(config.parent, text)
    if not os.path.isfile(path):  # noqa: PTH113 - False, too, for a text that can be no path
        problem = None if versions.is_version(text) else f'version "{text}" in {source.name} is not semver'
        return (None if problem else text), source, problem
    found = read_document(path).get("version")
    if not isinstance(found, str):
        return None, path, f"no version in {path.name}, which {source.name} names"
    problem = None if versions.is_version(found) else f'version "{found}" in {path.name} is not semver'
    return (None if problem else found), path, problem


def _frontend_dist(build: Mapping[str, Any], config: Path) -> tuple[Path | None, str | None]:
    value = _value(build, "frontendDist", config)
    if value is None:
        return None, f"no build.frontendDist in {config.name}"
    if isinstance(value, list):
        return None, "build.frontendDist is a list of files: only a folder can be watched"
    if not isinstance(value, str):
        raise _wrong_type(config, "frontendDist", value, "a path")
    if _URL.match(value):
        return None, f"build.frontendDist is the URL {value}: only a folder can be watched"
    folder = _inside(config.parent, value)
    if config.parent.is_relative_to(folder):
        # The CLI refuses it too: the app's sources and target folder would be in the bundle.
        return (
            None,
            f'build.frontendDist "{value}" contains {config.parent.name}: it needs a folder of its own',
        )
    return folder, None


def _frontend_folder(root: Path, dist: Path | None) -> Path:
    """Where the CLI runs hooks (`resolve_app_dir`): the nearest folder with a package.json, from `dist` up to root."""
    above = [folder for folder in dist.parents if folder.is_relative_to(root)] if dist is not None else []
    if (root / "package.json").is_file():
        return root
    return next((folder for folder in above if (folder / "package.json").is_file()), root)


def _before_build(build: Mapping[str, Any], config: Path) -> tuple[str | None, Path | None]:
    """(command, its own folder): a text, or `{"script": …, "cwd": …}` (`HookCommand`), from the config's folder on."""
    value = _value(build, "beforeBuildCommand", config)
    if isinstance(value, Mapping):
        folder = _text(value, "cwd", config)
        return _text(value, "script", config) or None, _inside(config.parent, folder) if folder else None
    return _text(build, "beforeBuildCommand", config) or None, None


def _binary(merged: Table, config: Path, crate: Crate, platform: Platform) -> Path | None:
    # `mainBinaryName` outranks cargo's name: the CLI renames the binary after the build.
    name = _text(merged, "mainBinaryName", config) or crate.binary
    if name is None or platform in ("android", "ios"):
        return None
    return crate.target / "debug" / (f"{name}.exe" if platform == "windows" else name)


def _watched(
    config: Path,
    platform: Platform,
    version_file: Path,
    crate: Crate,
    packages: Packages,
    frontend: Packages,
    capabilities: Capabilities,
) -> tuple[Path, ...]:
    files = [config, *_platform_files(config, platform), version_file, crate.manifest]
    files += [side.manifest for side in (packages, frontend) if side.manifest is not None]
    files += [config.parent / "capabilities", *capabilities.files]
    return tuple(dict.fromkeys(files))


def _inside(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / text))


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _value(table: Mapping[str, Any], key: str, config: Path) -> object:
    """`table`'s `key`, spelled either way; both at once is what Tauri refuses as a duplicate field."""
    kebab = kebab_case(key)
    if kebab != key and key in table and kebab in table:
        raise HotswapError(
            f"{config}: both {key} and {kebab} are set",
            "keep one of them; a platform file must spell it as the base does",
            code="config-invalid",
        )
    name = spelling(table, key)
    return table[name] if name is not None else None


def _text(table: Mapping[str, Any], key: str, config: Path) -> str | None:
    value = _value(table, key, config)
    if value is not None and not isinstance(value, str):
        raise _wrong_type(config, key, value, "a text")
    return value


def _table(table: Mapping[str, Any], key: str, config: Path) -> Mapping[str, Any]:
    value = _value(table, key, config)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong_type(config, key, value, "an object")
    return value


def _wrong_type(config: Path, key: str, value: object, wanted: str) -> HotswapError:
    return HotswapError(
        f"{config}: {key} is {value!r:.60}, where {wanted} belongs",
        "see the reference of the Tauri config",
        code="config-invalid",
    )
