"""Reading files exactly as a scan saw them, and nothing from outside the folder.

A file may be swapped for a link, rewritten or cut while it is read. Three things hold against that: each
component of a path is opened without following links (hardening B3), the open file's stamp after reading must
be the scan's (hardening E12), and as many bytes must have come as that stamp says. Whatever differs is
TreeMoved: the caller scans again and starts over.

One look at the stamp, after reading, is enough: any change moves ctime forward, so a stamp that is still the
scan's says that nothing changed since the scan.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from types import TracebackType
from typing import Self

from hotswap_dev.errors import BuildRefused, HotswapError
from hotswap_dev.packing.tree import Scan, Stamp

PIECE = 512 * 1024  # bytes of a large file that are held at once

_CLOCK_STEP_NS = 20_000_000  # file times are taken from a clock that ticks every 1 to 10 ms
_COARSE_STEP_NS = 2_000_000_000  # FAT counts two seconds, HFS+ one


class TreeMoved(HotswapError):
    """A file is not what the scan saw: something is still writing. Scan again and start over."""

    status = 409

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message, "wait until the build has ended", code="tree-moved")
        self.path = path


class Reader:
    """Opens the files of one scan. It holds a few folders open: use it in a `with`, by one thread."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._folders: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_folders()

    def read(self, path: str) -> bytes:
        """One file's whole content. Raises TreeMoved, or BuildRefused `unreadable`."""
        stamp = self._scan.files[path]
        size = stamp[0]
        handle = self._open(path)
        try:
            # One byte more than expected shows growth. Never a fixed large count: the buffer is allocated
            # before it is filled, and 43,000 times 64 KB costs seconds (hardening G).
            data = os.read(handle, size + 1)
            while len(data) < size and (more := os.read(handle, size + 1 - len(data))):
                data += more
            look = os.fstat(handle)
        except OSError as error:
            raise _failed(path, error) from error
        finally:
            os.close(handle)
        if len(data) != size or _stamp(look) != stamp:
            raise _changed(path)
        return data

    def pieces(self, path: str) -> Iterator[bytes]:
        """One file's content, PIECE bytes at a time; the last is shorter. Raises as `read` does, also at the
        end: what came before is void then.
        """
        stamp = self._scan.files[path]
        left = stamp[0]
        handle = self._open(path)
        try:
            while left:
                piece = _read_up_to(handle, min(PIECE, left), path)
                left -= len(piece)
                yield piece
            _expect(handle, stamp, path)
        finally:
            os.close(handle)

    def piece(self, path: str, start: int) -> bytes:
        """The PIECE bytes (or what is left) of one file from `start` on. Raises as `read` does."""
        stamp = self._scan.files[path]
        handle = self._open(path)
        try:
            os.lseek(handle, start, os.SEEK_SET)
            piece = _read_up_to(handle, min(PIECE, stamp[0] - start), path)
            _expect(handle, stamp, path)
        finally:
            os.close(handle)
        return piece

    def _open(self, path: str) -> int:
        way, _, name = self._scan.links.get(path, path).rpartition("/")
        try:
            if _BY_FOLDER:
                folder = self._folders.get(way)
                return os.open(name, _READ, dir_fd=self._folder(way) if folder is None else folder)
            return self._open_by_path(way, name, path)
        except PermissionError as error:
            raise _failed(path, error) from error
        except OSError as error:
            if error.errno in _GONE:
                raise TreeMoved(
                    f"{path} went away or became a link while it was packed", path=path
                ) from error
            raise _failed(path, error) from error

    def _folder(self, way: str) -> int:
        """Open a folder of the tree without following a link on the way, and keep it open."""
        if len(self._folders) >= _FOLDERS_HELD:
            self._close_folders()
        if not way:
            handle = os.open(self._scan.root, os.O_RDONLY | _O_DIRECTORY)
            if not self._is_root(os.fstat(handle)):
                os.close(handle)
                raise TreeMoved(f"another folder took the place of {self._scan.root}")
        else:
            above, _, name = way.rpartition("/")
            folder = self._folders.get(above)
            start = self._folder(above) if folder is None else folder
            handle = os.open(name, os.O_RDONLY | _O_DIRECTORY | _O_NOFOLLOW, dir_fd=start)
        self._folders[way] = handle
        return handle

    def _open_by_path(self, way: str, name: str, path: str) -> int:
        """Where a system can't open from a folder (Windows): the folder must be, links resolved, where it
        seems to be. The stamp, which has the inode, tells a swapped file.
        """
        top = os.path.realpath(self._scan.root)
        folder = os.path.join(top, *way.split("/")) if way else top  # noqa: PTH118
        if os.path.realpath(folder) != folder:
            raise TreeMoved(f"a folder on the way to {path} became a link", path=path)
        return os.open(os.path.join(folder, name), _READ)  # noqa: PTH118

    def _is_root(self, look: os.stat_result) -> bool:
        return (look.st_dev, look.st_ino) == self._scan.root_id

    def _close_folders(self) -> None:
        for handle in self._folders.values():
            os.close(handle)
        self._folders.clear()


