"""The examples: each can be read, is short, teaches, and has a planted fault that can be read too.

That they come out green, and red with their fault, is shown by playing them: `tests/e2e/test_scenarios.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hotswap_dev.scenario.model import Expect, Save, Wait
from hotswap_dev.scenario.reading import read_file, read_scenario
from hotswap_dev.scenario.samples import sample, samples
from tests.unit.scenario.planted import EXAMPLES, PLANTED

FILES = sorted(EXAMPLES.glob("*.toml"))
each_example = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each_example
def test_every_example_can_be_read_and_judges_something_after_it_saved(path: Path) -> None:
    scenario = read_file(path)

    actions = [type(step.action) for step in scenario.steps]
    assert actions.index(Save) < max(index for index, one in enumerate(actions) if one in (Wait, Expect))
    assert scenario.title != path.stem


@each_example
def test_an_example_teaches_it_says_in_a_comment_what_it_shows_and_is_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith("# ")
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_in_an_example_that_can_still_be_read(name: str) -> None:
    document = (EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")
    planted = PLANTED[name](document)

    assert planted != document
    assert len(read_scenario(planted, name).steps) == len(read_scenario(document, name).steps)


def test_the_samples_are_found_by_their_names_wherever_the_program_is_installed() -> None:
    assert {"hello-v1", "hello-v2", "crashes-on-load"} <= set(samples())
    assert (sample("hello-v1") / "index.html").is_file()
