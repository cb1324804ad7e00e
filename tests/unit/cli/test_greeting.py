"""The first lines of a start: what they say is what is so."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from hotswap_dev.cli.serving.greeting import _what


@pytest.mark.parametrize(
    ("builds_go_to", "source", "told"),
    [
        ("production", "default", "channel production   key"),
        ("production", "--channel", "channel production (--channel)   key"),
        ("beta", "default", "channel beta (set-build-channel; configured is production)   key"),
    ],
)
def test_the_channel_is_the_one_that_builds_go_to(builds_go_to: str, source: str, told: str) -> None:
    settings: Any = SimpleNamespace(
        project=None,
        root=Path("/app"),
        app_version="0.1.0",
        channel="production",
        sources={"app_version": "default", "channel": source},
    )
    opened: Any = SimpleNamespace(key=SimpleNamespace(short="2ytC"), origin="dev key", production=False)

    assert told in click.unstyle(_what(settings, opened, builds_go_to))
