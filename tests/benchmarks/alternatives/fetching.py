"""Programs out of npm and Maven at fixed versions, kept in a cache that outlives the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

_MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_SECONDS = 300


class NotToBeHad(Exception):
    """A program is not on this machine and can't be brought here; the text is a sentence that says why."""


def demand(*programs: str) -> None:
    """NotToBeHad, naming it, unless each of these programs is installed."""
    for program in programs:
        if shutil.which(program) is None:
            raise NotToBeHad(f"{program} is not installed")


def from_npm(package: str) -> Path:
    """The `node_modules` with this package (`name@version`) in it."""
    demand("node", "npm")

    def install(folder: Path) -> None:
        (folder / "package.json").write_text(json.dumps({"private": True}))
        _run(["npm", "install", "--loglevel=error", "--no-audit", "--no-fund", package], folder, package)

    return _kept(package, install) / "node_modules"


def from_maven(artifact: str) -> Path:
    """The jar of this artifact (`group:name:version`)."""
    demand("java", "mvn")

    def copy(folder: Path) -> None:
        source = [f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
        _run(["mvn", "-q", "-B", _MAVEN_COPY, *source], folder, artifact)

    return next(_kept(artifact, copy).glob("*.jar"))


def _kept(name: str, fetch: Callable[[Path], None]) -> Path:
    cache = Path(os.environ.get("HOTSWAP_DEV_CACHE", "~/.cache/hotswap-dev")).expanduser() / "alternatives"
    place = cache / name.replace("/", "+").replace(":", "+")
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            folder = Path(scratch, "fetched")
            folder.mkdir()
            fetch(folder)
            folder.rename(place)
    return place


def _run(command: Sequence[str], folder: Path, what: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.CalledProcessError as error:
        said = [line for line in f"{error.stderr}\n{error.stdout}".splitlines() if "error" in line.lower()]
        reason = said[0].strip()[:300] if said else "it said nothing of why"
        raise NotToBeHad(f"{command[0]} could not fetch {what} ({error.returncode}): {reason}") from None
    except subprocess.TimeoutExpired:
        raise NotToBeHad(f"{command[0]} did not fetch {what} within {_SECONDS} s") from None
