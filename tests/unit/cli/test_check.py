"""`check`: one check as the plugin does it, against a server that answers as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from minisign import KeyPair

from hotswap_dev.cli import checking
from tests.real_client.answers import MANIFEST
from tests.real_client.scripted_server import (
    ScriptedServer,
    answering,
    public_line,
    resetting,
    signed,
    tar_gz,
)
from tests.unit.cli.saying import Said, Say

PAGE = {"index.html": "<h1>seven</h1>", "js/app.js": "go()"}
KEY = KeyPair.generate()
Check = Callable[..., Awaitable[Said]]


@pytest.fixture
async def server(aiohttp_server: Callable[[web.Application], Awaitable[TestServer]]) -> ScriptedServer:
    scripted = ScriptedServer()
    running = await aiohttp_server(scripted.application())
    scripted.origin = str(running.make_url("")).rstrip("/")
    return scripted


@pytest.fixture
def check(say: Say, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`await check("--sequence", "5")` against the scripted server, where no other one runs."""
    monkeypatch.chdir(tmp_path)

    async def run(*words: str) -> Said:
        platform = ("--platform", "linux", "--arch", "x86_64", "--binary-version", "0.1.0")
        return await asyncio.to_thread(say, "check", server.endpoint, *platform, *words)

    return run


def offer(server: ScriptedServer, files: dict[str, str] | None = None, **fields: Any) -> None:
    bundle = tar_gz(PAGE if files is None else files)
    server.offer(bundle, **{"signature": signed(KEY, bundle), **fields})


async def test_an_offer_is_told_with_request_answer_verdict_events_and_manifest(
    server: ScriptedServer, check: Check
) -> None:
    offer(server, notes="seventh\x1b[31m")

    said = await check("--sequence", "5", "--channel", "beta", "--header", "X-API-Key=secret=1")

    asked = "/check/5?binary_version=0.1.0&platform=linux&arch=x86_64&channel=beta"
    assert server.checks == [asked]
    assert server.headers[0]["X-API-Key"] == "secret=1"
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == f"REQUEST   GET {server.origin}{asked}"
    assert lines[1] == "          X-API-Key: ***"
    assert lines[2].startswith("ANSWER    200, ")
    assert lines[3] == "VERDICT   available: 0.1.0-ota.7, sequence 7; at 5 now"
    assert lines[4] == "EVENTS    check-start, check-complete 7"
    assert lines[5] == "MANIFEST  version            0.1.0-ota.7"
    text = " ".join(said.out.split())
    assert "sequence 7" in text
    assert "notes seventh\\x1b[31m" in text
    assert "secret" not in said.out
    assert server.downloads == [], "a check downloads nothing"


async def test_the_value_of_a_header_may_lie_in_a_file(
    server: ScriptedServer, check: Check, tmp_path: Path
) -> None:
    (tmp_path / "key.txt").write_text("secret\n")
    server.check = answering(204)

    said = await check("--header", "X-API-Key=@key.txt", "--header", "X-At=a@b")

    assert (server.headers[0]["X-API-Key"], server.headers[0]["X-At"]) == ("secret", "a@b")
    assert "secret" not in said.out + said.err


@pytest.mark.parametrize(
    ("answer", "code", "verdict"),
    [
        (answering(204), 0, "no update: the server has none"),
        (answering(500), 1, "the check rejects with: HTTP 500: update check failed"),
        (answering(200, b"<html>"), 1, "the check rejects with: invalid manifest: error decoding response body"),
        (resetting, 1, "the check rejects with: network error: error sending request for url"),
        (answering(200, json.dumps(MANIFEST).encode()), 0, "available: 0.1.0-ota.7, sequence 7; at 5 now"),
        (
            answering(200, json.dumps({**MANIFEST, "sequence": 5}).encode()),
            0,
            "no update: the manifest was dropped without a word: its sequence is not above what runs",
        ),
        (
            answering(200, json.dumps({**MANIFEST, "min_binary_version": "9.0.0"}).encode()),
            0,
            "no update: the manifest was dropped without a word: its min_binary_version is above the binary",
        ),
        (
            answering(200, json.dumps({**MANIFEST, "min_binary_version": "latest"}).encode()),
            1,
            "the check rejects with: version error: invalid min_binary_version",
        ),
    ],
)  # fmt: skip
async def test_each_answer_is_judged_in_the_plugins_words_and_ends_accordingly(
    server: ScriptedServer, check: Check, answer: Any, code: int, verdict: str
) -> None:
    server.check = answer

    said = await check("--sequence", "5")

    assert said.code == code
    assert f"VERDICT {verdict}" in " ".join(said.out.split())
    assert len(server.checks) == 1, "a check is never repeated"


async def test_a_manifest_that_was_dropped_is_shown_all_the_same(
    server: ScriptedServer, check: Check
) -> None:
    server.check = answering(200, json.dumps({**MANIFEST, "sequence": 3, "extra": [1]}).encode())

    said = await check("--sequence", "5", "--json")

    found = json.loads(said.out)
    assert (found["available"], found["dropped"], found["error"]) == (False, "not-newer", None)
    assert found["manifest"] == {**MANIFEST, "sequence": 3, "extra": [1]}
    assert found["answer"]["status"] == 200
    assert [one["event"] for one in found["events"]] == ["check-start", "check-complete"]
    assert found["apply"] is None


