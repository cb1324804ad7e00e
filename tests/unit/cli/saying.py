"""The program as a person runs it, in this process, against a control site that only answers what it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import click
import pytest

from hotswap_dev.cli.main import main


@dataclass
class Site:
    """A control site's answers by path, and what was asked of it."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    done: Mapping[str, Any] = field(
        default_factory=lambda: {"revision": 1, "events": [], "result": None, "changes": []}
    )
    asked: list[tuple[str, Mapping[str, Any], bool]] = field(default_factory=list)

    def get(self, path: str, **_: object) -> Any:
        return self.answers[path]

    def command(self, name: str, arguments: Mapping[str, Any], *, dry_run: bool = False) -> Any:
        self.asked.append((name, arguments, dry_run))
        return self.done


@dataclass(frozen=True)
class Said:
    """How the program ended, and what it said, without colours."""

    code: int
    out: str
    err: str


Say = Callable[..., Said]


def a_row(client: str, **changes: Any) -> dict[str, Any]:
    """A client as `GET /api/clients` lists it."""
    return {
        "id": client,
        "name": None,
        "pinned": None,
        "sequence": 0,
        "label": None,
        "remarks": [],
        **changes,
    }


def a_state(*rows: Mapping[str, Any], **controls: Any) -> dict[str, Any]:
    """`GET /api/state` with these clients, as far as the command line reads it."""
    names = {row["id"]: row["name"] for row in rows if row["name"]}
    calm = {"names": names, "pins": {}, "forced": [], "faults": [], "releases": {}, "channels": {}}
    return {"revision": 1, "clients": list(rows), "controls": {**calm, **controls}}


def a_why(**changes: Any) -> dict[str, Any]:
    """`GET /api/why` as far as it is read here: a client that is too old."""
    found = {
        "check": {
            "client": "Pixel", "sequence": 1, "binary_version": "0.1.0", "platform": "android",
            "arch": "aarch64", "channel": "beta", "flags": [],
        },
        "name": "QA phone",
        "status": 204,
        "reason": "binary-too-old",
        "sentence": "Release 3 needs binary 0.5.0, the client runs 0.1.0.",
        "change": "hotswap-dev edit-release 3 --min-binary-version 0.1.0",
        "considered": [
            {"sequence": 3, "code": "binary-too-old", "change": "hotswap-dev edit-release 3 --min-binary-version 0.1.0",
             "detail": "Release 3 needs binary 0.5.0, the client runs 0.1.0."},
            {"sequence": 2, "code": "release-withheld", "detail": "Release 2 is withheld.",
             "change": "hotswap-dev restore 2"},
        ],
        "next": {"sentence": "Nothing until its app is 0.5.0 or newer, or 3 asks for less. " * 2, "command": ""},
        "client": None,
    }  # fmt: skip
    return {**found, **changes}


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    """`say("withhold", "1", site=…)`: run a command line to its end."""

    def run(*arguments: str, site: Site | None = None) -> Said:
        if site is not None:
            for module in ("change", "why", "log", "look"):
                monkeypatch.setattr(f"hotswap_dev.cli.{module}.control", lambda _: site)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, click.unstyle(said.out), click.unstyle(said.err))

    return run
