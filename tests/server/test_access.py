"""A channel behind a header: who is let in, and that what they sent as its value is shown and kept nowhere."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from hotswap_dev.client.control import ControlClient, ServerRefused
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from hotswap_dev.storage.workspace import find_server
from tests.e2e.server_process import ServerProcess, write_frontend
from tests.server.asking import PATIENCE, Asking, a_request, raw, status_of, times
from tests.server.conftest import Serve
from tests.server.update_asking import ask as ask_update

KEY = "sk_test_1"
RIGHT = {"X-API-Key": KEY}
WRONG = {"X-API-Key": "sk_test_2"}


async def demand(server: Asking, status: int | None = 401, **given: Any) -> Any:
    arguments = {"channel": "production", "header": "X-API-Key", "status": status, "value": KEY, **given}
    arguments = {name: value for name, value in arguments.items() if name == "status" or value is not None}
    done = await server.control("/api/commands/set-required-header", arguments)
    assert done.status == 200, done.body
    return done.json


@pytest.mark.parametrize("status", [401, 403])
async def test_who_sends_another_value_or_none_gets_neither_an_answer_nor_a_bundle(
    server: Asking, status: int
) -> None:
    url = (await server.check()).json["url"]
    await demand(server, status)
    for sent in ({}, WRONG, {"Authorization": KEY}):
        for refused in (await server.check(headers=sent), await server.get(url, sent)):
            assert (refused.status, refused.reason) == (status, "access-denied")
            assert refused.json["status"] == status
            assert "X-API-Key" in refused.json["detail"]
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert refused.headers["Cache-Control"] == "no-store"
        assert (await server.get(url, sent, method="HEAD")).status == status, "nor what it is like"


async def test_who_sends_the_value_is_let_in_to_both(server: Asking) -> None:
    await demand(server)
    offer = await server.check(headers=RIGHT)
    assert (offer.status, offer.reason) == (200, "newer-release")
    assert (await server.get(offer.json["url"], RIGHT)).status == 200
    assert (await server.get(offer.json["url"], RIGHT, method="HEAD")).status == 200


@pytest.mark.parametrize(
    ("header", "scheme"),
    [("Authorization", "Bearer"), ("authorization", "Bearer"), ("X-API-Key", "X-API-Key")],
)
async def test_a_401_names_how_to_be_let_in_and_a_403_does_not(
    server: Asking, header: str, scheme: str
) -> None:
    url = (await server.check()).json["url"]
    for status, expected in ((401, scheme), (403, None)):
        await demand(server, status, header=header)
        for refused in (await server.check(), await server.get(url)):
            assert refused.headers.get("WWW-Authenticate") == expected


async def test_an_answer_after_a_refused_one_has_nothing_of_it(server: Asking) -> None:
    """Headers are remembered by what they say: one answer must not grow those of the next."""
    url = (await server.check()).json["url"]
    await demand(server)
    bodies = {(await server.get(url)).body for _ in range(3)}
    assert len(bodies) == 1
    refused = await server.check()
    assert refused.headers["Content-Length"] == str(len(refused.body))
    await demand(server, None)
    assert "WWW-Authenticate" not in (await server.check()).headers


async def test_without_a_value_any_will_do_but_none_at_all(server: Asking) -> None:
    await demand(server, value=None)
    assert (await server.check(headers=WRONG)).status == 200
    assert (await server.check()).status == 401


async def test_a_door_that_is_open_again_lets_everyone_in(server: Asking) -> None:
    await demand(server)
    await demand(server, None)
    assert (await server.check()).status == 200


async def test_other_channels_and_what_is_no_update_stay_open(server: Asking) -> None:
    await server.control("/api/commands/promote", {"sequence": 1, "channel": "beta"})
    await demand(server)
    assert (await server.check(channel="beta")).status == 200
    assert (await server.get("/healthz")).status == 200


async def test_the_second_protocol_is_behind_the_same_door(server: Asking) -> None:
    await demand(server)
    assert (await ask_update(server)).status == 401
    assert (await ask_update(server, X_API_Key=KEY)).status == 200


async def test_a_refused_client_is_seen_and_a_refused_download_is_an_attempt(server: Asking) -> None:
    url = (await server.check(headers={"X-Device-Id": "phone"})).json["url"]
    await demand(server, 403)
    await server.check(headers={"X-Device-Id": "phone", **WRONG})
    await server.get(url)
    refused = (await times(server.engine, CheckAnswered, 2))[1]
    assert (refused.client, refused.status, refused.reason) == ("phone", 403, "access-denied")
    [download] = await times(server.engine, DownloadEnded, 1)
    assert (download.status, download.bytes, download.complete) == (403, 0, False)


async def test_what_is_demanded_holds_after_a_restart(serve: Serve, dist: Path) -> None:
    async with serve() as server:
        await server.publish(dist)
        await demand(server)
    async with serve() as server:
        assert (await server.check()).status == 401
        assert (await server.check(headers=RIGHT)).status == 200


async def test_a_value_beyond_ascii_is_the_value_that_was_asked_for(server: Asking) -> None:
    await demand(server, value="schlüssel")
    query = "binary_version=0.1.0&platform=linux&arch=x86_64"
    for value, status in (("schlüssel".encode(), 200), ("schlüssel".encode("latin-1"), 401)):
        request = a_request(f"/api/ota/0?{query}", b"X-API-Key: " + value)
        assert status_of(await raw(server.port, request)) == status


async def test_whose_answers_change_is_previewed_with_what_they_sent(server: Asking) -> None:
    # Until a header is demanded nothing is known of it: who sent it before is expected to be refused.
    await demand(server, value=None)
    await server.check(headers={"X-Device-Id": "has it", **RIGHT})
    await server.check(headers={"X-Device-Id": "has none"})
    done = await demand(server, 403)
    assert [(one["client"], one["after"]["status"]) for one in done["changes"]] == [("has none", 403)]


# Canaries: values that must turn up nowhere

VALUE, WRONG_VALUE, OTHER = "canary-right-4711", "canary-wrong-4712", "canary-other-4713"
CANARY = b"canary"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServerProcess]:
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path, everything=True) as running:
        running.event("published")
        yield running


def visit(process: ServerProcess, path: str, method: str = "GET", **headers: str) -> bytes:
    """Everything that came back of a request to the client site, head and body."""
    site = urlsplit(process.ready["site"])
    connection = http.client.HTTPConnection(site.hostname or "", site.port, timeout=20)
    body = json.dumps({"product": "a", "version": 0, "platform": "linux"}) if method == "POST" else None
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Content-Type": "application/json", **sent})
        response = connection.getresponse()
        return f"{response.status} {response.getheaders()}".encode() + response.read()
    finally:
        connection.close()


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def break_off(process: ServerProcess, *lines: bytes) -> bytes:
    """What comes back of lines that are no good HTTP; the server logs that they came."""
    site = urlsplit(process.ready["site"])
    with socket.create_connection((site.hostname or "", site.port or 0), timeout=20) as sent:
        sent.sendall(b"\r\n".join((*lines, b"", b"")))
        sent.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sent.recv(65536), b""))


def recorded(control: ControlClient, *clients: str) -> None:
    """Wait until the newest answers to these are in the history, which is written behind their backs."""
    deadline = time.monotonic() + PATIENCE
    while not set(clients) <= {row["client"] for row in control.get("/api/checks")}:
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {control.get('/api/checks')}"
        time.sleep(0.01)


def stream(control: ControlClient) -> bytes:
    """Every event so far, as lines."""
    last = control.get("/api/state")["revision"]
    lines: list[bytes] = []
    for line in control.lines("/api/events?after=0"):
        lines.append(line)
        if line.strip() and json.loads(line)["revision"] >= last:
            break
    return b"\n".join(lines)


def printed(process: ServerProcess) -> bytes:
    """What `serve --json=all` said since it was last looked at, once it has ended."""
    lines: list[Any] = []
    while (line := process._lines.get(timeout=20)) is not None:
        lines.append(line)
    return json.dumps(lines).encode()


def test_C10_the_value_of_a_demanded_header_is_found_nowhere(process: ServerProcess, tmp_path: Path) -> None:
    workspace = tmp_path / ".hotswap-dev"
    found = find_server(workspace)
    control = ControlClient(found.control, found.token or "")
    told: dict[str, bytes] = {}

    def keep(name: str, what: Any) -> None:
        told[name] = what if isinstance(what, bytes) else json.dumps(what, default=str).encode()

    given = {"channel": "production", "header": "X-API-Key", "status": 403, "value": VALUE}
    keep("dry run", control.request("POST", "/api/commands/set-required-header?dry_run=1", as_json(given)))
    keep("command", control.command("set-required-header", given))
    for wrong in (
        {"status": 499},
        {"channel": "a b"},
        {"header": "a b"},
        {"value": OTHER * 200},
        {"x": OTHER},
    ):
        with pytest.raises(ServerRefused) as refused:
            control.command("set-required-header", {**given, **wrong})
        keep(f"refused {list(wrong)}", refused.value.message + refused.value.hint)
    query = "binary_version=0.1.0&platform=linux&arch=x86_64"
    for name, value in (("right", VALUE), ("wrong", WRONG_VALUE)):
        keep(f"check {name}", visit(process, f"/api/ota/0?{query}", X_API_Key=value, X_Device_Id=name))
        keep(f"bad check {name}", visit(process, "/api/ota/x", X_API_Key=value, X_Device_Id=name))
        keep(f"update {name}", visit(process, "/update", "POST", X_API_Key=value, X_Device_Id=f"{name}-2"))
    url = json.loads(told["check right"][told["check right"].index(b"{") :])["url"]
    for value in (VALUE, WRONG_VALUE):
        for method in ("GET", "HEAD"):
            visited = visit(process, urlsplit(url).path, method, X_API_Key=value)
            keep(f"bundle {method} {value[7:12]}", visited)
            assert (b"403" in visited[:3]) == (value == WRONG_VALUE)
    # What is no secret of a channel today may be one of tomorrow's: other credentials are hidden as well.
    visit(process, f"/api/ota/0?{query}", Authorization=f"Bearer {OTHER}", Cookie=OTHER, X_Device_Id="other")
    for number, line in enumerate((b"X-API-Key: \0canary", b"X-API-Key\0: canary", b"X-API-Key canary")):
        host = process.ready["site"].removeprefix("http://").encode()
        keep(f"malformed {number}", break_off(process, b"GET /healthz HTTP/1.1", b"Host: " + host, line))
    recorded(control, "right", "wrong", "right-2", "wrong-2", "other")
    paths = ("state", "clients", "checks", "history", "releases", "funnel", "faults", "commands")
    for path in paths:
        keep(path, control.request("GET", f"/api/{path}"))
    for row in control.get("/api/checks"):
        at = quote(row["at"])
        keep(f"exchange {at}", control.request("GET", f"/api/exchange?client={row['client']}&at={at}"))
    for name in ("right", "wrong", "other"):
        keep(f"why {name}", control.request("GET", f"/api/why?client={name}"))
    keep("stream", stream(control))
    process.process.send_signal(signal.SIGTERM)
    process.process.wait(timeout=20)
    keep("stdout", printed(process))
    keep("stderr", process.errors())
    for file in workspace.rglob("*"):
        if file.is_file():
            keep(f"file {file.relative_to(workspace)}", file.read_bytes())

    # They were there to be found: the same places say that somebody was not let in.
    for name in (
        "checks",
        "history",
        "stream",
        "stdout",
        "file history.db",
        "check wrong",
        "bundle GET wrong",
    ):
        assert b"access-denied" in told[name], name
    assert any(b"X-API-Key" in text for name, text in told.items() if name.startswith("exchange"))
    assert {"file state.db", "file history.db", "file server.log"} <= set(told)
    assert [name for name, text in told.items() if CANARY in text] == []
