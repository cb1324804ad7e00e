"""A minute of nonsense from hypothesis: no 5xx, no exception, nothing that is kept, and alive afterwards (D11)."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.e2e.attacking import control_of, log_of, said_to, server_file, site_of
from tests.e2e.server_process import ServerProcess, write_frontend
from tests.server.asking import a_request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

EXAMPLES = 6000
WARM_UP = 200
SILENCE = 0.15
"""Seconds after which what the server still waits for is left to it."""

WORDS = [
    b"GET", b"HEAD", b"POST", b"OPTIONS", b"CONNECT", b" ", b"/", b"/api/ota/0", b"/bundles/", b"?", b"%", b"%00",
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"Host: localhost", b"Host:", b":",
    b"Content-Length: 5", b"Content-Length: 99999999999999999999", b"Transfer-Encoding: chunked", b"5\r\nabcde\r\n",
    b"0\r\n\r\n", b"Expect: 100-continue", b"Upgrade: websocket", b"Connection: Upgrade", b"Connection: keep-alive",
    b"Range: bytes=0-0,1-1", b"If-None-Match: *", b"\xff", b"\x00", b"\x16\x03\x01", b"{}", b"[" * 50, b"\xe2\x80\xae",
]  # fmt: skip

nonsense = st.binary(max_size=300) | st.lists(
    st.sampled_from(WORDS) | st.binary(max_size=4), max_size=30
).map(b"".join)

MILD = [
    b"%", b"%25", b"%2e%2e", b"%ff", b"%00", b"/", b"..", b"0", b"1", b"-1", b"9" * 30, b"1e9", b"a", b"\xff",
    b"[", b'"', b"{", b"}", b",", b"null", b"&", b"=", b"?", b";", b":", b".", b"+", b"*", b"\\", b"A" * 300,
]  # fmt: skip
"""What leaves a request one, so that somebody has to make sense of it."""

edits = st.lists(
    st.tuples(
        st.sampled_from(["insert", "replace", "replace", "delete", "repeat"]),
        st.floats(0, 1),
        st.integers(1, 12),
        st.sampled_from(MILD * 5 + WORDS) | st.binary(max_size=4),
    ),
    max_size=3,
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(write_frontend(tmp_path / "dist"), "--port", "0", cwd=tmp_path) as running:
        running.event("published")
        yield running


def edited(data: bytes, steps: list[tuple[str, float, int, bytes]]) -> bytes:
    """A request that was one before these edits."""
    for what, where, length, piece in steps:
        at = round(where * len(data))
        match what:
            case "insert":
                data = data[:at] + piece + data[at:]
            case "replace":
                data = data[:at] + piece + data[at + len(piece) :]
            case "delete":
                data = data[:at] + data[at + length :]
            case _:
                data = data[: at + length] + data[at:]
    return data


def good_requests(server: ServerProcess) -> Mapping[str, list[bytes]]:
    _, manifest = server.check()
    assert manifest is not None
    bundle = "/" + manifest["url"].split("/", 3)[3]
    token = f"Authorization: Bearer {server_file(server)['token']}"
    own = server.ready["control"].removeprefix("http://")

    def steering(method: str, path: str, body: str = "") -> bytes:
        sent = (token, "Content-Type: application/json", f"Content-Length: {len(body)}") if body else (token,)
        return a_request(path, *sent, method=method, host=own) + body.encode()

    update = '{"update_type":"frontend","product":"app","version":1,"platform":"linux","request_id":"1"}'
    return {
        "client site": [
            a_request(
                "/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64&channel=beta",
                "X-Device-Id: phone",
            ),
            a_request(bundle),
            a_request(
                bundle, "Range: bytes=1-20", "If-Range: x", "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT"
            ),
            a_request("/channels/production/latest.json"),
            a_request("/"),
            a_request(
                "/update", "Content-Type: application/json", f"Content-Length: {len(update)}", method="POST"
            )
            + update.encode(),
        ],
        "control site": [
            steering("GET", "/api/state"),
            steering(
                "GET", "/api/checks?limit=5&before=9&since=2026-01-01T00:00:00Z&client=phone&status=200"
            ),
            steering("GET", "/api/events?after=1"),
            steering("POST", "/api/commands/set-mandatory", '{"on": true, "sequence": 1}'),
            steering("POST", "/api/commands/force-204", '{"on": true, "channel": "beta", "times": 2}'),
            steering("POST", "/api/commands/annotate?dry_run=1", '{"text": "a note"}'),
        ],
    }


@pytest.mark.parametrize("what", ["nonsense", "client site", "control site"])
def test_D11_no_bytes_make_it_fail_and_it_ends_in_order_and_has_said_nothing(
    server: ServerProcess, what: str
) -> None:
    addresses = {"client site": [site_of(server)], "control site": [control_of(server)]}.get(
        what, [site_of(server), control_of(server)]
    )
    # Behind a "Connection: close" nothing may follow; here the request that does ends the connection.
    requests = [one.replace(b"Connection: close\r\n", b"") for one in good_requests(server).get(what, [])]
    probes = st.builds(edited, st.sampled_from(requests), edits) if requests else nonsense

    def attack(probe: bytes) -> None:
        for address in addresses:
            # The second request ends the connection, where the first left it something to end.
            answer = said_to(address, probe + a_request("/healthz"), SILENCE)
            found = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]
            assert all(status < 500 for status in found), answer
            assert b"Traceback" not in answer

    _repeat(attack, probes, WARM_UP)
    before = _resident(server)
    files = _open_files(server)
    _repeat(attack, probes, EXAMPLES)

    assert server.get("/healthz")[0] == 200
    assert server.process.poll() is None
    assert "Traceback" not in log_of(server)
    # Connections that were left waiting are closed after 15 s; none of the others is there any more.
    deadline = time.monotonic() + 20
    while _open_files(server) > files + 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _open_files(server) <= files + 5
    assert _resident(server) - before < 16_000_000

    assert server.send(signal.SIGTERM) == 143
    assert server.errors() == ""
    assert "ERROR" not in log_of(server)


def _repeat(attack: Callable[[bytes], None], probes: st.SearchStrategy[bytes], examples: int) -> None:
    # What fails is shown as it was found: to shrink it against a server that has changed since would mislead.
    chosen = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    chosen(given(probes)(attack))()


def _resident(server: ServerProcess) -> int:
    """Bytes of memory that it uses; 0 where the system doesn't tell."""
    if sys.platform != "linux":
        return 0
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def _open_files(server: ServerProcess) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) if sys.platform == "linux" else 0
