"""Which files share a deflate block.

Tiny files must share one, or they take five times the room; a change must rebuild little; and a file added or
taken away must not move the borders of all that follow. So a border falls behind a file when a hash of its
path says so, about as often per byte wherever it is, and every group stays between two sizes (hardening G).
"""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from hotswap_dev.packing.tar_header import BLOCK
from hotswap_dev.packing.tree import Stamp

SMALLEST = 64 * 1024  # bytes of tar stream; smaller groups only where a large file or the end follows
LARGEST = 512 * 1024  # bytes of tar stream; a file that is larger is a group by itself
_USUAL = 192 * 1024  # bytes between SMALLEST and the border, on average


def groups_of(files: Mapping[str, Stamp]) -> list[tuple[str, ...]]:
    """The paths of `files`, in their order, group by group. Decided by paths and sizes alone."""
    groups: list[tuple[str, ...]] = []
    group: list[str] = []
    filled = 0
    for path, stamp in files.items():
        taken = BLOCK + stamp[0] + -stamp[0] % BLOCK
        if filled + taken > LARGEST and group:
            groups.append(tuple(group))
            group = []
            filled = 0
        group.append(path)
        filled += taken
        if filled >= SMALLEST and (filled > LARGEST or crc32(path.encode()) * _USUAL < taken << 32):
            groups.append(tuple(group))
            group = []
            filled = 0
    if group:
        groups.append(tuple(group))
    return groups
