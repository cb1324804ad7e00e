"""What tests of packing share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def minisign(tmp_path: Path) -> Callable[..., str]:
    """Debian's minisign in an empty folder: stdout, or CalledProcessError."""
    program = shutil.which("minisign")
    if program is None:
        pytest.skip("minisign is not installed (apt-get install minisign)")

    def run(*arguments: str | Path, stdin: str = "") -> str:
        command = [program, *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, input=stdin, capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout

    return run
