"""json-server, Mockoon and WireMock, each set up as its own documentation has it to answer one manifest.

Each is started with its defaults, as a user would start it, and given an address and a port only; what it logs goes to
a file. All of them remember less of a request than hotswap-dev does: json-server and Mockoon a line of log (Mockoon
the last 100 exchanges too), WireMock every exchange, in memory and for ever.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.alternatives.fetching import NotToBeHad, from_maven, from_npm

HOST = "127.0.0.1"
_START_SECONDS = 60.0
_END_SECONDS = 10.0
_MOCKOON_MIGRATION = 33
"""The number of the file format of Mockoon 9.9.0; a file without it is "repaired", which drops what it holds."""

Manifest = Mapping[str, object]


@dataclass(frozen=True)
class Prepared:
    """How to start one: its command, and the path at which it answers."""

    command: Sequence[str | Path]
    path: str


@dataclass(frozen=True)
class Alternative:
    """A server that a user might pick; `prepare(folder, manifest, path, port)` writes its files into its own folder.

    `demanded`: whether issue 4 sets a target for it. `note` is what the reader of the figures has to know of how it
    was started.
    """

    name: str
    demanded: bool
    note: str
    prepare: Callable[[Path, Manifest, str, int], Prepared]


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    pid: int


@contextmanager
def running(alternative: Alternative, folder: Path, manifest: Manifest, path: str) -> Iterator[Running]:
    """Start one that answers `manifest` at `path`, and end it, by its own id.

    NotToBeHad where it can't be fetched, or started and does not answer this manifest.
    """
    folder.mkdir(parents=True)
    port = _free_port()
    prepared = alternative.prepare(folder, manifest, path, port)
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            prepared.command,
            cwd=folder,
            # A home of its own: Mockoon logs into it.
            env={**os.environ, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            answer = _first_answer(alternative.name, process, port, prepared.path, log)
            if answer != manifest:
                raise NotToBeHad(f"it answers something else: {str(answer)[:200]}")
            yield Running(f"http://{HOST}:{port}{prepared.path}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _json_server(folder: Path, manifest: Manifest, path: str, port: int) -> Prepared:
    program = from_npm("json-server@0.17.4") / "json-server" / "lib" / "cli" / "bin.js"
    (folder / "db.json").write_text(json.dumps({"manifest": manifest}))
    # Its own names have one part: a routes file is how it takes a longer path. The star is the query.
    (folder / "routes.json").write_text(json.dumps({f"{path.partition('?')[0]}*": "/manifest"}))
    address: list[str] = ["--host", HOST, "--port", str(port)]
    return Prepared(["node", program, *address, "--routes", "routes.json", "db.json"], path)


def _json_server_1(folder: Path, manifest: Manifest, path: str, port: int) -> Prepared:
    program = from_npm("json-server@1.0.0-beta.15") / "json-server" / "lib" / "bin.js"
    (folder / "db.json").write_text(json.dumps({"manifest": manifest}))
    return Prepared(
        ["node", program, "--host", HOST, "--port", str(port), "db.json"],
        "/manifest" + path[path.index("?") :],
    )


def _mockoon(folder: Path, manifest: Manifest, path: str, port: int) -> Prepared:
    program = from_npm("@mockoon/cli@9.9.0") / "@mockoon" / "cli" / "bin" / "run.js"
    (folder / "manifest.json").write_text(json.dumps(_mockoon_environment(manifest, path, port)))
    return Prepared(["node", program, "start", "--data", "manifest.json"], path)


def _wiremock(folder: Path, manifest: Manifest, path: str, port: int) -> Prepared:
    jar = from_maven("org.wiremock:wiremock-standalone:3.13.2")
    mapping = {
        "request": {"method": "GET", "urlPath": path.partition("?")[0]},
        "response": {
            "status": 200,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps(manifest),
        },
    }
    (folder / "mappings").mkdir()
    (folder / "mappings" / "manifest.json").write_text(json.dumps(mapping))
    return Prepared(["java", "-jar", jar, "--bind-address", HOST, "--port", str(port)], path)


def _wiremock_without_journal(folder: Path, manifest: Manifest, path: str, port: int) -> Prepared:
    prepared = _wiremock(folder, manifest, path, port)
    return Prepared([*prepared.command, "--no-request-journal"], prepared.path)


def _mockoon_environment(manifest: Manifest, path: str, port: int) -> Mapping[str, object]:
    """A Mockoon data file as its editor writes it: one route, all else as it is by default."""
    route = "00000000-0000-4000-8000-000000000001"
    response = {
        "uuid": "00000000-0000-4000-8000-000000000002",
        "body": json.dumps(manifest),
        "latency": 0,
        "statusCode": 200,
        "label": "",
        "headers": [{"key": "Content-Type", "value": "application/json"}],
        "bodyType": "INLINE",
        "filePath": "",
        "databucketID": "",
        "sendFileAsBody": False,
        "rules": [],
        "rulesOperator": "OR",
        "disableTemplating": False,
        "fallbackTo404": False,
        "default": True,
        "crudKey": "id",
        "callbacks": [],
    }
    return {
        "uuid": "00000000-0000-4000-8000-000000000000",
        "lastMigration": _MOCKOON_MIGRATION,
        "name": "manifest",
        "endpointPrefix": "",
        "latency": 0,
        "port": port,
        "hostname": HOST,
        "folders": [],
        "routes": [
            {
                "uuid": route,
                "type": "http",
                "documentation": "",
                "method": "get",
                "endpoint": path.partition("?")[0].strip("/"),
                "responses": [response],
                "responseMode": None,
                "streamingMode": None,
                "streamingInterval": 0,
            }
        ],
        "rootChildren": [{"type": "route", "uuid": route}],
        "proxyMode": False,
        "proxyHost": "",
        "proxyRemovePrefix": False,
        "tlsOptions": {
            "enabled": False,
            "type": "CERT",
            "pfxPath": "",
            "certPath": "",
            "keyPath": "",
            "caPath": "",
            "passphrase": "",
        },
        "cors": True,
        "headers": [],
        "proxyReqHeaders": [],
        "proxyResHeaders": [],
        "data": [],
        "callbacks": [],
    }


def _first_answer(name: str, process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> object:
    """What it answers once it listens, read as JSON."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        connection = http.client.HTTPConnection(HOST, port, timeout=_END_SECONDS)
        try:
            connection.request("GET", path)
            body = connection.getresponse().read()
        except OSError:
            ended = process.poll()
            if ended is not None:
                raise NotToBeHad(f"it ended ({ended}): {log.read_text()[-300:]}") from None
            if time.monotonic() > deadline:
                raise NotToBeHad(f"{name} did not listen within {_START_SECONDS:.0f} s") from None
            time.sleep(0.1)
            continue
        finally:
            connection.close()
        try:
            return json.loads(body)
        except ValueError:
            return body.decode(errors="replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


ALTERNATIVES = (
    Alternative("json-server 0.17.4", True, "npm's latest", _json_server),
    Alternative(
        "json-server 1.0.0-beta.15", False, "logs nothing; at /manifest: one-part paths only", _json_server_1
    ),
    Alternative("Mockoon CLI 9.9.0", True, "its log of the last 100 exchanges on, as by default", _mockoon),
    Alternative("WireMock 3.13.2", True, "its request journal on, as by default", _wiremock),
    Alternative("WireMock 3.13.2, no journal", False, "--no-request-journal", _wiremock_without_journal),
)
"""Each at a fixed version, so that a figure can be had again."""