async def test_apply_downloads_verifies_extracts_and_says_each_step(
    server: ScriptedServer, check: Check, tmp_path: Path
) -> None:
    offer(server)

    said = await check("--apply", "out", "--pubkey", public_line(KEY))

    assert (said.code, said.err) == (0, "")
    assert (tmp_path / "out/seq-7/index.html").read_text() == PAGE["index.html"]
    assert (tmp_path / "out/seq-7/js/app.js").read_text() == PAGE["js/app.js"]
    assert (tmp_path / "out/current").read_text() == "seq-7"
    text = " ".join(said.out.split())
    size = sum(map(len, PAGE.values()))
    assert f"DOWNLOAD GET {server.origin}/files/bundle.tar.gz 200, " in text
    assert f"SIGNATURE fits the key {public_line(KEY)[-4:]} " in text
    assert f"EXTRACTED 2 files, {size} B in out/seq-7 VERDICT applied 7" in text
    assert text.endswith("EVENTS download-start 7, download-complete 7, apply 7")


async def test_what_was_applied_runs_at_the_next_check_where_the_page_said_that_it_is_ready(
    server: ScriptedServer, check: Check
) -> None:
    offer(server)
    key = ("--pubkey", public_line(KEY))

    first = await check("--apply", "out", *key, "--confirm")
    second = await check("--apply", "out", *key)
    offer(server, sequence=8)
    await check("--apply", "out", *key)
    unconfirmed = await check("--apply", "out", *key)

    assert first.out.splitlines()[-1].endswith("apply 7, ready-confirmed 7")
    assert "dropped without a word" in " ".join(second.out.split())
    assert [asked.partition("?")[0] for asked in server.checks] == [
        "/check/0",
        "/check/7",
        "/check/7",
        "/check/7",
    ]
    assert "Rolled back to seq-7" in unconfirmed.out, "nobody confirmed 8 before the next start"


@pytest.mark.parametrize(
    ("change", "rejection"),
    [
        ({"signature": "rubbish"}, "signature verification failed: "),
        ({"url": "http://127.0.0.1:9/x.tar.gz"}, "network error: error sending request for url"),
    ],
)
async def test_what_the_plugin_would_reject_is_exit_1_with_its_words_and_leaves_nothing(
    server: ScriptedServer,
    check: Check,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    rejection: str,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(checking, "pause", _noting(waited))
    offer(server, **change)

    said = await check("--apply", "out", "--pubkey", public_line(KEY))

    assert said.code == 1
    assert f"VERDICT apply rejects with: {rejection}" in " ".join(said.out.split())
    assert not list((tmp_path / "out").iterdir())
    assert waited in ([], [1, 2, 4])


async def test_a_download_that_fails_is_tried_as_often_as_the_plugin_does_and_each_attempt_is_told(
    server: ScriptedServer, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(checking, "pause", _noting(waited))
    offer(server)
    good = server.download
    assert good is not None
    attempts = 0

    async def failing_twice(request: web.Request) -> web.StreamResponse:
        nonlocal attempts
        attempts += 1
        return web.Response(status=503) if attempts < 3 else await good(request)

    server.download = failing_twice

    said = await check("--apply", "out", "--pubkey", public_line(KEY))

    assert (said.code, attempts, waited) == (0, 3, [1, 2])
    text = " ".join(said.out.split())
    assert "the download failed: next attempt in 1 s the download failed: next attempt in 2 s" in text
    assert "attempt 1: GET" in text
    assert "attempt 3: GET" in text


async def test_json_has_all_of_an_apply(server: ScriptedServer, check: Check) -> None:
    offer(server)

    said = await check("--apply", "out", "--pubkey", public_line(KEY), "--confirm", "--json")

    applied = json.loads(said.out)["apply"]
    assert (applied["error"], applied["signed"], applied["confirmed"]) == (None, True, True)
    assert (applied["sequence"], applied["files"], applied["folder"]) == (7, 2, "out")
    assert [one["status"] for one in applied["requests"]] == [200]
    assert applied["events"][-1]["event"] == "ready-confirmed"


async def test_an_address_without_the_placeholder_is_asked_as_it_stands_and_that_is_said(
    say: Say, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.check = answering(204)

    said = await asyncio.to_thread(say, "check", f"{server.origin}/check/x?a=1", "--binary-version", "1.0.0")

    assert said.code == 0
    assert server.checks[0].startswith("/check/x?a=1&binary_version=1.0.0&platform=")
    assert "no {{current_sequence}} in the address" in said.err


async def test_an_app_without_a_version_fails_as_the_plugin_does(
    server: ScriptedServer, check: Check
) -> None:
    offer(server)

    said = await check("--binary-version", "")

    assert said.code == 1
    assert "version error: invalid binary version" in " ".join(said.out.split())


async def test_under_require_https_no_app_starts_with_such_an_address(check: Check) -> None:
    said = await check("--require-https", "on")

    assert (said.code, said.out) == (1, "")
    assert "insecure URL rejected: http://" in said.err
    assert "--require-https off allows it" in said.err


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["http://127.0.0.1:9/", "--confirm"], 2, "--confirm means nothing without --apply"),
        (["http://127.0.0.1:9/", "--sequence", "-1"], 2, "--sequence is -1"),
        (["http://127.0.0.1:9/", "--sequence", "latest"], 2, "no whole number"),
        (["http://127.0.0.1:9/", "--header", "X-Key"], 2, "--header number 1 is no NAME=VALUE"),
        (["http://127.0.0.1:9/", "--apply", "out"], 2, "which key the bundle must be signed with"),
        (["http://127.0.0.1:9/", "--apply", "a-file", "--pubkey", "x"], 2, "--apply a-file is no folder"),
        (["http://127.0.0.1:9/", "--platform", "amiga"], 2, "amiga"),
        ([], 3, "no server runs in"),
    ],
)
def test_what_can_not_be_meant_is_said_before_anything_is_asked(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("")

    said = say("check", *words)

    assert (said.code, said.out) == (code, "")
    assert named in said.err


def _noting(waited: list[float]) -> Callable[[float], Awaitable[None]]:
    async def pause(seconds: float) -> None:
        waited.append(seconds)

    return pause
