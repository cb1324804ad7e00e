"""The second protocol against a server as people run it: a process, killed and started again, and curl."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.server_process import ServerProcess, run_command, write_frontend
from tests.server.update_client import UpdateClient, failed, success

PATIENCE = 20.0


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return write_frontend(tmp_path / "dist")


def started(dist: Path, port: int = 0) -> ServerProcess:
    return ServerProcess(dist, "--port", str(port), cwd=dist.parent, everything=True)


@pytest.fixture
def server(dist: Path) -> Iterator[ServerProcess]:
    with started(dist) as process:
        process.event("published")
        yield process


async def test_a_conversation_goes_on_after_the_server_was_killed(dist: Path) -> None:
    async with aiohttp.ClientSession() as session:
        with started(dist) as server:
            server.event("published")
            before = UpdateClient(server.ready["site"], session)
            reported, waiting = await before.ask(), await before.ask()
            assert reported is not None
            assert waiting is not None
            await before.complete(reported.request_id, {"frontend": success(reported.of("frontend"))})
            # What is told is on its way to the disk; a report that it never reached is not known after a kill.
            recorded(dist.parent, 1)
            server.kill()

        with started(dist) as server:
            client = UpdateClient(server.ready["site"], session)
            update = waiting.of("frontend")
            first = await client.complete(waiting.request_id, {"frontend": failed(update, "bad checksum")})
            again = await client.complete(reported.request_id, {"frontend": success(update)})

            assert [one["flags"] for one in first["recorded"]] == [[]]
            assert [one["flags"] for one in again["recorded"]] == [["repeated"]]
            assert [row["status"] for row in recorded(dist.parent, 3)] == ["success", "failed", "success"]
            assert {(row["client"], row["sequence"]) for row in recorded(dist.parent, 3)} == {
                ("local/macos", 1)
            }


@pytest.mark.skipif(shutil.which("curl") is None, reason="it is about curl")
def test_a_complete_conversation_with_curl_alone(server: ServerProcess, tmp_path: Path) -> None:
    site = server.ready["site"]
    question = json.dumps({"product": "your_app", "version": 0, "platform": "macOS", "locale": "en-US"})

    answer = json.loads(curl(f"{site}/update", "--data", question))
    [update] = answer["available_updates"]
    curl(update["url"], "--output", str(tmp_path / "bundle"))
    completion = {
        "updates": {"frontend": {"status": "success", "version": update["version"]}},
        "request_id": answer["request_id"],
    }
    said = json.loads(curl(f"{site}/update/completion", "--form", f"document={json.dumps(completion)}"))
    asked_again = question.replace('"version": 0', f'"version": "{update["version"]}"')
    nothing = curl(
        f"{site}/update", "--data-urlencode", f"document={asked_again}", "--write-out", "%{http_code}"
    )

    content = (tmp_path / "bundle").read_bytes()
    assert (hashlib.sha512(content).hexdigest(), len(content)) == (update["hash_value"], update["size"])
    assert said == {
        "recorded": [{"update_type": "frontend", "status": "success", "sequence": 1, "flags": []}]
    }
    assert nothing == "204"


def recorded(project: Path, count: int) -> list[dict[str, Any]]:
    """The reports in the history, oldest first, once there are so many."""
    for _ in range(100):
        done = run_command("api", "GET", "/api/history?event=update-reported", cwd=project)
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        if len(rows) == count:
            return rows[::-1]
    raise AssertionError(f"not {count} reports, but {rows}")


def curl(url: str, *arguments: str) -> str:
    """What curl prints; it fails where the server answers with an error."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "20", *arguments, url],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout
