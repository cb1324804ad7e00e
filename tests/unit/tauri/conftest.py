"""Projects to read: copies of those in fixtures/tauri, and ones made for a single test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.tauri.project import Platform, TauriProject, read_project

FIXTURES = Path(__file__).parents[3] / "fixtures" / "tauri"
PUBKEY = "RWTLX1mrAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Copy = Callable[[str], Path]
Write = Callable[[dict[str, Any]], Path]
Read = Callable[..., TauriProject]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """`copy("toml")` is the root of a copy of that fixture, outside of any git tree."""

    def make(name: str) -> Path:
        root = tmp_path.resolve() / name
        shutil.copytree(FIXTURES / name, root)
        return root

    return make


@pytest.fixture
def fixture_project(copy: Copy) -> Callable[..., TauriProject]:
    """`fixture_project("json", platform="macos")`, read from a copy."""

    def read(
        name: str, *, platform: Platform = "linux", environ: dict[str, str] | None = None
    ) -> TauriProject:
        folder = copy(name) / "src-tauri"
        config = next(path for path in (folder / n for n in _NAMES) if path.exists())
        return read_project(config, platform=platform, environ=environ)

    return read


_NAMES = ("tauri.conf.json", "tauri.conf.json5", "Tauri.toml")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write({…})` is the path of a config with that content in `app/src-tauri`."""

    def make(content: dict[str, Any]) -> Path:
        config = tmp_path.resolve() / "app" / "src-tauri" / "tauri.conf.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps(content), encoding="utf-8")
        return config

    return make


@pytest.fixture
def project(write: Write) -> Read:
    """`project(version="1.0")`: one read from a config with these top-level keys and an identifier."""

    def read(platform: Platform = "linux", **content: Any) -> TauriProject:
        return read_project(write({"identifier": "com.example.app", **content}), platform=platform)

    return read


def put(path: Path, text: str = "") -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