def await_clock(scan: Scan) -> None:
    """Wait (20 ms at most) until the file clock has moved past the newest change in `scan`.

    A write within the same tick as that change would leave the stamp as it is. After this, any later write
    shows: in the stamp after reading, and in the next scan (hardening E12, E13).
    """
    newest = max(map(_changed_ns, scan.files.values()), default=0)
    left = newest + _CLOCK_STEP_NS - time.time_ns()
    if 0 < left <= _CLOCK_STEP_NS:
        time.sleep(left / 1e9)


def are_past(stamps: Iterable[Stamp], read_ns: int) -> bool:
    """True when a change after `read_ns` (Unix time) can't have left any of `stamps` as it is: then, and only
    then, equal stamps mean equal contents.
    """
    changes = [*map(_changed_ns, stamps)]
    if max(changes) + _COARSE_STEP_NS <= read_ns:
        return True
    return all(
        changed + (_CLOCK_STEP_NS if changed % 1_000_000_000 else _COARSE_STEP_NS) <= read_ns
        for changed in changes
    )


# On Windows ctime is when the file was made; elsewhere it is the one time that nobody can set.
_changed_ns: Callable[[Stamp], int] = itemgetter(1 if os.name == "nt" else 2)


def _read_up_to(handle: int, count: int, path: str) -> bytes:
    try:
        data = os.read(handle, count)
        while len(data) < count and (more := os.read(handle, count - len(data))):
            data += more
    except OSError as error:
        raise _failed(path, error) from error
    if len(data) != count:
        raise _changed(path)
    return data


def _expect(handle: int, stamp: Stamp, path: str) -> None:
    try:
        look = os.fstat(handle)
    except OSError as error:
        raise _failed(path, error) from error
    if _stamp(look) != stamp:
        raise _changed(path)


def _changed(path: str) -> TreeMoved:
    return TreeMoved(f"{path} changed while it was read", path=path)


def _stamp(look: os.stat_result) -> Stamp:
    return (look.st_size, look.st_mtime_ns, look.st_ctime_ns, look.st_ino)


def _failed(path: str, error: OSError) -> HotswapError:
    if error.errno in _GONE:
        return TreeMoved(f"{path} went away or became something else while it was packed", path=path)
    return BuildRefused(
        "unreadable",
        f"{path} can't be read: {error.strerror or error}",
        "give this user the right to read it, or keep it out of the build folder",
        path=path,
    )


_FOLDERS_HELD = 32
_BY_FOLDER = os.open in os.supports_dir_fd
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
# O_NONBLOCK: a fifo that took a file's place must not hold the thread for ever (hardening B5).
_READ = os.O_RDONLY | _O_NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, getattr(errno, "EMLINK", -1))
