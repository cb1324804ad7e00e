"""What is imported when: a command line that answers at once, a server without a screen, a screen without a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, clean_environment, write_frontend

_HELP_SECONDS = 0.150
_TRIES = 5

_LOADED = """
import sys
{code}
print(*sorted(name for name in sys.modules if name.split('.')[0] in {names!r} or name.startswith({names!r})))
"""

_OF_A_POSIX = ("termios", "resource", "pty", "tty", "pwd", "grp")
"""And fcntl, which what locks a file takes by the system's name (its own test)."""


def loaded(code: str, names: tuple[str, ...], folder: Path) -> list[str]:
    """Which of the named modules are there after the code has run in a fresh interpreter."""
    ended = subprocess.run(
        [sys.executable, "-c", _LOADED.format(code=code, names=names)],
        cwd=folder,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def test_serve_imports_nothing_that_draws(tmp_path: Path) -> None:
    code = (
        "import importlib\n"
        "from hotswap_dev.cli.main import program\n"
        "program.make_context('hotswap-dev', ['serve', 'dist'])\n"
        "importlib.import_module('hotswap_dev.cli.serving.serve')"
    )

    assert loaded(code, ("textual", "rich", "hotswap_dev.dashboard"), tmp_path) == []


def test_a_running_server_has_nothing_in_memory_that_draws(tmp_path: Path) -> None:
    (tmp_path / "probe").mkdir()
    # Told at its end by the interpreter itself, so that what is imported late counts too.
    (tmp_path / "probe" / "sitecustomize.py").write_text(
        "import atexit, os, sys\n"
        "def tell():\n"
        "    names = [name for name in sys.modules if name.split('.')[0] in ('textual', 'rich')]\n"
        "    open(os.environ['TOLD'], 'w').write(repr(names))\n"
        "atexit.register(tell)\n"
    )
    told = tmp_path / "told"
    environ = {"PYTHONPATH": str(tmp_path / "probe"), "TOLD": str(told)}
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path, environ=environ) as server:
        server.event("published")
        assert server.check()[0] == 200
        server.process.terminate()
        server.process.wait(10)

    assert told.read_text() == "[]"


def test_the_process_that_starts_a_server_and_its_dashboard_has_no_server_in_it(tmp_path: Path) -> None:
    code = "from hotswap_dev.cli.full_screen import attach, run, showing"
    heavy = (
        "aiohttp",
        "textual",
        "rich",
        "sqlite3",
        "watchfiles",
        "hotswap_dev.engine.engine",
        "hotswap_dev.server.run",
    )

    assert loaded(code, heavy, tmp_path) == []


def test_the_dashboard_reaches_the_server_over_the_wire_alone(tmp_path: Path) -> None:
    code = "import hotswap_dev.dashboard.app"
    server = (
        "hotswap_dev.engine",
        "hotswap_dev.storage",
        "hotswap_dev.server",
        "hotswap_dev.watching",
        "sqlite3",
    )

    assert loaded(code, server, tmp_path) == []


def test_help_answers_within_150_ms_of_work(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def worked() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return float(used.ru_utime + used.ru_stime)

    took = []
    for _ in range(_TRIES):
        before = worked()
        subprocess.run(
            [sys.executable, "-m", "hotswap_dev", "--help"],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            check=True,
            timeout=20,
        )
        took.append(worked() - before)

    # Of the processor, not of the clock: what else this machine does is not the program's doing.
    assert min(took) < _HELP_SECONDS, took


def test_a_system_without_terminals_runs_the_same_commands(tmp_path: Path) -> None:
    code = (
        f"sys.modules.update(dict.fromkeys({_OF_A_POSIX!r}))\n"
        "import os\n"
        "del os.fork, os.setpgid\n"
        "import hotswap_dev.cli.full_screen.run, hotswap_dev.cli.full_screen.attach, hotswap_dev.cli.serving.serve\n"
        "from hotswap_dev.cli.full_screen.guard import guarded\n"
        "from hotswap_dev.cli.full_screen.terminal import is_terminal, keep_terminal\n"
        "assert keep_terminal() is None\n"
        "with guarded() as guard:\n"
        "    with guard.asking():\n"
        "        pass\n"
        "    guard.screen_opens()\n"
        "    guard.screen_closed()\n"
    )

    assert loaded(code, ("textual",), tmp_path) == []
