"""How `hotswap-dev` opens a dashboard in a terminal, and what it does where it can't or should not."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, run_command, write_frontend
from tests.e2e.test_start_and_end import tauri_project

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.e2e.terminal import (
    Terminal,
    assert_as_before,
    children_of,
    hotswap_dev,
    wait_for_the_end_of,
)
from tests.e2e.test_dashboard_ends import dashboard, opened

pytestmark = pytest.mark.screens

KEY = Path(__file__).parents[2] / "fixtures" / "keys" / "test-tauri-password.key"


def test_what_keeps_updates_from_working_is_on_the_screen_and_what_to_do_stays_below_it(
    tmp_path: Path,
) -> None:
    program = hotswap_dev("--port", "0")
    with Terminal(*program, cwd=tauri_project(tmp_path / "app"), columns=160) as terminal:
        terminal.wait_for("no update can work yet, missing: dependency tauri-plugin-hotswap")
        terminal.type("q")
        assert terminal.exit_code(within=2) == 0
        terminal.wait_for("run `cargo add tauri-plugin-hotswap` in src-tauri")


def test_a_start_that_is_given_up_while_a_password_is_asked_leaves_nothing(tmp_path: Path) -> None:
    with dashboard(tmp_path, "--key", KEY) as terminal:
        terminal.wait_for(f"password of {KEY}"[:90])
        children = children_of(terminal.pid)

        terminal.type("\x03")

        assert terminal.exit_code(within=2) == 130
        for child in children:
            wait_for_the_end_of(child)
        assert terminal.line_modes() == terminal.modes_before


def test_E16_a_dashboard_that_is_killed_while_it_asks_for_a_password_leaves_a_terminal_that_shows_what_is_typed(
    tmp_path: Path,
) -> None:
    with dashboard(tmp_path, "--key", KEY) as terminal:
        terminal.wait_for(f"password of {KEY}"[:90])
        terminal.wait_until(lambda: terminal.line_modes() != terminal.modes_before, terminal.text)
        children = children_of(terminal.pid)

        os.kill(terminal.pid, signal.SIGKILL)

        for child in children:
            wait_for_the_end_of(child)
        terminal.wait_until(lambda: terminal.line_modes() == terminal.modes_before, terminal.text)
        assert terminal.modes_used() == set()


def test_the_password_of_a_key_is_asked_before_the_screen_opens_and_again_when_it_was_wrong(
    tmp_path: Path,
) -> None:
    with dashboard(tmp_path, "--key", KEY) as terminal:
        terminal.wait_for(f"password of {KEY}"[:90])
        terminal.type("wrong\n")
        terminal.wait_until(
            lambda: terminal.unwrapped().count("passwordof") == 2,
            lambda: f"not asked again:\n{terminal.text()}",
        )
        terminal.type("test-password\n")

        opened(terminal, tmp_path)

        assert "test-password" not in terminal.written.decode()
        assert terminal.unwrapped().count("wrongpasswordfor") == 1
        terminal.type("q")
        assert terminal.exit_code(within=2) == 0
        assert_as_before(terminal)


def test_a_start_that_fails_is_told_as_serve_tells_it_and_no_screen_opens(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with ServerProcess(
        write_frontend(tmp_path / "other" / "dist"), "--port", "0", cwd=tmp_path / "other"
    ) as server:
        port = server.ready["site"].rpartition(":")[2]
        served = run_command("serve", write_frontend(tmp_path / "dist"), "--port", port, cwd=tmp_path)
        with dashboard(tmp_path, "--port", port) as terminal:
            assert terminal.exit_code() == served.returncode == 1
            terminal.wait_for(served.stderr.splitlines()[-1].strip()[:60])
            assert "\x1b[31m\x1b[1merror\x1b[0m: " in terminal.written.decode()
            assert terminal.unwrapped() == "".join(served.stderr.split())
            assert 1049 not in terminal.modes_used()


@pytest.mark.parametrize(
    "words", [["--json"], pytest.param(["--json=all"], marks=pytest.mark.slow)], ids=["json", "all"]
)
def test_json_lines_are_asked_for_in_a_terminal_too(tmp_path: Path, words: list[str]) -> None:
    with dashboard(tmp_path, *words) as terminal:
        terminal.wait_for('"event":"ready"')
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.exit_code(within=2) == 143
        assert terminal.modes_used() == set()


@pytest.mark.slow
def test_a_terminal_that_nothing_can_be_drawn_on_gets_the_lines_of_serve(tmp_path: Path) -> None:
    program = hotswap_dev(write_frontend(tmp_path / "dist"), "--port", "0")
    with Terminal(*program, cwd=tmp_path, environ={"TERM": "dumb"}) as terminal:
        terminal.wait_for("release 1")
        terminal.type("\x03")
        assert terminal.exit_code(within=2) == 130
        assert terminal.modes_used() == set()
