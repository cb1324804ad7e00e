"""A dashboard with a bug: it hangs, or it crashes, and neither costs anybody their terminal or leaves a server."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.server_process import write_frontend

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.e2e.terminal import Terminal, children_of, wait_for_the_end_of

PROGRAM = """
import sys, time
from pathlib import Path
import hotswap_dev.dashboard.app
from textual.app import App
from textual.widgets import Static
from hotswap_dev.cli import main

class Faulty(App):
    def __init__(self, control, **_):
        super().__init__()

    def compose(self):
        yield Static("a dashboard with a bug")

    def on_key(self, event):
        if event.key == "h":
            Path("hangs").touch()
            time.sleep(60)
        raise ValueError("a bug")

hotswap_dev.dashboard.app.Dashboard = Faulty
main.main(["run", *sys.argv[1:]])
"""


def faulty(folder: Path) -> Terminal:
    return Terminal(sys.executable, "-c", PROGRAM, write_frontend(folder / "dist"), "--port", "0", cwd=folder)


def assert_as_before(terminal: Terminal) -> None:
    terminal.wait_until(lambda: not terminal.modes_left(), lambda: f"modes left on: {terminal.modes_left()}")
    assert terminal.keys_left() == 0
    assert terminal.line_modes() == terminal.modes_before


def test_E16_a_dashboard_that_hangs_ends_by_a_signal_all_the_same(tmp_path: Path) -> None:
    with faulty(tmp_path) as terminal:
        terminal.wait_for_dashboard()
        children = children_of(terminal.pid)
        terminal.type("h")
        terminal.wait_until((tmp_path / "hangs").exists, terminal.text)

        os.kill(terminal.pid, signal.SIGTERM)

        assert terminal.exit_code(within=2) == 143
        for child in children:
            wait_for_the_end_of(child)
        assert_as_before(terminal)
    assert not (tmp_path / ".hotswap-dev" / "server.json").exists()


def test_E16_a_dashboard_that_crashes_says_one_sentence_and_logs_the_rest(tmp_path: Path) -> None:
    with faulty(tmp_path) as terminal:
        terminal.wait_for_dashboard()
        children = children_of(terminal.pid)

        terminal.type("x")

        assert terminal.exit_code(within=3) == 1
        for child in children:
            wait_for_the_end_of(child)
        assert_as_before(terminal)
        screen = terminal.wait_for("error: the dashboard ended by an unexpected error")
        assert "Traceback" not in screen
        assert "a bug" not in screen.replace("a dashboard with a bug", "")
    log = (tmp_path / ".hotswap-dev" / "dashboard.log").read_text()
    assert "Traceback" in log
    assert "ValueError: a bug" in log
