"""Dashboards that join a running server: they come and go, and the server stays as it is."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, run_command, write_frontend

if sys.platform == "win32":
    pytest.skip("Windows has no such terminals", allow_module_level=True)

from tests.e2e.terminal import Terminal, assert_as_before, hotswap_dev, wait_for_the_end_of

pytestmark = pytest.mark.screens


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(write_frontend(tmp_path / "dist"), "--port", "0", cwd=tmp_path) as running:
        running.event("published")
        yield running


def attached(folder: Path) -> Terminal:
    return Terminal(*hotswap_dev("attach"), cwd=folder)


def test_without_a_server_there_is_nothing_to_join(tmp_path: Path) -> None:
    with attached(tmp_path) as terminal:
        assert terminal.exit_code() == 3
        terminal.wait_for("no server runs in")
        terminal.wait_for("start one with: hotswap-dev serve")
        assert terminal.modes_used() == set()


def test_without_a_terminal_there_is_nothing_to_draw_on(tmp_path: Path, server: ServerProcess) -> None:
    assert server.ready
    ended = run_command("attach", cwd=tmp_path)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "a dashboard needs a terminal" in ended.stderr
    assert "hotswap-dev log --follow" in ended.stderr


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        ("q", 0),
        pytest.param("\x03", 130, marks=pytest.mark.slow),
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
    ids=["q", "ctrl-c", "SIGTERM", "SIGHUP"],
)
def test_E16_leaving_leaves_the_server_untouched_and_the_terminal_as_it_was(
    tmp_path: Path, server: ServerProcess, leave: str | signal.Signals, code: int
) -> None:
    with attached(tmp_path) as terminal:
        terminal.wait_for_dashboard()
        if isinstance(leave, str):
            terminal.type(leave)
        else:
            os.kill(terminal.pid, leave)

        assert terminal.exit_code(within=2) == code
        assert_as_before(terminal)
    assert server.get("/healthz")[0] == 200
    assert server.process.poll() is None


def test_E16_a_killed_dashboard_leaves_the_server_untouched_and_the_terminal_as_it_was(
    tmp_path: Path, server: ServerProcess
) -> None:
    with attached(tmp_path) as terminal:
        terminal.wait_for_dashboard()
        os.kill(terminal.pid, signal.SIGKILL)

        assert terminal.exit_code(within=2) == -signal.SIGKILL
        assert_as_before(terminal)
    assert server.check()[0] == 200
    assert server.process.poll() is None


def test_E16_a_closed_window_leaves_the_server_untouched(tmp_path: Path, server: ServerProcess) -> None:
    with attached(tmp_path) as terminal:
        terminal.wait_for_dashboard()
        terminal.close()
        wait_for_the_end_of(terminal.pid)
    assert server.check()[0] == 200
    assert server.process.poll() is None


def test_two_are_open_at_once_and_one_that_is_left_leaves_the_other(
    tmp_path: Path, server: ServerProcess
) -> None:
    with attached(tmp_path) as one, attached(tmp_path) as other:
        one.wait_for_dashboard()
        other.wait_for_dashboard()
        one.type("q")
        assert one.exit_code(within=2) == 0

        server.check(channel="seen-by-who-stays", binary_version="0.1.0")
        other.wait_for("seen-by-who-stays")
        other.type("q")
        assert other.exit_code(within=2) == 0


def test_a_server_that_was_started_again_is_found_again_at_its_new_port_and_token(tmp_path: Path) -> None:
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as before:
        before.event("published")
        with attached(tmp_path) as terminal:
            terminal.wait_for_dashboard()
            before.send(signal.SIGTERM)
            with ServerProcess(dist, "--port", "0", cwd=tmp_path) as after:
                assert after.ready["control"] != before.ready["control"]
                terminal.wait_until(
                    # What was asked while nobody was connected is in the history; each asks anew.
                    lambda: (
                        after.check(channel="after-restart")[0] == 204 and "after-restart" in terminal.text()
                    ),
                    lambda: terminal.text(),
                )
            terminal.type("q")
            assert terminal.exit_code(within=2) == 0
