"""The example scenarios, played: each comes out green, and red with its planted fault, which its verdict names.

And `hotswap-dev scenario` as a process: its exit codes, its files, and that nothing is left behind.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from hotswap_dev.scenario.reading import read_file
from tests.e2e.server_process import ServerProcess, clean_environment, run_command, write_frontend
from tests.unit.scenario.planted import EXAMPLES, PLANTED
from tests.unit.scenario.playing_on import played, written

_NAMES = sorted(path.stem for path in EXAMPLES.glob("*.toml"))
each_example = pytest.mark.parametrize("name", _NAMES)


def test_every_example_has_a_planted_fault() -> None:
    assert sorted(PLANTED) == _NAMES


@each_example
async def test_an_example_comes_out_green(name: str) -> None:
    verdict, _ = await played(read_file(EXAMPLES / f"{name}.toml"))

    assert verdict.failure is None
    assert verdict.ok


@each_example
async def test_an_example_with_its_planted_fault_comes_out_red_and_says_what_was_seen(
    name: str, tmp_path: Path
) -> None:
    planted = PLANTED[name]
    document = planted((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8"))

    verdict, _ = await played(written(tmp_path, document))

    failure = verdict.failure
    assert failure is not None, planted.why
    assert failure.expected.startswith(planted.expected)
    assert planted.seen in failure.seen
    assert {step.outcome for step in verdict.steps[failure.number :]} <= {"skipped"}


# --- the command --------------------------------------------------------------------------------------------------


def _red(folder: Path) -> Path:
    document = PLANTED["ten-percent-then-all"](
        (EXAMPLES / "ten-percent-then-all.toml").read_text(encoding="utf-8")
    )
    path = folder / "red.toml"
    path.write_text(document, encoding="utf-8")
    return path


def test_several_files_are_played_and_judged_and_the_junit_file_says_the_same(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    green = EXAMPLES / "fail-two-of-four-attempts.toml"

    ran = run_command(
        "scenario", green, _red(tmp_path), "--junit", "judged.xml",
        cwd=tmp_path, environ={"TMPDIR": str(temporary)},
    )  # fmt: skip

    assert ran.returncode == 1, ran.stderr
    assert ran.stderr == ""
    assert "1 of 2 scenarios passed, 1 failed" in ran.stdout
    assert "expected  at most 6 clients run 2 (@new)" in ran.stdout
    assert "seen      20 of 20 run 2" in ran.stdout
    suites = ET.parse(tmp_path / "judged.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "1"]
    failure = suites.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "at most 6 clients run 2 (@new)"
    assert "seen:     20 of 20 run 2" in (failure.text or "")
    assert list(temporary.iterdir()) == [], "nothing is left of either server"


def test_one_object_is_printed_for_each_step_and_a_last_one(tmp_path: Path) -> None:
    ran = run_command(
        "scenario", EXAMPLES / "fail-two-of-four-attempts.toml", "--json", "--report", "page.html", cwd=tmp_path
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    steps = read_file(EXAMPLES / "fail-two-of-four-attempts.toml").steps
    assert [line["event"] for line in lines] == ["step"] * len(steps) + ["scenario", "over"]
    assert lines[-1] == {"event": "over", "ok": True, "scenarios": 1, "played": 1, "failed": 0}
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_file_that_cant_be_read_is_told_with_its_line_before_anything_is_played(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[[steps]]\nsave = "hello-v1"\n\n[[steps]]\nwiat = "running"\n', encoding="utf-8")

    ran = run_command("scenario", EXAMPLES / "mandatory.toml", bad, cwd=tmp_path)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"{bad}:5: 'wiat' is nothing that a step does" in ran.stderr
    assert "did you mean wait?" in ran.stderr


def test_joined_to_a_running_server_its_releases_and_its_folder_stay(tmp_path: Path) -> None:
    dist = write_frontend(tmp_path / "dist", "mine")
    before = {path.name: path.read_bytes() for path in dist.iterdir()}
    story = tmp_path / "story.toml"
    story.write_text(
        '[[clients]]\ncount = 2\npoll = "200ms"\n[[steps]]\nsave = "hello-v2"\nas = "theirs"\n'
        '[[steps]]\nwait = "confirmed"\nsequence = "@theirs"\ngroup = "phones"\nall = true\n',
        encoding="utf-8",
    )
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        ran = run_command("scenario", story, "--join", cwd=tmp_path)
        again = run_command("scenario", story, "--join", "--pace", "0", cwd=tmp_path)
        clients = json.loads(run_command("clients", "--json", cwd=tmp_path).stdout)
        releases = json.loads(run_command("releases", "--json", cwd=tmp_path).stdout)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert (again.returncode, again.stderr) == (0, "")
    assert [(one["sequence"], one["origin"]) for one in releases] == [
        (3, "publish"),
        (2, "publish"),
        (1, "build"),
    ]
    assert len({one["id"] for one in clients}) == 4, "those of the second run are others"
    assert {path.name: path.read_bytes() for path in dist.iterdir()} == before


def test_joined_to_nothing_it_says_what_to_start(tmp_path: Path) -> None:
    ran = run_command("scenario", EXAMPLES / "mandatory.toml", "--join", cwd=tmp_path)

    assert ran.returncode == 3
    assert "no server runs in" in ran.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't send another process these")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ended_by_a_signal_it_leaves_nothing_behind(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    story = tmp_path / "long.toml"
    story.write_text('[[steps]]\nsave = "hello-v1"\n[[steps]]\nlive = "10m"\n', encoding="utf-8")

    process = subprocess.Popen(
        [sys.executable, "-m", "hotswap_dev", "scenario", str(story), "--pace", "1"],
        cwd=tmp_path,
        env={**clean_environment(tmp_path), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any("save hello-v1 → 1" in line for line in process.stdout)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()

    assert (process.returncode, err) == (code, "")
    assert "1 not played" in out
    assert list(temporary.iterdir()) == []


def test_kept_the_servers_folder_stays_and_can_be_gone_on_with(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    ran = run_command(
        "scenario", EXAMPLES / "mandatory.toml", "--keep",
        cwd=tmp_path, environ={"TMPDIR": str(temporary)},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    [folder] = temporary.iterdir()
    with ServerProcess(
        folder / "dist", "--workspace", folder / ".hotswap-dev", "--port", "0", cwd=tmp_path
    ) as server:
        status, manifest = server.check(binary_version="1.0.0")
    assert status == 200
    assert manifest is not None
    assert manifest["sequence"] == 2
