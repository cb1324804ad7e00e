"""The control site: state, commands, history, and the stream of what happens (interface, "Control site")."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hotswap_dev import wire
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.observations import BuildRefused
from hotswap_dev.server import control_site
from tests.server.asking import (
    Asking,
    a_request,
    happened,
    one,
    status_of,
    until,
    write_frontend,
)
from tests.server.conftest import Serve


async def test_the_state_is_all_that_a_dashboard_needs(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        release = await _first_release(server)
        await server.check()

        state = (await server.control("/api/state")).json

        assert state["instance"] == server.running.file.instance
        assert state["revision"] == server.engine.bus.revision
        assert state["controls"] == json.loads(wire.encode(server.engine.controls))
        assert state["controls"]["releases"]["1"]["bundle"]["hash"] == release["bundle"]["hash"]
        assert [client["id"] for client in state["clients"]] == ["local/linux/x86_64"]
        builds = {name: state["builds"][name] for name in ("building", "dist", "app_version")}
        assert builds == {"building": None, "dist": str(dist), "app_version": "0.1.0"}
        assert state["recording"]["dropped"] == 0


async def test_every_command_is_listed_with_its_schema(server: Asking) -> None:
    listed = {command["name"]: command for command in (await server.control("/api/commands")).json}

    assert listed.keys() == registered().keys()
    for name, kind in registered().items():
        command = listed[name]
        assert command["group"]
        assert command["summary"]
        assert command["help"]
        assert command["example"].startswith(f"hotswap-dev {name}")
        assert command["final"] is kind.final
        schema = command["arguments"]
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert schema["properties"].keys() == {field.name for field in msgspec.structs.fields(kind)}


async def test_a_publish_by_http_answers_with_what_it_did(server: Asking, tmp_path: Path) -> None:
    folder = write_frontend(tmp_path / "other", "other")

    answer = await server.control(
        "/api/commands/publish",
        {
            "path": str(folder),
            "notes": "by hand",
            "mandatory": True,
            "channel": "beta",
            "min_binary_version": "0.0.1",
        },
    )

    assert answer.status == 200
    done = answer.json
    release = done["result"]
    assert release == json.loads(wire.encode(server.engine.controls.releases[2]))
    assert (release["sequence"], release["channel"], release["origin"]) == (2, "beta", "publish")
    assert (release["notes"], release["mandatory"], release["min_binary_version"]) == (
        "by hand",
        True,
        "0.0.1",
    )
    assert done["revision"] == server.engine.bus.revision
    told = json.loads((await server.control("/api/state")).body)
    assert told["controls"]["releases"]["2"] == release
    assert (await server.check(channel="beta")).json["sequence"] == 2


async def test_publish_publishes_the_watched_folder_even_if_nothing_changed(serve: Serve, dist: Path) -> None:
    async with serve(dist=dist) as server:
        first = await _first_release(server)

        done = (await server.control("/api/commands/publish", {})).json

        assert done["result"]["sequence"] == 2
        assert done["result"]["bundle"]["hash"] == first["bundle"]["hash"]


async def test_a_command_that_can_not_be_meant_is_named_and_does_nothing(
    server: Asking, tmp_path: Path
) -> None:
    dist = str(write_frontend(tmp_path / "dist"))
    bad: list[tuple[str, Any, int, str, str]] = [
        ("publish", b"", 400, "bad-json", "JSON"),
        ("publish", b"{", 400, "bad-json", "JSON"),
        ("publish", b"{}{}", 400, "bad-json", "JSON"),
        ("publish", b"\xff", 400, "bad-json", "JSON"),
        ("publish", b'{"notes": "\\ud800"}', 400, "bad-json", "JSON"),
        ("publish", b"[" * 50_000, 400, "bad-json", "JSON"),
        ("publish", b"null", 400, "bad-arguments", "publish"),
        ("publish", [], 400, "bad-arguments", "publish"),
        ("publish", "x", 400, "bad-arguments", "publish"),
        ("publish", {"mandatory": "yes", "path": dist}, 400, "bad-arguments", "mandatory"),
        ("publish", {"notes": 5, "path": dist}, 400, "bad-arguments", "notes"),
        ("publish", {"notes": "x" * 5000, "path": dist}, 400, "bad-arguments", "notes"),
        ("publish", {"nots": "x", "path": dist}, 400, "bad-arguments", "nots"),
        ("publish", {"path": "dist"}, 400, "bad-arguments", "'dist'"),
        ("publish", {"path": ""}, 400, "bad-arguments", "path"),
        ("publish", {"path": "/nul\0byte"}, 400, "bad-arguments", "byte"),
        ("publish", {"path": str(tmp_path / "nowhere")}, 404, "folder-missing", "nowhere"),
        ("publish", {"path": dist, "channel": "../x"}, 400, "bad-channel", "'../x'"),
        ("publish", {"path": dist, "channel": ""}, 400, "bad-channel", "''"),
        ("publish", {"path": dist, "min_binary_version": "1.0"}, 400, "bad-version", "min_binary_version"),
        ("publish", {"path": dist, "update_type": "a b"}, 400, "bad-arguments", "update_type"),
        ("publsh", {}, 404, "unknown-command", "'publsh'"),
        ("%1b[31m", {}, 404, "unknown-command", "x1b"),
    ]
    for name, arguments, status, code, named in bad:
        answer = await server.control(f"/api/commands/{name}", arguments)

        assert (answer.status, answer.json["title"]) == (status, code), (name, str(arguments)[:80])
        assert named in answer.json["detail"], answer.json
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert server.engine.controls.last_sequence == 1


async def test_D7_a_compressed_body_is_not_inflated(server: Asking) -> None:
    answer = await server.control(
        "/api/commands/publish", gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}
    )

    assert (answer.status, answer.json["title"]) == (400, "bad-json")


async def test_nothing_to_publish_is_said(server: Asking) -> None:
    answer = await server.control("/api/commands/publish", {})

    assert (answer.status, answer.json["title"]) == (400, "nothing-watched")


async def test_a_tree_that_can_not_be_published_is_409_with_its_reason_and_what_was_served_stays(
    server: Asking, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("of somebody else")
    trees: dict[str, Path] = {}
    for name in ("no-index", "symlink-outside", "secret", "empty-index"):
        trees[name] = write_frontend(tmp_path / name, name)
    (trees["no-index"] / "index.html").unlink()
    (trees["symlink-outside"] / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (trees["secret"] / "deploy.key").write_text("untrusted comment: minisign encrypted secret key\nRWRT…")
    (trees["empty-index"] / "index.html").write_text("")

    for code, tree in trees.items():
        answer = await server.control("/api/commands/publish", {"path": str(tree)})

        assert answer.status == 409, answer.body
        assert (answer.json["title"], answer.json["code"]) == ("build-refused", code)
        refused = await happened(server.engine, BuildRefused, functools.partial(_has_code, code))
        assert refused.detail == answer.json["detail"]
        assert (await server.check()).json["sequence"] == 1
    assert [path for path in server.engine.store.folder.iterdir() if path.name.startswith(".tmp")] == []


async def test_a_body_beyond_64_kib_is_413(server: Asking) -> None:
    fits = json.dumps({"notes": "x" * (64 * 1024 - 20)}).encode()
    assert len(fits) <= 64 * 1024

    answer = await server.control("/api/commands/publish", fits)
    beyond = await server.control("/api/commands/publish", b" " * (64 * 1024 + 1))

    assert (answer.status, answer.json["title"]) == (400, "bad-arguments")
    assert (beyond.status, beyond.json["title"]) == (413, "body-too-large")


def test_D3_a_body_has_ten_seconds() -> None:
    assert control_site._BODY_SECONDS == 10


async def test_D3_a_body_that_drips_is_given_up(server: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_site, "_BODY_SECONDS", 0.05)
    head = a_request(
        "/api/commands/publish",
        f"Authorization: Bearer {server.token}",
        "Content-Type: application/json",
        "Content-Length: 10",
        method="POST",
    )

    answer = await one(server.control_port, head + b"{")

    assert status_of(answer) == 400
    assert b"body-too-slow" in answer


async def _first_release(server: Asking) -> Any:
    await until(lambda: server.engine.controls.releases, "the watched folder is published")
    return json.loads(wire.encode(server.engine.controls.releases[1]))


def _has_code(code: str, event: BuildRefused) -> bool:
    return event.code == code
