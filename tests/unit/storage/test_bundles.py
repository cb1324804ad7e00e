"""Bundle files are whole or swept, and what a release points at is never touched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hotswap_dev.domain.model import Bundle
from hotswap_dev.storage.bundles import TEMPORARY_PREFIX, BundleStore
from tests.unit.making import a_bundle

LIST = b'["index.html"]'


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    folder = tmp_path / "bundles"
    folder.mkdir()
    return BundleStore(folder)


def kept(store: BundleStore, bundle: Bundle, data: bytes = b"archive") -> Path:
    """A bundle as a build leaves it: a finished temporary file that was kept."""
    temporary = store.folder / f"{TEMPORARY_PREFIX}{bundle.hash8}"
    temporary.write_bytes(data)
    return store.keep(temporary, bundle, LIST)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_kept_bundle_lies_where_its_hash_says_with_its_list_beside_it(store: BundleStore) -> None:
    bundle = a_bundle()
    path = kept(store, bundle)
    assert path == store.path(bundle.hash, "tar.gz") == store.folder / f"{bundle.hash}.tar.gz"
    assert path.read_bytes() == b"archive"
    assert store.file_list(bundle.hash) == LIST
    assert names(store.folder) == {f"{bundle.hash}.tar.gz", f"{bundle.hash}.files.json"}


def test_a_zip_is_called_a_zip(store: BundleStore) -> None:
    assert store.path("ab", "zip").name == "ab.zip"


def test_the_list_is_there_before_the_archive_is(store: BundleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = a_bundle()
    temporary = store.folder / ".tmp-1"
    temporary.write_bytes(b"archive")
    before: list[bytes | None] = []
    rename = Path.replace

    def watched(self: Path, target: Path) -> Path:
        if self == temporary:
            before.append(store.file_list(bundle.hash))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    store.keep(temporary, bundle, LIST)
    assert before == [LIST]


def test_a_bundle_that_was_never_kept_has_no_list(store: BundleStore) -> None:
    assert store.file_list("ab" * 32) is None


def test_a_removed_bundle_is_gone_with_its_list_and_others_stay(store: BundleStore) -> None:
    one, other = a_bundle("one"), a_bundle("other")
    kept(store, one)
    kept(store, other)
    store.remove(one.hash)
    assert names(store.folder) == {f"{other.hash}.tar.gz", f"{other.hash}.files.json"}
    store.remove(one.hash)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps an open file; the next start sweeps it")
def test_B12_a_download_under_way_ends_with_the_bytes_it_began_with(store: BundleStore) -> None:
    bundle = a_bundle()
    with kept(store, bundle, b"x" * 1000).open("rb") as download:
        assert download.read(10) == b"x" * 10
        store.remove(bundle.hash)
        assert download.read() == b"x" * 990


def test_a_file_that_the_system_holds_is_left_for_the_next_start(
    store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = a_bundle()
    kept(store, bundle)
    unlink = Path.unlink

    def held(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".gz":
            raise PermissionError(13, "used by another process")
        unlink(self, missing_ok)

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", held)
        store.remove(bundle.hash)
        assert store.sweep(set()) == []
    assert store.sweep(set()) == [f"{bundle.hash}.tar.gz"]


def test_E1_a_sweep_takes_what_a_kill_left_and_nothing_that_is_known(store: BundleStore) -> None:
    known, orphan = a_bundle("known"), a_bundle("orphan")
    kept(store, known)
    kept(store, orphan)
    (store.folder / ".tmp-123-half").write_bytes(b"half")
    (store.folder / ".DS_Store").write_bytes(b"finder")
    (store.folder.parent / ".tmp-9-server.json").write_bytes(b"{")
    (store.folder.parent / "state.db").write_bytes(b"facts")
    swept = store.sweep({known.hash})
    assert set(swept) == {
        f"{orphan.hash}.tar.gz",
        f"{orphan.hash}.files.json",
        ".tmp-123-half",
        ".DS_Store",
        ".tmp-9-server.json",
    }
    assert names(store.folder) == {f"{known.hash}.tar.gz", f"{known.hash}.files.json"}
    assert names(store.folder.parent) == {"bundles", "state.db"}


def test_a_second_sweep_finds_nothing(store: BundleStore) -> None:
    kept(store, a_bundle())
    store.sweep(set())
    assert store.sweep(set()) == []


def test_a_folder_that_somebody_put_there_stops_no_start(store: BundleStore) -> None:
    (store.folder / "mine").mkdir()
    (store.folder.parent / ".tmp-mine").mkdir()
    assert store.sweep(set()) == []
    assert (store.folder / "mine").is_dir()
