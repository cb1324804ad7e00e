"""The Rust side of a project: Cargo.toml, where cargo puts the binary, and how the plugin is started."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from hotswap_dev.tauri.document import Table, read_document, table_at

PLUGIN = "tauri-plugin-hotswap"

Start = Literal["init", "in-rust", "none"]
"""How the sources start the plugin: `init` reads plugins.hotswap, `in-rust` (init_with_config, HotswapBuilder)
doesn't, `none` is a plugin that no source names."""

_LINE_COMMENT = re.compile(r"//[^\n]*")
_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """What the crate beside the Tauri config says."""

    manifest: Path  # Cargo.toml, whether it exists or not
    package: str | None
    binary: str | None  # the main binary's name as cargo writes it, without `.exe`
    target: Path  # cargo's target folder
    plugin: bool  # tauri-plugin-hotswap is a dependency
    zip_feature: bool  # and unpacks .zip bundles too
    start: Start
    entry: Path  # the source in which the plugin's start belongs


def read_crate(folder: Path, environ: Mapping[str, str]) -> Crate:
    """Read `folder`/Cargo.toml and the sources; of `environ` cargo's CARGO_TARGET_DIR is looked at.

    `build.target-dir` in a `.cargo/config.toml` is not. Raises HotswapError where Cargo.toml can't be parsed.
    """
    manifest = folder / "Cargo.toml"
    document = read_document(manifest) if manifest.is_file() else {}
    workspace_folder, workspace = _workspace(folder, document)
    dependency = _plugin_dependency(document)
    name = _text(table_at(document, "package").get("name"))
    library = folder / "src" / "lib.rs"
    target = environ.get("CARGO_TARGET_DIR") or environ.get("CARGO_BUILD_TARGET_DIR")
    return Crate(
        manifest=manifest,
        package=name,
        binary=_main_binary(folder, document) if document else None,
        target=folder / target if target else workspace_folder / "target",
        plugin=dependency is not None,
        zip_feature="zip" in _features(dependency, workspace),
        start=_plugin_start(folder / "src"),
        entry=library if library.is_file() else folder / "src" / "main.rs",
    )


def _main_binary(folder: Path, document: Table) -> str | None:
    """As `get_binaries` of the Tauri CLI's interface/rust.rs picks it."""
    package = table_at(document, "package")
    name, default_run = _text(package.get("name")), _text(package.get("default-run"))
    if default_run is not None:
        return default_run
    declared = document.get("bin")
    bins = [entry for entry in declared if isinstance(entry, dict)] if isinstance(declared, list) else []
    names = {binary: None for entry in bins if (binary := _text(entry.get("name"))) is not None}
    taken = any(_text(entry.get("path")) == "src/main.rs" for entry in bins)
    if name is not None and not taken and (folder / "src" / "main.rs").is_file():
        names[name] = None
    return next(iter(names)) if len(names) == 1 else name


def _workspace(folder: Path, document: Table) -> tuple[Path, Table]:
    """The folder of the cargo workspace that the crate is in, and its manifest; its own where it is in none."""
    named = _text(table_at(document, "package").get("workspace"))
    if "workspace" in document or not document:
        return folder, document
    candidates = ((folder / named).resolve(),) if named is not None else tuple(folder.parents)
    for candidate in candidates:
        manifest = candidate / "Cargo.toml"
        if not manifest.is_file():
            continue
        above = read_document(manifest)
        if "workspace" not in above:
            continue
        excluded = table_at(above, "workspace").get("exclude")
        path = folder.relative_to(candidate).as_posix() if folder.is_relative_to(candidate) else ""
        if isinstance(excluded, list) and any(fnmatchcase(path, str(entry)) for entry in excluded):
            continue
        return candidate, above
    return folder, document


def _plugin_dependency(document: Table) -> object | None:
    return next((spec for tables in _dependencies(document) for spec in _specs(tables)), None)


def _dependencies(document: Table) -> Iterator[Table]:
    yield table_at(document, "dependencies")
    for target in table_at(document, "target").values():
        if isinstance(target, dict):
            yield table_at(target, "dependencies")


def _specs(dependencies: Table) -> Iterator[object]:
    for name, spec in dependencies.items():
        renamed = spec.get("package") if isinstance(spec, dict) else None
        if (renamed or name) == PLUGIN:
            yield spec


def _features(dependency: object, workspace: Table) -> tuple[str, ...]:
    if not isinstance(dependency, dict):
        return ()
    specs = [dependency]
    if dependency.get("workspace") is True:
        inherited = table_at(workspace, "workspace", "dependencies")
        specs += [spec for spec in _specs(inherited) if isinstance(spec, dict)]
    return tuple(str(feature) for spec in specs for feature in spec.get("features") or ())


def _plugin_start(sources: Path) -> Start:
    names_plugin = False
    in_rust = False
    for path in sorted(sources.rglob("*.rs")) if sources.is_dir() else ():
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        code = _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", text))
        if "tauri_plugin_hotswap" not in code:
            continue
        names_plugin = True
        if re.search(r"\binit\s*\(", code):
            return "init"
        in_rust = in_rust or re.search(r"\b(init_with_config|HotswapBuilder)\b", code) is not None
    if in_rust:
        return "in-rust"
    return "init" if names_plugin else "none"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
