"""A build folder as it stands: which files, and whether it is a frontend that may be offered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Stamp = tuple[int, int, int, int]
"""What tells a file's versions apart without reading it: size, mtime_ns, ctime_ns, inode.

ctime_ns is in it because a tool may restore size and mtime (hardening E13).
"""


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at a folder. Two scans are equal when nothing changed between them."""

    root: Path
    root_id: tuple[int, int]  # (device, inode): tells a swapped root from the one being watched
    files: dict[str, Stamp]  # relative path with `/`, in sorted order
    links: dict[str, str]  # those of `files` that are links: path -> the regular file in root it resolves to
