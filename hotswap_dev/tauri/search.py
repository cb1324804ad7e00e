"""Where the Tauri config of a project lies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from hotswap_dev.errors import HotswapError

CONFIG_NAMES = ("tauri.conf.json", "tauri.conf.json5", "Tauri.toml")
"""In the order in which Tauri takes them where a folder holds several (tauri-utils, config/parse.rs)."""

DEPTH = 3
"""Folders deep, as the Tauri CLI looks (app_paths.rs)."""

_LISTED = 8
_NEVER_ENTERED = frozenset({"node_modules", "target"})


def find_config(start: Path, *, explicit: bool) -> Path | None:
    """The Tauri config that belongs to `start`, absolute; None where there is none.

    Looked for in this order: `start`, `start/src-tauri`, three levels down, then up, each parent and its
    `src-tauri`. With `explicit` (the user named the folder) never up. A `start` that is a config file is the answer.

    Down: not into `node_modules`, `target`, dot folders, links, folders that a `.gitignore` on the way excludes, or
    below a config that was found. Up: only while the folders belong to the same user as `start`, so that a config
    laid into a shared folder by somebody else is not taken.

    Raises HotswapError `config-several` where the way down finds more than one, `no-such-folder` where an explicit
    start is not there.
    """
    start = start.absolute()
    if start.name in CONFIG_NAMES and start.is_file():
        return start
    if not start.is_dir():
        if not explicit:
            return None
        raise HotswapError(
            f"there is no folder {start}", "--project names the folder with the app", code="no-such-folder"
        )
    here = _config_in(start) or _config_in(start / "src-tauri")
    if here is not None:
        return here
    below = sorted(_configs_below(start, DEPTH, ()))
    if len(below) > 1:
        listed = ", ".join(path.relative_to(start).as_posix() for path in below[:_LISTED])
        more = f" and {len(below) - _LISTED} more" if len(below) > _LISTED else ""
        raise HotswapError(
            f"{len(below)} Tauri configs below {start}: {listed}{more}",
            f"say which app is meant: --project {below[0].parent.relative_to(start).as_posix()}",
            code="config-several",
        )
    if below:
        return below[0]
    return None if explicit else _config_above(start)


def _config_in(folder: Path) -> Path | None:
    # os.path: this is asked of every folder on the way, and a Path for each question would cost most of the time.
    found = (name for name in CONFIG_NAMES if os.path.isfile(os.path.join(folder, name)))  # noqa: PTH113, PTH118
    return next((folder / name for name in found), None)


def _config_above(start: Path) -> Path | None:
    owner = _owner(start)
    for folder in start.parents:
        if _owner(folder) != owner:
            return None
        found = _config_in(folder) or _config_in(folder / "src-tauri")
        if found is not None:
            return found
    return None


def _owner(folder: Path) -> int | None:
    try:
        return folder.stat().st_uid  # always 0 on Windows
    except OSError:
        return None


def _configs_below(folder: Path, depth: int, rules: tuple[_Rule, ...]) -> Iterator[Path]:
    """The configs at most `depth` folders below `folder`, in which there is none."""
    files, folders = _listing(folder)
    if ".gitignore" in files:
        rules = rules + _rules_of(folder)
    for name in folders:
        child = folder / name
        if _ignored(child, rules):
            continue
        config = _config_in(child)
        if config is not None:
            yield config
        elif depth > 1:
            yield from _configs_below(child, depth - 1, rules)


def _listing(folder: Path) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names of files, and of the folders that are worth a look; nothing where the folder may not be read."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return frozenset(), ()
    folders = (name for name, is_folder in found if is_folder)
    return (
        frozenset(name for name, is_folder in found if not is_folder),
        tuple(name for name in folders if name not in _NEVER_ENTERED and not name.startswith(".")),
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line of a `.gitignore` in `folder`, as far as it can exclude a folder.

    A name matches at any depth, several parts match from `folder` on; `*`, `?` and `[…]` stay within one part.
    """

    folder: Path
    parts: tuple[str, ...]
    anchored: bool
    negated: bool

    def matches(self, path: Path) -> bool:
        parts = path.relative_to(self.folder).parts
        if not self.anchored:
            return fnmatchcase(parts[-1], self.parts[0])
        return len(parts) == len(self.parts) and all(map(fnmatchcase, parts, self.parts))


def _rules_of(folder: Path) -> tuple[_Rule, ...]:
    try:
        text = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    rules = (_rule(folder, line) for line in text.splitlines())
    return tuple(rule for rule in rules if rule is not None)


def _rule(folder: Path, line: str) -> _Rule | None:
    pattern = line.strip()
    if not pattern or pattern.startswith("#"):
        return None
    negated = pattern.startswith("!")
    pattern = pattern.removeprefix("!").removesuffix("/").removeprefix("**/")
    anchored = "/" in pattern
    parts = tuple(pattern.removeprefix("/").split("/"))
    if "**" in parts or not all(parts):
        return None  # `a/**` excludes what is in `a`, not `a`; richer patterns exclude too little here, never too much
    return _Rule(folder, parts, anchored, negated)


def _ignored(path: Path, rules: Sequence[_Rule]) -> bool:
    """gitignore(5): the last line that matches decides."""
    return next((not rule.negated for rule in reversed(rules) if rule.matches(path)), False)
