"""A bundle's bytes on their way to disk: under a temporary name until they are whole."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hotswap_dev.errors import BuildRefused, HotswapError

TEMPORARY = ".tmp-"
"""What the names of unfinished files begin with; what a crash leaves behind can be swept by it."""


class NotWritten(HotswapError):
    """The disk did not take the bundle: full, read-only, or broken. Nothing of it is left there."""

    status = 507

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"a bundle can't be written to {folder}: {error.strerror or error}",
            "make room there, or choose another place with --workspace",
            code="disk-full" if error.errno == errno.ENOSPC else "bundle-not-written",
        )


class Output(io.RawIOBase):
    """A file being written, at most `limit` bytes: BuildRefused `too-large` beyond. Counts, and may seek."""

    def __init__(self, path: Path, handle: int, limit: int) -> None:
        super().__init__()
        self.path = path
        self.size = 0
        self._at = 0
        self._handle = handle
        self._limit = limit
        self._sha256 = hashlib.sha256()
        self._in_order = True

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override] # whole, never in part
        """Write all of `data`."""
        if self._at + len(data) > self._limit:
            raise _too_large(self._limit)
        if not self._in_order:
            os.lseek(self._handle, self._at, os.SEEK_SET)
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]
        self._sha256.update(data)
        self._at += len(data)
        self.size = max(self.size, self._at)
        return len(data)

    def seekable(self) -> bool:
        """True: zip goes back to fill in sizes."""
        return True

    def writable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Say where the next write goes. The disk is asked only then: zipfile takes a failure here for a file that
        can't seek, and would write another archive.
        """
        self._at = offset + (0, self._at, self.size)[whence]
        self._in_order = self._in_order and self._at == self.size
        return self._at

    def tell(self) -> int:
        """Where the next write goes."""
        return self._at

    def sha256(self) -> str:
        """Hex SHA-256 of the file's bytes."""
        if self._in_order:
            return self._sha256.hexdigest()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def temporary_file(folder: Path, suffix: str, limit: int) -> Iterator[Output]:
    """A new file `.tmp-…suffix` in `folder`, on disk (fsync) when the block ends well and gone when it doesn't.

    Raises NotWritten where the disk refuses. The caller renames the file to what it is to be called.
    """
    path = folder / f"{TEMPORARY}{secrets.token_hex(8)}{suffix}"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise NotWritten(folder, error) from error
    try:
        try:
            yield Output(path, handle, limit)
            os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 (a plain call, as the others here)
        if isinstance(error, OSError):
            raise NotWritten(folder, error) from error
        raise


def _too_large(limit: int) -> BuildRefused:
    return BuildRefused(
        "too-large",
        f"the bundle is larger than {limit / 2**20:g} MB, and the plugin downloads no more (max_bundle_size)",
        "leave out what the frontend does not need: source maps, videos, other builds",
    )
