"""The same in tmux, with a shell that has job control: what a person has, down to `stty -a`."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.server_process import clean_environment, write_frontend
from tests.e2e.terminal import hotswap_dev

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("tmux") and shutil.which("bash")), reason="needs tmux and bash"),
]

_PATIENCE = 20.0


class Tmux:
    """One pane with an interactive bash in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
        self._environ = {**clean_environment(folder), "PS1": "$ ", "TERM": "xterm-256color"}
        self("new-session", "-d", "-x", "120", "-y", "36", "bash --norc --noprofile -i")

    def __call__(self, *words: str) -> str:
        ended = subprocess.run(
            [*self._tmux, *words],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE,
        )
        return ended.stdout

    def run(self, line: str) -> None:
        self("send-keys", "-l", line)
        self("send-keys", "Enter")

    def text(self) -> str:
        return self("capture-pane", "-p")

    def flags(self) -> str:
        """The alternate screen, a shown cursor, mouse reports of three kinds, a program's own keypad."""
        names = ("alternate_on", "cursor_flag", "mouse_any_flag", "mouse_all_flag", "mouse_sgr_flag")
        return self("display-message", "-p", " ".join(f"#{{{name}}}" for name in names)).strip()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{self.flags()}\n{self.text()}"
            time.sleep(0.02)

    def said(self, name: str, command: str) -> str:
        """What a command prints, run in the pane's shell."""
        file = self.folder / name
        self.run(f"{command} > {name}.part; mv {name}.part {name}")
        self.wait_until(file.exists)
        return file.read_text()


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    opened = Tmux(tmp_path)
    try:
        yield opened
    finally:
        opened("kill-server")


@pytest.mark.parametrize(
    ("end", "code"),
    [("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, 137)],
    ids=["q", "SIGTERM", "SIGHUP", "SIGKILL"],
)
def test_E16_a_shell_gets_its_terminal_back(tmux: Tmux, end: str | signal.Signals, code: int) -> None:
    write_frontend(tmux.folder / "dist")
    before, flags = tmux.said("before", "stty -a"), tmux.flags()
    assert flags == "0 1 0 0 0"
    program = shlex.join(hotswap_dev("dist", "--port", "0"))
    tmux.run(f"{program}; echo $? > code.part; mv code.part code")
    tmux.wait_until(lambda: tmux.flags().startswith("1 ") and "watching dist" in tmux.text())

    if isinstance(end, str):
        tmux("send-keys", end)
    else:
        (job,) = subprocess.run(
            ["pgrep", "-P", tmux("display-message", "-p", "#{pane_pid}").strip()],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        os.kill(int(job), end)

    tmux.wait_until((tmux.folder / "code").exists)
    assert int((tmux.folder / "code").read_text()) == code
    tmux.wait_until(lambda: tmux.flags() == flags)
    assert tmux.said("after", "stty -a") == before
    assert "serving      http://127.0.0.1:" in tmux.text()
    tmux.wait_until(lambda: not (tmux.folder / ".hotswap-dev" / "server.json").exists())
