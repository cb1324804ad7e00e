"""Secrets on the command line: read from standard input or a file, and repeated by no error."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from hotswap_dev.cli.arguments import parameter
from tests.unit.cli.saying import Say, Site

CANARY = "canary-4711"
DEMAND = ("set-required-header", "beta", "X-API-Key", "401")


@pytest.fixture
def typed_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`typed_in(b"…")`: what stands on standard input."""
    return lambda content: monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"sk_1\n", "sk_1"),
        (b"sk_1\r\n", "sk_1"),
        (b"sk_1", "sk_1"),
        (b" a key \n", " a key "),
        ("schlüssel\n".encode(), "schlüssel"),
    ],
)
def test_a_secret_is_read_from_standard_input_or_a_file_without_its_lines_end(
    say: Say, typed_in: Any, tmp_path: Path, content: bytes, value: str
) -> None:
    file = tmp_path / "key.txt"
    file.write_bytes(content)
    typed_in(content)
    for word in ("-", f"@{file}"):
        site = Site()
        said = say(*DEMAND, "--value", word, site=site)
        assert (said.code, said.err) == (0, "")
        assert site.asked[0][1]["value"] == value


def test_a_secret_may_still_be_typed_out(say: Say) -> None:
    site = Site()
    say(*DEMAND, "--value", "sk_1@home", site=site)
    assert site.asked[0][1]["value"] == "sk_1@home"


@pytest.mark.parametrize(
    ("word", "content", "wrong"),
    [
        ("-", b"", "there is nothing in standard input"),
        ("-", b"\n", "there is nothing in standard input"),
        ("-", b"\xff" + CANARY.encode(), "what is in standard input is not UTF-8"),
        ("@nowhere.txt", b"", "nowhere.txt can't be read: No such file"),
        ("@", b"", "a file without a name can't be read"),
    ],
)
def test_a_secret_that_can_not_be_read_is_said_so_without_it(
    say: Say, typed_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, content: bytes, wrong: str
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    typed_in(content)
    site = Site()
    said = say(*DEMAND, "--value", word, site=site)
    assert said.code == 2
    assert f"--value: {wrong}" in " ".join(said.err.split())
    assert "@FILE" in said.err
    assert CANARY not in said.out + said.err
    assert site.asked == []


def test_the_help_says_how_to_keep_a_secret_out_of_the_shells_history(say: Say) -> None:
    said = " ".join(say("set-required-header", "--help").out.split())
    assert "--value TEXT|@FILE|-" in said
    assert "@FILE or - (stdin) keep it out of the shell's history" in said


def test_an_argument_is_a_secret_by_its_schema_alone(tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    file.write_text("sk_1\n")
    for schema, expected in (
        ({"type": "string", "writeOnly": True}, "sk_1"),
        ({"type": "string"}, f"@{file}"),
    ):
        option = parameter("token", schema, positional=False, required=False)
        context = click.Command("x", params=[option]).make_context("x", ["--token", f"@{file}"])
        assert context.params["token"] == expected


def test_while_a_command_line_is_being_completed_nothing_is_read(typed_in: Any) -> None:
    typed_in(b"sk_1")
    option = parameter("token", {"type": "string", "writeOnly": True}, positional=False, required=False)
    command = click.Command("x", params=[option])
    context = command.make_context("x", ["--token", "-"], resilient_parsing=True)
    assert context.params["token"] == "-"
    assert sys.stdin.buffer.read() == b"sk_1"


@pytest.mark.parametrize(
    "word",
    [
        CANARY,
        f"X-API-Key: {CANARY}",
        f"={CANARY}",
        f"Bad Name={CANARY}",
        f"X-API-Key={CANARY}\r\nX-More: 1",
        "X-API-Key=@nowhere",
    ],
)
def test_an_error_about_a_header_of_a_check_never_repeats_its_value(
    say: Say, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = say("check", "http://127.0.0.1:9/", "--header", "X-Fine=1", "--header", word)
    assert said.code == 2
    assert "--header number 2 is no NAME=VALUE" in said.err or "--header X-API-Key" in said.err
    assert CANARY not in said.out + said.err
