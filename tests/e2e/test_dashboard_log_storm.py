"""What libraries say never reaches the screen (hardening C6)."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.server_process import write_frontend

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.e2e.terminal import Terminal, hotswap_dev

pytestmark = pytest.mark.screens

STORM = 1000
MALFORMED = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nX\x00: y\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
)


def test_C6_a_thousand_malformed_requests_write_nothing_over_the_screen(tmp_path: Path) -> None:
    program = hotswap_dev(write_frontend(tmp_path / "dist"), "--port", "0")
    with Terminal(*program, cwd=tmp_path, columns=200) as terminal:
        terminal.wait_for_dashboard()
        workspace = tmp_path / ".hotswap-dev"
        ready = json.loads((workspace / "server.json").read_text())
        for number in range(STORM):
            site = urlsplit(ready["control"] if number % 10 == 0 else ready["site"])
            with closing(
                socket.create_connection((site.hostname or "", site.port or 0), timeout=5)
            ) as client:
                client.sendall(MALFORMED[number % len(MALFORMED)])
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass

        for told in ("Traceback", "aiohttp", "BadStatusLine", "BadHttpMessage", "error", "Error"):
            assert told not in terminal.text(), terminal.text()
        terminal.type("q")
        assert terminal.exit_code(within=2) == 0
        # Below the screen, where stderr would have gone: the first lines, the last one, and nothing in between.
        left = [line for line in terminal.lines() if line]
        assert left[-1].startswith(" stopped; the next start goes on at release ")
        assert left[-2].endswith(" and require_https false)")
        assert len(left) == 5, left
        said = sum(file.stat().st_size for file in workspace.glob("*.log*"))
        assert said < 100_000
