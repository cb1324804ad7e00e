"""A tester's afternoon with faults: armed, met by the reference client, explained, ended, all from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server_process import ServerProcess, run_command, write_frontend

Line = Callable[..., str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(
        write_frontend(tmp_path / "dist"), "--port", "0", cwd=tmp_path, everything=True
    ) as running:
        running.event("published")
        yield running


@pytest.fixture
def said(server: ServerProcess, tmp_path: Path) -> Line:
    """`said("status")`: what the program says on stdout; it must end with this code and say nothing else."""

    def run(*words: str, code: int = 0) -> str:
        done = run_command(*words, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (code, ""), done.stdout + done.stderr
        return done.stdout

    return run


def judged(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_healthy_update_is_checked_applied_and_runs_at_the_next_check(said: Line, tmp_path: Path) -> None:
    first = said("check", "--apply", "phone", "--confirm")
    second = judged(said("check", "--apply", "phone", "--json"))

    assert "VERDICT   applied 1" in first
    assert (tmp_path / "phone/seq-1/index.html").read_bytes() == (tmp_path / "dist/index.html").read_bytes()
    assert (second["sequence"], second["answer"]["reason"], second["apply"]) == (1, "up-to-date", None)


def test_two_of_four_attempts_fail_and_the_log_says_when_the_next_comes(
    server: ServerProcess, said: Line
) -> None:
    armed = said("arm-fault", "download/http-error", "--times", "2")
    shown = said("status")

    done = judged(said("check", "--apply", "phone", "--json"))
    server.event("download-ended", lambda event: event["complete"])
    after = said("status")

    assert "2 of its 4 attempts fail" in armed
    assert "fault      1: download/http-error (status=503) for everyone, 2 times more" in shown
    assert [one["status"] for one in done["apply"]["requests"]] == [503, 503, 200]
    assert done["apply"]["error"] is None
    assert "fault " not in after, "its times are used up"
    log = ""
    for _ in range(50):  # the recorder writes behind the answers' back
        log = " ".join(said("log", "--event", "download-ended").split())
        if "fetched" in log:
            break
    assert "✗ 503 instead of release 1" in log
    assert "by the fault download/http-error, attempt 1 of 4, next in 1 s" in log
    assert "attempt 2 of 4, next in 2 s" in log
    assert log.endswith("attempt 3 of 4")


def test_a_check_that_nothing_answers_is_an_error_in_the_plugins_words_and_explained(
    server: ServerProcess, said: Line
) -> None:
    said("arm-fault", "hang", "--parameters", "seconds=1", "--times", "1")
    asked = judged(said("check", "--json", code=1))
    seen = server.event("check-answered")
    healthy = judged(said("check", "--json"))
    said("arm-fault", "check/connection-reset")
    why = said("why", "--sequence", "0")

    assert asked["error"].startswith("network error: error sending request for url (")
    assert asked["answer"]["status"] is None
    assert (seen["status"], seen["reason"], seen["fault"]) == (0, "fault", "hang")
    assert healthy["available"]
    assert "ANSWER  nothing is answered, by the fault check/connection-reset" in why
    assert "→ hotswap-dev disarm-fault 2" in why


def test_a_poisoned_release_is_offered_signed_and_taken_back(said: Line, tmp_path: Path) -> None:
    armed = said("arm-fault", "path-traversal")
    refused = judged(said("check", "--apply", "phone", "--json", code=1))
    listed = said("releases")
    ended = said("disarm-fault", "1")
    after = judged(said("check", "--apply", "phone", "--json"))

    assert "release 2 (0.1.0-ota.1-poisoned) is a poisoned copy of 1" in armed
    assert refused["apply"]["signed"], "the bad copy is signed as any"
    assert refused["apply"]["error"] == "extraction failed: unsafe path component in archive: ../evil"
    assert not list(tmp_path.rglob("evil"))
    assert "poisoned 1" in listed
    assert "release 2 is withheld" in ended
    assert (after["apply"]["error"], after["apply"]["sequence"]) == (None, 1)


def test_who_is_outside_of_a_rollout_is_told_when_it_comes_in_and_comes_in_then(said: Line) -> None:
    before = judged(said("check", "--json"))
    client = json.loads(said("clients", "--json"))[0]["id"]

    rehearsed = said("set-rollout", "latest", "0", "--dry-run")
    done = said("set-rollout", "latest", "0")
    outside = judged(said("check", "--json"))
    at = done.split("flips in at ")[1].split(" %")[0]
    said("set-rollout", "latest", at)
    inside = judged(said("check", "--json"))
    targeted = said("set-targets", "latest", "--platforms", "ios,android")
    others = judged(said("check", "--json"))

    assert before["available"]
    assert f"0 of 1 client; {client} flips in at {at} %" in rehearsed
    assert f"0 of 1 client; {client} flips in at {at} %" in done
    assert outside["answer"]["reason"] == "not-in-rollout"
    assert inside["available"]
    assert "no client that is known" in targeted
    assert others["answer"]["reason"] == "not-targeted"
    assert f"narrowed   1 on production: {at} %; for ios, android" in said("status")


def test_C10_a_demanded_header_lets_in_who_sends_it_and_its_value_is_shown_nowhere(
    said: Line, tmp_path: Path
) -> None:
    set_ = said("set-required-header", "production", "X-API-Key", "403", "--value", "canary-0815")
    without = judged(said("check", "--json", code=1))
    with_it = said("check", "--apply", "phone", "--header", "X-API-Key=canary-0815")
    told = [set_, with_it, said("status"), said("status", "--json"), said("log"), said("log", "--json")]

    assert (without["error"], without["answer"]["reason"]) == (
        "HTTP 403: update check failed",
        "access-denied",
    )
    assert "X-API-Key: ***" in with_it
    assert "VERDICT   applied 1" in with_it
    assert "demands    channel production: the header X-API-Key with its value, else 403" in told[2]
    assert not [text for text in told if "canary-0815" in text]
    kept = [path for path in (tmp_path / ".hotswap-dev").iterdir() if path.is_file()]
    assert not [path for path in kept if b"canary-0815" in path.read_bytes()]


REFUSED = (
    ("arm-fault delay", "FAULT: 'delay' is a fault of 2 stages"),
    ("arm-fault check/delay -p ms=-1", "--parameters: check/delay: ms"),
    ("arm-fault hang --seed 3", "give --probability too"),
    ("arm-fault offline --client x", "--client: x means nothing to offline"),
    ("arm-fault hang --times 0", "--times: at least 1"),
    ("set-rollout latest 101", "PERCENT: at most 100"),
    ("set-targets latest --platforms amiga", "--platforms: 'amiga' is none"),
    ("set-targets latest --binary-versions new", "'new' is no range of versions"),
    ("disarm-fault 7", "ID: no fault 7 is armed"),
)


@pytest.mark.usefixtures("server")
def test_what_the_server_refuses_is_said_in_the_words_of_the_command_line(tmp_path: Path) -> None:
    for line, named in REFUSED:
        done = run_command(*line.split(), cwd=tmp_path)

        assert (done.returncode, done.stdout) == (1, ""), line
        assert named in done.stderr, line
