"""What is logged stays in the workspace, is nobody else's, and never grows without end."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from hotswap_dev.cli.serving import log_file

_BOUND = 2000


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(log_file, "_LOG_BYTES", _BOUND)
    return tmp_path / "dashboard.log"


def writer(path: Path) -> logging.Handler:
    """What a process of its own would write with."""
    return log_file._CappedFile(path)


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("a library", logging.WARNING, "", 0, text, None, None)


def test_several_dashboards_share_a_log_and_each_one_s_newest_lines_are_in_it(log: Path) -> None:
    one, other = writer(log), writer(log)
    for number in range(500):
        one.emit(record(f"one {number}"))
        other.emit(record(f"other {number}"))
        assert log.stat().st_size <= _BOUND
    one.close()
    other.close()

    older = Path(f"{log}.1")
    kept = [line for file in (older, log) for line in file.read_text().splitlines()]
    said = [f"{name} {number}" for number in range(500) for name in ("one", "other")]
    assert kept == said[-len(kept) :]
    assert len("\n".join(kept)) >= _BOUND
    assert sorted(log.parent.iterdir()) == [log, older]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_log_is_readable_by_its_user_alone_even_one_that_was_not(log: Path) -> None:
    log.touch(mode=0o644)
    handler = writer(log)
    for number in range(200):
        handler.emit(record(f"line {number}"))
    handler.close()

    for file in log.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file


def test_nothing_is_made_before_something_is_said(log: Path) -> None:
    writer(log).close()

    assert not log.exists()
