"""The page at `/`: what is needed to build the app once, as text and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

from tests.server.asking import Asking, write_frontend
from tests.server.conftest import Serve

HOSTILE = "</title><script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


async def test_the_page_says_what_an_app_must_be_built_with(server: Asking, tmp_path: Path) -> None:
    for number in range(12):
        await server.publish(write_frontend(tmp_path / "dist", str(number)), channel=f"channel-{number}")

    answer = await server.get("/")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    read = _Reader(answer.body.decode())
    assert "my-app" in read.texts
    assert server.running.file.endpoint in read.texts
    assert server.running.file.pubkey in read.texts
    assert "channel-11" in read.texts
    assert "0.1.0-ota.13" in read.texts
    assert "channel-1" not in read.texts  # only the newest


async def test_before_the_first_release_it_says_so(serve: Serve) -> None:
    async with serve() as server:
        assert b"No release yet" in (await server.get("/")).body


async def test_nothing_in_the_page_can_run_or_be_fetched(server: Asking) -> None:
    answer = await server.get("/")
    page = answer.body.decode()

    read = _Reader(page)
    assert "script" not in read.tags
    assert {"link", "img", "iframe", "form", "object", "base"}.isdisjoint(read.tags)
    assert {name for name, _ in read.attributes} <= {"lang", "charset", "name", "content"}
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy


async def test_C1_hostile_names_are_text(serve: Serve, dist: Path) -> None:
    async with serve(app=HOSTILE, public_url=f"https://x.example/{HOSTILE}") as server:
        await server.publish(dist)

        page = (await server.get("/")).body.decode()

    read = _Reader(page)
    assert {"script", "img"}.isdisjoint(read.tags)
    assert {name for name, _ in read.attributes} <= {"lang", "charset", "name", "content"}
    assert HOSTILE in read.texts
    assert "<script" not in page


async def test_healthz_says_who_answers(server: Asking) -> None:
    answer = await server.get("/healthz")

    assert answer.json == {"status": "ok", "instance": server.running.file.instance}
    assert answer.headers["Content-Type"] == "application/json"


async def test_latest_json_is_what_anyone_may_have(server: Asking, dist: Path, tmp_path: Path) -> None:
    newest = await server.publish(write_frontend(tmp_path / "next", "next"), notes="new")
    await server.publish(dist, update_type="data")
    await server.publish(dist, channel="beta")

    answer = await server.get("/channels/production/latest.json")

    told = answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Hotswap-Reason" not in answer.headers
    assert (told["sequence"], told["notes"], told["min_binary_version"]) == (2, "new", "0.1.0")
    assert told["url"] == f"{server.running.file.site}/bundles/-/2/{newest.bundle.hash8}.tar.gz"
    assert told["signature"] == newest.bundle.signature
    assert (await server.get("/channels/beta/latest.json")).json["sequence"] == 4


async def test_latest_json_of_a_channel_without_one_says_which_there_are(server: Asking) -> None:
    for name in ("nowhere", "%1b[31m", "a%2fb", "%ff", "x" * 3000):
        answer = await server.get(f"/channels/{name}/latest.json")

        assert answer.status == 404, name
        assert "production" in answer.json["hint"]
        assert answer.json["detail"].isprintable()
        assert len(answer.json["detail"]) < 400
