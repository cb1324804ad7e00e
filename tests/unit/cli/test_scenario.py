"""`scenario` on the command line: what it is given, and how it tells; no server is started for these."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import click
import pytest

from hotswap_dev.cli.scenario_lines import JsonLines, TextLines
from hotswap_dev.scenario.reading import read_scenario
from hotswap_dev.scenario.verdict import Begun, Ended, Verdict
from tests.unit.cli.saying import Say

STORY = read_scenario('title = "A story"\n[[steps]]\nsave = "hello-v1"\n', "story.toml")


@pytest.fixture
def story(tmp_path: Path) -> str:
    path = tmp_path / "story.toml"
    path.write_text('[[steps]]\nsave = "hello-v1"\n', encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--pace", "-1"], "Invalid value for '--pace'"),
        (["--pace", "fast"], "Invalid value for '--pace'"),
        (["--pace", "nan"], "nan is no pace: 0, or 0.001 to 100"),
        (["--pace", "1e-320"], "1e-320 is no pace: 0, or 0.001 to 100"),
        (["--junit", "both", "--report", "both"], "--junit and --report are both both"),
        (["--seed", "-1"], "Invalid value for '--seed'"),
        (["--join", "--keep"], "--keep means nothing with --join"),
        (
            ["--junit", "nowhere/judged.xml"],
            "nowhere/judged.xml can't be written: there is no folder nowhere",
        ),
        (["--report", "."], ". can't be written: it is a folder"),
    ],
)
def test_what_can_t_be_meant_is_said_before_anything_is_played(
    words: list[str], error: str, say: Say, story: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    said = say("scenario", story, *words)

    assert (said.code, said.out) == (2, "")
    assert error in said.err


def test_a_page_about_several_scenarios_can_t_be_had(say: Say, story: str) -> None:
    said = say("scenario", story, story, "--report", "page.html")

    assert said.code == 2
    assert "--report is a page about one scenario, and there are 2" in said.err


def test_every_mistake_of_a_file_is_told_with_its_place(say: Say, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[[steps]]\nsave = "hello-v3"\n\n[[steps]]\nlive = "never"\n', encoding="utf-8")

    said = say("scenario", str(path))

    assert said.code == 2
    assert f"{path}:5: live is 'never'; expected is a duration" in said.err
    assert say("scenario", str(tmp_path / "nowhere.toml")).code == 2


def _told(lines: TextLines | JsonLines) -> None:
    lines.begins(STORY)
    lines.told(Begun(number=1, of=3, text="save hello-v1", say="It is saved.", watch="the rows", at=0.0))
    ended = Ended(number=1, line=2, text="save hello-v1", outcome="passed", sequence=12)
    failed = Ended(
        number=2, line=5, text="wait until all run latest", outcome="failed", judges=True,
        expected="all 8 of phones run 12", seen="5 of 8 run 12\x1b[2J; 3 run 11", at=0.0, seconds=30.0,
    )  # fmt: skip
    skipped = Ended(number=3, line=9, text="live 1 s", outcome="skipped")
    for step in (ended, failed, skipped):
        lines.told(step)
    lines.ends(Verdict(title="A story", file="story.toml", seed=3, steps=(ended, failed, skipped)))
    lines.over(1, 1, 2)


def test_for_people_each_step_is_a_line_and_a_failure_says_both_sides_and_its_place() -> None:
    out: list[str] = []
    _told(TextLines(out.append))

    assert [click.unstyle(line) for line in out] == [
        "A story  story.toml",
        "  It is saved.",
        "  watch: the rows",
        "  ✓ save hello-v1 → 12",
        "  ✗ wait until all run latest  30.0 s",
        "    expected  all 8 of phones run 12",
        "    seen      5 of 8 run 12\\x1b[2J; 3 run 11",
        "  · live 1 s",
        "  failed at step 2 of 3 (story.toml:5); 1 after it not reached",
        "0 of 2 scenarios passed, 1 failed, 1 not played",
    ]


def test_for_scripts_each_step_is_an_object_and_the_last_one_is_the_sum() -> None:
    out: list[str] = []
    _told(JsonLines(out.append))

    told = [json.loads(line) for line in out]
    assert [one["event"] for one in told] == ["step", "step", "step", "scenario", "over"]
    assert [one["outcome"] for one in told[:3]] == ["passed", "failed", "skipped"]
    assert told[1]["expected"] == "all 8 of phones run 12"
    assert told[3] == {
        "event": "scenario", "file": "story.toml", "title": "A story", "seed": 3, "ok": False, "seconds": 30.0,
    }  # fmt: skip
    assert told[4] == {"event": "over", "ok": False, "scenarios": 2, "played": 1, "failed": 1}


def test_a_file_that_can_t_be_written_after_all_is_said_once_all_was_played(
    say: Say, story: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def ended(*_: object) -> tuple[int, list[object]]:
        return 130, []

    monkeypatch.setattr("hotswap_dev.cli.scenario._until_signal", ended)
    (tmp_path / "gone").mkdir()
    junit = tmp_path / "gone" / "judged.xml"
    monkeypatch.setattr("hotswap_dev.cli.scenario._demand_writable", lambda _: None)
    (tmp_path / "gone").rmdir()

    said = say("scenario", story, "--junit", str(junit))

    assert said.code == 1
    assert "1 not played" in said.out
    assert f"{junit} can't be written: No such file or directory" in said.err


def test_ended_before_its_end_no_page_is_written_which_is_said_and_its_junit_says_skipped(
    say: Say, story: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def ended(*_: object) -> tuple[int, list[object]]:
        return 130, []

    monkeypatch.setattr("hotswap_dev.cli.scenario._until_signal", ended)
    junit, report = tmp_path / "judged.xml", tmp_path / "page.html"

    said = say("scenario", story, "--junit", str(junit), "--report", str(report))

    assert said.code == 130
    assert said.err == f"{report} is not written: the scenario was not played to its end\n"
    assert not report.exists()
    [suite] = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("skipped"), suite.get("failures")) == ("1", "1", "0")
