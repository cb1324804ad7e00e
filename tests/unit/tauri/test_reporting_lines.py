"""The module for an app's own code, run by node as it stands: what it sends to the server, and what it leaves alone."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.lifecycle import read_report
from hotswap_dev.tauri.snippet import csp_source, reporting_lines

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not on PATH: the lines can't be run")

PLUGIN = """
let handler;
export const getConfig = async () => ({ channel: null, endpoint: null, headers: HEADERS });
export const onLifecycle = async (one) => { handler = one; return () => {}; };
export const emit = (event) => handler(event);
"""
PAGE = """
import { emit } from 'tauri-plugin-hotswap-api';
import { reported, reportLifecycle } from './report.mjs';
const seen = [];
console.warn = (error) => seen.push(`warned: ${error.message}`);
await reportLifecycle();
for (const event of EVENTS) await emit(event);
seen.push(await reported(Promise.resolve('1.0.0-ota.14'), 14));
try { await reported(Promise.reject('extraction failed: invalid gzip header'), 15); }
catch (error) { seen.push(`rejected: ${error}`); }
console.log(JSON.stringify(seen));
"""
EVENTS: list[dict[str, Any]] = [
    {"event": "check-start"},
    {"event": "ready-confirmed", "version": "1.0.0-ota.14", "sequence": 14},
]


class Server(ThreadingHTTPServer):
    """Takes down what is posted to it."""

    posted: list[tuple[str, str | None, Any]]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), _Handler) as running:
        running.posted = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


def run(folder: Path, site: str, headers: dict[str, str], id_header: str = "X-Device-Id") -> list[str]:
    """What the page saw when the plugin emitted its events and two applies ended."""
    assert NODE is not None
    package = folder / "node_modules" / "tauri-plugin-hotswap-api"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(PLUGIN.replace("HEADERS", json.dumps(headers)))
    (folder / "report.mjs").write_text(reporting_lines(site, id_header))
    (folder / "page.mjs").write_text(PAGE.replace("EVENTS", json.dumps(EVENTS)))
    done = subprocess.run(
        [NODE, "page.mjs"], cwd=folder, capture_output=True, encoding="utf-8", timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    seen: list[str] = json.loads(done.stdout)
    return seen


def test_every_event_is_posted_with_the_device_that_the_plugin_sends(server: Server, tmp_path: Path) -> None:
    site = f"http://127.0.0.1:{server.server_port}"

    seen = run(tmp_path, site + "/", {"Authorization": "Bearer secret", "x-device-ID": "phone"})

    assert seen == ["1.0.0-ota.14", "rejected: extraction failed: invalid gzip header"]
    assert [(path, kind) for path, kind, _ in server.posted] == [("/api/lifecycle", "application/json")] * 3
    failure = {"event": "apply-error", "sequence": 15, "error": "extraction failed: invalid gzip header"}
    assert [body for *_, body in server.posted] == [
        {**event, "device": "phone"} for event in (*EVENTS, failure)
    ]
    for *_, body in server.posted:
        assert read_report(body).device == "phone"


def test_an_app_without_a_device_id_sends_none(server: Server, tmp_path: Path) -> None:
    run(tmp_path, f"http://127.0.0.1:{server.server_port}", {})
    assert all("device" not in body for *_, body in server.posted)


def test_another_id_header_is_looked_for(server: Server, tmp_path: Path) -> None:
    run(tmp_path, f"http://127.0.0.1:{server.server_port}", {"X-Unit": "7"}, id_header="X-Unit")
    assert {body["device"] for *_, body in server.posted} == {"7"}


def test_a_server_that_is_gone_is_no_matter_to_the_app(tmp_path: Path) -> None:
    with socket.socket() as taken:  # and nobody listens
        taken.bind(("127.0.0.1", 0))
        seen = run(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}", {})
    assert seen == [
        "warned: fetch failed",
        "warned: fetch failed",
        "1.0.0-ota.14",
        "warned: fetch failed",
        "rejected: extraction failed: invalid gzip header",
    ]


def test_it_imports_only_what_the_plugins_bindings_export() -> None:
    imported = re.findall(r"import \{ (.*?) \} from '(.*?)'", reporting_lines("http://localhost"))
    assert imported == [("getConfig, onLifecycle", "tauri-plugin-hotswap-api")]


def test_an_address_stays_one_text_whatever_is_in_it() -> None:
    lines = reporting_lines("http://x'\"\n/", "X-\"'")
    assert r'''"http://x'\"\n/api/lifecycle"''' in lines
    assert '"x-\\"\'"' in lines


def test_the_csp_names_the_server_and_what_tauri_itself_needs() -> None:
    assert csp_source("http://127.0.0.1:3333/") == (
        "connect-src ipc: http://ipc.localhost http://127.0.0.1:3333"
    )
