"""Whether the app's pages may call the plugin: Tauri's capabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.document import Table, read_value

DEFAULT = "hotswap:default"
"""The plugin's own set of all its commands (its permissions/default.toml)."""

_EXTENSIONS = frozenset({".json", ".json5", ".toml"})

# One of each row, else an update can't be looked for, taken, or confirmed.
_NEEDED = (
    ("hotswap:allow-hotswap-check",),
    ("hotswap:allow-hotswap-apply", "hotswap:allow-hotswap-download"),
    ("hotswap:allow-hotswap-apply", "hotswap:allow-hotswap-activate"),
    ("hotswap:allow-hotswap-notify-ready",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the capabilities that are in force grant of the plugin."""

    files: tuple[Path, ...]  # every capability file, in force or not
    lacking: tuple[str, ...]  # permissions to add: `hotswap:default`, or single ones where others are granted
    broken: tuple[tuple[Path, str], ...]  # files that can't be parsed, and why; the app doesn't build either
    home: Path  # where a permission is best added; the config itself where it lists the capabilities inline


def read_capabilities(config: Path, configured: object, platform: str) -> Capabilities:
    """The capabilities beside the Tauri config; `configured` is its `app.security.capabilities`.

    With a list there only those are in force, inline ones or files' by their identifier; without, every file's
    (tauri-utils, acl/mod.rs). One with `platforms` counts on these only.
    """
    folder = config.parent / "capabilities"
    files = tuple(_files(folder))
    in_files: list[tuple[Path, Table]] = []
    broken: list[tuple[Path, str]] = []
    for path in files:
        try:
            in_files += [(path, capability) for capability in _capabilities_in(read_value(path))]
        except HotswapError as error:
            broken.append((path, error.message))
    listed = configured if isinstance(configured, list) else []
    if listed:
        in_force = [(config, entry) for entry in listed if isinstance(entry, dict)]
        in_force += [(path, entry) for path, entry in in_files if entry.get("identifier") in listed]
    else:
        in_force = in_files
    here = [(path, entry) for path, entry in in_force if _is_for(entry, platform)]
    granted = frozenset(name for _, entry in here for name in _permissions(entry))
    return Capabilities(
        files=files,
        lacking=_lacking(granted),
        broken=tuple(broken),
        home=_home(folder, [path for path, _ in here]),
    )


def _files(folder: Path) -> Iterator[Path]:
    # `./capabilities/**/*` without the folder of generated schemas (tauri-utils, acl/build.rs).
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.suffix in _EXTENSIONS and path.parent.name != "schemas" and path.is_file():
            yield path


def _capabilities_in(document: object) -> Iterator[Table]:
    """A file holds one capability, a list of them, or `{"capabilities": […]}` (tauri-utils, acl/capability.rs)."""
    entries = document.get("capabilities", [document]) if isinstance(document, dict) else document
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry


def _is_for(capability: Table, platform: str) -> bool:
    platforms = capability.get("platforms")
    return not isinstance(platforms, list) or platform in [str(name).lower() for name in platforms]


def _permissions(capability: Table) -> Iterator[str]:
    permissions = capability.get("permissions")
    for entry in permissions if isinstance(permissions, list) else ():
        name = entry.get("identifier") if isinstance(entry, dict) else entry
        if isinstance(name, str):
            yield name


def _lacking(granted: frozenset[str]) -> tuple[str, ...]:
    if DEFAULT in granted:
        return ()
    if not any(name.startswith("hotswap:") for name in granted):
        return (DEFAULT,)
    missing = (row[0] for row in _NEEDED if not granted.intersection(row))
    return tuple(dict.fromkeys(missing))


def _home(folder: Path, in_force: Iterable[Path]) -> Path:
    default = folder / "default.json"  # what every template of Tauri has
    paths = tuple(in_force)
    return default if default in paths or not paths else paths[0]
