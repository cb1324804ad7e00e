"""A dashboard with a bug: it hangs, or it crashes, and neither costs anybody their terminal or leaves a server."""

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

from tests.e2e.terminal import Terminal, assert_as_before, children_of, hotswap_dev, wait_for_the_end_of

pytestmark = pytest.mark.screens

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

IN_A_REQUEST = """
import sys
import aiohttp
from hotswap_dev.cli import main

async def request(self, *words, **named):
    raise RuntimeError("a bug in a request")

aiohttp.ClientSession._request = request
main.main(["run", *sys.argv[1:]])
"""

IN_THE_SERVER = """
import sys
if "--attached" in sys.orig_argv:
    print({line!r}, end={end!r}, flush=True)
"""


def faulty(folder: Path) -> Terminal:
    return Terminal(sys.executable, "-c", PROGRAM, write_frontend(folder / "dist"), "--port", "0", cwd=folder)


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


def test_A11_the_token_is_in_no_log_when_the_dashboard_crashes_while_it_asks(tmp_path: Path) -> None:
    program: list[str | Path] = [
        sys.executable,
        "-c",
        IN_A_REQUEST,
        write_frontend(tmp_path / "dist"),
        "--port",
        "0",
    ]
    server_file = tmp_path / ".hotswap-dev" / "server.json"
    with Terminal(*program, cwd=tmp_path) as terminal:
        terminal.wait_until(server_file.exists, terminal.text)
        token = json.loads(server_file.read_text())["token"]
        assert terminal.exit_code(within=10) == 1
        terminal.wait_for("error: the dashboard ended by an unexpected error")
        assert token not in terminal.written.decode()

    log = tmp_path / ".hotswap-dev" / "dashboard.log"
    assert "RuntimeError: a bug in a request" in log.read_text()
    for path in log.parent.glob("*.log*"):
        assert token not in path.read_text(), path
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("hello", ""),
        pytest.param("hello", "\n", marks=pytest.mark.slow),
        pytest.param('{"hello": 1}', "\n", marks=pytest.mark.slow),
        ("123", "\n"),
    ],
    ids=["unfinished", "text", "object", "number"],
)
def test_what_a_hook_prints_in_the_server_s_process_is_no_message_of_the_server(
    tmp_path: Path, line: str, end: str
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(IN_THE_SERVER.format(line=line, end=end))
    program = hotswap_dev(write_frontend(tmp_path / "dist"), "--port", "0")
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    with Terminal(*program, cwd=tmp_path, environ={"PYTHONPATH": path}) as terminal:
        terminal.wait_for_dashboard()
        terminal.type("q")
        assert terminal.exit_code(within=2) == 0
        terminal.wait_for(line)
