"""`hotswap-dev demo` without a terminal: the whole story as lines, the same for the same seed, and nothing is left."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.cli.demo.headless import tell_demo
from hotswap_dev.scenario.beats import beats
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.stage import Stage
from hotswap_dev.scenario.verdict import Ended, Verdict
from tests.e2e.server_process import ServerProcess, clean_environment
from tests.e2e.test_imports import loaded

_PATIENCE = 60.0


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A demo of its own temporary folder, which is where it is started, too."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "hotswap_dev", "demo", "--port", "0", *words],
        cwd=folder,
        env=around(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def around(folder: Path) -> Mapping[str, str]:
    return {**clean_environment(folder), "TMPDIR": str(folder), "TEMP": str(folder)}


def told(demo: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """All that it told, without the times."""
    out, errors = demo.communicate(timeout=_PATIENCE)
    assert demo.returncode == 0, errors + out[-3000:]
    return [
        {name: value for name, value in json.loads(line).items() if name not in ("at", "seconds")}
        for line in out.splitlines()
    ]


def asked(**more: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "seed": 7, "pace": None, "port": 0, "host": "127.0.0.1", "phones": None, "keep": False,
        "report": None, "as_json": False,
    }  # fmt: skip
    return {**options, **more}


def test_two_runs_of_one_seed_tell_the_same_story_in_which_all_comes_about_and_leave_nothing(
    tmp_path: Path,
) -> None:
    demos = [started(tmp_path / name, "--json", "--seed", "11") for name in ("one", "two")]
    first, second = (told(demo) for demo in demos)

    assert first == second
    outcomes = [one for one in first if one["event"] == "outcome"]
    assert [one["title"] for one in outcomes] == [beat.title for beat in beats()]
    assert all(one["ok"] for one in outcomes)
    assert first[-1] == {"event": "over", "beats": len(beats()), "failed": 0}
    assert [*(tmp_path / "one").iterdir(), *(tmp_path / "two").iterdir()] == []


def test_a_signal_ends_it_in_order_and_nothing_is_left(tmp_path: Path) -> None:
    demo = started(tmp_path, "--pace", "1")
    assert demo.stdout is not None
    assert demo.stdout.readline()  # the phones live

    demo.send_signal(signal.SIGTERM)

    _, errors = demo.communicate(timeout=10)
    assert demo.returncode == (143 if os.name != "nt" else 1), errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_busy_port_is_passed_over_and_the_first_line_says_so_and_a_page_is_written(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        demo = started(tmp_path, "--port", str(port), "--beats", "1", "--report", "page.html")
        out, errors = demo.communicate(timeout=_PATIENCE)

    assert demo.returncode == 0, errors
    first = errors.splitlines()[0]
    assert first.endswith(f"({port} is in use)")
    assert f":{port} " not in first
    assert "1 of 1 · A build is saved" in out
    assert "a page about it is in page.html" in errors
    assert "A build is saved" in (tmp_path / "page.html").read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_one_that_is_kept_says_how_to_go_on_and_goes_on(tmp_path: Path) -> None:
    demo = started(tmp_path, "--keep", "--beats", "1")
    _, errors = demo.communicate(timeout=_PATIENCE)
    found = re.search(r"go on with it: hotswap-dev (\S+) --project (\S+)", errors)
    assert found is not None, errors

    with ServerProcess(found[1], "--project", found[2], "--port", "0", cwd=tmp_path) as server:
        status, manifest = server.check(binary_version="1.0.0", platform="android", arch="aarch64")

    assert status == 200
    assert manifest is not None
    assert manifest["sequence"] == 2  # the build that the beat has saved


def test_a_beat_that_goes_otherwise_is_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def otherwise(beat: Scenario, stage: Stage, tell: Any) -> Verdict:
        step = Ended(
            number=1, line=4, text="wait", outcome="failed", expected="all run 5", seen="3 run 5", at=0
        )
        return Verdict(title=beat.title, file=beat.file, seed=1, steps=(step,))

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("hotswap_dev.cli.demo.phones.play", otherwise)

    assert tell_demo((1, 2), asked()) == 1
    said = capsys.readouterr().out
    assert "expected: all run 5; seen: 3 run 5" in said
    assert "0 of 2 beats came to what they should" in said
    assert list(tmp_path.iterdir()) == []


def test_the_process_that_plays_the_story_has_no_server_in_it(tmp_path: Path) -> None:
    server = ("hotswap_dev.server", "hotswap_dev.engine", "hotswap_dev.watching")

    assert loaded("import hotswap_dev.cli.demo.phones", server, tmp_path) == []
