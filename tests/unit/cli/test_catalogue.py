"""The catalogue of faults as people read it: generated, whole, and the same in the README."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from hotswap_dev import wire
from hotswap_dev.cli.catalogue import catalogue_lines, fault_table_markdown, parameter_words
from hotswap_dev.cli.help import page
from hotswap_dev.domain.faults import STAGES, every_fault, read_fault
from hotswap_dev.domain.faults.reactions import reaction
from tests.unit.cli.saying import Say

PAGES = resources.files("hotswap_dev.cli") / "pages" / "faults"
README = Path(__file__).parents[3] / "README.md"


@pytest.mark.parametrize("name", every_fault())
def test_every_fault_has_a_page_with_life_server_client_a_line_to_arm_it_and_what_to_look_for(
    say: Say, name: str
) -> None:
    said = say("help", name)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{name}: ")
    for label in ("Life  ", "Server  ", "Client  ", "Arm  ", "Look  "):
        assert f"\n{label}" in said.out
    assert max(map(len, said.out.splitlines())) <= 90


def test_no_page_is_about_a_fault_that_there_is_none() -> None:
    there = {path.name.removesuffix(".txt") for path in PAGES.iterdir()}

    assert there == {name.replace("/", "-") for name in every_fault()}


@pytest.mark.parametrize("name", every_fault())
def test_the_lines_that_arm_it_arm_it_with_parameters_that_it_has(name: str) -> None:
    lines = re.findall(r"hotswap-dev arm-fault (\S+)(?: -p (\S+))?", page(name))

    assert {fault for fault, _ in lines} == {name}
    for fault, given in lines:
        read_fault(fault, {one.partition("=")[0]: _read(one.partition("=")[2]) for one in _each(given)})


def _each(given: str) -> list[str]:
    return given.split(",") if given else []


def _read(value: str) -> int | str:
    return int(value) if value.isdigit() else value


@pytest.mark.parametrize("name", every_fault())
def test_below_a_page_stands_what_the_plugin_says_and_how_often_it_asks(say: Say, name: str) -> None:
    expected = reaction(every_fault()[name]())
    text = " ".join(say("help", name).out.split())

    for rejection in (expected.check, expected.apply):
        if rejection is not None:
            assert f'rejects with "{rejection}"' in text
    assert f"Events {', '.join(expected.events)} " in text
    assert f"{expected.requests.check} check" in text
    assert f"{expected.requests.download} download" in text
    assert ("goes back to what ran before" in text) == (expected.restart == "rolls-back")


def test_a_fault_is_meant_by_its_name_alone_where_no_other_stage_has_it(say: Say) -> None:
    alone, with_stage = say("help", "hang"), say("help", "check/hang")
    shared = say("help", "delay")

    assert alone.out == with_stage.out
    assert shared.code == 2
    assert "say check/delay or download/delay" in shared.err
    assert "did you mean truncate?" in say("help", "trunctae").err


def test_the_whole_catalogue_is_a_page_on_80_columns_with_each_fault_its_parameters_and_reaction(
    say: Say,
) -> None:
    said = say("help", "faults")
    text = " ".join(said.out.split())

    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 80
    places = [said.out.index(f"\n{stage}: ") for stage in STAGES]
    assert places == sorted(places)
    for fault in wire.fault_schemas():
        assert f"\n  {fault['name']}\n" in said.out
        for words in (fault["summary"], *parameter_words(fault), _sentence(fault["name"])):
            assert words in text


def test_a_parameter_says_its_default_its_unit_and_its_limits() -> None:
    listed = {fault["name"]: list(parameter_words(fault)) for fault in wire.fault_schemas()}

    assert listed["check/delay"][0] == "ms=3000 (ms before the first byte, 0 to 600000)"
    assert listed["truncate"] == ["percent=50 (% of the bundle that is sent before, 0 to below 100)"]
    assert listed["missing-field"][0].startswith("field=signature (which one, one of ")
    assert listed["offline"] == []


def test_the_markdown_table_has_a_row_of_five_cells_for_each_fault() -> None:
    head, line, *rows = fault_table_markdown().splitlines()

    assert head.count("|") == line.count("|") == 6
    assert [re.split(r"(?<!\\)\|", row)[2].strip() for row in rows] == [f"`{name}`" for name in every_fault()]
    for row in rows:
        assert len(re.split(r"(?<!\\)\|", row)) == 7


def test_the_table_in_the_readme_is_the_catalogue() -> None:
    assert fault_table_markdown() in README.read_text(encoding="utf-8")


def _sentence(name: str) -> str:
    return reaction(every_fault()[name]()).sentence


def test_each_fault_stands_in_the_catalogue_once() -> None:
    lines = [
        line.strip() for line in catalogue_lines() if line.startswith("  ") and not line.startswith("    ")
    ]

    assert len(lines) == len(set(lines)) == len(every_fault())
