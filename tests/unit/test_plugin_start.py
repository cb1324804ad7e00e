"""What a launch does with the plugin's folder, as our rules say it. The real one is asked in tests/real_client."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin import (
    Cached,
    Folder,
    Policies,
    activated,
    confirmed,
    downloaded,
    read_policies,
    rolled_back,
    started,
)
from hotswap_dev.domain.versions import parse
from tests.real_client.starts import BINARY, ROWS, Row, cached, folder

NEWER = ("0.1.9", BINARY, "0.2.1", "latest")
POLICIES = st.builds(
    Policies,
    binary_cache=st.sampled_from(("discard_on_upgrade", "keep_compatible", "never_discard")),
    max_unconfirmed_launches=st.integers(0, 3),
    rollback=st.sampled_from(("latest_confirmed", "immediate_previous_confirmed", "embedded_only")),
    max_retained_versions=st.integers(0, 5),
)


@st.composite
def folders(draw: st.DrawFn) -> Folder:
    """Folders with up to six versions, some of them unreadable, and a pointer that may lead nowhere."""
    sequences = draw(st.sets(st.integers(1, 9), max_size=6))
    versions: dict[int, Cached | None] = {}
    for sequence in sequences:
        versions[sequence] = draw(
            st.none()
            | st.builds(
                cached,
                st.just(sequence),
                st.sampled_from(NEWER),
                confirmed=st.booleans(),
                launches=st.integers(0, 3),
            )
        )
    return Folder(current=draw(st.none() | st.integers(1, 9)), versions=versions)


def manifest(sequence: int) -> Manifest:
    return Manifest(
        version=f"{BINARY}-ota.{sequence}",
        sequence=sequence,
        min_binary_version=BINARY,
        url="",
        signature="",
    )


def policies_of(config: dict[str, Any]) -> Policies:
    read = read_policies(config)
    assert isinstance(read, Policies)
    return read


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_launch_does_with_the_folder_what_the_table_says(row: Row) -> None:
    start = started(row.folder, binary_version=row.binary_version, policies=policies_of(row.config))

    assert (start.did, start.running) == (row.did, row.running)
    assert (start.folder.current, tuple(sorted(start.folder.versions))) == (row.current, row.left)
    running = start.folder.versions.get(row.running)
    assert (running.unconfirmed_launch_count if running else 0) == row.launches


@given(folders(), st.sampled_from(("", "1.0", "0.1.9", BINARY, "0.3.0")), POLICIES)
def test_a_launch_runs_the_embedded_page_or_a_readable_version_that_is_still_there(
    found: Folder, binary_version: str, policies: Policies
) -> None:
    start = started(found, binary_version=binary_version, policies=policies)

    assert start.running == 0 or start.folder.versions[start.running] is not None
    assert start.running in (0, start.folder.current)
    assert set(start.folder.versions) <= set(found.versions)


@given(folders(), POLICIES)
def test_only_discarding_and_rolling_back_delete_and_they_delete_what_ran_alone(
    found: Folder, policies: Policies
) -> None:
    start = started(found, binary_version=BINARY, policies=policies)

    gone = set(found.versions) - set(start.folder.versions)
    assert gone == ({found.current} if start.did in ("discard", "roll-back") else set())


@given(folders(), POLICIES)
def test_a_confirmed_version_that_fits_the_binary_exactly_is_kept_for_ever(
    found: Folder, policies: Policies
) -> None:
    fitting = downloaded(found, manifest(4))
    folder = confirmed(activated(fitting, 4, policies), 4)

    start = started(folder, binary_version=BINARY, policies=policies)

    assert (start.did, start.running, start.folder) == ("keep", 4, folder)


@given(folders(), POLICIES)
def test_a_rollback_goes_to_something_confirmed_and_never_back_to_what_it_left(
    found: Folder, policies: Policies
) -> None:
    running, after, _ = rolled_back(found, policies)

    assert found.current is None or running != found.current
    assert after.current is None or running == after.current
    if found.current is not None:
        assert found.current not in after.versions
    target = after.versions.get(running)
    assert running == 0 or (target is not None and target.confirmed)


@given(folders(), POLICIES)
def test_applying_keeps_what_runs_and_what_a_rollback_would_choose(found: Folder, policies: Policies) -> None:
    after = activated(downloaded(found, manifest(4)), 4, policies)

    assert after.current == 4
    assert 4 in after.versions
    assert len(after.versions) <= max(2, policies.max_retained_versions)
    before = rolled_back(
        Folder(current=4, versions={**found.versions, 4: cached(4, confirmed=False)}), policies
    )
    assert rolled_back(after, policies)[0] == before[0]


def test_a_place_is_kept_for_the_previous_confirmed_one_even_if_others_are_newer() -> None:
    found = folder(None, cached(9), cached(8, confirmed=False), cached(7))
    after = activated(found, 9, Policies(rollback="immediate_previous_confirmed"))
    assert set(after.versions) == {9, 7}


@pytest.mark.parametrize("retained", [0, 1, 2])
def test_two_are_kept_at_least(retained: int) -> None:
    found = folder(None, cached(9), cached(8, confirmed=False), cached(7, confirmed=False))
    assert set(activated(found, 9, Policies(max_retained_versions=retained)).versions) == {9, 8}


def test_a_version_newer_than_the_minimum_goes_round_for_ever() -> None:
    """The first trap that users meet: it applies, is gone after the restart, and is offered again."""
    empty = Folder()
    held = confirmed(activated(downloaded(empty, manifest(4)), 4), 4)

    start = started(held, binary_version="0.3.0")

    assert (start.did, start.running, start.folder) == ("discard", 0, empty)
    assert parse("0.3.0") > parse(BINARY)


def test_confirming_what_is_not_there_changes_nothing() -> None:
    found = folder(9, cached(7))
    assert confirmed(found, 9) is found


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, Policies()),
        ({"pubkey": "x", "confirmation_policy": None, "rollback_policy": None}, Policies()),
        ({"max_retained_versions": 4}, Policies(max_retained_versions=4)),
        (
            {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": 3}}},
            Policies(max_unconfirmed_launches=3),
        ),
        ({"binary_cache_policy": "keep_compatible"}, Policies(binary_cache="keep_compatible")),
        ({"rollback_policy": "embedded_only"}, Policies(rollback="embedded_only")),
    ],
)
def test_the_policies_are_read_as_the_config_has_them(config: dict[str, Any], expected: Policies) -> None:
    assert read_policies(config) == expected


@pytest.mark.parametrize(
    "config",
    [
        {"binary_cache_policy": "keep"},
        {"rollback_policy": "LatestConfirmed"},
        {"confirmation_policy": "grace_period"},
        {"confirmation_policy": {"grace_period": {}}},
        {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": -1}}},
        {"max_retained_versions": "2"},
        {"max_retained_versions": 2.5},
        {"max_retained_versions": 2**32},
    ],
)
def test_policies_that_the_plugin_cannot_read_end_the_app_with_its_words(config: dict[str, Any]) -> None:
    assert read_policies(config) == "missing or invalid 'plugins.hotswap' in tauri.conf.json"
