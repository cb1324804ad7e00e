"""The control site as the command line calls it: blocking, from another thread."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hotswap_dev.client.control import ControlClient, ServerRefused
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.errors import HotswapError, Unreachable
from hotswap_dev.server import control_site
from tests.server.asking import PATIENCE, Asking, happened, until, write_frontend
from tests.server.conftest import Serve


def client_of(server: Asking) -> ControlClient:
    return ControlClient(server.running.file.control, server.token)


async def test_it_asks_with_the_token_and_leaves_out_what_is_none(server: Asking) -> None:
    client = client_of(server)
    await server.check(headers={"X-Device-Id": "ännä & co"})
    await server.check()
    await happened(server.engine, CheckAnswered, lambda check: check.client != "ännä & co")
    await until(lambda: len(server.engine.history.checks(limit=9)) == 2, "both checks are recorded")

    state = await asyncio.to_thread(client.get, "/api/state")
    found = await asyncio.to_thread(client.get, "api/checks", client="ännä & co", reason=None, limit=5)

    assert state["instance"] == server.running.file.instance
    assert [check["client"] for check in found] == ["ännä & co"]


async def test_a_command_is_done_and_its_refusal_is_an_error_with_hint_and_status(
    server: Asking, tmp_path: Path
) -> None:
    client = client_of(server)
    folder = write_frontend(tmp_path / "next", "next")

    done = await asyncio.to_thread(client.command, "publish", {"path": str(folder)})
    (folder / "index.html").unlink()
    with pytest.raises(ServerRefused) as refused:
        await asyncio.to_thread(client.command, "publish", {"path": str(folder)})

    assert done["result"]["sequence"] == 2
    assert (refused.value.status, refused.value.code) == (409, "build-refused")
    assert refused.value.message


async def test_a_dry_run_is_asked_for_and_does_nothing(server: Asking) -> None:
    client = client_of(server)

    would = await asyncio.to_thread(client.command, "withhold", {"sequence": 1}, dry_run=True)

    assert [event["event"] for event in would["events"]] == ["release-withheld"]
    assert not server.engine.controls.releases[1].withheld


async def test_a_parameter_may_be_given_several_times(server: Asking) -> None:
    client = client_of(server)
    await asyncio.to_thread(client.command, "annotate", {"text": "one"})
    await asyncio.to_thread(client.command, "name-client", {"client": "anna", "name": "QA"})
    await until(lambda: server.engine.history.recorded >= server.engine.bus.revision, "all is recorded")

    found = await asyncio.to_thread(client.get, "/api/history", event=("note-added", "client-named"))

    assert [one["event"] for one in found] == ["client-named", "note-added"]


async def test_a_path_is_sent_whatever_a_person_typed(server: Asking) -> None:
    client = client_of(server)

    for typed in ("/api/checks?client=ä b", "/api/checks?client=%C3%A4&limit=1", "/api/checks?client=a\tb"):
        assert await asyncio.to_thread(client.request, "GET", typed) == b"[]"
    with pytest.raises(ServerRefused) as refused:
        await asyncio.to_thread(client.request, "GET", "/api/nö thing")
    assert refused.value.status == 404


async def test_another_token_is_refused_in_words(server: Asking) -> None:
    with pytest.raises(ServerRefused) as refused:
        await asyncio.to_thread(ControlClient(server.running.file.control, "wrong").get, "/api/state")

    assert (refused.value.status, refused.value.code) == (401, "unauthorized")
    assert "token" in refused.value.message


async def test_a_server_that_is_gone_is_unreachable(serve: Serve) -> None:
    async with serve() as server:
        client = client_of(server)

    with pytest.raises(Unreachable) as gone:
        await asyncio.to_thread(client.get, "/api/state")

    assert gone.value.exit_code == 3
    assert client.address in gone.value.message


@asynccontextmanager
async def foreign_port(answer: bytes) -> AsyncIterator[str]:
    """The address at which another program answers everything with these bytes."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            # What is left unread at a close is a reset, which can overtake the answer.
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def something_else(answer: bytes) -> AsyncIterator[ControlClient]:
    """A client of such a port."""
    async with foreign_port(answer) as address:
        yield ControlClient(address, "a-token")


CALLS: dict[str, Callable[[ControlClient], object]] = {
    "get": lambda client: client.get("/api/state"),
    "command": lambda client: client.command("publish", {}),
    "request": lambda client: client.request("GET", "/api/state"),
    "lines": lambda client: list(client.lines("/api/events")),
}

FOREIGN: dict[str, tuple[bytes, str]] = {
    "a page": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html>",
        "it says 200 with text/html",
    ),
    "no type": (b"HTTP/1.1 200 OK\r\n\r\n{}", "it says 200 with text/plain"),
    "a redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Type: application/json\r\n\r\n{}",
        "it says 302",
    ),
    "no HTTP": (b"SSH-2.0-\x1b[31mOpenSSH\r\n", "it speaks no HTTP"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("answer", "why"), FOREIGN.values(), ids=FOREIGN)
async def test_another_program_at_its_port_is_told_from_it(call: str, answer: bytes, why: str) -> None:
    async with something_else(answer) as client:
        with pytest.raises(Unreachable) as other:
            await asyncio.to_thread(CALLS[call], client)

    assert other.value.message.startswith(f"something else answers at {client.address}: ")
    assert why in other.value.message
    assert other.value.message.isprintable()
    assert "hotswap-dev serve" in other.value.hint


@pytest.mark.parametrize("call", ["get", "command"])
@pytest.mark.parametrize("body", [b"", b"{\x1b[2J", b"<html>", b"\xff", b"[" * 100_000])
async def test_what_says_it_is_json_and_is_none_is_no_control_site(call: str, body: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body
    async with something_else(answer) as client:
        with pytest.raises(
            Unreachable, match="something else answers at .*: what it says is no JSON"
        ) as other:
            await asyncio.to_thread(CALLS[call], client)

    assert other.value.message.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"\x1b]52;c;ZXZpbA==\x07\x9b31m\xe2\x80\xae" + b"x" * 1000,
        b'{"detail": "\\u001b[2J\\u202e", "hint": "\\u009b31m", "title": "\\u0007"}',
    ],
    ids=["no JSON", "a problem"],
)
async def test_C3_nothing_that_another_program_says_reaches_the_terminal_as_it_is(body: bytes) -> None:
    async with something_else(b"HTTP/1.1 404 Not Found\r\n\r\n" + body) as client:
        with pytest.raises(ServerRefused) as refused:
            await asyncio.to_thread(client.get, "/api/state")

    told = refused.value
    assert told.status == 404
    assert told.message
    assert all(text.isprintable() for text in (told.message, told.hint, told.code))
    assert len(told.message) <= 500


async def test_its_stream_shows_heartbeats_and_events_and_ends_with_the_server(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_site, "HEARTBEAT", 0.02)
    lines: list[bytes] = []
    quiet = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read(client: ControlClient) -> HotswapError | None:
        try:
            for line in client.lines("/api/events?after=0"):
                lines.append(line)
                if not line:
                    loop.call_soon_threadsafe(quiet.set)
        except HotswapError as error:
            return error
        return None

    async with serve() as server:
        reading = asyncio.create_task(asyncio.to_thread(read, client_of(server)))
        async with asyncio.timeout(PATIENCE):
            await quiet.wait()
    async with asyncio.timeout(PATIENCE):
        error = await reading

    assert error is None
    assert b"channel-created" in b"".join(lines)
    assert not any(line.endswith(b"\n") for line in lines)
