"""A bundle's sha512 is computed once, whoever asks, and never where its bytes are not there."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from hotswap_dev.domain.model import Bundle
from hotswap_dev.storage import digests
from hotswap_dev.storage.bundles import BundleStore
from hotswap_dev.storage.digests import Digests
from tests.unit.making import a_bundle


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read."""
    paths: list[Path] = []
    plain = digests._sha512

    def counted(path: Path) -> str:
        paths.append(path)
        return plain(path)

    monkeypatch.setattr(digests, "_sha512", counted)
    return paths


def stored(store: BundleStore, content: str = "hello") -> Bundle:
    bundle = a_bundle(content)
    store.path(bundle.hash, bundle.format).write_bytes(content.encode())
    return bundle


async def test_many_who_ask_at_once_wait_for_one_computation(tmp_path: Path, read: list[Path]) -> None:
    store = BundleStore(tmp_path)
    bundle = stored(store)
    known = Digests(store)

    found = await asyncio.gather(*(known.sha512(bundle) for _ in range(20)))

    assert set(found) == {hashlib.sha512(b"hello").hexdigest()}
    assert len(read) == 1
    store.remove(bundle.hash)
    assert await known.sha512(bundle) == found[0]
    assert len(read) == 1


async def test_one_who_goes_away_does_not_take_it_from_the_others(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    bundle = stored(store)
    known = Digests(store)
    leaving, staying = (asyncio.create_task(known.sha512(bundle)) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == hashlib.sha512(b"hello").hexdigest()


async def test_bytes_that_are_not_there_have_none_and_are_looked_for_again(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    known = Digests(store)
    assert await known.sha512(a_bundle()) is None

    assert await known.sha512(stored(store)) == hashlib.sha512(b"hello").hexdigest()


async def test_C7_the_oldest_of_many_is_forgotten(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_REMEMBERED", 2)
    store = BundleStore(tmp_path)
    bundles = [stored(store, text) for text in ("a", "b", "c")]
    known = Digests(store)
    for bundle in bundles:
        await known.sha512(bundle)

    await known.sha512(bundles[2])
    assert len(read) == 3
    await known.sha512(bundles[0])
    assert len(read) == 4
