"""A tree that moves while it is packed: no half of it is ever published (design 5, hardening E12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.engine import builds
from hotswap_dev.engine.builds import BundleMaker
from hotswap_dev.errors import BuildRefused
from hotswap_dev.packing.archive import Packer, TreeMoved
from hotswap_dev.packing.signing import new_key
from hotswap_dev.packing.tree import scan
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


async def test_a_settled_tree_that_moves_must_settle_again(
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


async def test_a_folder_that_never_holds_still_is_refused_by_name(
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


async def test_E15_a_byte_that_flips_before_it_is_offered_is_found(
    tmp_path: Path, maker: BundleMaker, store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    dist = write_frontend(tmp_path / "dist")
    pack = Packer.pack

    def packing(self: Packer, *args: Any, **kwargs: Any) -> Any:
        packed = pack(self, *args, **kwargs)
        content = bytearray(packed.path.read_bytes())
        content[len(content) // 2] ^= 1
        packed.path.write_bytes(content)
        return packed

    monkeypatch.setattr(Packer, "pack", packing)

    with pytest.raises(Exception, match="not those that were written") as broken:
        await maker.make(scan(dist))

    assert getattr(broken.value, "code", "") == "bundle-broken"
    assert list(store.folder.iterdir()) == []


async def test_the_same_tree_as_before_makes_no_bundle(
    tmp_path: Path, maker: BundleMaker, store: BundleStore
) -> None:
    dist = write_frontend(tmp_path / "dist")
    first = await maker.make(scan(dist))
    assert first is not None

    assert await maker.make(scan(dist), unless=first.bundle.tree) is None
    assert len(list(store.folder.glob("*.tar.gz"))) == 1
