"""What became of the newest builds, as a server and whoever follows its events both have it."""

from __future__ import annotations

from typing import Any

import pytest

from hotswap_dev.domain.builds import WAITS, Builds, builds_after
from hotswap_dev.domain.observations import (
    BuildRefused,
    BuildSkipped,
    BuildStarted,
    Level,
    Noticed,
    Observation,
    Published,
)
from hotswap_dev.engine.following import _NEXT_STEP
from tests.unit.making import NOW, an_answered_check

STARTED = BuildStarted(at=NOW, path="dist")
REFUSED = BuildRefused(at=NOW, code="no-index", detail="there is none")
SKIPPED = BuildSkipped(at=NOW, channel="production", sequence=1)
PUBLISHED = Published(
    at=NOW, sequence=1, version="0.1.0-ota.1", channel="production", origin="build", bundle_size=1, files=1,
    changed=1, scan_ms=1, pack_ms=1, offered_ms=None,
)  # fmt: skip


def after(*seen: Observation) -> Builds:
    builds = Builds(dist="dist", app_version="0.1.0")
    for one in seen:
        builds = builds_after(builds, one)
    return builds


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([STARTED], {"building": "dist"}),
        ([STARTED, PUBLISHED], {"last": PUBLISHED}),
        ([PUBLISHED, STARTED, REFUSED], {"last": PUBLISHED, "refused": REFUSED}),
        ([PUBLISHED, REFUSED, STARTED], {"last": PUBLISHED, "refused": REFUSED, "building": "dist"}),
        ([REFUSED, SKIPPED], {"skipped": SKIPPED}),
        ([SKIPPED, REFUSED], {"refused": REFUSED}),
        ([REFUSED, PUBLISHED], {"last": PUBLISHED}),
        ([SKIPPED, PUBLISHED], {"last": PUBLISHED}),
    ],
)
def test_a_refusal_stands_until_a_later_build_is_published_or_has_nothing_new(
    seen: list[Observation], expected: dict[str, Any]
) -> None:
    assert after(*seen) == Builds(dist="dist", app_version="0.1.0", **expected)


def waits(code: str, level: Level = "info") -> Noticed:
    return Noticed(at=NOW, level=level, code=code, message="there is no index.html at the top of dist")


@pytest.mark.parametrize("code", WAITS)
@pytest.mark.parametrize("ends", [STARTED, SKIPPED, PUBLISHED])
def test_what_the_folder_lacks_stands_until_the_next_build_begins_or_has_nothing_new(
    code: str, ends: Observation
) -> None:
    assert after(PUBLISHED, waits(code)).waiting == waits(code)
    assert after(PUBLISHED, waits(code), ends).waiting is None


def test_every_code_that_a_watcher_waits_by_is_known_here() -> None:
    assert set(WAITS) >= set(_NEXT_STEP)


def test_what_is_published_without_a_file_is_not_waited_for() -> None:
    assert after(PUBLISHED, waits("missing-reference", "warning")).waiting is None


def test_what_is_about_no_build_leaves_them_as_they_are() -> None:
    builds = after(STARTED)

    for seen in (an_answered_check("anna"), Noticed(at=NOW, level="info", code="x", message="y")):
        assert builds_after(builds, seen) is builds
