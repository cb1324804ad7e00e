"""The pages in the wall's frames: a release's own files, as an app would show them, or words that say why not."""

from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from msgspec.structs import replace

from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.model import Bundle, Format
from hotswap_dev.server.wall import opened as opening
from hotswap_dev.server.wall.opened import CannotShow, OpenBundles, open_bundle
from hotswap_dev.server.wall.preview import Previews
from tests.server.asking import Asking, write_frontend
from tests.server.conftest import Serve
from tests.server.walls import opened, page_of, runs, write_zip
from tests.unit.making import NOW, a_bundle

IN_A_FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}
NULL = {"Origin": "null", "Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "cors"}

INDEX = '<!doctype html><script type="module" crossorigin src="/assets/index-1.js"></script>'


def a_vite_build(folder: Path) -> Path:
    """What `vite build` leaves: absolute addresses, modules, hashed names."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "index-1.js").write_text('import "./lazy-2.js"; document.title = "vite"')
    (folder / "assets" / "lazy-2.js").write_text("export const lazy = 1")
    (folder / "assets" / "style-3.CSS").write_text("body { color: teal }")
    (folder / "assets" / "mod.wasm").write_bytes(b"\0asm")
    (folder / "notes.weird").write_text("<script>alert(1)</script>")
    (folder / "it's 100 % ü.svg").write_text("<svg/>")
    return folder


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
async def test_a_build_with_absolute_addresses_is_whole(serve: Serve, tmp_path: Path, kind: Format) -> None:
    async with serve(format=kind) as server:
        await server.publish(a_vite_build(tmp_path / "vite"))
        wall = await opened(server)
        page = await page_of(wall, 1)

        expected = {
            "": "text/html; charset=utf-8",
            "index.html": "text/html; charset=utf-8",
            "assets/index-1.js": "text/javascript; charset=utf-8",
            "assets/lazy-2.js?v=1": "text/javascript; charset=utf-8",
            "assets/style-3.CSS": "text/css; charset=utf-8",
            "assets/mod.wasm": "application/wasm",
            "it's%20100%20%25%20%C3%BC.svg": "image/svg+xml",
            "notes.weird": "application/octet-stream",
        }
        for path, content_type in expected.items():
            answer = await wall.preview(page, path, NULL)
            assert (answer.status, answer.headers["Content-Type"]) == (200, content_type), path
        assert (await wall.preview(page)).body == INDEX.encode()
        head = await wall.preview(page, "assets/index-1.js", method="HEAD")
        assert (head.status, head.body) == (200, b"")


async def test_a_large_file_comes_whole_and_its_size_is_said_before(server: Asking, tmp_path: Path) -> None:
    large = write_frontend(tmp_path / "large", noise=700_000)
    await server.publish(large)
    wall = await opened(server)
    page = await page_of(wall, 2)

    answer = await wall.preview(page, "noise.bin")
    head = await wall.preview(page, "noise.bin", method="HEAD")

    assert answer.body == (large / "noise.bin").read_bytes()
    assert answer.headers["Content-Length"] == head.headers["Content-Length"] == "700000"
    assert head.body == b""


async def test_a_route_of_the_app_is_its_page_and_a_missing_script_is_missing(server: Asking) -> None:
    wall = await opened(server)
    page = await page_of(wall, 1)

    assert (await wall.preview(page, "settings/profile", IN_A_FRAME)).body == (await wall.preview(page)).body
    missing = await wall.preview(page, "assets/missing.js", NULL)
    assert (missing.status, missing.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")


async def test_B1_no_path_leads_out_of_a_bundle(server: Asking) -> None:
    wall = await opened(server)
    page = await page_of(wall, 1)
    for path in (
        "../state.db",
        "..%2fstate.db",
        "%2e%2e/%2e%2e/server.json",
        "..%5cserver.json",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "app.js%00.html",
        "@fs/etc/passwd",
        "index.html::$DATA",
        "../../../../etc/passwd?raw??",
    ):
        answer = await wall.preview(page, path)
        # `..` that a client leaves in place is a path like any other here, and no file has it.
        assert answer.status in (400, 404), path
        assert answer.status == 400 or answer.body == b"not in this bundle\n", path


async def test_the_embedded_page_an_unknown_release_and_a_pruned_bundle_are_said_in_words(
    server: Asking, tmp_path: Path
) -> None:
    second = await server.publish(write_frontend(tmp_path / "second", "two"))
    wall = await opened(server)
    page = await page_of(wall, 2)
    runs(server, "embedded", 0)
    runs(server, "ahead", 57)
    await server.engine.commit(lambda _: [BundlesPruned(at=NOW, hashes=(second.bundle.hash,))])
    server.engine.store.remove(second.bundle.hash)

    phones = {phone["id"]: (phone["kind"], phone["page"]) for phone in (await wall.picture())["phones"]}

    assert phones == {"runs-2": ("gone", None), "embedded": ("embedded", None), "ahead": ("unknown", None)}
    gone = await wall.preview(page, "", IN_A_FRAME)
    assert (gone.status, b"its bundle is gone" in gone.body) == (404, True)


async def test_a_bundle_is_opened_once_for_all_of_its_frames_and_never_on_the_loop(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def counted(path: Path, kind: Format) -> Mapping[str, bytes]:
        threads.append(threading.current_thread())
        return open_bundle(path, kind)

    monkeypatch.setattr(opening, "open_bundle", counted)
    wall = await opened(server)
    page = await page_of(wall, 1)

    answers = await asyncio.gather(*(wall.preview(page, path) for path in ("", "app.js") * 10))

    assert {answer.status for answer in answers} == {200}
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def a_tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def test_links_are_dropped_and_a_second_gzip_member_is_not_read_as_in_the_plugin(tmp_path: Path) -> None:
    link = tarfile.TarInfo("link.html")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    first = a_tar((tarfile.TarInfo("./index.html"), b"one"), (link, b""))
    second = a_tar((tarfile.TarInfo("second.html"), b"two"))
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(gzip.compress(first) + gzip.compress(second))

    assert open_bundle(path, "tar.gz") == {"index.html": b"one"}


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])
def test_what_every_client_refuses_is_not_shown_either(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(gzip.compress(a_tar((tarfile.TarInfo(name), b"evil"))))
    with pytest.raises(CannotShow, match="every client refuses it"):
        open_bundle(path, "tar.gz")

    with pytest.raises(CannotShow, match="every client refuses it"):
        open_bundle(write_zip(tmp_path / "bundle.zip", {name: b"evil"}), "zip")


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    for content in (
        b"",
        b"not gzip at all",
        gzip.compress(b"not tar " * 100)[:-4],
        gzip.compress(b"x" * 600),
    ):
        broken.write_bytes(content)
        with pytest.raises(CannotShow, match="no client can extract it"):
            open_bundle(broken, "tar.gz")
        with pytest.raises(CannotShow, match="no client can extract it"):
            open_bundle(broken, "zip")
    # Of a name that is empty Python's reader asks for the last letter.
    nameless = write_zip(tmp_path / "nameless", {"x": b""})
    nameless.write_bytes(nameless.read_bytes().replace(b"x", b"\0"))
    with pytest.raises(CannotShow, match="no client can extract it"):
        open_bundle(nameless, "zip")
    with pytest.raises(CannotShow, match="its bundle is gone"):
        open_bundle(tmp_path / "missing", "zip")


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_B10_a_bundle_that_unfolds_beyond_the_limit_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Format
) -> None:
    monkeypatch.setattr(opening, "MOST_OF_ONE", 100_000)
    path = tmp_path / "bomb"
    if kind == "zip":
        write_zip(path, {"a": bytes(60_000), "b": bytes(60_000)})
    else:
        path.write_bytes(gzip.compress(a_tar((tarfile.TarInfo("index.html"), bytes(10_000_000)))))

    with pytest.raises(CannotShow, match="too many to be shown"):
        open_bundle(path, kind)


async def test_what_was_asked_for_longest_ago_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_OF_ALL", 3000)
    reads: list[str] = []

    def path_of(bundle: Bundle) -> Path:
        reads.append(bundle.hash[:1])
        return write_zip(tmp_path / bundle.hash, {"index.html": bytes(1000)})

    bundles = OpenBundles(path_of)
    a, b, c = (replace(a_bundle(name), format="zip") for name in "abc")
    for bundle in (a, b, a, c, a, b):
        assert len((await bundles.files(bundle))["index.html"]) == 1000
        assert bundles.size <= 3000

    assert len(reads) == 4  # a, b, c, and b again


async def test_a_bundle_that_can_not_be_opened_is_tried_once(tmp_path: Path) -> None:
    reads = []

    def path_of(bundle: Bundle) -> Path:
        reads.append(bundle)
        broken = tmp_path / "broken"
        broken.write_bytes(b"broken")
        return broken

    bundles = OpenBundles(path_of)
    for _ in range(3):
        with pytest.raises(CannotShow):
            await bundles.files(a_bundle("x"))
    assert len(reads) == 1


async def test_a_release_that_is_not_there_is_said_in_words() -> None:
    previews = Previews(Controls, OpenBundles(lambda _: Path("none")), key="key", port=1)

    answer = await previews.answer(make_mocked_request("GET", "/"), 57)

    assert (answer.status, "no release 57" in str(answer.text)) == (404, True)


async def test_a_bundle_that_is_gone_is_shown_again_when_it_is_back(tmp_path: Path) -> None:
    """The same build has the same name: saved again after its bundle was pruned, it is there."""
    place = tmp_path / "bundle.zip"
    bundles = OpenBundles(lambda _: place)
    bundle = replace(a_bundle("x"), format="zip")
    with pytest.raises(CannotShow, match="its bundle is gone"):
        await bundles.files(bundle)

    write_zip(place, {"index.html": b"back"})

    assert await bundles.files(bundle) == {"index.html": b"back"}


def test_a_sparse_file_is_dropped_and_unfolds_to_nothing(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("index.html")
    entry.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "index.html",
        "GNU.sparse.realsize": str(10**6),
    }
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(gzip.compress(a_tar((entry, b"1\n0\n5\n".ljust(512, b"\0") + b"hello"))))

    assert open_bundle(path, "tar.gz") == {}


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_B10_a_bundle_of_countless_empty_files_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Format
) -> None:
    monkeypatch.setattr(opening, "MOST_FILES", 2)
    path = tmp_path / "bundle"
    for count in (2, 3):
        files = {f"{number}.txt": b"" for number in range(count)}
        if kind == "zip":
            write_zip(path, files)
        else:
            path.write_bytes(gzip.compress(a_tar(*((tarfile.TarInfo(name), b"") for name in files))))
        if count == 2:
            assert open_bundle(path, kind) == files
    with pytest.raises(CannotShow, match="more than 2 files"):
        open_bundle(path, kind)


async def test_empty_files_take_room_too(tmp_path: Path) -> None:
    bundles = OpenBundles(
        lambda bundle: write_zip(tmp_path / bundle.hash, {f"{number}.txt": b"" for number in range(100)})
    )
    await bundles.files(replace(a_bundle("x"), format="zip"))

    assert bundles.size > 100 * 100
