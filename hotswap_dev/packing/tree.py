"""A build folder as it stands: which files it has, what tells their versions apart, and what must not be
packed from it.

It looks and never reads a file's content: a scan every two seconds of a folder of 43,000 files must stay
cheap. Contents are read, against the stamps taken here, by `reading`.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.names import PRIVATE_BY_NAME, Problem, judge_names, shown

__all__ = ["FolderMissing", "Problem", "Scan", "Stamp", "scan", "unchanged"]

Stamp = tuple[int, int, int, int]
"""What tells a file's versions apart without reading it: size, mtime_ns, ctime_ns, inode.

ctime_ns is in it because a tool may restore size and mtime (hardening E13).
"""


class FolderMissing(HotswapError):
    """The root is not there, or is not a folder: a build tool may be about to make it again."""

    status = 404

    def __init__(self, root: Path, detail: str) -> None:
        super().__init__(
            f"{root}: {detail}",
            "build the frontend once, or name the folder it is built into",
            code="folder-missing",
        )
        self.root = root


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at a folder. Two scans are equal when nothing changed between them."""

    root: Path
    root_id: tuple[int, int]  # (device, inode): tells a swapped root from the one being watched
    files: dict[str, Stamp]  # relative path with `/`, in sorted order
    links: dict[str, str]  # those of `files` that are links: path -> the regular file in root it resolves to
    problems: tuple[Problem, ...] = ()  # each refuses the build
    warnings: tuple[Problem, ...] = ()  # each is said, and the build goes on
    taken_ns: int = field(default=0, compare=False)  # the clock of the stamps (Unix time) when the look began


def scan(root: Path) -> Scan:
    """Look at every file under `root`, without following links and without opening anything.

    Raises FolderMissing where root is absent or not a folder, and nothing else: what can't be packed is a
    Problem in the result (hardening B3, B5 to B7). Fifos, sockets and devices are left out. A file that goes
    away meanwhile is left out too: the next scan differs, and that is what callers wait for.
    """
    taken_ns = time.time_ns()
    try:
        top = os.stat(root)  # noqa: PTH116 (one system call, and its error's text)
    except OSError as error:
        raise FolderMissing(root, error.strerror or str(error)) from error
    if not stat.S_ISDIR(top.st_mode):
        raise FolderMissing(root, "not a folder")
    found = _walk(root)
    paths = tuple(sorted(found.files))
    problems, warnings = judge_names(paths)
    return Scan(
        root=root,
        root_id=(top.st_dev, top.st_ino),
        files={path: found.files[path] for path in paths},
        links=dict(sorted(found.links.items())),
        problems=(*sorted(found.problems), *problems),
        warnings=warnings,
        taken_ns=taken_ns,
    )


def unchanged(before: Scan, after: Scan) -> bool:
    """True when nothing moved between two scans: what was read after `before` is one whole tree."""
    return before == after


class _Found(NamedTuple):
    files: dict[str, Stamp]
    links: dict[str, str]
    problems: list[Problem]


def _walk(root: Path) -> _Found:
    files: dict[str, Stamp] = {}
    links: dict[str, str] = {}
    problems: list[Problem] = []
    top = os.path.realpath(root)
    folders = [(os.fspath(root), "")]
    while folders:
        folder, prefix = folders.pop()
        try:
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError) as error:
            if not prefix:
                raise FolderMissing(root, error.strerror or str(error)) from error
            continue
        except OSError as error:
            problems.append(_unreadable(prefix.rstrip("/") or ".", error))
            continue
        with entries:
            for entry in entries:
                name = entry.name
                path = prefix + name
                if not name.isascii() and not _decodable(name):
                    problems.append(Problem("undecodable-name", shown(path), "the name is not valid UTF-8"))
                    continue
                try:
                    # Windows keeps inode and true size out of its directory listing.
                    look = entry.stat(follow_symlinks=False) if os.name != "nt" else os.lstat(entry.path)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    problems.append(_unreadable(path, error))
                    continue
                mode = look.st_mode
                if stat.S_ISREG(mode):
                    files[path] = (look.st_size, look.st_mtime_ns, look.st_ctime_ns, look.st_ino)
                    if not mode & stat.S_IRUSR and not os.access(entry.path, os.R_OK):
                        problems.append(Problem("unreadable", path, "no permission to read it"))
                elif stat.S_ISLNK(mode) or _is_junction(look):
                    _follow(top, entry.path, path, files, links, problems)
                elif stat.S_ISDIR(mode):
                    if name.lower() in (".git", ".hotswap-dev"):
                        problems.append(Problem("secret", path, PRIVATE_BY_NAME))
                    else:
                        folders.append((entry.path, path + "/"))
    return _Found(files, links, problems)


def _follow(
    top: str,
    link: str,
    path: str,
    files: dict[str, Stamp],
    links: dict[str, str],
    problems: list[Problem],
) -> None:
    """Accept a link only to a regular file inside root, and say which file it is (hardening B3)."""
    try:
        target = os.path.realpath(link, strict=True)
        look = os.lstat(target)
    except FileNotFoundError:
        if os.path.lexists(link):
            problems.append(
                Problem("symlink-dangling", path, f"it points to {_aim(link)}, which is not there")
            )
        return
    except (OSError, RuntimeError) as error:  # ELOOP, or a part of the way that can't be entered
        problems.append(Problem("symlink-loop", path, f"it can't be followed: {error}"))
        return
    inside = os.path.relpath(target, top) if _is_inside(target, top) else None
    if inside is None:
        problems.append(Problem("symlink-outside", path, f"it points to {shown(target)}, outside the folder"))
    elif not _decodable(inside):
        problems.append(
            Problem("undecodable-name", path, f"it points to {shown(inside)}, which is not valid UTF-8")
        )
    elif stat.S_ISDIR(look.st_mode):
        problems.append(
            Problem("symlink-folder", path, f"it points to the folder {inside}; clients get files only")
        )
    elif not stat.S_ISREG(look.st_mode):
        problems.append(Problem("symlink-special", path, f"it points to {inside}, which is no regular file"))
    else:
        files[path] = (look.st_size, look.st_mtime_ns, look.st_ctime_ns, look.st_ino)
        links[path] = inside.replace(os.sep, "/")


def _is_inside(target: str, top: str) -> bool:
    return target == top or target.startswith(top.rstrip(os.sep) + os.sep)


def _aim(link: str) -> str:
    try:
        return shown(os.readlink(link))  # noqa: PTH115 (the text as it stands)
    except OSError:
        return "somewhere"


def _is_junction(look: os.stat_result) -> bool:
    """True for Windows' folder links, which are neither S_ISLNK nor to be walked into."""
    tag = getattr(look, "st_reparse_tag", 0)
    return bool(tag) and tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)


def _decodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(path: str, error: OSError) -> Problem:
    return Problem("unreadable", path, error.strerror or str(error))
