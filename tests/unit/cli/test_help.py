"""A page for everything that a person may meet, and what the shell completes."""

from __future__ import annotations

import re
import shlex
from importlib import resources

import pytest

from hotswap_dev.cli import completing
from hotswap_dev.cli.help import GUIDES, page
from hotswap_dev.cli.main import program
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.reasons import CODES
from tests.unit.cli.saying import Say, Site

PAGES = resources.files("hotswap_dev.cli") / "pages"


@pytest.mark.parametrize("code", CODES)
def test_every_reason_has_a_page_that_says_when_it_is_what_the_client_does_and_what_changes_it(
    say: Say, code: str
) -> None:
    said = say("help", code)

    assert said.code == 0
    assert said.out.startswith(f"{code}: ")
    for label in ("When  ", "Client  ", "Change  "):
        assert f"\n{label}" in said.out
    assert max(map(len, said.out.splitlines())) <= 90


def test_no_page_is_about_a_reason_that_there_is_none() -> None:
    there = {path.name.removesuffix(".txt") for path in (PAGES / "reasons").iterdir()}

    assert there == set(CODES)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_guide_has_a_page(say: Say, guide: str) -> None:
    said = say("help", guide)

    assert said.out.startswith(f"{guide}: ")
    assert len(said.out.splitlines()) > 8


@pytest.mark.parametrize("name", registered())
def test_every_command_has_a_page_with_its_example(say: Say, name: str) -> None:
    said = say("help", name)

    assert said.code == 0
    assert f"Usage: hotswap-dev {name}" in said.out
    assert f"hotswap-dev {registered()[name].example}" in " ".join(said.out.split())


@pytest.mark.parametrize("topic", [*CODES, *GUIDES, *every_fault()])
def test_the_commands_on_a_page_exist_with_their_options(topic: str) -> None:
    context = program.make_context("hotswap-dev", ["help"])
    for line in re.findall(r"hotswap-dev ([a-z][^\n]*)", page(topic)):
        # A remark stands behind two spaces, a colon ends a sentence, brackets hold what may be left out.
        words = shlex.split(re.split(r"  +|:", line)[0].replace("[", "").replace("]", ""))
        command = program.get_command(context, words[0])
        assert command is not None, line
        known = {name for parameter in command.params for name in parameter.opts}
        given = {word for word in words[1:] if word.startswith("-")}
        assert given <= known | {"--dry-run"}, line


def test_without_a_topic_every_page_is_named(say: Say) -> None:
    said = say("help")

    for topic in (*CODES, *GUIDES, *every_fault(), "faults"):
        assert topic in said.out


def test_a_topic_that_there_is_none_gets_the_nearest(say: Say) -> None:
    said = say("help", "binary-to-old")

    assert said.code == 2
    assert "'binary-to-old'" in said.err
    assert "did you mean binary-too-old?" in said.err


