"""The other format: a zip, for apps whose plugin has its `zip` feature.

Made anew every time. Times, modes and system are fixed, so equal trees give equal bytes (hardening B9).
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Callable

from hotswap_dev.packing.output import Output
from hotswap_dev.packing.packed import PackedFile
from hotswap_dev.packing.private_key import refuse_private_key
from hotswap_dev.packing.reading import Reader
from hotswap_dev.packing.tree import Scan


def write_zip(scan: Scan, out: Output, between: Callable[[], None]) -> tuple[PackedFile, ...]:
    """Write the files of `scan` to `out`; `between` is called before each and may raise to stop.

    Raises as `Packer.pack` does.
    """
    files: list[PackedFile] = []
    with Reader(scan) as reader, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, stamp in scan.files.items():
            between()
            info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))  # the earliest that zip knows
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, on Windows too
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.file_size = stamp[0]
            digest = hashlib.sha256()
            with archive.open(info, "w") as entry:
                for number, piece in enumerate(reader.pieces(path)):
                    if number == 0:
                        refuse_private_key(path, piece)
                    entry.write(piece)
                    digest.update(piece)
            files.append((path, stamp[0], digest.digest()))
    return tuple(files)
