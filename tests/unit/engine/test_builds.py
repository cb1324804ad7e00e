"""A tree that moves while it is packed: no half of it is ever published (design 5, hardening E12)."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.model import Format
from hotswap_dev.engine import builds
from hotswap_dev.engine.builds import BundleMaker
from hotswap_dev.errors import BuildRefused, HotswapError
from hotswap_dev.packing import signing, stopping, verify
from hotswap_dev.packing.archive import Packer, TreeMoved
from hotswap_dev.packing.signing import SignatureBroken, SigningKey, new_key
from hotswap_dev.packing.tree import FolderMissing, scan
from hotswap_dev.storage.bundles import BundleStore
from tests.e2e.server_process import write_frontend


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    (tmp_path / "bundles").mkdir()
    return BundleStore(tmp_path / "bundles")


@pytest.fixture
def maker(store: BundleStore) -> BundleMaker:
    return BundleMaker(store, new_key(), "tar.gz", lambda: datetime(2026, 4, 5, tzinfo=UTC))


@pytest.fixture
def while_packing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], object]], None]:
    """Have something happen after each archive is written and before the tree is looked at again."""

    def use(happens: Callable[[int], object]) -> None:
        pack, count = Packer.pack, 0

        def packing(self: Packer, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            packed = pack(self, *args, **kwargs)
            count += 1
            happens(count)
            return packed

        monkeypatch.setattr(Packer, "pack", packing)

    return use


async def test_E12_a_settled_tree_that_moves_must_settle_again(
    tmp_path: Path,
    maker: BundleMaker,
    store: BundleStore,
    while_packing: Callable[[Callable[[int], object]], None],
) -> None:
    dist = write_frontend(tmp_path / "dist", "settled")
    while_packing(lambda _: (dist / "index.html").write_text("<script src=next.js></script>"))

    with pytest.raises(TreeMoved):
        await maker.make(scan(dist))

    assert list(store.folder.iterdir()) == []


async def test_a_folder_that_is_asked_for_now_is_packed_again_until_it_holds_still(
    tmp_path: Path,
    maker: BundleMaker,
    store: BundleStore,
    while_packing: Callable[[Callable[[int], object]], None],
) -> None:
    dist = write_frontend(tmp_path / "dist", "first")

    def change_twice(count: int) -> None:
        if count < 3:
            (dist / "app.js").write_text(f"write {count}")

    while_packing(change_twice)

    made = await maker.make(dist)

    assert made is not None
    assert made.scan == scan(dist)
    assert [path.name for path in store.folder.glob("*.tar.gz")] == [f"{made.bundle.hash}.tar.gz"]


async def test_E12_a_folder_that_never_holds_still_is_refused_by_name(
    tmp_path: Path,
    maker: BundleMaker,
    store: BundleStore,
    while_packing: Callable[[Callable[[int], object]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dist = write_frontend(tmp_path / "dist")
    monkeypatch.setattr(builds, "GIVE_UP_AFTER", 0.2)
    while_packing(lambda count: (dist / "app.js").write_text(f"write {count}"))

    with pytest.raises(BuildRefused) as refused:
        await maker.make(dist)

    assert refused.value.code == "still-changing"
    assert str(dist) in refused.value.message
    assert list(store.folder.iterdir()) == []


async def test_E10_a_folder_that_goes_away_while_it_is_packed_is_a_tree_that_moved_and_no_refusal(
    tmp_path: Path,
    maker: BundleMaker,
    store: BundleStore,
    while_packing: Callable[[Callable[[int], object]], None],
) -> None:
    """A build tool that empties its folder first is no reason for a red line."""
    dist = write_frontend(tmp_path / "dist")
    while_packing(lambda _: dist.rename(tmp_path / "elsewhere"))

    with pytest.raises(TreeMoved):
        await maker.make(scan(dist))

    assert list(store.folder.iterdir()) == []


async def test_E10_a_folder_that_was_asked_for_by_name_and_stays_away_is_said_to_be_missing(
    tmp_path: Path,
    maker: BundleMaker,
    store: BundleStore,
    while_packing: Callable[[Callable[[int], object]], None],
) -> None:
    dist = write_frontend(tmp_path / "dist")
    while_packing(lambda _: dist.rename(tmp_path / "elsewhere"))

    with pytest.raises(FolderMissing):
        await maker.make(dist)

    assert list(store.folder.iterdir()) == []


async def test_B5_a_folder_that_can_not_be_read_is_named_and_not_said_to_have_no_index(
    tmp_path: Path, maker: BundleMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    dist = write_frontend(tmp_path / "dist")

    def refuse(folder: str) -> object:
        raise PermissionError(errno.EACCES, "Permission denied", folder)

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(BuildRefused, match="Permission denied") as refused:
        await maker.make(dist)

    assert refused.value.code == "unreadable"


def flip(path: Path, at: float) -> None:
    """Let one bit of a file on disk be another."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("format", ["tar.gz", "zip"])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("stage", ["signing", "verifying"])
