"""The README can't rot: its commands exist, its two first blocks are what CI runs, its promises have their numbers."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import sqlite3
from pathlib import Path

import click
import pytest

from hotswap_dev.cli.main import program
from hotswap_dev.domain import retention
from hotswap_dev.storage import history

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(
    {
        line.strip()
        for block in BLOCKS
        for line in block.splitlines()
        if line.startswith("hotswap-dev ") and "#" not in line
    }
)


def test_the_first_two_blocks_are_one_line_each_and_install() -> None:
    run, test = BLOCKS[:2]
    assert run.count("\n") == test.count("\n") == 1
    assert run.startswith("python3 -m venv .venv && ")
    assert test.strip().endswith(".venv/bin/python -m tests")


def test_ci_runs_the_second_block() -> None:
    assert "block == 2' README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_it_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    found: click.Command | None = program
    context = click.Context(program, info_name="hotswap-dev")
    while isinstance(found, click.Group):
        found = found.get_command(context, words.pop(0))
    assert found is not None
    known = {name for parameter in found.params for name in parameter.opts}
    assert {word.split("=")[0] for word in words if word.startswith("-")} <= known


def test_it_shows_more_than_a_dozen_commands() -> None:
    assert len(COMMANDS) > 12


def test_its_query_for_broken_downloads_finds_them_and_no_ranges() -> None:
    [query] = re.findall(r'history\.db "(SELECT at, .*?)"', README, re.DOTALL)
    kinds = {
        "whole": (True, False),
        "broken": (False, False),
        "range": (False, True),
        "whole range": (True, True),
    }

    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE observations (at TEXT, event TEXT, client TEXT, body TEXT)")
        for client, (complete, of_range) in kinds.items():
            body = {"sequence": 1, "duration_ms": 2.5, "complete": complete, "range": of_range}
            database.execute(
                "INSERT INTO observations VALUES ('now', 'download-ended', ?, ?)", (client, json.dumps(body))
            )
        assert database.execute(query).fetchall() == [("now", "broken", 1, 2.5)]


def test_the_bounds_it_names_are_the_ones_in_force() -> None:
    text = " ".join(README.split())
    assert f"The {retention.KEPT_IN_ALL} newest bundles up to {retention.KEPT_BYTES // 1024**3} GB" in text
    assert f"always the newest {retention.KEPT_PER_CHANNEL} of each channel" in text
    assert (
        f"{history.MAX_CLIENTS:,} clients, {history.MAX_ROWS:,} rows or {history.MAX_BYTES // 1024**3} GB"
        in text
    )
