"""What tests of stored files share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotswap_dev.storage.keys import KeyHome


@pytest.fixture
def home(tmp_path: Path) -> KeyHome:
    return KeyHome(tmp_path / "data" / "hotswap-dev" / "com.example.app")


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The worst umask there is: whatever is made is open to all unless it says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)
