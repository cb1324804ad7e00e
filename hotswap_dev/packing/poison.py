"""Bundles that are bad in themselves: out of a healthy one, the archive of each fault of `domain.faults.bundle`.

What comes out is signed like any bundle, so a client downloads it, finds the signature right, and meets the fault
where no server can warn it: while it extracts, or when its page runs. `verify` would refuse most of them; here only
the signature is verified, against the bytes on disk.

The healthy archive is read as a stream and written as a stream: memory does not grow with it. Equal bundles give
equal bytes.
"""

from __future__ import annotations

import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple

from isal import igzip

from hotswap_dev.domain.faults.bundle import (
    AbsolutePath,
    BlankPage,
    BundleFault,
    CrashOnLoad,
    NoIndex,
    NotGzip,
    PathTraversal,
    SecondGzipMember,
    Symlinks,
)
from hotswap_dev.domain.file_changes import BundleList, TreeWarning
from hotswap_dev.domain.model import Bundle, Format
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing import gzip_member
from hotswap_dev.packing.archive import CLIENT_LIMIT
from hotswap_dev.packing.gate import INDEX
from hotswap_dev.packing.gzip_member import Sum
from hotswap_dev.packing.output import Output, temporary_file
from hotswap_dev.packing.packed import PackedFile, listing_of, tree_hash
from hotswap_dev.packing.signing import SigningKey, trusted_comment, verify
from hotswap_dev.packing.stopping import demand_wanted
from hotswap_dev.packing.tar_header import BLOCK, END, entry_header, padding
from hotswap_dev.packing.verify import BundleBroken, verify_bytes

CRASHING_SCRIPT = "crash-on-load.js"
"""The file that the page of `crash-on-load` starts with; a healthy file of this name makes room for it."""


@dataclass(frozen=True, slots=True)
class Poisoned:
    """A bad bundle on disk under its temporary name. The caller keeps it (`BundleStore.keep`) or removes it."""

    path: Path
    bundle: Bundle
    list: BundleList
    """What a client by the plugin's rules finds in it, an entry that it refuses included, and which fault it is."""


def make_poisoned(
    fault: BundleFault,
    healthy: Path,
    bundle: Bundle,
    key: SigningKey,
    into: Path,
    *,
    at: datetime,
    stop: threading.Event | None = None,
    limit: int = CLIENT_LIMIT,
) -> Poisoned:
    """Make the bad copy of the healthy `bundle`, whose archive is the file `healthy`, and sign it with `key`.

    Always a `.tar.gz`, whatever the healthy one is. For a thread: 500 MB take some seconds. `at` goes into the
    signature's comment, `limit` is what clients download at most, in bytes.

    Raises HotswapError `nothing-to-poison` where the fault would change nothing; BundleBroken where the healthy
    archive can't be read or its bytes are not the bundle's; NotWritten, BuildRefused `too-large` and PackingStopped
    as `Packer.pack` does; SignatureBroken where the disk gives back other bytes. Nothing is left on disk then.
    """
    _demand_effect(fault, bundle)
    verify_bytes(healthy, bundle.hash, stop)
    with temporary_file(into, ".tar.gz", limit) as out:
        files = _written(fault, partial(_files, healthy, bundle.format), out, stop)
    hashed = out.sha256()
    try:
        comment = trusted_comment(f"{hashed[:8]}.tar.gz", at)
        signature = key.sign(out.path, comment=comment, stop=stop)
        verify(out.path, signature, key.public_key, stop=stop)
    except BaseException:
        out.path.unlink(missing_ok=True)
        raise
    return Poisoned(
        path=out.path,
        bundle=Bundle(
            hash=hashed,
            tree=tree_hash([listing_of(files)]),
            format="tar.gz",
            size=out.size,
            files=len(files),
            signature=signature,
            key_id=key.key_id,
        ),
        list=BundleList(files, (TreeWarning(fault.name, "", f"on purpose: {fault.summary}"),)),
    )


def _written(
    fault: BundleFault, files: _Files, out: Output, stop: threading.Event | None
) -> tuple[PackedFile, ...]:
    """Write the fault's archive; returns what a client by the plugin's rules finds in it, in the order of paths."""
    members = _MEMBERS[type(fault)](files)
    found: list[list[PackedFile]] = [[] for _ in members]
    for number, entries in enumerate(members):
        stream = _tar_stream(entries, found[number], ended=number == len(members) - 1)
        for block in _zlib_stream(stream) if isinstance(fault, NotGzip) else _gzip_member(stream):
            demand_wanted(stop)
            out.write(block)
    # Not what is a link, not what stands behind the first member, nothing of what is no gzip.
    return () if isinstance(fault, NotGzip) else tuple(sorted(found[0]))


