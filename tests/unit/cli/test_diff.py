"""`diff`: what a person reads of two releases compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.unit.cli.saying import Said, Say


@dataclass
class Site:
    """A control site with one comparison, and what was asked of it."""

    compared: Any
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def get(self, path: str, **query: Any) -> Any:
        self.asked.append((path, query))
        return self.compared if path == "/api/diff" else [{"sequence": 14}]


Diff = Callable[..., Said]


def a_comparison(*changes: tuple[str, str, int | None, int | None], **counts: int) -> dict[str, Any]:
    kinds = [kind for kind, *_ in changes]
    return {
        "from": 13,
        "to": 14,
        "changes": [
            {"path": path, "change": kind, "before": before, "after": after}
            for kind, path, before, after in changes
        ],
        "counts": {kind: kinds.count(kind) for kind in ("added", "changed", "removed")}
        | {"same": 2}
        | counts,
        "sizes": {"before": 1_200_000, "after": 1_300_000, "bundle_before": 5000, "bundle_after": 4000},
    }


@pytest.fixture
def diff(say: Say, monkeypatch: pytest.MonkeyPatch) -> Diff:
    def run(*arguments: str, site: Site) -> Said:
        monkeypatch.setattr("hotswap_dev.cli.diff.control", lambda _: site)
        return say("diff", *arguments)

    return run


SOME = a_comparison(
    ("added", "new.css", None, 6), ("changed", "index.html", 53_000, 36), ("removed", "app.js", 29, None)
)


def test_every_file_that_changed_is_a_line_with_its_sizes(diff: Diff) -> None:
    said = diff("13", "14", site=Site(SOME))

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "         before  after  file",
        "added              6 B  new.css",
        "changed   53 kB   36 B  index.html",
        "removed    29 B         app.js",
        "",
        "1 added, 1 changed, 1 removed, 2 the same",
        "files   1.2 MB → 1.3 MB (+100 kB)",
        "bundle  5.0 kB → 4.0 kB (-1.0 kB)",
    ]


def test_files_that_were_not_named_are_counted(diff: Diff) -> None:
    said = diff("13", "14", site=Site(a_comparison(("added", "a", None, 1), added=9)))

    assert "and 8 files more" in said.out
    assert "9 added" in said.out


def test_releases_with_the_same_files_are_said_to_be_so(diff: Diff) -> None:
    assert diff("13", "14", site=Site(a_comparison())).out == "13 and 14 have the same files: 2 files\n"


def test_latest_is_the_newest_release(diff: Diff) -> None:
    site = Site(SOME)

    diff("13", "latest", site=site)

    assert site.asked[-1] == ("/api/diff", {"from": 13, "to": 14})


def test_json_is_what_the_control_site_says(diff: Diff) -> None:
    assert json.loads(diff("13", "14", "--json", site=Site(SOME)).out) == SOME


@pytest.mark.parametrize("arguments", [[], ["1"], ["1", "x"], ["1_0", "2"], ["none", "2"], ["1", "2", "3"]])
def test_what_are_no_two_sequences_is_usage(diff: Diff, arguments: list[str]) -> None:
    assert diff(*arguments, site=Site(SOME)).code == 2
