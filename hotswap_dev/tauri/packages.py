"""The JavaScript side of a project: its package manager, and what its package.json can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hotswap_dev.tauri.document import Table, read_document, table_at

PackageManager = Literal["npm", "pnpm", "yarn", "bun", "deno", "cargo"]
"""`cargo` where there is no JavaScript package at all."""

# In this order where a folder has several: a package-lock.json is what most often was left behind.
_LOCK_FILES: tuple[tuple[str, PackageManager], ...] = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("deno.lock", "deno"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)


_BY_NAME: dict[str, PackageManager] = {manager: manager for _, manager in _LOCK_FILES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What package.json and the lock files say about running things in the project's root."""

    manager: PackageManager
    manifest: Path | None  # the root's own package.json
    tauri_script: bool  # `run tauri build` ends in `tauri build`
    tauri_cli: bool  # @tauri-apps/cli is installed for the root
    vite: bool


def read_packages(root: Path) -> Packages:
    """Look at `root` and, for lock files and hoisted dependencies, at its parents up to the top of the git tree.

    The manager goes by the nearest `packageManager` field (Corepack's) or lock file, else npm where `root` has a
    package.json. Raises HotswapError where a package.json can't be parsed.
    """
    folders = tuple(_up_to_git_top(root))
    manifests = {
        folder: read_document(path) for folder in folders if (path := folder / "package.json").is_file()
    }
    own = manifests.get(root, {})
    script = table_at(own, "scripts").get("tauri")
    return Packages(
        manager=_manager(folders, manifests) or ("npm" if root in manifests else "cargo"),
        manifest=root / "package.json" if root in manifests else None,
        # A script that goes on after `tauri` has a command of its own in it: `build` can't follow.
        tauri_script=isinstance(script, str) and script.split()[-1:] == ["tauri"],
        tauri_cli=any(_depends_on(manifest, "@tauri-apps/cli") for manifest in manifests.values()),
        vite=_depends_on(own, "vite"),
    )


def _manager(folders: tuple[Path, ...], manifests: dict[Path, Table]) -> PackageManager | None:
    for folder in folders:
        declared = manifests.get(folder, {}).get("packageManager")
        if isinstance(declared, str):
            name = declared.partition("@")[0]
            if name in _BY_NAME:
                return _BY_NAME[name]
        for name, manager in _LOCK_FILES:
            if (folder / name).is_file():
                return manager
    return None


def _up_to_git_top(root: Path) -> Iterator[Path]:
    """`root` and its parents up to the folder that holds `.git`; `root` alone outside of git."""
    chain = (root, *root.parents)
    top = next((place for place, folder in enumerate(chain) if (folder / ".git").exists()), 0)
    yield from chain[: top + 1]


def _depends_on(manifest: Table, package: str) -> bool:
    return any(package in table_at(manifest, key) for key in ("dependencies", "devDependencies"))
