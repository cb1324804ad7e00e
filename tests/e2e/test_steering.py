"""A tester's afternoon: every answer changed and explained from the command line, against a running server."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest

from tests.e2e.server_process import ServerProcess, clean_environment, run_command, write_frontend

PATIENCE = 20.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(
        write_frontend(tmp_path / "dist"), "--port", "0", cwd=tmp_path, everything=True
    ) as running:
        running.event("published")
        yield running


def check(server: ServerProcess, client: str, sequence: int = 0, binary_version: str = "0.1.0") -> int:
    """Ask under an id of one's own; the status."""
    site = urlsplit(server.ready["site"])
    with contextlib.closing(
        http.client.HTTPConnection(site.hostname or "", site.port, timeout=PATIENCE)
    ) as asking:
        asking.request(
            "GET",
            f"/api/ota/{sequence}?binary_version={binary_version}&platform=android&arch=aarch64",
            headers={"X-Device-Id": client},
        )
        response = asking.getresponse()
        response.read()
        return response.status


def test_no_update_once_for_one_client_is_shown_before_done_and_explained(
    server: ServerProcess, tmp_path: Path
) -> None:
    def said(*arguments: str) -> str:
        done = run_command(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    for client in ("Pixel", "Laptop"):
        assert check(server, client) == 200
    said("name-client", "Pix", "QA phone")

    would = said("force-204", "on", "--client", "QA", "--times", "1", "--dry-run")
    assert check(server, "Pixel") == 200, "a dry run changes nothing"
    done = said("force-204", "on", "--client", "QA", "--times", "1")
    armed = said("status")
    why = said("why", "qa phone")

    assert "QA phone (Pixel)" in would
    assert "no update: forced-204" in would
    assert "Laptop" not in would
    assert done == "no update for QA phone (Pixel) at the next check; 1 client gets another answer\n"
    assert "override   no update for QA phone (Pixel) at the next check" in armed
    assert "ANSWER  204, no update (forced-204)" in why
    assert [check(server, client) for client in ("Pixel", "Laptop", "Pixel")] == [204, 200, 200]
    assert "override" not in said("status")
    row = next(one for one in json.loads(said("clients", "--json")) if one["id"] == "Pixel")
    assert (row["name"], row["label"]["code"]) == ("QA phone", "embedded")


def test_a_binary_that_is_too_old_is_told_what_would_help_and_it_helps(
    server: ServerProcess, tmp_path: Path
) -> None:
    check(server, "Pixel", binary_version="0.0.9")

    why = json.loads(run_command("why", "Pixel", "--json", cwd=tmp_path).stdout)
    helped = run_command(*why["change"].split()[1:], cwd=tmp_path)

    assert why["reason"] == "binary-too-old"
    assert "1 client gets another answer" in helped.stdout
    assert check(server, "Pixel", binary_version="0.0.9") == 200


def test_why_of_somebody_who_was_never_seen_is_an_error_that_names_who_was(
    server: ServerProcess, tmp_path: Path
) -> None:
    check(server, "Pixel")

    done = run_command("why", "Pikachu", cwd=tmp_path)
    imagined = run_command("why", "--sequence", "5", "--platform", "ios", cwd=tmp_path)
    nonsense = run_command("why", "--binary-version", "1.0", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert "'Pikachu' was never seen" in done.stderr
    assert "Pixel" in done.stderr
    assert "(client-ahead)" in imagined.stdout
    assert nonsense.returncode == 1
    assert "binary_version is '1.0'" in nonsense.stderr


def test_why_of_a_client_whose_check_could_not_be_read_says_what_would_be_right(
    server: ServerProcess, tmp_path: Path
) -> None:
    assert check(server, "Pixel", binary_version="abc") == 400

    refused = run_command("why", "Pixel", cwd=tmp_path)
    imagined = run_command("why", "Pixel", "--binary-version", "0.1.0", cwd=tmp_path)

    assert (refused.returncode, refused.stderr) == (0, "")
    assert "ANSWER  400, refused (bad-request)" in refused.stdout
    assert "binary_version is abc; expected is a semantic version" in " ".join(refused.stdout.split())
    assert (imagined.returncode, imagined.stderr) == (0, "")
    assert "ANSWER  200, release 1" in imagined.stdout


def test_a_name_given_before_the_first_check_means_that_client(server: ServerProcess, tmp_path: Path) -> None:
    named = run_command("name-client", "Neverseen", "Ghost", cwd=tmp_path)
    pinned = run_command("pin-client", "Ghost", "1", cwd=tmp_path)

    assert "'Neverseen' could mean: taken as a client's id" in named.stderr
    assert (pinned.returncode, pinned.stderr) == (0, "")
    assert pinned.stdout.startswith("Ghost (Neverseen) is offered 1 and nothing else")


def test_commands_without_a_server_say_how_to_start_one(tmp_path: Path) -> None:
    for command in (["why", "Pixel"], ["clients"], ["log"], ["withhold", "latest"], ["force-204", "on"]):
        done = run_command(*command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (3, ""), command
        assert "hotswap-dev serve" in done.stderr


def test_the_log_is_one_time_line_of_answers_changes_and_notes(server: ServerProcess, tmp_path: Path) -> None:
    for _ in range(4):
        check(server, "Pixel", 1)
    run_command("annotate", "QA round 2", cwd=tmp_path)
    run_command("pause-channel", "production", cwd=tmp_path)
    check(server, "Pixel", 1)
    server.event("check-answered", lambda event: event["reason"] == "channel-paused")

    log = ""
    for _ in range(50):  # the recorder writes behind the answers' back
        log = run_command("log", "--since", "1h", cwd=tmp_path).stdout
        if "is paused: nobody" in log:
            break
    notes = run_command("log", "--event", "note-added", "--json", cwd=tmp_path).stdout
    checks = run_command("log", "--status", "204", "--client", "Pix", "--json", cwd=tmp_path).stdout

    lines = [line.split("  ", 1)[1].strip() for line in log.splitlines()]
    said = (
        "▸ release 1",
        "Pixel            at 1    204 ×4 until",
        "— QA round 2",
        "· channel production is paused",
    )
    places = [next(place for place, line in enumerate(lines) if line.startswith(text)) for text in said]
    assert places == sorted(places)
    assert json.loads(notes)["text"] == "QA round 2"
    assert [json.loads(line)["reason"] for line in checks.splitlines()] == [
        *["up-to-date"] * 4,
        "channel-paused",
    ]


def test_following_the_log_shows_what_happens_from_then_on(server: ServerProcess, tmp_path: Path) -> None:
    check(server, "Pixel")
    lines: queue.Queue[str] = queue.Queue()

    def until(text: str) -> list[str]:
        passed = []
        while True:
            passed.append(lines.get(timeout=PATIENCE).rstrip("\n"))
            if text in passed[-1]:
                return passed

    with subprocess.Popen(
        [sys.executable, "-m", "hotswap_dev", "log", "--follow"],
        cwd=tmp_path, env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as following:  # fmt: skip
        stdout = following.stdout
        assert stdout is not None
        reader = threading.Thread(target=_pour, args=(stdout, lines), daemon=True)
        reader.start()
        try:
            first = until("Pixel            at 0    ↓ 1")
            check(server, "Laptop")
            run_command("annotate", "now", cwd=tmp_path)
            then = until("— now")
            server.kill()
            assert following.wait(PATIENCE) == 3
        finally:
            following.kill()
            reader.join(PATIENCE)

    assert len([line for line in first if "Pixel" in line]) == 1
    assert [line for line in then if "Pixel" in line] == [], "what was shown is not shown again"
    assert any("Laptop           at 0    ↓ 1" in line for line in then)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals to be made here")
@pytest.mark.parametrize(("answer", "code", "newest"), [(b"n\n", 1, 2), (b"y\n", 0, 3)])
def test_on_a_terminal_what_is_final_asks_and_shows_whose_answers_change(
    server: ServerProcess, tmp_path: Path, answer: bytes, code: int, newest: int
) -> None:
    run_command("reoffer", "1", cwd=tmp_path)
    check(server, "Pixel", 1)
    own, its = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "hotswap_dev", "roll-back-to", "1"],
        cwd=tmp_path, env=clean_environment(tmp_path), stdin=its, stdout=subprocess.PIPE, stderr=its,
    ) as asking:  # fmt: skip
        try:
            os.close(its)
            shown = b""
            while b"Do it?" not in shown:
                shown += os.read(own, 1000)
            os.write(own, answer)
            assert asking.wait(PATIENCE) == code
        finally:
            asking.kill()
            os.close(own)

    text = shown.decode()
    assert "release 3 (0.1.0-ota.1) brings 1 back on production; release 2 is withheld" in text
    assert "Pixel" in text
    assert "offer 3: newer-release" in text
    newest_now = json.loads(run_command("releases", "--json", "--limit", "1", cwd=tmp_path).stdout)
    assert newest_now[0]["sequence"] == newest


@pytest.mark.skipif(os.name != "posix", reason="elsewhere arguments are no bytes")
def test_C4_an_argument_that_is_no_text_is_usage_and_reaches_nobody(
    server: ServerProcess, tmp_path: Path
) -> None:
    for command in (
        ["annotate", "\udcff"],
        ["name-client", "x", "\udcff"],
        ["why", "\udcff", "--sequence", "0"],
    ):
        done = run_command(*command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert "what is no text" in done.stderr
    assert run_command("log", "--event", "note-added", cwd=tmp_path).stdout == ""


def _pour(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)


@pytest.mark.parametrize(("options", "after"), [([], 200), (["--keep-overrides"], 204)])
def test_overrides_end_with_a_run_unless_they_are_to_be_kept(
    tmp_path: Path, options: list[str], after: int
) -> None:
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", *options, cwd=tmp_path) as running:
        running.event("published")
        assert run_command("force-204", "on", cwd=tmp_path).returncode == 0
        assert check(running, "Pixel") == 204
        assert running.send(signal.SIGTERM) == 143

    with ServerProcess(dist, "--port", "0", *options, cwd=tmp_path) as running:
        assert check(running, "Pixel") == after