def completed(say: Say, monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    words = line.split(" ")
    monkeypatch.setenv("_HOTSWAP_DEV_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    said = say()
    assert said.err == ""
    return [text.partition(",")[2] for text in said.out.split()]


@pytest.mark.parametrize("name", registered())
def test_every_command_is_completed_with_its_options(
    say: Say, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert name in completed(say, monkeypatch, f"hotswap-dev {name[:-1]}")
    assert "--dry-run" in completed(say, monkeypatch, f"hotswap-dev {name} --dr")
    for field in registered()[name].__struct_fields__:
        option = f"--{field.replace('_', '-')}"
        offered = completed(say, monkeypatch, f"hotswap-dev {name} --")
        help_text = say_help(name)
        assert (option in offered) == (option in help_text)


def say_help(name: str) -> str:
    context = program.make_context("hotswap-dev", ["help"])
    command = program.get_command(context, name)
    assert command is not None
    return " ".join(option for parameter in command.params for option in parameter.opts)


def test_values_come_from_the_running_server(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(
        {
            "/api/releases": [
                {"sequence": 12, "version": "v", "channel": "c"},
                {"sequence": 3, "version": "v", "channel": "c"},
            ],
            "/api/clients": [{"id": "Pixel", "name": "QA"}, {"id": "Laptop", "name": None}],
            "/api/state": {
                "controls": {
                    "channels": {"production": {}, "beta": {}},
                    "faults": [{"override": 4, "fault": "hang"}],
                }
            },
        }
    )
    monkeypatch.setattr(completing, "control", lambda _: site)

    assert completed(say, monkeypatch, "hotswap-dev withhold ") == ["latest", "12", "3"]
    assert completed(say, monkeypatch, "hotswap-dev withhold 1") == ["12"]
    assert completed(say, monkeypatch, "hotswap-dev why P") == ["Pixel"]
    assert completed(say, monkeypatch, "hotswap-dev pause-channel ") == ["production", "beta"]
    assert completed(say, monkeypatch, "hotswap-dev set-mandatory ") == ["on", "off"]
    assert completed(say, monkeypatch, "hotswap-dev set-rollout 3 10 --always Pixel,L") == ["Pixel,Laptop"]
    assert completed(say, monkeypatch, "hotswap-dev set-targets 3 --clients ") == ["Pixel", "Laptop"]
    assert completed(say, monkeypatch, "hotswap-dev disarm-fault ") == ["4"]


@pytest.mark.parametrize(
    "hostile",
    ["Pixel;touch x", "$(id)", "`id`", "a b", "*", "-rf", "~root", "=ls", "a\\b", "a'b", "#", "{a,b}"],
)
def test_no_client_is_proposed_that_a_shell_would_run_or_take_apart(
    say: Say, monkeypatch: pytest.MonkeyPatch, hostile: str
) -> None:
    site = Site({"/api/clients": [{"id": hostile, "name": None}, {"id": "会議室/1", "name": None}]})
    monkeypatch.setattr(completing, "control", lambda _: site)

    assert completed(say, monkeypatch, "hotswap-dev why ") == ["会議室/1"]


def test_faults_and_what_they_take_are_completed_without_a_server(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed(say, monkeypatch, "hotswap-dev arm-fault ") == list(every_fault())
    assert completed(say, monkeypatch, "hotswap-dev arm-fault download/d") == ["download/delay"]
    assert completed(say, monkeypatch, "hotswap-dev arm-fault check/delay -p ") == ["ms=", "jitter="]
    assert completed(say, monkeypatch, "hotswap-dev arm-fault check/delay -p ms=5,j") == ["ms=5,jitter="]
    assert completed(say, monkeypatch, "hotswap-dev arm-fault nonsense -p ") == []
    assert completed(say, monkeypatch, "hotswap-dev set-targets 3 --platforms ios,an") == ["ios,android"]
    assert completed(say, monkeypatch, "hotswap-dev set-required-header beta X ") == ["401", "403", "none"]


def test_pages_are_completed(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(say, monkeypatch, "hotswap-dev help binary") == ["binary-too-old"]
    assert completed(say, monkeypatch, "hotswap-dev help download/d") == ["download/delay"]
    assert {"phones", "pin-client", "pinned"} <= set(completed(say, monkeypatch, "hotswap-dev help p"))


def test_without_a_server_nothing_is_proposed_and_nothing_is_said(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("HOTSWAP_DEV_WORKSPACE", f"{tmp_path}/nowhere")

    assert completed(say, monkeypatch, "hotswap-dev why ") == []
    assert completed(say, monkeypatch, "hotswap-dev withhold ") == ["latest"]


def test_the_first_word_is_completed_too_and_a_bare_option_is_one_of_run(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = completed(say, monkeypatch, "hotswap-dev ")

    assert {*registered(), "serve", "why", "help"} <= set(everything)
    assert completed(say, monkeypatch, "hotswap-dev --auto-p") == ["--auto-port"]
    assert completed(say, monkeypatch, "hotswap-dev nonsense ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(say: Say, shell: str) -> None:
    said = say("completion", shell)

    assert said.code == 0
    assert f"_HOTSWAP_DEV_COMPLETE={shell}_complete" in said.out
