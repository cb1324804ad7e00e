"""One gzip member that every reader decodes to the same tree (hardening G)."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import tarfile
import zlib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from isal import isal_zlib

from hotswap_dev.packing.archive import Packed, Packer
from hotswap_dev.packing.grouping import LARGEST
from hotswap_dev.packing.tree import scan
from tests.unit.packing.trees import PAGE, grow, grown, only_member

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs names that Windows does not hold")

UTF8 = {**os.environ, "LC_ALL": "C.UTF-8"}


def a_tree() -> dict[str, bytes]:
    chance = Random(11)
    words = [chance.randbytes(6).hex() for _ in range(300)]
    script = " ".join(chance.choices(words, k=60_000)).encode()
    deep = "/".join(["d" * 120] * 3)
    return {
        "index.html": PAGE,
        "empty": b"",
        "random.bin": chance.randbytes(700_000),
        "large.js": script * 2,
        **{f"chunks/{number}.js": script[number * 700 :][: chance.randrange(9000)] for number in range(300)},
        "n" * 100: b"a name of 100 bytes",
        "n" * 101: b"a name of 101 bytes",
        "n" * 255: b"a name of 255 bytes",
        f"{deep}/x.js": b"a path of 363 bytes",
        "é" * 50: b"100 bytes in 50 characters",
        "é" * 51: b"102 bytes, cut within a character",
        "日本/ファイル.js": b"",
        "new\nline": b"",
        "new\nline" * 20: b"long",
        " spaces ": b"",
        "-dash": b"",
        "back\\slash": b"",
        **{f"size-{size}": bytes(size) for size in (1, 511, 512, 513, 1024)},
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = grow(tmp_path_factory.mktemp("source") / "dist", a_tree())
    os.link(root / "index.html", root / "hard.html")
    (root / "soft.html").symlink_to("index.html")
    return root


@pytest.fixture(scope="module")
def bundle(source: Path) -> Packed:
    packer = Packer()
    packed = packer.pack(scan(source), format="tar.gz", into=source.parent)
    packer.verify(packed)
    assert len(packed.segments) >= 5
    return packed


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def test_it_is_one_member_and_nothing_behind_it(bundle: Packed) -> None:
    stream = only_member(bundle.path.read_bytes())
    assert len(stream) % 512 == 0
    assert stream.endswith(bytes(1024))


def test_every_library_decodes_the_same_stream(bundle: Packed) -> None:
    content = bundle.path.read_bytes()
    stream = only_member(content)
    assert gzip.decompress(content) == stream
    assert isal_zlib.decompress(content, 31) == stream
    assert zlib.decompress(content[10:-8], -15) == stream


@pytest.mark.parametrize("program", ["gzip", "pigz"])
def test_a_gzip_program_decodes_the_same_stream(bundle: Packed, program: str) -> None:
    done = subprocess.run(
        [needs(program), "-dc"], input=bundle.path.read_bytes(), capture_output=True, check=True
    )
    assert done.stdout == only_member(bundle.path.read_bytes())
    assert done.stderr == b""


@pytest.mark.parametrize(
    "decode",
    [
        "zlib.gunzipSync(bytes)",
        "await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()",
    ],
    ids=["gunzipSync", "DecompressionStream"],
)
def test_node_decodes_the_same_stream(bundle: Packed, decode: str) -> None:
    script = f"""
        const zlib = require('zlib'), fs = require('fs'), crypto = require('crypto');
        (async () => {{
            const bytes = fs.readFileSync(process.argv[1]);
            const stream = Buffer.from({decode});
            console.log(crypto.createHash('sha256').update(stream).digest('hex'));
        }})();
    """
    done = subprocess.run(
        [needs("node"), "-e", script, os.fspath(bundle.path)], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == hashlib.sha256(only_member(bundle.path.read_bytes())).hexdigest()


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_B8_a_tar_program_extracts_the_same_tree(
    bundle: Packed, source: Path, tmp_path: Path, program: str
) -> None:
    subprocess.run(
        [needs(program), "xzf", os.fspath(bundle.path), "-C", os.fspath(tmp_path)],
        check=True,
        env=UTF8,
        capture_output=True,
    )
    assert grown(tmp_path) == grown(source)


def test_B8_the_standard_library_extracts_the_same_tree(bundle: Packed, source: Path, tmp_path: Path) -> None:
    # Debian 12's Python 3.11.2 has no filters yet; newer ones warn without one.
    safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(bundle.path) as tar:
        tar.extractall(tmp_path, **safely)
    assert grown(tmp_path) == grown(source)


def test_B8_a_zip_program_extracts_the_same_tree(source: Path, tmp_path: Path) -> None:
    packed = Packer().pack(scan(source), format="zip", into=tmp_path)
    (tmp_path / "x").mkdir()
    expected = {path.replace("\\", "/"): content for path, content in grown(source).items()}  # as zip has it
    subprocess.run(
        [needs("bsdtar"), "xf", os.fspath(packed.path), "-C", os.fspath(tmp_path / "x")],
        check=True,
        env=UTF8,
        capture_output=True,
    )
    assert grown(tmp_path / "x") == expected


def test_it_is_not_much_larger_than_what_tar_makes(source: Path, bundle: Packed, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.tgz"
    subprocess.run([needs("tar"), "czf", theirs, "-C", source, "."], check=True, env=UTF8)
    assert bundle.size <= 1.25 * theirs.stat().st_size


def test_tiny_files_share_their_blocks(tmp_path: Path) -> None:
    files = {f"icons/Icon{number}.js": b"export default 'a small icon';\n" for number in range(2000)}
    packed = Packer().pack(
        scan(grow(tmp_path / "dist", {"index.html": PAGE, **files})), format="tar.gz", into=tmp_path
    )
    assert len(packed.segments) < 15
    assert all(segment.decoded.size <= LARGEST for segment in packed.segments)
