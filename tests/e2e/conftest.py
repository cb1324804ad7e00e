"""What a test of whole processes is: it starts servers and programs, which takes longer than all else together."""

from __future__ import annotations

from pathlib import Path

import pytest

_OWN_SUITES = ("slow", "screens")
_QUICK = ("test_registry.py",)
"""It needs a process or two for many tests."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put every test of this folder into the suite of processes, unless it belongs to another one."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent != here or item.path.name in _QUICK:
            continue
        if not any(item.get_closest_marker(name) for name in _OWN_SUITES):
            item.add_marker(pytest.mark.processes)