async def test_E15_a_bit_that_flips_between_writing_and_offering_is_found(
    tmp_path: Path,
    store: BundleStore,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    at: float,
    format: Format,  # noqa: A002
) -> None:
    """Before it is signed the archive's own sums show it, behind those the signature."""
    maker = BundleMaker(store, new_key(), format, lambda: datetime(2026, 4, 5, tzinfo=UTC))
    dist = write_frontend(tmp_path / "dist")
    owner, name = (SigningKey, "sign") if stage == "signing" else (Packer, "verify")
    act = getattr(owner, name)

    def flipping(self: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if stage == "signing":
            flip(target, at)
            return act(self, target, *args, **kwargs)
        done = act(self, target, *args, **kwargs)
        flip(target.path, at)
        return done

    monkeypatch.setattr(owner, name, flipping)

    with pytest.raises(HotswapError) as broken:
        await maker.make(scan(dist))

    assert broken.value.code == ("bundle-broken" if stage == "signing" else "signature-mismatch")
    assert list(store.folder.iterdir()) == []


async def test_E15_another_whole_bundle_in_its_place_is_found(
    tmp_path: Path, maker: BundleMaker, store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await maker.make(scan(write_frontend(tmp_path / "other", "other")))
    assert other is not None
    whole = store.path(other.bundle.hash, "tar.gz").read_bytes()
    verify_archive = Packer.verify

    def swapped(self: Packer, packed: Any, *args: Any) -> None:
        verify_archive(self, packed, *args)
        packed.path.write_bytes(whole)

    monkeypatch.setattr(Packer, "verify", swapped)

    with pytest.raises(SignatureBroken):
        await maker.make(scan(write_frontend(tmp_path / "dist")))

    assert [path.name for path in store.folder.glob("*.tar.gz")] == [f"{other.bundle.hash}.tar.gz"]
    assert list(store.folder.glob(".tmp-*")) == []


@pytest.mark.parametrize("format", ["tar.gz", "zip"])
@pytest.mark.parametrize("stage", ["signing", "verifying the archive", "verifying the signature"])
async def test_E16_a_build_that_nobody_waits_for_ends_between_two_pieces(
    tmp_path: Path,
    store: BundleStore,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    format: Format,  # noqa: A002
) -> None:
    """A bundle may have 512 MB, and the server has two seconds to end."""
    maker = BundleMaker(store, new_key(), format, lambda: datetime(2026, 4, 5, tzinfo=UTC))
    dist = write_frontend(tmp_path / "dist")
    (dist / "noise.bin").write_bytes(os.urandom(3_000_000))
    loop = asyncio.get_running_loop()
    making = asyncio.create_task(maker.make(scan(dist)))
    reached, pieces = [stage], list[str]()

    def stop_here(at: str, stop: threading.Event | None) -> None:
        assert stop is not None
        if reached == [at]:
            pieces.append(at)
            if len(pieces) == 2:
                loop.call_soon_threadsafe(making.cancel)
                assert stop.wait(5)

    real = stopping.demand_wanted
    signing_stage = "signing"

    def of_signature(stop: threading.Event | None) -> None:
        stop_here(signing_stage, stop)
        real(stop)

    def of_archive(stop: threading.Event | None) -> None:
        stop_here("verifying the archive", stop)
        real(stop)

    verify_signature = signing.verify

    def verifying(*args: Any, **kwargs: Any) -> None:
        nonlocal signing_stage
        signing_stage = "verifying the signature"
        verify_signature(*args, **kwargs)

    monkeypatch.setattr(signing, "demand_wanted", of_signature)
    monkeypatch.setattr(verify, "demand_wanted", of_archive)
    monkeypatch.setattr(builds, "verify", verifying)

    with pytest.raises(asyncio.CancelledError):
        await making

    # Two verifying threads may each have been at a piece.
    assert 2 <= len(pieces) <= 3
    assert list(store.folder.iterdir()) == []


async def test_the_same_tree_as_before_makes_no_bundle(
    tmp_path: Path, maker: BundleMaker, store: BundleStore
) -> None:
    dist = write_frontend(tmp_path / "dist")
    first = await maker.make(scan(dist))
    assert first is not None

    assert await maker.make(scan(dist), unless=first.bundle.tree) is None
    assert len(list(store.folder.glob("*.tar.gz"))) == 1