class _Entry(NamedTuple):
    """One entry of a tar stream: a file of `size` bytes that come in pieces, or a symbolic `link` to another."""

    path: str
    size: int = 0
    pieces: Iterable[bytes] = ()
    link: str = ""


_Files = Callable[[], Iterator[_Entry]]
"""The healthy files from the first to the last, each time that it is called; a file's pieces before the next file."""


# --- what each fault makes of the healthy files: the entries of its gzip members, one member after the other ---------


def _with_evil_entry(path: str, files: _Files) -> tuple[Iterable[_Entry], ...]:
    # Behind all others. The plugin extracts into `.tmp-seq-N` and looks at each entry as it comes (updater.rs,
    # `extract_tar_gz`): it meets this one when the whole healthy page is on its disk already, so that it must also
    # clear up. A client that extracts into the folder it runs from is caught with half an update, and one that
    # passes the entry over shows the healthy page: nobody sees it, but the files outside its folder are there.
    return (chain(files(), (_file(path, _EVIL),)),)


def _as_they_are(files: _Files) -> tuple[Iterable[_Entry], ...]:
    return (files(),)


def _split_after_index(files: _Files) -> tuple[Iterable[_Entry], ...]:
    # The end of the tar stream stands in the second member only. So whoever reads on, as `tar xzf` does, extracts
    # every file: on the machine where it was made, this archive looks right.
    index = (entry for entry in files() if entry.path == INDEX)
    others = (entry for entry in files() if entry.path != INDEX)
    return index, others


def _all_links_but_index(files: _Files) -> tuple[Iterable[_Entry], ...]:
    # To index.html, so that an extractor which makes links leaves none that leads nowhere, and none that leads out.
    return (
        (
            entry
            if entry.path == INDEX
            else _Entry(entry.path, link=f"{'../' * entry.path.count('/')}{INDEX}")
            for entry in files()
        ),
    )


def _without_index(files: _Files) -> tuple[Iterable[_Entry], ...]:
    return ((entry for entry in files() if entry.path != INDEX),)


def _with_page(page: bytes, others: dict[str, bytes], files: _Files) -> tuple[Iterable[_Entry], ...]:
    ours = {INDEX: page, **others}
    kept = (entry for entry in files() if entry.path not in ours)
    return (chain(kept, (_file(path, content) for path, content in ours.items())),)


def _file(path: str, content: bytes) -> _Entry:
    return _Entry(path, len(content), (content,))


_EVIL = (
    b"hotswap-dev put this entry into a bundle on purpose. A client must refuse it: if you find it as a file\n"
    b"on a device, that client lets a bundle write outside its own folder.\n"
)

_BLANK = b"""<!doctype html>
<!-- hotswap-dev published this page with the fault blank-page: it shows nothing, and never calls notifyReady(). -->
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title></title>
  </head>
  <body></body>
</html>
"""

# Of the healthy page nothing stays: a script that throws does not keep the next one from running, and that one would
# call notifyReady(). The throwing one is a file: with a CSP no script in the page itself runs (facts 1). From the
# root, since the plugin answers any path with index.html, `/settings/profile` too.
_CRASHING = f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="hotswap-dev" content="crashes">
    <title>Crashed on purpose</title>
    <script src="/{CRASHING_SCRIPT}"></script>
  </head>
  <body>
    <h1>This page crashed on purpose</h1>
    <p>hotswap-dev published it with the fault crash-on-load: its script ended in an error before it could call
    notifyReady().</p>
    <p>Close the app and open it again: this version should be gone, and the one before it back.</p>
  </body>
