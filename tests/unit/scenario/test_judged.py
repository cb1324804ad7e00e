"""Verdicts as JUnit: what judges is a test; what was not reached is skipped; a file without tests still has one."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from hotswap_dev.export.junit import render
from hotswap_dev.scenario.judged import not_played, suite
from hotswap_dev.scenario.reading import read_scenario
from hotswap_dev.scenario.verdict import Ended, Outcome, Verdict


def _ended(number: int, outcome: Outcome, *, judges: bool, expected: str = "", seen: str = "") -> Ended:
    return Ended(
        number=number, line=10 * number, text=f"step {number}", outcome=outcome, judges=judges,
        expected=expected, seen=seen, seconds=1.5, say="Look", watch="the row",
    )  # fmt: skip


def _verdict(*steps: Ended) -> Verdict:
    return Verdict(title="A story", file="story.toml", seed=7, steps=steps)


def test_steps_that_judge_are_cases_with_their_line_and_what_was_said() -> None:
    red = _verdict(
        _ended(1, "passed", judges=False),
        _ended(2, "passed", judges=True),
        _ended(3, "failed", judges=True, expected="all 3 run 2", seen="1 of 3 runs 2 \x1b[0m & <more>"),
        _ended(4, "skipped", judges=False),
        _ended(5, "skipped", judges=True),
    )

    root = ET.fromstring(render([suite(red, began=datetime(2026, 4, 5, tzinfo=UTC))]))

    [found] = root
    assert {name: found.get(name) for name in ("name", "file", "tests", "failures", "skipped", "time")} == {
        "name": "A story", "file": "story.toml", "tests": "3", "failures": "1", "skipped": "1", "time": "4.500",
    }  # fmt: skip
    assert found.find("properties/property[@name='seed']") is not None
    cases = found.findall("testcase")
    assert [case.get("name") for case in cases] == ["2 step 2", "3 step 3", "5 step 5"]
    failure = cases[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "all 3 run 2"
    assert failure.text == "story.toml:30\nexpected: all 3 run 2\nseen:     1 of 3 runs 2 \\x1b[0m & <more>"
    assert cases[2].find("skipped") is not None
    assert cases[0].findtext("system-out") == "Look the row"


def test_a_step_that_could_not_be_done_is_a_failed_case_though_it_judges_nothing() -> None:
    found = suite(_verdict(_ended(1, "failed", judges=False, expected="it is done", seen="refused")))

    assert [(case.name, case.failed) for case in found.cases] == [("1 step 1", "it is done")]


def test_a_story_that_judges_nothing_is_one_case_that_it_was_played() -> None:
    found = suite(_verdict(_ended(1, "passed", judges=False)))

    assert [(case.name, case.failed, case.seconds) for case in found.cases] == [
        ("played to its end", None, 1.5)
    ]


def test_a_verdict_is_ok_where_every_step_passed_and_its_failure_is_the_first_that_did_not() -> None:
    assert _verdict(_ended(1, "passed", judges=True)).ok
    failed = _ended(2, "failed", judges=True)
    verdict = _verdict(_ended(1, "passed", judges=True), failed, _ended(3, "skipped", judges=True))
    assert not verdict.ok
    assert verdict.failure == failed


def test_a_scenario_that_was_not_reached_is_a_skipped_case_and_none_that_passed() -> None:
    scenario = read_scenario('title = "Later"\n[[steps]]\nlive = "1s"\n', "later.toml")

    [found] = ET.fromstring(render([not_played(scenario)]))

    assert {name: found.get(name) for name in ("name", "tests", "failures", "skipped")} == {
        "name": "Later", "tests": "1", "failures": "0", "skipped": "1",
    }  # fmt: skip
