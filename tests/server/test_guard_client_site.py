"""Who may talk to the client site, and in which words (hardening A1 to A4, A7 to A9)."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import socket
import sys
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.server import guard
from hotswap_dev.server.guard import host_of, host_rule, loopback_only
from tests.server.asking import (
    Asking,
    a_request,
    raw,
    status_of,
    write_frontend,
)
from tests.server.conftest import Serve

QUERY = "binary_version=0.1.0&platform=linux&arch=x86_64"
HOSTNAME = "devbox"

HOSTS: dict[str | bytes, int] = {
    "localhost": 200,
    "localhost:3333": 200,
    "LOCALHOST": 200,
    "app.localhost": 200,
    "127.0.0.1": 200,
    "127.0.0.2:80": 200,
    "10.0.2.2:3333": 200,
    "192.168.178.20": 200,
    "[::1]": 200,
    "[::1]:3333": 200,
    "[2001:db8::7]:3333": 200,
    "ota.example": 200,
    "OTA.example:443": 200,
    f"{HOSTNAME}.local": 200,
    "evil.example": 403,
    "localhost.evil.example": 403,
    "evillocalhost": 403,
    "127.0.0.1.nip.io": 403,
    "ota.example.evil.example": 403,
    "other.local": 403,
    "[::1": 403,
    "[::1]evil": 403,
    "[::1]:": 403,
    "::1": 403,
    "[fe80::1%25eth0]": 403,
    "[fe80::1%eth0]": 403,
    "[localhost]": 403,
    "a b": 403,
    "localhost:99999": 403,
    "localhost:0": 403,
    "localhost:-1": 403,
    "localhost:80:80": 403,
    "localhost:٣": 403,
    "localhost@evil.example": 403,
    "evil.example@localhost": 403,
    "localhost/": 403,
    "localhost#": 403,
    "localhost,evil.example": 403,
    b"\xff\xfe": 403,
    "": 403,
    "LOCALHOST.": 403,
    "127.1": 403,
    "2130706433": 403,
    "0x7f000001": 403,
    "0177.0.0.1": 403,
    "127.0.0.1.": 403,
    "1" * 300: 403,
    ".localhost": 403,
    "-.localhost": 403,
    "xn--lcalhost-7hb": 403,
}


async def test_A1_by_default_only_loopback_listens(server: Asking) -> None:
    listening = _listening()

    assert {address for address, port in listening if port in (server.port, server.control_port)} <= {
        "127.0.0.1",
        "::1",
    }
    assert ("127.0.0.1", server.port) in listening
    assert ("127.0.0.1", server.control_port) in listening
    assert ("::1", server.control_port) not in listening


async def test_A2_A3_hosts_beyond_addresses_localhost_and_vouched_names_are_refused(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: f"{HOSTNAME}.lan")
    async with serve(allowed_hosts=("ota.example",)) as server:
        await server.publish(write_frontend(tmp_path / "dist"))

        answers = {
            host: await raw(server.port, a_request(f"/api/ota/0?{QUERY}", host=host)) for host in HOSTS
        }

    assert {host: status_of(answer) for host, answer in answers.items()} == HOSTS
    for host, answer in answers.items():
        head, _, body = answer.partition(b"\r\n\r\n")
        if HOSTS[host] != 200:
            problem = json.loads(body)
            assert problem["title"] in ("bad-host", "host-not-allowed")
            assert "bundles" not in body.decode()
            # What is quoted can't be anything but text.
            assert body.isascii() or body.decode().isprintable()
        assert b"access-control" not in head.lower()


async def test_A2_the_refusal_of_a_name_says_how_to_allow_it(server: Asking) -> None:
    answer = await server.get("/", {"Host": "my-tunnel.example"})

    assert answer.status == 403
    assert '"my-tunnel.example"' in answer.json["detail"]
    assert "--allow-host my-tunnel.example" in answer.json["hint"]


async def test_A2_no_host_or_two_are_400(server: Asking) -> None:
    answers = [
        await raw(server.port, a_request("/healthz", host=None)),
        await raw(server.port, a_request("/healthz", "Host: localhost", host="localhost")),
        await raw(server.port, a_request("/healthz", "Host: evil.example", host="localhost")),
        await raw(server.port, b"GET /healthz HTTP/1.0\r\n\r\n"),
    ]

    assert [status_of(answer) for answer in answers] == [400, 400, 400, 400]


async def test_A3_a_refused_host_reaches_no_handler_and_no_recorder(server: Asking) -> None:
    before = server.engine.bus.revision

    for host in ("evil.example", "localhost:99999", b"\xff\xfe"):
        await raw(server.port, a_request(f"/api/ota/0?{QUERY}", host=host))

    assert server.engine.bus.revision == before


def test_A3_the_url_of_a_request_is_never_asked_for() -> None:
    """aiohttp's `request.url` and `request.host` believe an absolute target, and raise for some hosts."""
    for path in sorted(Path(guard.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in {
                    ("request", name) for name in ("url", "host", "cookies", "http_range")
                }, path.name


@given(st.text(max_size=80) | st.from_regex(r"[\[\]a-z0-9.:%@-]{0,40}", fullmatch=True))
def test_A3_any_text_is_a_host_or_a_ValueError(header: str) -> None:
    try:
        host = host_of(header)
    except ValueError:
        return
    assert re.fullmatch(r"[a-z0-9.:-]{1,255}", host)
    assert isinstance(host_rule(())(host), bool)
    assert not loopback_only(host) or host_rule(())(host)


async def test_A4_a_target_that_is_no_plain_path_is_400(server: Asking) -> None:
    targets = [
        "http://evil.example/healthz",
        "http://localhost/healthz",
        "//evil.example/healthz",
        "//",
        "/healthz#x",
        "*",
        "healthz",
        "localhost:80",
        "?x",
        "",
        "\\healthz",
    ]

    answers = {target: await raw(server.port, a_request(target)) for target in targets}

    assert {target: status_of(answer) for target, answer in answers.items()} == dict.fromkeys(targets, 400)
    connect = await raw(server.port, a_request("localhost:80", method="CONNECT"))
    options = await raw(server.port, a_request("*", method="OPTIONS"))
    assert [status_of(connect), status_of(options)] == [400, 400]


ROUTES = {
    f"/api/ota/0?{QUERY}": 200,
    f"/api/ota/1?{QUERY}": 204,
    "/api/ota/x": 400,
    "BUNDLE": 200,
    "/bundles/-/1/nothing": 404,
    "/channels/production/latest.json": 200,
    "/channels/nowhere/latest.json": 404,
    "/healthz": 200,
    "/": 200,
    "/nowhere": 404,
}


async def test_A7_no_page_is_ever_let_in_to_read(server: Asking) -> None:
    bundle = (await server.get("/channels/production/latest.json")).json["url"]
    for route in ROUTES:
        path = bundle if route == "BUNDLE" else route
        for origin in (
            "https://evil.example",
            "null",
            "tauri://localhost",
            "http://tauri.localhost",
            f"http://localhost:{server.port}",
        ):
            for method in ("GET", "OPTIONS"):
                asked = {"Origin": origin}
                if method == "OPTIONS":
                    asked["Access-Control-Request-Method"] = "GET"
                answer = await server.get(path, asked, method=method)
                assert [name for name in answer.headers if name.lower().startswith("access-control")] == []
                assert method == "GET" or answer.status in (404, 405)


async def test_A8_every_answer_forbids_a_page_to_use_it(server: Asking) -> None:
    bundle = (await server.get("/channels/production/latest.json")).json["url"]
    for route, status in ROUTES.items():
        answer = await server.get(bundle if route == "BUNDLE" else route)

        assert answer.status == status, route
        assert {name: answer.headers[name] for name in guard.STAMPED} == {
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
        }
        if route != "BUNDLE":
            assert answer.headers["Cache-Control"] == "no-store", route


async def test_A8_answers_that_no_handler_gave_are_stamped_too(server: Asking) -> None:
    expectation = await raw(server.port, a_request("/healthz", "Expect: <script>"))
    refused = await raw(server.port, a_request("/healthz", host="evil.example"))
    method = await raw(server.port, a_request("/healthz", method="PROPFIND"))

    assert [status_of(answer) for answer in (expectation, refused, method)] == [417, 403, 405]
    for answer in (expectation, refused, method):
        head = answer.partition(b"\r\n\r\n")[0].decode()
        for name, value in guard.STAMPED.items():
            assert f"\r\n{name}: {value}" in head


def test_C4_a_problem_can_be_told_whatever_a_file_is_called() -> None:
    told = guard.problem(HotswapError("\udcff\x1b[31m is no file", "rename \udcff", code="bad-name"))

    assert isinstance(told.body, bytes)
    body = json.loads(told.body)
    assert (body["detail"], body["hint"]) == ("\\u{dcff}\\x1b[31m is no file", "rename \\u{dcff}")


async def test_only_the_routes_of_the_interface_are_there(serve: Serve) -> None:
    """A route that somebody adds must be added here, and to what others rely on."""
    apps: list[web.Application] = []
    before = web.AppRunner.__init__

    def noting(self: web.AppRunner, app: web.Application, **kwargs: object) -> None:
        apps.append(app)
        before(self, app, **kwargs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web.AppRunner, "__init__", noting)
        async with serve():
            pass

    client, _ = apps
    assert {
        (route.method, route.resource.canonical) for route in client.router.routes() if route.resource
    } == {
        ("GET", "/api/ota/{sequence}"),
        ("GET", "/api/updates/{sequence}"),
        ("GET", "/bundles/{token}/{sequence}/{name}"),
        ("HEAD", "/bundles/{token}/{sequence}/{name}"),
        ("GET", "/channels/{channel}/latest.json"),
        ("HEAD", "/channels/{channel}/latest.json"),
        ("POST", "/update"),
        ("POST", "/update/completion"),
        ("POST", "/api/lifecycle"),
        ("OPTIONS", "/api/lifecycle"),
        ("GET", "/healthz"),
        ("HEAD", "/healthz"),
        ("GET", "/"),
        ("HEAD", "/"),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is there without asking on Linux only")
async def test_A9_what_listens_to_the_network_knows_no_control_path(serve: Serve) -> None:
    async with serve(host="127.0.0.2") as server:
        listening = _listening()
        assert ("127.0.0.2", server.port) in listening
        assert {address for address, port in listening if port == server.port} == {"127.0.0.2"}
        assert {address for address, port in listening if port == server.control_port} == {"127.0.0.1"}
        assert server.running.file.site == f"http://127.0.0.2:{server.port}"

        for path in ("/api/state", "/api/events", "/api/commands", "/api/commands/publish", "/api/checks"):
            for method in ("GET", "POST", "OPTIONS"):
                answer = await raw(
                    server.port,
                    a_request(path, f"Authorization: Bearer {server.token}", method=method),
                    host="127.0.0.2",
                )
                assert status_of(answer) == 404, (method, path)

        assert (await server.control("/api/state", headers={"Authorization": None})).status == 401
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", server.control_port)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)


def _listening() -> set[tuple[str, int]]:
    """Addresses and ports that anybody on this machine listens on."""
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    found: set[tuple[str, int]] = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = Path("/proc/net") / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == "0A":
                address, port = fields[1].rsplit(":", 1)
                words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                packed = b"".join(words) if sys.byteorder == "little" else bytes.fromhex(address)
                found.add((socket.inet_ntop(family, packed), int(port, 16)))
    return found
