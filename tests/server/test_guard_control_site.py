"""Who may use the control site: this machine's programs that have the token, and no page (hardening A5 to A12)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.server import guard
from hotswap_dev.server.client_site import ClientSiteOptions, client_site
from hotswap_dev.server.control_site import control_site
from hotswap_dev.server.page import SitePage
from tests.server.asking import Asking, a_request, one, so_far, status_of
from tests.server.conftest import Serve
from tests.server.probes import FOREIGN_PAGES

APPLICATION_JSON = {"Content-Type": "application/json"}


def routes(server: Asking) -> list[tuple[str, str]]:
    """Every way into the control site, by its router: what somebody adds is attacked with the rest."""
    app = control_site(server.engine, "a-token")
    found = [
        (route.method, re.sub(r"\{\w+\}", "publish", route.resource.canonical))
        for route in app.router.routes()
        if route.resource
    ]
    assert {("GET", "/api/state"), ("GET", "/api/events"), ("POST", "/api/commands/publish")} <= set(found)
    return found


SENDERS: dict[str, tuple[dict[str, str], bool]] = {
    "curl": ({}, True),
    "the address bar": ({"Sec-Fetch-Site": "none"}, True),
    "a page of its own": ({"Sec-Fetch-Site": "same-origin", "Origin": "OWN"}, True),
    **{sender: (dict(headers), False) for sender, headers in FOREIGN_PAGES.items()},
}


async def test_A5_A6_A12_no_page_gets_through_whatever_it_sends(server: Asking) -> None:
    for method, path in routes(server):
        for sender, (headers, passes) in SENDERS.items():
            answer = await one(
                server.control_port,
                _request(server, method, path, {**_own(server, headers), **APPLICATION_JSON}),
            )
            if passes:
                assert status_of(answer) in (200, 400), (method, path, sender)
                continue
            assert status_of(answer) == 403, (method, path, sender)
            assert method == "HEAD" or _problem(answer)["title"] == "foreign-page"
    assert server.engine.controls.last_sequence == 1


@pytest.mark.parametrize(
    "sender",
    ["a sandboxed frame", "a page at an address", "a page at this address", "a page at an IPv6 address"],
)
async def test_A6_a_null_origin_and_one_at_an_address_are_foreign(server: Asking, sender: str) -> None:
    """The token is right, and no browser says where it comes from: the origin alone refuses it."""
    headers = FOREIGN_PAGES[sender]
    assert list(headers) == ["Origin"]
    for method, path in routes(server):
        answer = await one(
            server.control_port, _request(server, method, path, {**headers, **APPLICATION_JSON})
        )

        assert status_of(answer) == 403, (method, path)
        assert method == "HEAD" or _problem(answer)["title"] == "foreign-page"
    assert server.engine.controls.last_sequence == 1


async def test_A5_what_changes_things_is_json_by_its_type(server: Asking) -> None:
    before = server.engine.bus.revision
    for kind in (
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
        "",
        ";",
        "\xff",
    ):
        headers = {} if kind is None else {"Content-Type": kind}

        answer = await one(server.control_port, _request(server, "POST", "/api/commands/publish", headers))

        assert status_of(answer) == 403, kind
        assert _problem(answer)["title"] == "not-json"
    assert server.engine.bus.revision == before


async def test_A5_nothing_is_changed_by_any_other_method(server: Asking) -> None:
    before = server.engine.bus.revision
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in ("/api/commands/publish", "/api/state", "/api/nothing"):
            answer = await server.control(path, {} if method not in ("GET", "HEAD") else None, method=method)
            if (path, method) in {("/api/state", "GET"), ("/api/state", "HEAD")}:
                continue
            assert answer.status in (404, 405), (method, path)
    assert server.engine.bus.revision == before


async def test_A7_no_page_may_read_it_and_a_preflight_is_refused(server: Asking) -> None:
    for _, path in routes(server):
        for origin in ("https://evil.example", "null", "tauri://localhost", server.running.file.site):
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = await one(server.control_port, _request(server, "OPTIONS", path, headers))
            assert status_of(answer) == 403
            assert b"access-control" not in answer.lower()
    assert (await server.control("/api/state", {}, method="OPTIONS")).status == 405


async def test_A8_every_answer_forbids_a_page_to_use_it(server: Asking) -> None:
    for method, path in routes(server):
        for token in (server.token, "wrong"):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            answer = await one(server.control_port, _request(server, method, path, headers))
            head = answer.partition(b"\r\n\r\n")[0].decode()
            for name, value in {**guard.STAMPED, "Cache-Control": "no-store"}.items():
                assert f"\r\n{name}: {value}" in head, (method, path)


async def test_A10_no_route_answers_without_the_token(server: Asking) -> None:
    """All of them, by the router itself: whatever somebody adds is asked, too."""
    for method, path in [*routes(server), ("GET", "/"), ("GET", "/nothing"), ("POST", "/api/state")]:
        for sent in ({}, {"Authorization": "Bearer wrong"}):
            answer = await one(
                server.control_port,
                _request(server, method, path, {"Authorization": None, **APPLICATION_JSON, **sent}),
            )
            assert status_of(answer) == 401, (method, path)
    assert server.engine.controls.last_sequence == 1


async def test_A10_no_route_of_the_client_site_answers_for_a_foreign_host(server: Asking) -> None:
    app = client_site(server.engine, ClientSiteOptions(secret=b"", page=SitePage("", "", "", None)))
    ways = [
        (route.method, re.sub(r"\{\w+\}", "1", route.resource.canonical))
        for route in app.router.routes()
        if route.resource
    ]
    assert {("GET", "/api/ota/1"), ("GET", "/healthz"), ("GET", "/")} <= set(ways)
    before = server.engine.bus.revision

    for method, path in [*ways, ("GET", "/nothing"), ("OPTIONS", "/"), ("POST", "/")]:
        answer = await one(server.port, a_request(path, method=method, host="evil.example"))
        assert status_of(answer) == 403, (method, path)

    assert server.engine.bus.revision == before


async def test_A12_the_stream_opens_for_nobody_without_the_token_and_for_no_page(server: Asking) -> None:
    without = await one(server.control_port, _request(server, "GET", "/api/events", {"Authorization": None}))
    upgraded = await one(
        server.control_port,
        _request(
            server,
            "GET",
            "/api/events?after=0",
            {
                "Origin": "https://evil.example",
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            },
        ),
    )

    assert [status_of(without), status_of(upgraded)] == [401, 403]
    for answer in (without, upgraded):
        # What happens here is in neither of them.
        assert b"release-added" not in answer
        assert b"revision" not in answer


async def test_A11_only_the_very_token_opens(server: Asking) -> None:
    token = server.token
    assert len(bytes.fromhex(token)) * 8 >= 128
    other = ("0" if token[0] != "0" else "1") + token[1:]
    refused: dict[str, str | bytes | None] = {
        "none": None,
        "an empty header": "",
        "no scheme": token,
        "an empty token": "Bearer ",
        "another of the same length": f"Bearer {other}",
        "a longer one": f"Bearer {token}0",
        "a shorter one": f"Bearer {token[:-1]}",
        "upper case": f"Bearer {token.upper()}" if token.upper() != token else "Bearer A",
        "another scheme": f"Basic {token}",
        "a scheme in lower case": f"bearer {token}",
        "two spaces": f"Bearer  {token}",
        "two tokens": f"Bearer {token}, Bearer {token}",
        "no ASCII": f"Bearer {'é' * 32}",
        "no UTF-8": b"Bearer " + b"\xff\xfe" * 16,
    }

    answers = {
        name: await one(server.control_port, _request(server, "GET", "/api/state", {"Authorization": value}))
        for name, value in refused.items()
    }

    assert {name: status_of(answer) for name, answer in answers.items()} == dict.fromkeys(refused, 401)
    for answer in answers.values():
        assert b"\r\nWWW-Authenticate: Bearer\r\n" in answer
        assert token.encode() not in answer
    assert (await server.control("/api/state")).status == 200
    # In the URL it opens nothing: it would end up in histories and logs.
    for query in (f"?token={token}", f"?access_token={token}"):
        assert (await server.control(f"/api/state{query}", headers={"Authorization": None})).status == 401


async def test_A11_the_token_is_written_nowhere_but_in_the_server_s_file(
    serve: Serve, dist: Path, tmp_path: Path
) -> None:
    async with serve() as server:
        token = server.token
        await server.publish(dist)
        await server.check(headers={"Authorization": f"Bearer {token}", "X-Device-Id": "phone"})
        state = await server.control("/api/state")
        told = json.dumps([str(event) for event in await so_far(server.engine)])
        holders = [
            path.name
            for path in (tmp_path / "w").rglob("*")
            if path.is_file() and token.encode() in path.read_bytes()
        ]
        assert holders == ["server.json"]
        assert (tmp_path / "w" / "server.json").stat().st_mode & 0o077 == 0
        assert token not in state.body.decode()
        assert token not in told
        assert token not in repr(server.engine.options)
    for path in (tmp_path / "w").rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()


async def test_A2_the_control_site_answers_for_loopback_alone(server: Asking) -> None:
    hosts: dict[str | None, int] = {
        "127.0.0.1": 200,
        f"127.0.0.1:{server.control_port}": 200,
        "localhost": 200,
        "[::1]": 200,
        "127.0.0.2": 200,
        "app.localhost": 403,
        "10.0.2.2": 403,
        "192.168.1.5": 403,
        "evil.example": 403,
        "localhost@evil": 403,
        "127.0.0.1.nip.io": 403,
        "[::ffff:10.0.0.1]": 403,
        "0.0.0.0": 403,
        "": 403,
        None: 400,
    }

    answers = {
        host: await one(
            server.control_port,
            a_request("/api/state", f"Authorization: Bearer {server.token}", host=host),
        )
        for host in hosts
    }

    assert {host: status_of(answer) for host, answer in answers.items()} == hosts


async def test_A4_a_target_that_is_no_plain_path_is_400(server: Asking) -> None:
    for target in ("http://127.0.0.1/api/state", "//127.0.0.1/api/state", "/api/state#", "*"):
        answer = await one(server.control_port, a_request(target, f"Authorization: Bearer {server.token}"))
        assert status_of(answer) == 400, target


async def test_the_token_is_asked_for_before_a_body_is_read(server: Asking) -> None:
    """Who has no token can't make the server take 64 KiB, or wait for them."""
    head = a_request(
        "/api/commands/publish", "Content-Type: application/json", "Content-Length: 1000000", method="POST"
    )

    answer = await one(server.control_port, head)

    assert status_of(answer) == 401


def _request(server: Asking, method: str, path: str, headers: Mapping[str, str | bytes | None]) -> bytes:
    sent: dict[str, str | bytes | None] = {"Authorization": f"Bearer {server.token}", **headers}
    lines = [
        name.encode() + b": " + (value if isinstance(value, bytes) else value.encode())
        for name, value in sent.items()
        if value is not None
    ]
    if method == "POST":
        lines.append(b"Content-Length: 0")
    return a_request(path, *lines, method=method, host=f"127.0.0.1:{server.control_port}")


def _own(server: Asking, headers: Mapping[str, str]) -> dict[str, str]:
    own = f"127.0.0.1:{server.control_port}"
    schemes = {"OWN": f"http://{own}", "OWN-TLS": f"https://{own}"}
    return {name: schemes.get(value, value) for name, value in headers.items()}


def _problem(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])
