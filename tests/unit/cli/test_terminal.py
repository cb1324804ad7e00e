"""A terminal is given back as it was, whatever Textual switched on."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import textual._ansi_sequences
import textual.app

from hotswap_dev.cli.full_screen.terminal import CALM, LEAVE, KeptTerminal, is_terminal, when_hung_up

termios = pytest.importorskip("termios")
tty = pytest.importorskip("tty")


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: the window's, and the program's."""
    master, slave = os.openpty()
    yield master, slave
    for descriptor in (master, slave):
        with contextlib.suppress(OSError):  # the test may have closed it
            os.close(descriptor)


def sources_of_textual() -> str:
    folder = Path(inspect.getfile(textual.app)).parent
    files = [
        folder / "app.py",
        folder / "_ansi_sequences.py",
        *sorted((folder / "drivers").glob("*driver.py")),
    ]
    lines = "\n".join(file.read_text(encoding="utf-8") for file in files).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def test_every_mode_that_textual_switches_is_put_back() -> None:
    switched = {
        (int(mode), how)
        for modes, how in re.findall(r"(?:\\x1b|\\033)\[\?([\d;]+)([hl])", sources_of_textual())
        for mode in modes.split(";")
    }
    ended = {(int(mode), how) for mode, how in re.findall(r"\x1b\[\?(\d+)([hl])", LEAVE)}

    assert {1000, 1003, 1004, 1016, 1049, 2004, 2026, 2048, 7, 25} <= {mode for mode, _ in switched}
    for mode, how in switched:
        normal = "h" if mode in (7, 25) else "l"
        assert (mode, normal) in ended, (mode, how)


def test_calming_a_terminal_leaves_the_screen_that_is_shown() -> None:
    assert "1049" not in CALM
    assert "\x1b[<u" not in CALM
    assert LEAVE.index("\x1b[<u") < LEAVE.index("\x1b[?1049l")


def full_screen(descriptor: int) -> None:
    """The line modes as Textual's driver makes them."""
    modes = termios.tcgetattr(descriptor)
    modes[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    modes[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
    termios.tcsetattr(descriptor, termios.TCSANOW, modes)


def test_E16_a_terminal_that_a_killed_program_left_is_as_it_was(pair: tuple[int, int]) -> None:
    master, slave = pair
    before = termios.tcgetattr(slave)
    full_screen(slave)
    assert termios.tcgetattr(slave) != before

    KeptTerminal(slave, before).restore()

    assert termios.tcgetattr(slave) == before
    assert os.read(master, 4096).decode() == LEAVE


def test_a_shell_that_has_the_terminal_back_already_keeps_its_own_line_modes(pair: tuple[int, int]) -> None:
    master, slave = pair
    before = termios.tcgetattr(slave)
    prompt = termios.tcgetattr(slave)
    prompt[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON)  # as readline does, which leaves Ctrl-C a signal
    termios.tcsetattr(slave, termios.TCSANOW, prompt)
    prompt = termios.tcgetattr(slave)

    KeptTerminal(slave, before).restore()

    assert termios.tcgetattr(slave) == prompt
    assert os.read(master, 4096).decode() == LEAVE


def asks_for_a_password(descriptor: int) -> None:
    """The line modes as getpass makes them."""
    modes = termios.tcgetattr(descriptor)
    modes[tty.LFLAG] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSANOW, modes)


def test_E16_a_terminal_that_was_left_at_a_password_shows_again_what_is_typed(pair: tuple[int, int]) -> None:
    master, slave = pair
    before = termios.tcgetattr(slave)
    asks_for_a_password(slave)
    assert termios.tcgetattr(slave) != before

    KeptTerminal(slave, before).restore_echo()

    assert termios.tcgetattr(slave) == before
    assert not select.select([master], [], [], 0)[0]  # nothing is written


def test_a_shell_that_reads_key_by_key_keeps_its_line_modes_after_a_password(pair: tuple[int, int]) -> None:
    _, slave = pair
    before = termios.tcgetattr(slave)
    prompt = termios.tcgetattr(slave)
    prompt[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(slave, termios.TCSANOW, prompt)
    prompt = termios.tcgetattr(slave)

    KeptTerminal(slave, before).restore_echo()

    assert termios.tcgetattr(slave) == prompt


def test_a_terminal_that_is_gone_needs_nothing(pair: tuple[int, int]) -> None:
    master, slave = pair
    before = termios.tcgetattr(slave)
    os.close(master)

    KeptTerminal(slave, before).restore()
    KeptTerminal(slave, before).restore_echo()


def test_a_closed_window_is_noticed(pair: tuple[int, int]) -> None:
    master, slave = pair
    noticed = threading.Event()
    when_hung_up(noticed.set, slave)
    os.write(master, b"a key\n")
    assert select.select([slave], [], [], 5)[0]
    assert not noticed.wait(0.1)  # what is typed is no end

    os.close(master)

    assert noticed.wait(5)


@pytest.mark.parametrize("missing", ["stdin", "stdout", "stderr"])
def test_a_full_screen_needs_all_three_streams_to_be_the_terminal(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    with open(pair[1], closefd=False) as terminal, open(os.devnull) as elsewhere:
        for name in ("stdin", "stdout", "stderr"):
            monkeypatch.setattr(sys, name, terminal)
        assert is_terminal({"TERM": "xterm"})
        assert not is_terminal({"TERM": "dumb"})
        monkeypatch.setattr(sys, missing, elsewhere)
        assert not is_terminal({"TERM": "xterm"})


STRAY = """
import logging, os, subprocess, sys, warnings
from pathlib import Path
from hotswap_dev.cli.serving.log_file import log_to
from hotswap_dev.cli.full_screen.terminal import only_drawn_on
log_to(Path(sys.argv[1]))
with only_drawn_on(logging.getLogger("screen")):
    print("a print", flush=True)
    warnings.warn("a warning", stacklevel=1)
    os.write(2, b"an extension \\x1b[31m\\n")
    subprocess.run([sys.executable, "-c", "print('a child')"], check=True)
    logging.getLogger("asyncio").error("a library")
    sys.__stderr__.write("DRAWN ")
    sys.__stderr__.flush()
    sys.__stdout__.write("MEASURED ")
    sys.__stdout__.flush()
print("after")
"""


@pytest.mark.skipif(
    sys.platform == "win32", reason="the console's handles are those of the descriptors there"
)
def test_C6_only_what_is_drawn_reaches_the_terminal_and_the_rest_the_log(tmp_path: Path) -> None:
    log = tmp_path / "dashboard.log"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    ended = subprocess.run(
        [sys.executable, "-c", STRAY, str(log)],
        capture_output=True,
        text=True,
        check=True,
        env=environ,
        timeout=20,
    )

    assert ended.stdout == "MEASURED after\n"
    assert ended.stderr == "DRAWN "
    logged = log.read_text()
    for text in ("a print", "a warning", r"an extension \x1b[31m", "a child", "a library"):
        assert text in logged
    assert "DRAWN" not in logged
