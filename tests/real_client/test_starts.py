"""What the real plugin does with its folder at a start: the table, and folders drawn at random."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from minisign import KeyPair

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
from tests.real_client.answers import MANIFEST
from tests.real_client.conftest import Launch
from tests.real_client.driver import IDENTIFIER, LaunchRefused
from tests.real_client.scripted_server import ScriptedServer, public_line, signed, tar_gz
from tests.real_client.starts import BINARY, ROWS, Row, cached, grace

KEY = KeyPair.generate()
CONFIG = {"endpoint": "https://updates.example.com/{{current_sequence}}", "pubkey": public_line(KEY)}


def write_folder(data: Path, folder: Folder) -> Path:
    """Lay the folder out as the plugin does; `seq-N` without metadata where a version is None."""
    place = data / IDENTIFIER / "hotswap"
    place.mkdir(parents=True)
    for sequence, version in folder.versions.items():
        (place / f"seq-{sequence}").mkdir()
        (place / f"seq-{sequence}" / "index.html").write_text(f"page {sequence}")
        if version is not None:
            (place / f"seq-{sequence}" / "hotswap-meta.json").write_bytes(msgspec.json.encode(version))
    if folder.current is not None:
        (place / "current").write_text(f"seq-{folder.current}")
    return place


def read_folder(place: Path) -> Folder:
    """What is there now."""
    pointer = place / "current"
    versions: dict[int, Cached | None] = {}
    for found in place.glob("seq-*"):
        meta = found / "hotswap-meta.json"
        versions[int(found.name.removeprefix("seq-"))] = (
            msgspec.convert(json.loads(meta.read_text()), Cached) if meta.exists() else None
        )
    current = int(pointer.read_text().removeprefix("seq-")) if pointer.exists() else None
    return Folder(current=current, versions=versions, path=str(place))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_start_does_with_the_folder_what_the_table_says(
    row: Row, launch: Launch, tmp_path: Path
) -> None:
    place = write_folder(tmp_path / "app-data", row.folder)
    policies = read_policies(row.config)
    assert isinstance(policies, Policies)
    expected = started(read_folder(place), binary_version=row.binary_version, policies=policies)

    client = await launch(
        {**CONFIG, **row.config}, version=row.binary_version, embedded={"index.html": "embedded"}
    )

    assert client.started.value["sequence"] == row.running
    assert (await client.page()).text == (f"page {row.running}" if row.running else "embedded")
    assert read_folder(place) == expected.folder
    assert (expected.folder.current, tuple(sorted(expected.folder.versions))) == (row.current, row.left)
    assert client.started.log == expected.log
    assert client.started.events == ()


@pytest.mark.parametrize("seed", range(60))
async def test_any_folder_at_all_is_started_as_our_rules_say(
    seed: int, launch: Launch, tmp_path: Path
) -> None:
    """Then the page calls rollback(), and the app starts once more."""
    draw = random.Random(seed)
    versions: dict[int, Cached | None] = {
        sequence: cached(
            sequence,
            draw.choice(("0.1.9", BINARY, BINARY, BINARY, "0.2.1")),
            confirmed=draw.random() < 0.6,
            launches=draw.randrange(3),
        )
        if draw.random() < 0.9
        else None
        for sequence in draw.sample(range(1, 9), draw.randrange(5))
    }
    pointer = draw.choice([None, 4, *versions, *versions, *versions])
    config: dict[str, Any] = {
        "binary_cache_policy": draw.choice((None, "discard_on_upgrade", "keep_compatible", "never_discard")),
        "rollback_policy": draw.choice(
            (None, "latest_confirmed", "immediate_previous_confirmed", "embedded_only")
        ),
        **draw.choice(({}, grace(0), grace(1), grace(2))),
    }
    policies = read_policies(config)
    assert isinstance(policies, Policies)
    place = write_folder(tmp_path / "app-data", Folder(current=pointer, versions=versions))
    first = started(read_folder(place), binary_version=BINARY, policies=policies)

    client = await launch({**CONFIG, **config}, version=BINARY)
    assert (client.started.value["sequence"], client.started.log) == (first.running, first.log)
    assert read_folder(place) == first.folder

    running, after, log = rolled_back(first.folder, policies)
    said = await client.rollback()
    assert (said.value["sequence"], said.log) == (running, log)
    assert read_folder(place) == after

    second = started(after, binary_version=BINARY, policies=policies)
    client = await launch({**CONFIG, **config}, version=BINARY)
    assert (client.started.value["sequence"], client.started.log) == (second.running, second.log)
    assert read_folder(place) == second.folder


@pytest.mark.parametrize("retained", [None, 0, 2, 3, 5])
@pytest.mark.parametrize("rollback", ["latest_confirmed", "immediate_previous_confirmed", "embedded_only"])
async def test_applying_keeps_on_the_disk_what_our_rules_keep(
    retained: int | None, rollback: str, launch: Launch, server: ScriptedServer
) -> None:
    """Six updates, of which some are confirmed and one is downloaded only; then back by rollback()."""
    config = {
        "endpoint": server.endpoint,
        "pubkey": public_line(KEY),
        "require_https": False,
        "max_retained_versions": retained,
        "rollback_policy": rollback,
    }
    policies = read_policies(config)
    assert isinstance(policies, Policies)
    client = await launch(config, version=BINARY)
    bundle = tar_gz({"index.html": "x"})
    expected = Folder(path=str(client.folder))
    for sequence in range(1, 7):
        server.offer(bundle, signed(KEY, bundle), sequence=sequence, min_binary_version=BINARY)
        assert (await client.check()).available
        expected = downloaded(expected, manifest(sequence))
        if sequence == 4:
            _ = (await client.download()).value
        else:
            _ = (await client.apply()).value
            expected = activated(expected, sequence, policies)
        assert read_folder(client.folder) == expected
        if sequence in (1, 2, 5):
            await client.notify_ready()
            expected = confirmed(expected, sequence)
        assert read_folder(client.folder) == expected

    while expected.current is not None:
        running, expected, _ = rolled_back(expected, policies)
        assert (await client.rollback()).value["sequence"] == running
        assert read_folder(client.folder) == expected


def manifest(sequence: int) -> Manifest:
    return Manifest(
        version=MANIFEST["version"], sequence=sequence, min_binary_version=BINARY, url="", signature=""
    )


@pytest.mark.parametrize(
    "config",
    [
        {"binary_cache_policy": "keep"},
        {"rollback_policy": "LatestConfirmed"},
        {"confirmation_policy": "grace_period"},
        {"confirmation_policy": {"grace_period": {}}},
        {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": -1}}},
        {"max_retained_versions": "2"},
        {"max_retained_versions": 2.0},
        {"max_retained_versions": 2**32},
    ],
    ids=str,
)
async def test_policies_that_cannot_be_read_end_the_app_with_our_words(
    config: dict[str, Any], launch: Launch
) -> None:
    with pytest.raises(LaunchRefused) as refused:
        await launch({**CONFIG, **config})
    assert str(read_policies(config)) in str(refused.value)
