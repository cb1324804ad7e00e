"""What bare sockets get out of the client site: published bytes, and nothing else (hardening B1, B2, D7, D10)."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from hotswap_dev.domain.observations import DownloadEnded
from tests.server.asking import Asking, a_request, happened, raw, status_of
from tests.server.conftest import Serve
from tests.server.probes import ways_to_a_file


async def test_B1_nothing_but_a_published_name_leads_to_bytes(server: Asking) -> None:
    release = server.engine.controls.releases[1]
    name = f"{release.bundle.hash8}.tar.gz"
    corpus = ways_to_a_file(name)
    assert len(corpus) >= 60
    # A query is ignored.
    assert (await server.get(f"/bundles/-/1/{name}?raw??")).status == 200
    await happened(server.engine, DownloadEnded)
    revision = server.engine.bus.revision

    answers = {
        (method, path): await raw(server.port, a_request(path, method=method))
        for path in corpus
        for method in ("GET", "HEAD")
    }

    assert {key: status_of(answer) for key, answer in answers.items() if status_of(answer) != 404} == {}
    bodies = {answer.partition(b"\r\n\r\n")[2] for (method, _), answer in answers.items() if method == "GET"}
    assert len(bodies) == 1
    assert server.engine.bus.revision == revision


async def test_B2_nothing_of_the_workspace_can_be_asked_for(serve: Serve, dist: Path, tmp_path: Path) -> None:
    async with serve() as server:
        release = await server.publish(dist)
        files = sorted(
            path for root in ("w", "keys") for path in (tmp_path / root).rglob("*") if path.is_file()
        )
        names = {path.name for path in files}
        assert {"secret", "state.db", "history.db", "server.json", "high-water"} <= names
        paths = [
            f"{prefix}{name}"
            for name in sorted(names)
            for prefix in (
                "/",
                "/bundles/",
                "/bundles/-/1/",
                "/bundles/-/1/../../../",
                "/.hotswap-dev/",
                "/w/",
            )
            if name != f"{release.bundle.hash8}.tar.gz"
        ]

        answers = {path: await raw(server.port, a_request(path)) for path in paths}

        assert {path: status_of(answer) for path, answer in answers.items() if status_of(answer) != 404} == {}


async def test_D10_cookies_are_not_read_whatever_they_are(
    server: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    for cookie in ("a=" + "b" * 4000, "=;=;=;" * 300, '$Version="1"; a="\\"', ";" * 4000, "a=\xff"):
        for port in (server.port, server.control_port):
            answer = await raw(port, a_request("/healthz", b"Cookie: " + cookie.encode("latin-1")))

            assert status_of(answer) in (200, 401), cookie[:40]
            assert b"Set-Cookie" not in answer
    assert caplog.records == []


async def test_D7_no_body_is_inflated_on_any_path(server: Asking) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    sent = ("Content-Encoding: gzip", "Content-Type: application/json", f"Content-Length: {len(bomb)}")
    token = f"Authorization: Bearer {server.token}"
    before = server.engine.bus.revision

    for port, path in [
        *(
            (server.port, path)
            for path in ("/", "/update", "/update/completion", "/api/lifecycle", "/api/ota/0")
        ),
        *((server.control_port, f"/api/commands/{name}") for name in ("publish", "nothing")),
    ]:
        tracemalloc.start()
        try:
            answer = await raw(port, a_request(path, token, *sent, method="POST") + bomb)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert 400 <= status_of(answer) < 500, path
        assert peak < 10_000_000, path
    # What can't be read is an answer all the same, and answers are told.
    assert server.engine.bus.revision <= before + 1
    assert server.engine.controls.releases.keys() == {1}
