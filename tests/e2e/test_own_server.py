"""A server as a child: started with somebody's words, spoken with by pipes, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hotswap_dev.cli.full_screen.child import Ended, OwnServer, Ready, own_server
from hotswap_dev.client.control import ControlClient
from hotswap_dev.storage.workspace import find_server, server_file
from tests.e2e.server_process import clean_environment, write_frontend

pytestmark = pytest.mark.screens

_PATIENCE = 10.0


@pytest.fixture(autouse=True)
def nothing_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def words(folder: Path) -> list[str]:
    return [str(write_frontend(folder / "dist")), "--port", "0"]


def nobody(name: str) -> str:
    raise AssertionError(f"nobody should be asked for the password of {name}")


def until_ended(server: OwnServer) -> Ended:
    deadline = time.monotonic() + _PATIENCE
    while (ended := server.poll()) is None:
        assert time.monotonic() < deadline, "the server still runs"
        time.sleep(0.01)
    return ended


def test_it_says_where_it_is_and_what_serve_would_have_said_first(tmp_path: Path) -> None:
    with own_server(words(tmp_path)) as server:
        ready = server.ready(nobody)

        assert isinstance(ready, Ready)
        assert find_server(ready.workspace).pid == server.pid
        assert any("serving" in line for line in ready.greeting)
        assert server.poll() is None


def test_it_ends_in_order_and_says_where_the_next_start_goes_on(tmp_path: Path) -> None:
    with own_server(words(tmp_path)) as server:
        ready = server.ready(nobody)
        assert isinstance(ready, Ready)

        began = time.monotonic()
        ended = server.end()

    assert time.monotonic() - began < 2
    assert (ended.code, ended.last_words) == (0, ())
    assert ended.next_sequence in (1, 2)  # the first build may not be finished
    assert not server_file(ready.workspace).exists()


def test_however_the_block_is_left_no_server_stays(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), own_server(words(tmp_path)) as server:
        server.ready(nobody)
        raise ZeroDivisionError
    assert server.poll() is not None


def test_one_that_was_killed_is_told_by_the_signal(tmp_path: Path) -> None:
    with own_server(words(tmp_path)) as server:
        assert isinstance(server.ready(nobody), Ready)
        os.kill(server.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

        ended = until_ended(server)

    if sys.platform != "win32":
        assert ended.how == ended.words == "killed by SIGKILL"


SPEAKS_AND_ENDS = """
import os, pathlib, select, sys, threading
def speak():
    while not pathlib.Path("speak").exists():
        select.select([], [], [], 0.01)
    os.write(2, b"".join(b"line %d \\x1b[31m\\n" % number for number in range(30)))
    os._exit(7)
if "--attached" in sys.orig_argv:
    threading.Thread(target=speak, daemon=True).start()
"""


def in_its_interpreter(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Have the server's interpreter run this first, as a hook of somebody's would."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder / "site"), prepend=os.pathsep)


def test_its_last_words_are_kept_and_shown_as_text_and_the_older_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_its_interpreter(monkeypatch, tmp_path, SPEAKS_AND_ENDS)
    with own_server(words(tmp_path)) as server:
        assert isinstance(server.ready(nobody), Ready)
        (tmp_path / "speak").touch()

        ended = until_ended(server)

    assert ended.last_words == tuple(f"line {number} \\x1b[31m" for number in range(10, 30))
    assert ended.words == "exit code 7: line 29 \\x1b[31m"
    assert not ended.forced


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP here")
def test_one_that_hangs_is_not_waited_for_when_somebody_wants_it_gone_at_once(tmp_path: Path) -> None:
    with own_server(words(tmp_path)) as server:
        assert isinstance(server.ready(nobody), Ready)
        os.kill(server.pid, signal.SIGSTOP)
        ending = threading.Thread(target=server.end)
        ending.start()

        began = time.monotonic()
        server.kill()
        ending.join(_PATIENCE)

        assert time.monotonic() - began < 1
        assert until_ended(server).forced


HANGS = """
import sys, threading
from hotswap_dev.cli.full_screen import attached
attached._PATIENCE = 0.2
parent = attached.Parent()
parent.on_end(lambda: None)
print("listens", flush=True)
threading.Event().wait()
"""


def test_E16_one_that_hangs_when_its_parent_is_gone_ends_all_the_same() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANGS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as hanging:
        try:
            assert hanging.stdin is not None
            assert hanging.stdout is not None
            assert hanging.stdout.readline() == b"listens\n"
            hanging.stdin.write(b'no json\n1\n{"password": 1}\n')
            hanging.stdin.close()

            assert hanging.wait(_PATIENCE) == 1
        finally:
            hanging.kill()


def test_one_that_can_not_start_says_why_on_our_stderr_as_serve_does(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with own_server([str(tmp_path / "dist" / "index.html"), "--port", "nonsense"]) as server:
        code = server.ready(nobody)
    said = capfd.readouterr()
    served = subprocess.run(
        [
            sys.executable,
            "-m",
            "hotswap_dev",
            "serve",
            str(tmp_path / "dist" / "index.html"),
            "--port",
            "nonsense",
        ],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert code == served.returncode == 2
    assert said.out == ""
    assert said.err.replace("\x1b[31m\x1b[1m", "").replace("\x1b[0m", "") == served.stderr


def test_what_blocks_an_update_is_an_event_once_a_dashboard_reads_events(tmp_path: Path) -> None:
    source = tmp_path / "app" / "src-tauri"
    source.mkdir(parents=True)
    (source / "tauri.conf.json").write_text('{"identifier": "com.example.app", "version": "0.1.0"}')
    (source / "Cargo.toml").write_text('[package]\nname = "app"\n')
    with own_server([*words(tmp_path), "--project", str(tmp_path / "app")]) as server:
        ready = server.ready(nobody)
        assert isinstance(ready, Ready)
        site = find_server(ready.workspace)
        control = ControlClient(site.control, site.token or "")
        before = control.get("/api/state")["revision"]

        server.tell(followed=True)

        events = control.lines(f"/api/events?after={before}")
        told = next(text for text in events if b"not-ready-for-updates" in text).decode()
        assert '"level":"error"' in told
        assert "dependency tauri-plugin-hotswap (src-tauri/Cargo.toml); " in told
        assert "first run `cargo add tauri-plugin-hotswap` in src-tauri" in told
        assert any(line.lstrip().startswith("missing") for line in ready.greeting)


@pytest.mark.parametrize(
    "leave", [subprocess.Popen.kill, subprocess.Popen.terminate], ids=["killed", "terminated"]
)
def test_a_start_whose_parent_is_gone_is_given_up(
    tmp_path: Path, leave: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    """The parent waits for a password that nobody types; its end closes the pipe."""
    key = Path(__file__).parents[2] / "fixtures" / "keys" / "test-tauri-password.key"
    program = (
        "import sys\n"
        "from hotswap_dev.cli.full_screen.child import OwnServer\n"
        "def ask(name):\n"
        "    print(server.pid, flush=True)\n"
        "    sys.stdin.read()\n"
        "server = OwnServer(sys.argv[1:])\n"
        "server.ready(ask)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, *words(tmp_path), "--key", str(key)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        assert parent.stdout.readline().strip().isdigit()
        leave(parent)
        # The server has the other end of its stderr; it is closed when both are gone.
        assert parent.stderr.read() == b""
    assert not (tmp_path / ".hotswap-dev" / "state.db").exists()
