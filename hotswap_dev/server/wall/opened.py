"""Bundles that are open, for the frames of the wall: their files in memory, as many as there is room for."""

from __future__ import annotations

import asyncio
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from hotswap_dev.domain.model import Bundle, Format
from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.tar_reader import Malformed, safe_path

MOST_OF_ONE = 64 * 1024 * 1024
"""Bytes of a bundle's files that a frame is served from; a larger bundle is not opened."""

MOST_OF_ALL = 128 * 1024 * 1024
"""Bytes of all open bundles; the one that was asked for longest ago goes first."""

MOST_FILES = 60_000
"""Of one bundle."""

_EACH = 256
"""Bytes that a file takes in memory beside its content, about."""

_MOST_KEPT = 256
_CHUNK = 256 * 1024

Files = Mapping[str, bytes]
"""Path with `/` to content."""


class CannotShow(HotswapError):
    """A bundle whose pages can't be shown: too large, damaged, or one that every client refuses."""

    status = 404


class NotNow(CannotShow):
    """One that may be there, or be readable, the next time that it is asked for."""


class _Found(NamedTuple):
    """What came of opening a bundle, and how many bytes it takes."""

    what: Files | CannotShow
    size: int


class OpenBundles:
    """Reads bundles once and keeps what was asked for last. `path_of` says where a bundle's bytes lie."""

    def __init__(self, path_of: Callable[[Bundle], Path]) -> None:
        self._path_of = path_of
        self._kept: OrderedDict[str, _Found] = OrderedDict()
        self._opening: dict[str, asyncio.Task[_Found]] = {}
        self._turn = asyncio.Lock()

    @property
    def size(self) -> int:
        """Bytes that the files take which are kept."""
        return sum(found.size for found in self._kept.values())

    async def files(self, bundle: Bundle) -> Files:
        """A bundle's files, by the rules by which the plugin extracts them; CannotShow where there is no way to."""
        name = bundle.hash
        found = self._kept.get(name)
        if found is None:
            task = self._opening.get(name)
            if task is None:
                task = asyncio.create_task(self._opened(bundle), name=f"opening {name[:8]}")
                self._opening[name] = task
            # Who no longer waits must not take it from those who do.
            found = await asyncio.shield(task)
        else:
            self._kept.move_to_end(name)
        if isinstance(found.what, CannotShow):
            raise CannotShow(found.what.message, found.what.hint, code=found.what.code)
        return found.what

    async def close(self) -> None:
        """Wait for what is being read: a thread can't be called back."""
        await asyncio.gather(*self._opening.values(), return_exceptions=True)

    async def _opened(self, bundle: Bundle) -> _Found:
        try:
            async with self._turn:  # one at a time: two are twice the memory
                found = await asyncio.to_thread(_tried, self._path_of(bundle), bundle.format)
            if isinstance(found.what, NotNow):
                return found
            self._kept[bundle.hash] = found
            while len(self._kept) > 1 and (self.size > MOST_OF_ALL or len(self._kept) > _MOST_KEPT):
                self._kept.popitem(last=False)
            return found
        finally:
            del self._opening[bundle.hash]


_BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, ValueError, LookupError, ArithmeticError),
)
"""What Python's readers raise of damaged archives."""


def open_bundle(path: Path, format: Format) -> Files:  # noqa: A002 - the field's name everywhere
    """The files of an archive on disk. Blocks. CannotShow says why there are none.

    Of a `.tar.gz` the first gzip member alone counts, and of its entries the regular files (plugin: updater.rs,
    `extract_tar_gz`), so that a poisoned bundle shows here what it shows in an app.
    """
    try:
        if format == "zip":
            return _zipped(path)
        return _tarred(_first_member(path))
    except FileNotFoundError:
        # The same build, published again, has the same name, and its bytes are back.
        raise NotNow("its bundle is gone", "it was pruned", code="bundle-gone") from None
    except Malformed as error:
        raise CannotShow(
            f"every client refuses it: {shown(str(error), LONGEST_PATH)}", code="bundle-refused"
        ) from None
    except _BROKEN as error:
        raise CannotShow(
            f"no client can extract it: {shown(str(error), LONGEST_PATH)}", code="bundle-refused"
        ) from None
    except (OSError, RuntimeError, NotImplementedError) as error:
        raise NotNow(
            f"it can't be read: {shown(str(error), LONGEST_PATH)}", code="bundle-unreadable"
        ) from None


def _tried(path: Path, format: Format) -> _Found:  # noqa: A002
    try:
        files = open_bundle(path, format)
    except CannotShow as error:
        return _Found(error, 0)
    return _Found(files, sum(len(content) + _EACH for content in files.values()))


def _first_member(path: Path) -> bytes:
    inflater = zlib.decompressobj(31)
    out = bytearray()
    with path.open("rb") as file:
        while not inflater.eof and (chunk := file.read(_CHUNK)):
            out += inflater.decompress(chunk, MOST_OF_ONE + 1 - len(out))
            if len(out) > MOST_OF_ONE:
                raise _too_large()
    if not inflater.eof:
        raise EOFError("it is cut short")
    return bytes(out)


def _tarred(data: bytes) -> Files:
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for place, entry in enumerate(archive):
            if place >= MOST_FILES:
                raise _too_many()
            name = safe_path(entry.name.encode("utf-8", "surrogateescape"))
            # A sparse file would unfold to whatever size its header names; the plugin's reader writes none either.
            regular = entry.type in _REGULAR and entry.sparse is None
            content = archive.extractfile(entry) if regular else None
            if content is not None:
                files[name] = content.read()
    return files


_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)


def _zipped(path: Path) -> Files:
    files: dict[str, bytes] = {}
    left = MOST_OF_ONE
    with zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > MOST_FILES:
            raise _too_many()
        for entry in archive.infolist():
            name = safe_path(entry.filename.encode())
            if entry.is_dir():
                continue
            with archive.open(entry) as content:
                files[name] = content.read(left + 1)  # what its header says of its size may be untrue
            left -= len(files[name])
            if left < 0:
                raise _too_large()
    return files


def _too_large() -> CannotShow:
    return CannotShow(
        f"its files have more than {MOST_OF_ONE // 1024 // 1024} MiB, too many to be shown here",
        "an app shows it all the same",
        code="bundle-too-large",
    )


def _too_many() -> CannotShow:
    return CannotShow(
        f"it has more than {MOST_FILES:,} files, too many to be shown here",
        "an app shows it all the same",
        code="bundle-too-large",
    )
