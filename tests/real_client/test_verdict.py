"""What the real plugin says of an answer to its check: the table, and what lies beyond it."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web
from minisign import KeyPair

from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin import Answered, Dropped, Unanswered, insecure_url, read_manifest, verdict
from tests.real_client.answers import INVALID, NOT_VERSIONS, ROWS, VERSIONS, Row, manifest
from tests.real_client.conftest import Launch
from tests.real_client.driver import Answer, LaunchRefused, RealClient
from tests.real_client.scripted_server import (
    ScriptedServer,
    answering,
    cut_short,
    public_line,
    resetting,
    signed,
    tar_gz,
)

KEY = KeyPair.generate()
QUERY = "?binary_version=0.1.0&platform=linux&arch=x86_64"
_SAID_ON_DROPPING: dict[Dropped, str] = {
    "no-content": "No update available (204)",
    "binary-too-old": "Skipping.",
    "not-newer": "is not newer than current",
}


def config(server: ScriptedServer, **more: object) -> dict[str, object]:
    return {"endpoint": server.endpoint, "pubkey": public_line(KEY), "require_https": False, **more}


async def run_sequence(server: ScriptedServer, client: RealClient, sequence: int) -> None:
    """Bring the app to a sequence, then forget what was asked for it."""
    bundle = tar_gz({"index.html": "x"})
    server.offer(bundle, signed(KEY, bundle), sequence=sequence, min_binary_version="0.0.0-0")
    _ = (await client.check()).value
    _ = (await client.apply()).value
    server.checks.clear()
    server.downloads.clear()


def dropped_by(answer: Answer) -> Dropped | None:
    """Which rule dropped the manifest: the page is not told, the plugin's log is."""
    said = "\n".join(answer.log)
    return next((why for why, words in _SAID_ON_DROPPING.items() if words in said), None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_the_plugin_says_what_the_table_says(row: Row, launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server), version=row.binary_version)
    if row.sequence:
        await run_sequence(server, client, row.sequence)
    server.check = answering(row.status, row.body, row.content_type)

    said = await client.check()

    assert said.error == row.expected.text
    assert said.events == row.expected.events
    assert dropped_by(said) == row.expected.dropped
    assert len(server.checks) == 1
    assert server.checks[0].startswith(f"/check/{row.sequence}?")
    if said.error is None:
        assert said.available == (row.expected.kind == "available")


async def test_no_version_config_is_the_same_as_an_empty_one(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server), version=None)
    server.check = answering(200, manifest())

    said = await client.check()

    assert server.checks == ["/check/0?binary_version=&platform=linux&arch=x86_64"]
    assert said.error == verdict(Answered(200, read_manifest(manifest())), sequence=0, binary_version="").text


async def test_our_words_on_a_bad_version_are_those_of_rust(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server))
    for text in NOT_VERSIONS:
        body = manifest(min_binary_version=text)
        server.check = answering(200, body)
        expected = verdict(Answered(200, read_manifest(body)), sequence=0, binary_version="0.1.0")

        assert (await client.check()).error == expected.text, text


@pytest.mark.parametrize("binary_version", VERSIONS)
async def test_versions_are_ordered_as_the_plugin_orders_them(
    binary_version: str, launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server), version=binary_version)
    for minimum in VERSIONS:
        offered = read_manifest(manifest(min_binary_version=minimum))
        assert isinstance(offered, Manifest)
        server.check = answering(200, manifest(min_binary_version=minimum))
        expected = verdict(Answered(200, offered), sequence=0, binary_version=binary_version)

        said = await client.check()

        assert said.available == (expected.kind == "available"), f"min {minimum}"
        assert dropped_by(said) == expected.dropped, f"min {minimum}"


async def test_a_refused_connection_is_a_network_error(launch: Launch, server: ScriptedServer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}/check/{{{{current_sequence}}}}"
        client = await launch(config(server, endpoint=endpoint))

        said = await client.check()

    url = endpoint.replace("{{current_sequence}}", "0") + QUERY
    expected = verdict(Unanswered(url), sequence=0, binary_version="0.1.0")
    assert (said.error, said.events) == (expected.text, expected.events)


async def test_a_reset_connection_is_a_network_error_after_one_request(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server))
    server.check = resetting

    said = await client.check()

    expected = verdict(Unanswered(f"{server.origin}/check/0{QUERY}"), sequence=0, binary_version="0.1.0")
    assert (said.error, said.events) == (expected.text, expected.events)
    assert len(server.checks) == 1


async def test_a_manifest_cut_short_is_an_invalid_one(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server))
    server.check = cut_short(manifest(), announced=5_000)

    said = await client.check()

    assert (said.error, said.events) == (INVALID.text, INVALID.events)


async def test_a_redirect_is_followed_and_a_loop_ends_after_eleven_requests(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server))

    async def to_itself(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.path_qs)

    async def once(request: web.Request) -> web.StreamResponse:
        if "moved" in request.path:
            return web.Response(body=manifest())
        raise web.HTTPTemporaryRedirect("/check/moved")

    server.check = to_itself
    looped = await client.check()
    url = f"{server.origin}/check/0{QUERY}"
    expected = verdict(Unanswered(url, "redirect"), sequence=0, binary_version="0.1.0")
    assert (looped.error, looped.events) == (expected.text, expected.events)
    assert len(server.checks) == 11

    server.check = once
    assert (await client.check()).available
    assert server.checks[11:] == [f"/check/0{QUERY}", "/check/moved"]


async def test_channel_and_headers_reach_the_server_behind_the_endpoints_own_query(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(
        config(
            server, endpoint=server.endpoint + "?app=a", channel="beta & co", headers={"X-Device-Id": "d1"}
        )
    )
    server.check = answering(204)
    await client.check()
    _ = (await client.configure(channel="nightly", headers={"X-Device-Id": "d2", "X-More": "m"})).value
    await client.check()

    own = "?app=a&" + QUERY.removeprefix("?")
    assert server.checks == [f"/check/0{own}&channel=beta+%26+co", f"/check/0{own}&channel=nightly"]
    assert [sent["X-Device-Id"] for sent in server.headers] == ["d1", "d2"]
    assert server.headers[1]["X-More"] == "m"
    assert "User-Agent" not in server.headers[0]


async def test_an_http_endpoint_under_require_https_keeps_the_app_from_starting(launch: Launch) -> None:
    endpoint = "http://127.0.0.1:9/check"

    with pytest.raises(LaunchRefused) as refused:
        await launch({"endpoint": endpoint, "pubkey": "RW"})

    assert str(refused.value) == insecure_url(endpoint)


async def test_configure_refuses_an_http_endpoint_under_require_https(launch: Launch) -> None:
    client = await launch({"endpoint": "https://127.0.0.1:9/check", "pubkey": "RW"})

    said = await client.configure(endpoint="HTTPS://127.0.0.1:9/check")

    assert said.error == insecure_url("HTTPS://127.0.0.1:9/check")
