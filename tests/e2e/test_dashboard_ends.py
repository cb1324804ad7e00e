"""Every way in which a dashboard ends, in a real terminal (hardening E16): the terminal is as it was, and a server that
was started with it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.server_process import write_frontend

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.e2e.terminal import Terminal, assert_as_before, hotswap_dev, is_alive, wait_for_the_end_of

pytestmark = pytest.mark.screens

STOPPED = "stopped; the next start goes on at release "


def dashboard(folder: Path, *words: str | Path, shell_stays: bool = False, tostop: bool = False) -> Terminal:
    """`hotswap-dev dist` in a terminal."""
    program = hotswap_dev(write_frontend(folder / "dist"), "--port", "0", *words)
    return Terminal(*program, cwd=folder, shell_stays=shell_stays, tostop=tostop)


def opened(terminal: Terminal, folder: Path) -> int:
    """Wait until the dashboard is there; its server's process id."""
    terminal.wait_for_dashboard()
    pid: int = json.loads((folder / ".hotswap-dev" / "server.json").read_text())["pid"]
    assert is_alive(pid)
    return pid


def assert_ended_in_order(server: int, folder: Path, within: float = 2.0) -> None:
    """The server is gone and has left nothing that points at it."""
    wait_for_the_end_of(server, within)
    assert not (folder / ".hotswap-dev" / "server.json").exists()


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("\x03", 130)], ids=["q", "ctrl-c"])
def test_E16_a_key_ends_dashboard_and_server_and_says_where_the_next_start_goes_on(
    tmp_path: Path, key: str, code: int
) -> None:
    with dashboard(tmp_path) as terminal:
        server = opened(terminal, tmp_path)

        terminal.type(key)

        assert terminal.exit_code(within=2) == code
        assert_ended_in_order(server, tmp_path)
        assert_as_before(terminal)
        screen = terminal.wait_for(STOPPED)
        assert "serving      http://127.0.0.1:" in screen  # the first lines, for whoever needs the address


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SIGTERM", 143),
        pytest.param("SIGHUP", 129, marks=pytest.mark.slow),
        pytest.param("SIGINT", 130, marks=pytest.mark.slow),
    ],
)
def test_E16_a_signal_ends_dashboard_and_server(tmp_path: Path, name: str, code: int) -> None:
    with dashboard(tmp_path) as terminal:
        server = opened(terminal, tmp_path)

        os.kill(terminal.pid, getattr(signal, name))

        assert terminal.exit_code(within=2) == code
        assert_ended_in_order(server, tmp_path)
        assert_as_before(terminal)


@pytest.mark.parametrize(
    "tostop", [pytest.param(False, marks=pytest.mark.slow, id=""), pytest.param(True, id="tostop")]
)
def test_E16_the_server_of_a_killed_dashboard_takes_the_terminal_back_and_ends_in_order(
    tmp_path: Path, tostop: bool
) -> None:
    with dashboard(tmp_path, tostop=tostop) as terminal:
        server = opened(terminal, tmp_path)

        os.kill(terminal.pid, signal.SIGKILL)

        assert terminal.exit_code(within=2) == -signal.SIGKILL
        assert_ended_in_order(server, tmp_path)
        assert_as_before(terminal)


@pytest.mark.slow
def test_E16_both_killed_at_once_leave_the_terminal_as_it_was(tmp_path: Path) -> None:
    with dashboard(tmp_path) as terminal:
        server = opened(terminal, tmp_path)

        for pid in (server, terminal.pid):
            os.kill(pid, signal.SIGKILL)

        assert terminal.exit_code(within=2) == -signal.SIGKILL
        assert_as_before(terminal)


def test_E16_a_dashboard_whose_server_was_killed_stays_and_says_so(tmp_path: Path) -> None:
    with dashboard(tmp_path) as terminal:
        server = opened(terminal, tmp_path)

        os.kill(server, signal.SIGKILL)

        terminal.wait_for("killed by SIGKILL")
        terminal.type("q")
        assert terminal.exit_code(within=2) == 1
        assert_as_before(terminal)
        terminal.wait_for("error: the server ended: killed by SIGKILL")


def test_E16_a_signal_to_both_at_once_is_the_exit_code(tmp_path: Path) -> None:
    with dashboard(tmp_path) as terminal:
        server = opened(terminal, tmp_path)

        os.kill(server, signal.SIGTERM)
        wait_for_the_end_of(server)
        os.kill(terminal.pid, signal.SIGTERM)

        assert terminal.exit_code(within=2) == 143
        assert "error" not in terminal.text()


def test_E16_a_server_that_hangs_is_killed_and_that_is_said(tmp_path: Path) -> None:
    with dashboard(tmp_path) as terminal:
        server = opened(terminal, tmp_path)
        os.kill(server, signal.SIGSTOP)

        terminal.type("q")

        assert terminal.exit_code(within=4) == 1
        assert_ended_in_order(server, tmp_path)
        assert_as_before(terminal)
        terminal.wait_for("error: the server did not end in order and was killed (killed by SIGKILL)")


def test_E16_who_ignores_hangups_keeps_the_dashboard_and_its_server(tmp_path: Path) -> None:
    program = hotswap_dev(write_frontend(tmp_path / "dist"), "--port", "0")
    with Terminal("sh", "-c", 'trap "" HUP; exec "$@"', "sh", *program, cwd=tmp_path) as terminal:
        server = opened(terminal, tmp_path)

        os.kill(server, signal.SIGHUP)
        os.kill(terminal.pid, signal.SIGHUP)

        terminal.type("?")
        terminal.wait_for("Keys")
        assert is_alive(server)
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.exit_code(within=2) == 143
        assert_ended_in_order(server, tmp_path)


def test_E16_a_dashboard_that_is_stopped_leaves_the_terminal_to_the_shell_and_comes_back(
    tmp_path: Path,
) -> None:
    with dashboard(tmp_path) as terminal:
        opened(terminal, tmp_path)

        os.kill(terminal.pid, signal.SIGTSTP)
        assert_as_before(terminal)

        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_for_dashboard()
        terminal.type("q")
        assert terminal.exit_code(within=2) == 0
        assert_as_before(terminal)


@pytest.mark.parametrize(
    "shell_stays",
    [pytest.param(False, id=""), pytest.param(True, marks=pytest.mark.slow, id="shell-stays")],
)
def test_E16_a_closed_window_ends_both_within_two_seconds(tmp_path: Path, shell_stays: bool) -> None:
    with dashboard(tmp_path, shell_stays=shell_stays) as terminal:
        server = opened(terminal, tmp_path)

        terminal.close()

        assert_ended_in_order(server, tmp_path)
        wait_for_the_end_of(terminal.pid)
