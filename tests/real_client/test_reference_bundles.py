"""Bundles of every kind: the reference client extracts or refuses them as the real one does."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
import zlib
from typing import Literal

import pytest

from tests.real_client.reference import GOOD, Pairing, TwoSided, offered, serving
from tests.real_client.reference import pair_fixture as pair_fixture
from tests.real_client.reference import server_fixture as server_fixture
from tests.real_client.scripted_server import tar_gz, zipped

# --- archives --------------------------------------------------------------------------------------------------------


def entry(
    name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, **fields: object
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size = len(content) if kind == tarfile.REGTYPE else 0
    made.type = kind
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def tar(*entries: tarfile.TarInfo, format: Literal[0, 1, 2] = 1, end: bool = True) -> bytes:  # noqa: A002
    """A tar stream, not compressed; each file is full of x. The formats are tarfile's: ustar, GNU, PAX."""
    raw = b""
    for one in entries:
        raw += one.tobuf(format, "utf-8", "surrogateescape")
        if one.isreg():
            raw += (b"x" * one.size).ljust(-(-one.size // 512) * 512, b"\0")
    return raw + bytes(1024) if end else raw


def in_gzip(raw: bytes) -> bytes:
    return gzip.compress(raw, mtime=0)


def header_changed(at: int, to: bytes, *, sum_right: bool = True) -> bytes:
    """An archive of one file whose header is changed."""
    raw = bytearray(tar(entry("index.html"), end=False))
    raw[at : at + len(to)] = to
    if sum_right:
        raw[148:156] = b" " * 8
        raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return in_gzip(bytes(raw) + bytes(1024))


def pax(records: bytes, then: tarfile.TarInfo) -> bytes:
    """PAX records before a file."""
    about = tarfile.TarInfo("pax")
    about.type = tarfile.XHDTYPE
    about.size = len(records)
    raw = about.tobuf(tarfile.USTAR_FORMAT) + records.ljust(-(-len(records) // 512) * 512, b"\0")
    return in_gzip(raw + tar(then))


_LONG = "a/" * 80 + "index.html"
_PLAIN = tar(entry("index.html", b"x" * 700), entry("b/c.js", b"x"))
_NAMED = b"\x1f\x8b\x08\x08\0\0\0\0\0\3name\0" + in_gzip(_PLAIN)[10:]
_HEADER_CRC = b"\x1f\x8b\x08\x02\0\0\0\0\0\3"

TARS: dict[str, bytes] = {
    "good": GOOD,
    "empty": in_gzip(tar()),
    "nothing at all": b"",
    "no gzip": b"no archive at all",
    "too short for a gzip header": b"\x1f\x8b\x08",
    "a reserved flag": b"\x1f\x8b\x08\x80" + GOOD[4:],
    "another method": b"\x1f\x8b\x07" + GOOD[3:],
    "a name in its header": _NAMED,
    "a name in its header that does not end": b"\x1f\x8b\x08\x08\0\0\0\0\0\3" + b"n" * 100,
    "a name in its header that is too long": b"\x1f\x8b\x08\x08\0\0\0\0\0\3" + b"n" * 70_000 + b"\0",
    "extra fields in its header": b"\x1f\x8b\x08\x04\0\0\0\0\0\3\x02\0ab" + in_gzip(_PLAIN)[10:],
    "extra fields that are cut": b"\x1f\x8b\x08\x04\0\0\0\0\0\3\x09\0ab",
    "a checksum of its header": _HEADER_CRC
    + (zlib.crc32(_HEADER_CRC) & 0xFFFF).to_bytes(2, "little")
    + in_gzip(_PLAIN)[10:],
    "a wrong checksum of its header": _HEADER_CRC + b"\0\0" + in_gzip(_PLAIN)[10:],
    "gzip of no tar": in_gzip(b"hello"),
    "gzip of 512 letters": in_gzip(b"a" * 512),
    "gzip of nothing": in_gzip(b""),
    "without the zeros at its end": in_gzip(tar(entry("index.html"), end=False)),
    "without zeros, trailer wrong": in_gzip(tar(entry("index.html"), end=False))[:-8] + bytes(8),
    "without zeros, trailer cut": in_gzip(tar(entry("index.html"), end=False))[:-3],
    "one block of zeros, then an entry": in_gzip(
        tar(entry("index.html"), end=False) + bytes(512) + tar(entry("b.html"))
    ),
    "zeros, trailer wrong": in_gzip(_PLAIN)[:-8] + bytes(8),
    "rubbish behind it": in_gzip(_PLAIN) + b"rubbish",
    "a second member": in_gzip(tar(entry("index.html"), end=False)) + in_gzip(tar(entry("b.html"))),
    "cut within a file": in_gzip(_PLAIN[:900]),
    "cut within padding": in_gzip(_PLAIN[:1300]),
    "cut within a header": in_gzip(_PLAIN[:1700]),
    "parent": in_gzip(tar(entry("index.html"), entry("../evil"))),
    "parent within": in_gzip(tar(entry("a/../../evil"))),
    "parent that stays inside": in_gzip(tar(entry("a/../b"))),
    "absolute": in_gzip(tar(entry("index.html"), entry("/etc/evil"))),
    "absolute folder": in_gzip(tar(entry("/etc/evil", kind=tarfile.DIRTYPE))),
    "two dots in a name": in_gzip(tar(entry("a..b"), entry("..."))),
    "dots": in_gzip(tar(entry("./a/./b"), entry("a//c"))),
    "only a dot": in_gzip(tar(entry("."))),
    "a folder's slash on a file": in_gzip(tar(entry("a/"))),
    "no name": in_gzip(tar(entry(""))),
    "a file, then below it": in_gzip(tar(entry("a"), entry("a/b"))),
    "a file, then deep below it": in_gzip(tar(entry("a"), entry("a/b/c"))),
    "a folder, then a file there": in_gzip(tar(entry("a/b"), entry("a"))),
    "a file twice": in_gzip(tar(entry("a", b"x" * 10), entry("a", b"x" * 3))),
    "metadata of its own": in_gzip(tar(entry("hotswap-meta.json", b"x" * 10))),
    "a folder where metadata goes": in_gzip(tar(entry("hotswap-meta.json/x"))),
    "links and devices": in_gzip(
        tar(
            entry("a/sym", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
            entry("hard", kind=tarfile.LNKTYPE, linkname="index.html"),
            entry("fifo", kind=tarfile.FIFOTYPE),
            entry("device", kind=tarfile.CHRTYPE),
            entry("folder/inner", kind=tarfile.DIRTYPE),
            entry("index.html"),
        )
    ),
    "a contiguous file": in_gzip(tar(entry("c", kind=tarfile.CONTTYPE))),
    "an old kind of file": in_gzip(tar(entry("c", kind=tarfile.AREGTYPE))),
    "not UTF-8": in_gzip(tar(entry("\udcff.html"))),
    "parent, not UTF-8": in_gzip(tar(entry("../\udcff.html"))),
    "a backslash": in_gzip(tar(entry("a\\..\\b"))),
    "a name of 255 letters": in_gzip(tar(entry("a" * 255))),
    "a name of 256 letters": in_gzip(tar(entry("a" * 256))),
    "a long path, GNU": in_gzip(tar(entry(_LONG))),
    "a long path, PAX": in_gzip(tar(entry(_LONG), format=2)),
    "a long path, ustar": in_gzip(tar(entry(_LONG), format=0)),
    "PAX with an umlaut": in_gzip(tar(entry("ü.html"), format=2)),
    "PAX path outside": pax(b"17 path=../../evi\n", entry("good")),
    "PAX path empty": pax(b"8 path=\n", entry("good")),
    "PAX of the wrong length": pax(b"99 path=../evil\n", entry("good")),
    "PAX malformed, then a path": pax(b"x\n12 path=./a\n", entry("good")),
    "PAX size smaller": pax(b"9 size=1\n", entry("good", b"x" * 600)),
    "PAX size larger": pax(b"13 size=99999\n", entry("good")),
    "PAX size no number": pax(b"10 size=-1\n", entry("good")),
    "PAX size past 2^64": pax(b"31 size=99999999999999999999999\n", entry("good")),
    "PAX size 2^64-1": pax(b"29 size=18446744073709551615\n", entry("good")),
    "PAX for nothing": in_gzip(gzip.decompress(pax(b"8 path=\n", entry("g")))[:1024] + bytes(1024)),
    "PAX twice": in_gzip(gzip.decompress(pax(b"8 path=\n", entry("g")))[:1024] * 2 + tar(entry("a"))),
    "PAX for all": in_gzip(tar(entry("g", kind=tarfile.XGLTYPE), entry("a"))),
    "a long name twice": in_gzip(tar(entry(_LONG), end=False)[:1024] * 2 + tar(entry("a"))),
    "a long name for nothing": in_gzip(tar(entry(_LONG), end=False)[:1024] + bytes(1024)),
    "a wrong checksum": header_changed(148, b"0000000\0", sum_right=False),
    "a checksum that is no number": header_changed(148, b"abcdefg\0", sum_right=False),
    "a checksum that is nothing": header_changed(148, b"\0" * 8, sum_right=False),
    "a checksum that is no text": header_changed(148, b"\xff\xfe\0", sum_right=False),
    "a size that is no number": header_changed(124, b"hello\0"),
    "a size with an 8": header_changed(124, b"00000000008\0"),
    "a size with blanks": header_changed(124, b"          1 "),
    "a size with a plus": header_changed(124, b"+0000000001\0"),
    "no size": header_changed(124, b"\0" * 12),
    "a size in binary": header_changed(124, b"\x80" + bytes(10) + b"\1"),
    "a size in binary past all": header_changed(124, b"\xff" * 12),
    "a size past the end": header_changed(124, b"00000077777\0"),
    "an old header": header_changed(257, bytes(8)),
    "an old header with a prefix": header_changed(257, bytes(8) + b"x" * 100),
    "an old header of a long name": header_changed(156, b"L" + bytes(109)),
    "a ustar prefix": header_changed(257, b"ustar\x0000" + bytes(80) + b"../up"),
    "a GNU header with something at the prefix": header_changed(345, b"prefix"),
    "many files": in_gzip(tar(*(entry(f"f/{n}", b"x" * n) for n in range(200)))),
    "a large file": in_gzip(tar(entry("large", b"x" * 3_000_000))),
}  # fmt: skip


@pytest.mark.parametrize("memory", [False, True], ids=["on a disk", "in memory"])
@pytest.mark.parametrize("name", TARS)
async def test_an_archive_is_extracted_or_refused_in_the_same_words(
    name: str, memory: bool, server: TwoSided, pair: Pairing
) -> None:
    both = await pair(memory=memory)
    serving(server, bundle=TARS[name])
    await offered(both)

    said = await both.do("apply")

    assert said.signed, "this is about the archive"


def _zip(*names: str, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    """The same bytes each time: no clock in it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            folder = name.endswith("/")
            archive.writestr(
                zipfile.ZipInfo(name), "" if folder else "x" * 700, zipfile.ZIP_STORED if folder else method
            )
        archive.comment = comment
    return target.getvalue()


def _twice(name: str) -> bytes:
    raw = _zip(name, f"{name[:-1]}_")
    return raw.replace(f"{name[:-1]}_".encode(), name.encode())


def _linked(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo(name)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return target.getvalue()


def _changed(raw: bytes, find: bytes, to: bytes) -> bytes:
    assert find in raw
    return raw.replace(find, to)


_STORED = _zip("index.html", method=zipfile.ZIP_STORED)
ZIPS: dict[str, bytes] = {
    "good": zipped({"index.html": "zip", "a/b.js": "1"}),
    "stored": _STORED,
    "folders": _zip("a/", "a/b/", "c/d"),
    "empty": _zip(),
    "a comment": _zip("index.html", comment=b"hello"),
    "something before it": b"before" + _STORED,
    "something behind it": _STORED + b"behind",
    "no zip": b"no zip at all",
    "nothing at all": b"",
    "a tar.gz": GOOD,
    "cut": _STORED[:-30],
    "parent": _zip("index.html", "../evil"),
    "parent's folder": _zip("../evil/"),
    "absolute": _zip("/etc/evil"),
    "a file, then below it": _zip("a", "a/b"),
    "a folder, then a file there": _zip("a/b", "a"),
    "a byte changed": _changed(_STORED, b"x" * 700, b"y" + b"x" * 699),
    "an umlaut": _zip("ü.html"),
    "bzip2": _zip("index.html", method=zipfile.ZIP_BZIP2),
    "a name twice": _twice("index.html"),
    "a backslash": _zip("a\\..\\b"),
    "another name before the file": _STORED.replace(b"index.html", b"other.html", 1),
    "encrypted by its own word": _STORED.replace(b"PK\1\2\x14\x03\x14\0\0", b"PK\1\2\x14\x03\x14\0\1"),
    "a link": _linked("index.html"),
}


@pytest.mark.parametrize("name", ZIPS)
async def test_a_zip_is_extracted_or_refused_in_the_same_words(
    name: str, server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    serving(server, bundle=ZIPS[name], url=f"{server.origin}/files/Bundle.ZIP")
    await offered(both)

    said = await both.do("apply")

    assert said.signed, "this is about the archive"


@pytest.mark.parametrize("url", ["b.zip?v=1", "b.zip/", "b.zip#x", "b.tar.gz.zip", "b", "zip"])
async def test_the_address_alone_says_what_kind_of_archive_it_is(
    url: str, server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    for bundle in (GOOD, ZIPS["good"]):
        serving(server, bundle=bundle, url=f"{server.origin}/files/{url}")
        await offered(both)
        await both.do("download")


async def test_something_in_the_way_of_the_extraction_is_named_alike(server: TwoSided, pair: Pairing) -> None:
    both = await pair()
    serving(server)
    await offered(both)
    for folder in both.folders.values():
        (folder / ".tmp-seq-7").write_text("in the way")

    assert (await both.do("apply")).error == "I/O error: Not a directory (os error 20)"


_DAMAGED = tar(entry("index.html", b"x" * 700), entry("a/b.js"), entry(_LONG), entry("ü", b"x" * 5000))


@pytest.mark.parametrize("kind", ["tar", "tar too", "deflate", "zip", "zip too"])
async def test_archives_damaged_at_random_are_judged_alike(
    kind: str, server: TwoSided, pair: Pairing
) -> None:
    """A few bytes of the tar stream, of what is deflated, or of a zip; now and then all is cut."""
    draw = random.Random(kind)
    both = await pair()
    for _ in range(60):
        if kind.startswith("tar"):
            bundle = in_gzip(damaged(_DAMAGED, draw))
        elif kind == "deflate":
            bundle = in_gzip(_DAMAGED)[:10] + damaged(in_gzip(_DAMAGED)[10:], draw)
        else:
            bundle = damaged(_zip("index.html", "a/b.js", "c/", comment=b"c"), draw)
        bundle = bundle[: draw.randrange(len(bundle))] if draw.random() < 0.15 else bundle
        serving(server, bundle=bundle, url=f"{server.origin}/files/b.{'zip' if 'zip' in kind else 'tar.gz'}")
        await offered(both)
        await both.do("download")


def damaged(whole: bytes, draw: random.Random) -> bytes:
    raw = bytearray(whole)
    for _ in range(draw.choice((1, 1, 2, 8))):
        raw[draw.randrange(len(raw))] = draw.choice((0, 0x20, 0x2E, 0x2F, 0x37, 0xFF, draw.randrange(256)))
    return bytes(raw)


async def test_extraction_replaces_what_had_its_number(server: TwoSided, pair: Pairing) -> None:
    both = await pair()
    for files in ({"index.html": "one", "old.js": "1"}, {"index.html": "two"}):
        serving(server, bundle=tar_gz(files))
        await offered(both)
        await both.do("download")
    await both.do("activate")

    assert await both.page() == "two"
