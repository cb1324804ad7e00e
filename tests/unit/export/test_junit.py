"""The XML that build machines read, read back by another's parser."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.export.junit import Case, Suite, render

PASSED = Case(name="wait until all of phones confirmed 1", seconds=10.25, line=12)
FAILED = Case(
    name="expect all of phones running 2",
    failed="all 4 of phones run 2 (@bad)",
    seen="none of 4 runs 2; 4 run 1, last answered not-in-rollout",
    seconds=0.5,
    line=20,
)
SKIPPED = Case(name="wait until 3 is withheld", skipped="a step before it failed", line=24)
SUITE = Suite(name="A rollout", file="fixtures/scenarios/rollout.toml", cases=(PASSED, FAILED, SKIPPED))

A_TIME = re.compile(r"[0-9]+\.[0-9]{3}")
A_COUNT = re.compile(r"[0-9]+")
SUMS = {"tests": A_COUNT, "failures": A_COUNT, "errors": A_COUNT, "time": A_TIME}


def read(*suites: Suite) -> ET.Element:
    return ET.fromstring(render(suites).encode("utf-8"))


def demand_what_ci_systems_read(root: ET.Element) -> None:
    """The schema of Jenkins' xUnit plugin (junit-10.xsd) in words, and that the sums are right."""
    assert root.tag == "testsuites"
    demand_sums(root, {"name"})
    for suite in root:
        assert suite.tag == "testsuite"
        demand_sums(suite, {"name", "file", "timestamp", "skipped"})
        if stamp := suite.get("timestamp"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", stamp)
        tags = [child.tag for child in suite]
        assert tags == ["properties"] * ("properties" in tags) + ["testcase"] * tags.count("testcase")
        assert suite.get("tests") == str(tags.count("testcase"))
        for case in suite.iter("testcase"):
            assert set(case.attrib) == {"name", "classname", "time"}
            assert A_TIME.fullmatch(case.attrib["time"])
            inside = [child.tag for child in case]
            assert inside in (
                [],
                ["failure"],
                ["skipped"],
                ["system-out"],
                ["failure", "system-out"],
                ["skipped", "system-out"],
            )
            for failure in case.iter("failure"):
                assert set(failure.attrib) == {"message", "type"}
        for name in ("failure", "skipped"):
            assert suite.get("failures" if name == "failure" else name) == str(len(list(suite.iter(name))))
    for key in ("tests", "failures"):
        assert root.get(key) == str(sum(int(suite.attrib[key]) for suite in root))


def demand_sums(element: ET.Element, others: set[str]) -> None:
    assert set(element.attrib) - others == set(SUMS)
    for name, shape in SUMS.items():
        assert shape.fullmatch(element.attrib[name])


def test_each_suite_says_how_many_were_judged_and_how_they_ended() -> None:
    root = read(SUITE, Suite(name="Another", cases=(PASSED,)))

    demand_what_ci_systems_read(root)
    assert [suite.get("name") for suite in root] == ["A rollout", "Another"]
    assert (root.get("tests"), root.get("failures"), root[0].get("skipped")) == ("4", "1", "1")
    assert root.get("time") == "21.000"


def test_a_failure_has_the_sentence_as_its_message_and_the_place_and_what_was_seen_in_its_body() -> None:
    failure = read(SUITE).find(".//failure")

    assert failure is not None
    assert failure.get("message") == "all 4 of phones run 2 (@bad)"
    assert failure.text == (
        "fixtures/scenarios/rollout.toml:20\n"
        "expected: all 4 of phones run 2 (@bad)\n"
        "seen:     none of 4 runs 2; 4 run 1, last answered not-in-rollout"
    )


def test_what_was_not_reached_is_skipped_and_says_why() -> None:
    skipped = read(SUITE).find(".//skipped")

    assert skipped is not None
    assert skipped.get("message") == "a step before it failed"


def test_a_case_that_failed_is_not_skipped_too() -> None:
    both = Case(name="a", failed="this", skipped="that")
    root = read(Suite(name="s", cases=(both,)))

    demand_what_ci_systems_read(root)
    assert root.find(".//failure") is not None
    assert root.find(".//skipped") is None


def test_the_time_of_a_suite_is_in_utc_and_its_properties_stand_before_its_cases() -> None:
    noon = datetime(2026, 7, 1, 12, 0, 5, 600, tzinfo=timezone(timedelta(hours=2)))
    root = read(Suite(name="s", at=noon, properties={"seed": "7"}, cases=(PASSED,)))

    demand_what_ci_systems_read(root)
    assert root[0].get("timestamp") == "2026-07-01T10:00:05"
    assert [(one.get("name"), one.get("value")) for one in root.iter("property")] == [("seed", "7")]


def test_what_is_told_of_a_case_keeps_its_lines() -> None:
    case = Case(name="a", told="Pixel checked: newer-release\n  2 <b> & ]]>\rend")

    assert read(Suite(name="s", cases=(case,))).findtext(".//system-out") == (
        "Pixel checked: newer-release\n  2 <b> & ]]>\rend"
    )


@pytest.mark.parametrize("hostile", ["\x00", "\x1b[31m", "\ud800", "\ufffe", "‮gnp", "\"'<&>]]>"])
def test_C3_what_xml_cannot_hold_or_a_terminal_would_obey_is_shown(hostile: str) -> None:
    case = Case(name=hostile, failed=hostile, seen=hostile, told=hostile)
    root = read(Suite(name=hostile, file=hostile, properties={"p": hostile}, cases=(case,)))

    demand_what_ci_systems_read(root)
    assert "\x1b" not in ET.tostring(root, encoding="unicode")
    name = root[0].get("name")
    assert name is not None
    assert name.isprintable()


ANYTHING = st.text(st.characters(), max_size=40)
CASES = st.builds(
    Case,
    name=ANYTHING,
    seconds=st.floats(0, 1e6),
    failed=st.none() | ANYTHING,
    seen=ANYTHING,
    skipped=st.none() | ANYTHING,
    told=ANYTHING,
    line=st.none() | st.integers(1, 10_000),
)
SUITES = st.builds(
    Suite,
    name=ANYTHING,
    file=ANYTHING,
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    properties=st.dictionaries(ANYTHING, ANYTHING, max_size=2),
    cases=st.lists(CASES, max_size=4).map(tuple),
)


@given(st.lists(SUITES, max_size=3))
def test_whatever_is_judged_is_xml_that_ci_systems_read(suites: list[Suite]) -> None:
    demand_what_ci_systems_read(read(*suites))


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=80))
def test_a_text_that_xml_can_hold_comes_back_as_it_was(text: str) -> None:
    found = read(Suite(name="s", cases=(Case(name="a", told=text + "."),))).findtext(".//system-out")

    assert found == text + "."


def test_nothing_judged_is_a_document_too() -> None:
    root = read()

    demand_what_ci_systems_read(root)
    assert root.get("tests") == "0"
