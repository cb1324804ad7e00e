"""What tests of bad bundles share: a healthy one on disk, its bad copy, and an archive as the plugin takes it."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.faults.bundle import BundleFault
from hotswap_dev.domain.model import Bundle, Format
from hotswap_dev.packing.archive import Packer
from hotswap_dev.packing.poison import Poisoned, make_poisoned
from hotswap_dev.packing.tree import scan
from tests.unit.packing.signatures import AT, COMMENT, KEY
from tests.unit.packing.trees import grow

FAULTS = [kind() for kind in every_fault().values() if issubclass(kind, BundleFault)]

TREE: Mapping[str, bytes] = {
    "assets/app.js": b"import './late.js'; notifyReady();",
    "assets/deep/" + "n" * 120 + ".js": b"a long name",
    "assets/late.js": b"1" * 700_000,
    "empty.txt": b"",
    "index.html": b'<!doctype html><script type="module" src="/assets/app.js"></script>healthy',
    "style.css": b"body { color: green }",
}


def packed(folder: Path, files: Mapping[str, bytes] = TREE, format: Format = "tar.gz") -> tuple[Path, Bundle]:  # noqa: A002
    """The healthy bundle of these files: its archive, in a new folder below `folder`, and what is said of it."""
    root = folder / f"healthy-{len(list(folder.iterdir()))}"
    made = Packer().pack(scan(grow(root / "dist", files)), format=format, into=root)
    bundle = Bundle(
        hash=made.sha256,
        tree=made.tree,
        format=format,
        size=made.size,
        files=len(made.files),
        signature=KEY.sign(made.path, comment=COMMENT),
        key_id=KEY.key_id,
    )
    return made.path, bundle


def poisoned(
    fault: BundleFault,
    folder: Path,
    files: Mapping[str, bytes] = TREE,
    format: Format = "tar.gz",  # noqa: A002
) -> Poisoned:
    """The bad copy of these files' bundle."""
    healthy, bundle = packed(folder, files, format)
    return make_poisoned(fault, healthy, bundle, KEY, healthy.parent, at=AT)


def entries(stream: bytes) -> list[tarfile.TarInfo]:
    """All entries of a tar stream, in order."""
    with tarfile.open(fileobj=io.BytesIO(stream), encoding="utf-8") as tar:
        return tar.getmembers()


def regular_files(stream: bytes) -> dict[str, bytes]:
    """The regular files of a tar stream, in order, by the names that stand there."""
    with tarfile.open(fileobj=io.BytesIO(stream), encoding="utf-8") as tar:
        found = {}
        for entry in tar:
            content = tar.extractfile(entry) if entry.isreg() else None
            if content is not None:
                assert entry.name not in found
                found[entry.name] = content.read()
        return found


def members(archive: bytes) -> list[bytes]:
    """The decoded gzip members of an archive, each checked by zlib to its end."""
    found = []
    while archive:
        decoder = zlib.decompressobj(31)
        found.append(decoder.decompress(archive))
        assert decoder.eof
        archive = decoder.unused_data
    return found
