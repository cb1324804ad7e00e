"""Folders for tests, and archives taken apart."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

PAGE = b"<!doctype html><title>app</title>"


def grow(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files` (path with `/` -> content) under `root`; returns it."""
    root.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        at = os.path.join(os.fspath(root), *path.split("/"))
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "wb") as file:
            file.write(content)
    return root


def grown(root: Path) -> dict[str, bytes]:
    """What is under a folder: path with `/` -> content. Links are followed."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix())
        if path.is_file()
    }


def only_member(archive: bytes) -> bytes:
    """The decoded stream of an archive that must be exactly one gzip member."""
    decoder = zlib.decompressobj(31)
    stream = decoder.decompress(archive)
    assert decoder.eof
    assert decoder.unused_data == b""
    return stream


def extracted(archive: bytes) -> dict[str, bytes]:
    """The entries of a `.tar.gz`, by the standard library; each must be a regular file with fixed metadata."""
    files = {}
    with tarfile.open(fileobj=BytesIO(only_member(archive)), encoding="utf-8") as tar:
        for entry in tar:
            assert entry.type == tarfile.REGTYPE
            assert (entry.mode, entry.uid, entry.gid, entry.mtime, entry.linkname) == (0o644, 0, 0, 0, "")
            content = tar.extractfile(entry)
            assert content is not None
            assert entry.name not in files
            files[entry.name] = content.read()
    return files
