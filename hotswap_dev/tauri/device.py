"""The plugin's folder on this machine: what the app will run at its next start, without asking the app.

The layout is that of the plugin's updater.rs: `current` holds the name of the active folder, `seq-N/` is one
extracted bundle with its `hotswap-meta.json`, `.tmp-seq-N/` an extraction that never ended. Only read here. Nothing
in it can make these functions raise: an app may write to it at the same moment, and anybody may have edited it.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.tauri.project import Platform

_MAX_FILE = 64 * 1024  # bytes; the plugin writes about 150
# What Rust's `trim` takes away: str.strip() would take U+001C to U+001F too.
_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_SEQUENCE = re.compile(r"seq-\+?([0-9]+)")  # `parse_seq`: Rust's u64 takes a leading plus


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """`hotswap-meta.json` (`HotswapMeta` in the plugin's manifest.rs)."""

    version: str
    sequence: int
    min_binary_version: str
    confirmed: bool
    unconfirmed_launch_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One extracted bundle."""

    sequence: int  # by its folder's name, which is what the plugin orders by
    folder: Path
    meta: Meta | None  # None: absent or unreadable, and the plugin shows the embedded page in its place


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """What lies in the folder."""

    folder: Path
    exists: bool
    current: int | None  # the sequence that `current` names; None: the embedded page runs
    pointer: (
        str | None
    )  # the text of `current` where it names no bundle that is there, so that it can be shown
    installed: tuple[Installed, ...]  # the highest first
    unfinished: tuple[int, ...]  # sequences of extractions that never ended

    @property
    def highest(self) -> int | None:
        """The highest sequence that the app has ever seen here, as far as it left a trace."""
        metas = (bundle.meta.sequence for bundle in self.installed if bundle.meta is not None)
        named = _sequence(self.pointer.strip(_BLANKS)) if self.pointer is not None else None
        seen = (
            self.current,
            named,
            *(bundle.sequence for bundle in self.installed),
            *metas,
            *self.unfinished,
        )
        return max((sequence for sequence in seen if sequence is not None), default=None)


def plugin_folder(identifier: str, *, platform: Platform, environ: Mapping[str, str], home: Path) -> Path:
    """Where the plugin keeps its bundles for an app (`resolve_base_dir` in its lib.rs, `data_dir` of `dirs`).

    `environ` and `home` are those of the app's user. On iOS `home` is the app's container. On Android the plugin
    joins the identifier as it is, while the package has `_` for `-`: such an app can't write there at all.
    """
    if platform == "android":
        return Path("/data/data") / identifier / "files" / "hotswap"
    return _data_folder(platform, environ, home) / identifier / "hotswap"


def read_device(folder: Path) -> DeviceState:
    """Look at the plugin's folder; an absent one is an app that has never started."""
    names = _folder_names(folder)
    installed = [
        Installed(sequence=sequence, folder=folder / name, meta=_meta(folder / name))
        for name in names or ()
        if (sequence := _sequence(name)) is not None
    ]
    unfinished = (_sequence(name.removeprefix(".tmp-")) for name in names or () if name.startswith(".tmp-"))
    pointer = _read(folder / "current")
    current = _current(pointer, names or ())
    return DeviceState(
        folder=folder,
        exists=names is not None,
        current=current,
        pointer=pointer if current is None else None,
        installed=tuple(sorted(installed, key=lambda bundle: bundle.sequence, reverse=True)),
        unfinished=tuple(sorted(sequence for sequence in unfinished if sequence is not None)),
    )


def highest_sequence(folder: Path) -> int | None:
    """The highest sequence that the app on this machine knows of; None where it has had no update."""
    return read_device(folder).highest


def _data_folder(platform: Platform, environ: Mapping[str, str], home: Path) -> Path:
    if platform in ("macos", "ios"):
        return home / "Library" / "Application Support"
    if platform == "windows":
        roaming = environ.get("APPDATA")
        return Path(roaming) if roaming else home / "AppData" / "Roaming"
    data = environ.get("XDG_DATA_HOME", "")
    # The XDG specification, and `dirs`: a relative value is ignored.
    return Path(data) if Path(data).is_absolute() else home / ".local" / "share"


def _folder_names(folder: Path) -> list[str] | None:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if _is_folder(entry)]
    except (OSError, ValueError):
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _sequence(name: str) -> int | None:
    found = _SEQUENCE.fullmatch(name)
    # 20 digits are 2^64; more are leading zeros or too many for int() to be asked.
    digits = found[1].lstrip("0") or "0" if found else ""
    if not digits or len(digits) > 20:
        return None
    return sequence if (sequence := int(digits)) <= MAX_SEQUENCE else None


def _current(pointer: str | None, names: list[str] | tuple[str, ...]) -> int | None:
    """`resolve_current_dir`: a pointer to a folder that is not there is none."""
    name = pointer.strip(_BLANKS) if pointer is not None else ""
    return _sequence(name) if name in names else None


def _meta(folder: Path) -> Meta | None:
    text = _read(folder / "hotswap-meta.json")
    try:
        value = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    version, minimum = value.get("version"), value.get("min_binary_version")
    sequence, confirmed = value.get("sequence"), value.get("confirmed")
    launches = value.get("unconfirmed_launch_count", 0)
    if not isinstance(version, str) or not isinstance(minimum, str) or not isinstance(confirmed, bool):
        return None
    if not _is_whole(sequence, MAX_SEQUENCE) or not _is_whole(launches, 2**32 - 1):
        return None
    return Meta(
        version=version,
        sequence=sequence,
        min_binary_version=minimum,
        confirmed=confirmed,
        unconfirmed_launch_count=launches,
    )


def _is_whole(value: object, maximum: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= maximum


def _read(path: Path) -> str | None:
    """The text of a small regular file; None for anything else, a pipe too, which would never end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            return file.read(_MAX_FILE).decode("utf-8")
    except (OSError, ValueError):
        return None