</html>
""".encode()

_THROWING = b"""// hotswap-dev published this file with the fault crash-on-load.
throw new Error("crash-on-load: hotswap-dev made this page crash before notifyReady()");
"""

_MEMBERS: dict[type[BundleFault], Callable[[_Files], tuple[Iterable[_Entry], ...]]] = {
    PathTraversal: partial(_with_evil_entry, "../evil"),
    AbsolutePath: partial(_with_evil_entry, "/tmp/evil"),  # noqa: S108 (it is never written)
    NotGzip: _as_they_are,
    SecondGzipMember: _split_after_index,
    Symlinks: _all_links_but_index,
    NoIndex: _without_index,
    BlankPage: partial(_with_page, _BLANK, {}),
    CrashOnLoad: partial(_with_page, _CRASHING, {CRASHING_SCRIPT: _THROWING}),
}


def _demand_effect(fault: BundleFault, bundle: Bundle) -> None:
    """HotswapError where the bad copy would do what the healthy one does."""
    # It would be applied and confirmed, and a person would wait for a fault that can't come.
    if isinstance(fault, SecondGzipMember | Symlinks) and bundle.files < 2:
        raise HotswapError(
            f"{fault.name}: this bundle has no file beside {INDEX}, so none would be lost",
            "arm no-index or blank-page, or publish a build that has more files",
            code="nothing-to-poison",
        )


# --- entries as bytes ---------------------------------------------------------------------------------------------


def _tar_stream(entries: Iterable[_Entry], found: list[PackedFile], *, ended: bool) -> Iterator[bytes]:
    """A tar stream of these entries, with its end or without; the files in it join `found` as they pass."""
    for entry in entries:
        if entry.link:
            yield _link_header(entry)
            continue
        yield entry_header(entry.path, entry.size)
        digest = sha256()
        for piece in entry.pieces:
            digest.update(piece)
            yield piece
        yield padding(entry.size)
        found.append((entry.path, entry.size, digest.digest()))
    if ended:
        yield END


def _link_header(entry: _Entry) -> bytes:
    header = tarfile.TarInfo(entry.path)
    header.type, header.linkname, header.mode = tarfile.SYMTYPE, entry.link, 0o777
    return header.tobuf(tarfile.GNU_FORMAT, "utf-8")


def _gzip_member(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The stream as one gzip member."""
    whole = Sum()
    yield gzip_member.HEADER
    for raw in _joined(stream):
        whole += gzip_member.sum_of(raw)
        yield gzip_member.deflate_block(raw)
    yield gzip_member.deflate_last(b"")
    yield gzip_member.trailer(whole)


def _zlib_stream(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The stream in zlib's wrapping (RFC 1950) in place of gzip's.

    The mistake that people make (`deflate` called where `gzip` was meant), and no larger than the right archive: a
    plain tar could pass the client's limit and fail for its size.
    """
    checked = zlib.adler32(b"")
    yield b"\x78\x9c"
    for raw in _joined(stream):
        checked = zlib.adler32(raw, checked)
        yield gzip_member.deflate_block(raw)
    yield gzip_member.deflate_last(b"")
    yield struct.pack(">L", checked)


def _joined(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The stream in pieces that are worth a deflate block of their own."""
    parts: list[bytes] = []
    held = 0
    for part in stream:
        parts.append(part)
        held += len(part)
        if held >= _JOINED:
            yield b"".join(parts)
            parts, held = [], 0
    if parts:
        yield b"".join(parts)


_JOINED = 256 * 1024  # bytes of tar stream, as a usual group of the packer has
_PIECE = 256 * 1024  # bytes of a file that are held at once


# --- the healthy archive ------------------------------------------------------------------------------------------


def _files(healthy: Path, format: Format) -> Iterator[_Entry]:  # noqa: A002 (what everyone calls it)
    """The files of the healthy archive, as they come; BundleBroken where it can't be read."""
    try:
        yield from _files_in_zip(healthy) if format == "zip" else _files_in_tar_gz(healthy)
    except (OSError, EOFError) as error:
        raise BundleBroken(
            healthy, f"it can't be read: {getattr(error, 'strerror', None) or error}"
        ) from error


def _files_in_tar_gz(healthy: Path) -> Iterator[_Entry]:
    """The entries as `tar_header` writes them. No other form can come: the bytes are those that were packed here."""
    with igzip.open(healthy, "rb") as stream:  # type: ignore[no-untyped-call] # isal's types leave it out
        name = b""
        while any(header := stream.read(BLOCK)):
            size = int(header[124:135], 8)
            if header[156:157] == b"L":
                name = stream.read(size + len(padding(size)))[: size - 1]
                continue
            pieces = _pieces(stream, size)
            yield _Entry((name or header[:100].rstrip(b"\0")).decode(), size, pieces)
            for _ in pieces:  # of a file that was passed over
                pass
            stream.read(len(padding(size)))
            name = b""


def _files_in_zip(healthy: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(healthy) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as content:
                yield _Entry(entry.filename, entry.file_size, _pieces(content, entry.file_size))


def _pieces(content: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        piece = content.read(min(size, _PIECE))
        if not piece:
            raise EOFError("it is cut short")
        size -= len(piece)
        yield piece
