"""A bundle is inflated piece by piece; where a piece ends must make no difference."""

from __future__ import annotations

import gzip
import io
import random
import tarfile

import pytest

from hotswap_dev.client.updating import archive


def bundle_of(size: int) -> bytes:
    """A bundle of about `size` bytes, as nothing in it can be made smaller.

    Without the blocks that end an archive, so that it is read to the end of its gzip member, trailer and all.
    """
    content = random.Random(size).randbytes(size)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        entry = tarfile.TarInfo("index.html")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    entry_alone = made.getvalue()[: 512 + -(-size // 512) * 512]
    return gzip.compress(entry_alone, compresslevel=1, mtime=0)


@pytest.fixture(params=[1, 2, 3, 5, 7, 8, 1000, 64 * 1024])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes in a piece."""
    monkeypatch.setattr(archive, "_FED_AT_ONCE", request.param)
    size: int = request.param
    return size


@pytest.mark.usefixtures("at_once")
def test_a_bundle_is_read_whole_wherever_its_pieces_end() -> None:
    [entry] = archive.entries(bundle_of(5000), "tar.gz")

    assert entry.content == random.Random(5000).randbytes(5000)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("cut", range(1, 9))
def test_a_bundle_without_the_whole_of_its_trailer_ends_unexpectedly(cut: int) -> None:
    with pytest.raises(archive.Refused, match="unexpected end of file"):
        list(archive.entries(bundle_of(5000)[:-cut], "tar.gz"))


@pytest.mark.usefixtures("at_once")
def test_a_bundle_whose_checksum_is_of_other_bytes_is_refused() -> None:
    bundle = bytearray(bundle_of(5000))
    bundle[-5] ^= 1

    with pytest.raises(archive.Refused, match="does not have a matching checksum"):
        list(archive.entries(bytes(bundle), "tar.gz"))
