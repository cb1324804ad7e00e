"""Bundles: their bytes, who fetched them, and how far they came (hardening B1, B2, B12)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hotswap_dev.domain import retention
from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.observations import DownloadEnded
from hotswap_dev.server import downloads
from tests.server.asking import (
    PATIENCE,
    Asking,
    a_request,
    connection,
    happened,
    so_far,
    status_of,
    times,
    write_frontend,
)
from tests.server.conftest import Serve

MEGABYTE = 2**20
TOO_MUCH_FOR_THE_BUFFERS = 24 * MEGABYTE


async def test_a_bundle_is_the_file_that_was_signed(server: Asking) -> None:
    release = server.engine.controls.releases[1]

    answer = await server.get((await server.check()).json["url"])

    assert answer.status == 200
    assert answer.body == server.engine.bundle_file(release).read_bytes()
    assert hashlib.sha256(answer.body).hexdigest() == release.bundle.hash
    assert answer.headers["Content-Length"] == str(release.bundle.size)
    assert answer.headers["Content-Type"] == "application/gzip"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Content-Encoding" not in answer.headers


async def test_a_zip_is_a_zip_by_url_and_type(serve: Serve, dist: Path) -> None:
    async with serve(format="zip") as server:
        await server.publish(dist)
        url = (await server.check()).json["url"]

        answer = await server.get(url)

        # The plugin knows a zip by the end of the whole URL (plugin: updater.rs).
        assert url.endswith(".zip")
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.body.startswith(b"PK")


async def test_no_encoding_is_ever_put_on_a_bundle(server: Asking) -> None:
    url = (await server.check()).json["url"]

    answer = await server.get(url, {"Accept-Encoding": "gzip, br, zstd, deflate"})

    assert "Content-Encoding" not in answer.headers
    assert hashlib.sha256(answer.body).hexdigest() == server.engine.controls.releases[1].bundle.hash


async def test_head_has_what_get_has_without_the_bytes_and_is_no_download(server: Asking) -> None:
    url = (await server.check()).json["url"]

    head = await server.get(url, method="HEAD")
    whole = await server.get(url)

    assert (head.status, head.body) == (200, b"")
    varying = {"Date"}
    assert {name: value for name, value in head.headers.items() if name not in varying} == {
        name: value for name, value in whole.headers.items() if name not in varying
    }
    ended = await happened(server.engine, DownloadEnded)
    assert ended.complete
    assert ended.attempt == 1


async def test_a_range_is_a_part_and_one_beyond_the_end_is_416(server: Asking) -> None:
    url = (await server.check()).json["url"]
    whole = (await server.get(url)).body
    size = len(whole)

    ranges = {
        "bytes=0-9": whole[:10],
        "bytes=10-": whole[10:],
        "bytes=-7": whole[-7:],
        "bytes=0-99999": whole,
    }
    for asked, part in ranges.items():
        answer = await server.get(url, {"Range": asked})
        assert (answer.status, answer.body) == (206, part), asked
    beyond = await server.get(url, {"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["Content-Range"], beyond.body) == (416, f"bytes */{size}", b"")
    for strange in ("bytes=9-1", "bytes=x-y", "bytes=-", "lines=1-2", "bytes=" + "9" * 4000 + "-"):
        assert (await server.get(url, {"Range": strange})).status in (200, 206, 416), strange


async def test_an_etag_saves_the_second_download(server: Asking) -> None:
    url = (await server.check()).json["url"]
    first = await server.get(url)

    again = await server.get(url, {"If-None-Match": first.headers["Etag"]})
    other = await server.get(url, {"If-None-Match": '"other"'})
    later = await server.get(
        url, {"If-Modified-Since": format_datetime(datetime.now(UTC) + timedelta(1), usegmt=True)}
    )

    assert (again.status, again.body) == (304, b"")
    assert later.status == 304
    assert (other.status, other.body) == (200, first.body)


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since"])
@pytest.mark.parametrize("year", ["99999", "9" * 30])
async def test_D11_a_condition_with_a_date_that_is_none_is_no_condition(
    server: Asking, name: str, year: str
) -> None:
    url = (await server.check()).json["url"]

    answer = await server.get(url, headers={name: f"Sat, 01 Jan {year} 00:00:00 GMT"})

    assert answer.status == 200
    assert len(answer.body) == server.engine.controls.releases[1].bundle.size
    assert (await happened(server.engine, DownloadEnded)).complete


async def test_only_what_sent_bytes_is_a_download(server: Asking) -> None:
    url = (await server.check()).json["url"]
    etag = (await server.get(url)).headers["Etag"]
    size = server.engine.controls.releases[1].bundle.size

    await server.get(url, {"If-None-Match": etag})
    await server.get(url, {"Range": f"bytes={size}-"})
    await server.get(url, {"If-Match": '"other"'})
    await server.get(url, {"Range": "bytes=5-9"})

    await happened(server.engine, DownloadEnded, lambda ended: ended.range)
    ended = await so_far(server.engine, DownloadEnded)
    assert [(one.bytes, one.complete, one.range) for one in ended] == [(size, True, False), (5, False, True)]


async def test_a_download_belongs_to_the_client_that_checked(server: Asking) -> None:
    urls = {
        client: (await server.check(headers={"X-Device-Id": client})).json["url"]
        for client in ("anna", "ben")
    }
    latest = (await server.get("/channels/production/latest.json")).json["url"]
    strange = urls["anna"].replace("/bundles/" + urls["anna"].split("/")[4], "/bundles/0123456789")

    for url in (urls["ben"], urls["anna"], latest, strange):
        assert (await server.get(url)).status == 200

    ended = await times(server.engine, DownloadEnded, 4)
    assert [one.client for one in ended] == ["ben", "anna", None, None]
    assert {one.sequence for one in ended} == {1}
    assert server.engine.clients["anna"].fetched == 1
    assert "/bundles/-/1/" in latest


async def test_tokens_outlive_a_restart_and_say_nothing_of_the_client(serve: Serve, dist: Path) -> None:
    async with serve() as server:
        await server.publish(dist)
        before = (await server.check(headers={"X-Device-Id": "anna"})).json["url"]
        assert "anna" not in before
    async with serve() as server:
        path = urlsplit(before).path

        await server.get(path)

        ended = await happened(server.engine, DownloadEnded)
        assert ended.client == "anna"
        again = (await server.check(headers={"X-Device-Id": "anna"})).json["url"]
        assert urlsplit(again).path == path


async def test_a_whole_download_is_told_with_its_bytes(server: Asking) -> None:
    await server.get((await server.check()).json["url"])

    ended = await happened(server.engine, DownloadEnded)

    assert (ended.client, ended.peer, ended.sequence) == ("local/linux/x86_64", "127.0.0.1", 1)
    assert (ended.bytes, ended.complete, ended.attempt, ended.range) == (
        server.engine.controls.releases[1].bundle.size,
        True,
        1,
        False,
    )
    assert 0 < ended.duration_ms < 10_000


async def test_a_download_that_breaks_off_is_told_with_what_was_sent_and_the_next_is_attempt_two(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve() as server:
        release = await server.publish(write_frontend(tmp_path / "big", noise=TOO_MUCH_FOR_THE_BUFFERS))
        url = (await server.check()).json["url"]
        async with downloading(server, url) as reader:
            await reader.readexactly(MEGABYTE)

        broken = await happened(server.engine, DownloadEnded)
        whole = await server.get(url)

        assert MEGABYTE <= broken.bytes < release.bundle.size
        assert (broken.complete, broken.attempt, broken.client) == (False, 1, "local/linux/x86_64")
        assert hashlib.sha256(whole.body).hexdigest() == release.bundle.hash
        second = await happened(server.engine, DownloadEnded, lambda ended: ended.attempt == 2)
        assert (second.complete, second.bytes) == (True, release.bundle.size)


async def test_a_new_offer_counts_attempts_from_one(server: Asking) -> None:
    for _ in range(2):
        url = (await server.check()).json["url"]
        await server.get(url)
        await server.get(url)

    ended = await times(server.engine, DownloadEnded, 4)
    assert [one.attempt for one in ended] == [1, 2, 1, 2]


async def test_B12_a_slow_reader_gets_the_bytes_that_were_signed_whatever_is_published_meanwhile(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEPT_IN_ALL", 2)
    monkeypatch.setattr(retention, "KEPT_PER_CHANNEL", 2)
    monkeypatch.setattr(retention, "OFFERED_WITHIN", timedelta(0))
    async with serve() as server:
        release = await server.publish(write_frontend(tmp_path / "big", noise=TOO_MUCH_FOR_THE_BUFFERS))
        url = (await server.check()).json["url"]
        async with downloading(server, url) as reader:
            got = hashlib.sha256(await reader.readexactly(MEGABYTE))

            for number in range(6):
                await server.publish(write_frontend(tmp_path / "small", f"build {number}"))
            assert release.bundle.hash in server.engine.controls.pruned
            assert not server.engine.bundle_file(release).exists()
            assert await so_far(server.engine, DownloadEnded) == []

            left = release.bundle.size - MEGABYTE
            while left:
                piece = await reader.read(min(left, MEGABYTE))
                assert piece
                got.update(piece)
                left -= len(piece)

        assert got.hexdigest() == release.bundle.hash
        assert (await happened(server.engine, DownloadEnded)).complete
        # And whoever comes too late is told, not given something else.
        assert (await server.get(url)).status == 404


async def test_a_bundle_that_was_taken_away_by_hand_is_a_404_that_nobody_keeps(server: Asking) -> None:
    url = (await server.check()).json["url"]
    server.engine.bundle_file(server.engine.controls.releases[1]).unlink()

    answer = await server.get(url)

    assert answer.status == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert await so_far(server.engine, DownloadEnded) == []


async def test_a_pruned_bundle_is_not_there(server: Asking) -> None:
    url = (await server.check()).json["url"]
    hashes = (server.engine.controls.releases[1].bundle.hash,)

    await server.engine.commit(lambda _: [BundlesPruned(at=datetime.now(UTC), hashes=hashes)])

    assert (await server.get(url)).status == 404
    assert (await server.get("/channels/production/latest.json")).status == 404


@asynccontextmanager
async def downloading(server: Asking, url: str) -> AsyncIterator[asyncio.StreamReader]:
    """A download whose body the test reads as slowly as it likes; left early, the connection breaks."""
    async with connection(server.port) as (reader, writer):
        writer.write(a_request(urlsplit(url).path))
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        assert status_of(head) == 200
        yield reader


def test_C7_only_so_many_clients_and_attempts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_REMEMBERED", 100)
    attribution = downloads.Attribution(b"s" * 32)
    tokens = [attribution.token(str(number)) for number in range(1000)]
    for number in range(1000):
        attribution.attempt(str(number), 1)

    assert [attribution.client(token) for token in (tokens[0], tokens[-1])] == [None, "999"]
    assert (len(attribution._clients), len(attribution._attempts)) == (100, 100)
