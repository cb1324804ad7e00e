"""`hotswap-dev demo` in a real terminal: the story by keys, and whatever ends it, nothing is left."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.e2e.terminal import Terminal, assert_as_before, children_of, hotswap_dev, wait_for_the_end_of

pytestmark = pytest.mark.screens

FAULTY = """
import time
from pathlib import Path
import hotswap_dev.dashboard.app as app
from hotswap_dev.cli import main

def crash(self, code=0):
    raise ValueError("a bug")

def hang(self, code=0):
    Path("hangs").touch()
    time.sleep(60)

app.Dashboard.action_leave = {how}
main.main(["demo", "--port", "0"])
"""


def demo(folder: Path, *words: str, columns: int = 120, lines: int = 36) -> Terminal:
    """In a terminal whose temporary folder is its own."""
    return Terminal(
        *hotswap_dev("demo", "--port", "0", *words),
        cwd=folder,
        environ={"TMPDIR": str(folder)},
        columns=columns,
        lines=lines,
    )


def assert_nothing_is_left(terminal: Terminal, folder: Path, children: list[int]) -> None:
    for child in children:
        wait_for_the_end_of(child)
    assert_as_before(terminal)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_beats_are_played_by_key_with_others_pressed_between_and_q_leaves_nothing(
    tmp_path: Path, columns: int, lines: int
) -> None:
    with demo(tmp_path, "--pace", "0.2", columns=columns, lines=lines) as terminal:
        terminal.wait_for("] plays the first: A build is saved")
        terminal.wait_for(" demo 1.0.0 ")
        terminal.wait_for("newer-release")  # somebody has asked
        children = children_of(terminal.pid)

        terminal.type("]")
        terminal.wait_for("1 of 9 · ▸ A build is saved")
        terminal.wait_for("1 of 9 · ✓ A build is saved")
        terminal.type("W")
        terminal.wait_for("production paused")
        terminal.type("]")
        terminal.wait_for("2 of 9 · ▸ Ten percent get it")
        terminal.type("]")
        terminal.wait_for("next: And then all of them")
        terminal.wait_for("3 of 9 · ✓ And then all of them")

        terminal.type("q")
        assert terminal.exit_code(within=5) == 0
        assert_nothing_is_left(terminal, tmp_path, children)
        assert "stopped; the next start" not in terminal.text()


@pytest.mark.parametrize("way", [pytest.param("ctrl-c", marks=pytest.mark.slow), "SIGTERM", "window"])
def test_however_it_is_ended_nothing_is_left(tmp_path: Path, way: str) -> None:
    with demo(tmp_path) as terminal:
        terminal.wait_for("] plays the first")
        children = children_of(terminal.pid)

        if way == "window":
            terminal.close()
            wait_for_the_end_of(terminal.pid, within=5)
            for child in children:
                wait_for_the_end_of(child)
            assert list(tmp_path.iterdir()) == []
            return
        if way == "ctrl-c":
            terminal.type("\x03")
        else:
            os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.exit_code(within=5) == (130 if way == "ctrl-c" else 143)
        assert_nothing_is_left(terminal, tmp_path, children)


def faulty(folder: Path, how: str) -> Terminal:
    """A demo whose dashboard has a bug that `q` meets."""
    (folder / "temporary").mkdir()
    program = FAULTY.format(how=how)
    return Terminal(sys.executable, "-c", program, cwd=folder, environ={"TMPDIR": str(folder / "temporary")})


def test_a_dashboard_that_crashes_leaves_nothing_and_says_how_its_log_is_kept(tmp_path: Path) -> None:
    with faulty(tmp_path, "crash") as terminal:
        terminal.wait_for("] plays the first")
        children = children_of(terminal.pid)

        terminal.type("q")

        assert terminal.exit_code(within=5) == 1
        assert_nothing_is_left(terminal, tmp_path / "temporary", children)
        terminal.wait_for("hotswap-dev demo --keep leaves its logs")


def test_a_dashboard_that_hangs_leaves_nothing_when_a_signal_ends_it(tmp_path: Path) -> None:
    with faulty(tmp_path, "hang") as terminal:
        terminal.wait_for("] plays the first")
        children = children_of(terminal.pid)
        terminal.type("q")
        terminal.wait_until((tmp_path / "hangs").exists, terminal.text)

        os.kill(terminal.pid, signal.SIGTERM)

        assert terminal.exit_code(within=10) == 143
        assert_nothing_is_left(terminal, tmp_path / "temporary", children)
