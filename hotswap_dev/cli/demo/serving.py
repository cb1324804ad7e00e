"""A demo's server: what it is told, and what its first lines say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from hotswap_dev.cli.demo.place import APP_VERSION, Place
from hotswap_dev.storage.workspace import find_server


def server_words(asked: Mapping[str, Any], dist: Path, project: Path, workspace: Path) -> tuple[str, ...]:
    """What `serve` is told: every place named, so that no project and no setting around here counts."""
    return (
        str(dist),
        *("--project", str(project)),
        *("--workspace", str(workspace)),
        *("--app-version", APP_VERSION),
        *("--host", str(asked["host"])),
        *("--port", str(asked["port"]), "--auto-port"),
    )


def greeting(place: Place, asked: Mapping[str, Any]) -> Iterator[str]:
    """The first lines: where the server is, and where all of it lies."""
    site = find_server(place.workspace).site
    wanted = asked["port"]
    busy = "" if wanted in (0, int(site.rpartition(":")[2])) else f"  ({wanted} is in use)"
    yield f" demo         {click.style(site, bold=True)}{busy}"
    yield f" in           {place.folder}, which {'stays' if asked['keep'] else 'goes with it'}"
