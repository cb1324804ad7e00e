"""What the real plugin makes of each bad bundle: its words, its folder, and what a restart brings back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.faults.bundle import (
    AbsolutePath,
    BlankPage,
    BundleFault,
    CrashOnLoad,
    NoIndex,
    NotGzip,
    PathTraversal,
    SecondGzipMember,
    Symlinks,
)
from hotswap_dev.packing.poison import CRASHING_SCRIPT
from tests.real_client.conftest import Launch
from tests.real_client.driver import Answer, RealClient
from tests.real_client.scripted_server import ScriptedServer
from tests.unit.packing.poisoned import TREE, packed, poisoned
from tests.unit.packing.signatures import KEY
from tests.unit.packing.trees import grown

pytestmark = pytest.mark.real_client

APPLIED = ("download-start", "download-complete", "apply")
NOT_EXTRACTED = ("download-start", "download-complete")
EMBEDDED = {"index.html": "embedded page", "assets/app.js": "embedded script"}

REFUSED: list[tuple[BundleFault, str]] = [
    (PathTraversal(), "unsafe path component in archive: ../evil"),
    (AbsolutePath(), "absolute path in archive: /tmp/evil"),
    (NotGzip(), "invalid gzip header"),
]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A bad bundle that the plugin applies, and what the app shows of it."""

    fault: BundleFault
    page: str
    """A part of the page."""
    script: str
    """What the app gets for the healthy page's script."""


HEALTHY_SCRIPT = TREE["assets/app.js"].decode()
TAKEN = [
    Taken(fault=SecondGzipMember(), page="healthy", script="embedded script"),
    Taken(fault=Symlinks(), page="healthy", script="embedded script"),
    Taken(fault=NoIndex(), page="embedded page", script=HEALTHY_SCRIPT),
    Taken(fault=BlankPage(), page="<body></body>", script=HEALTHY_SCRIPT),
    Taken(fault=CrashOnLoad(), page="This page crashed on purpose", script=HEALTHY_SCRIPT),
]
each_refused = pytest.mark.parametrize(("fault", "text"), REFUSED, ids=[fault.name for fault, _ in REFUSED])
each_taken = pytest.mark.parametrize("row", TAKEN, ids=lambda row: row.fault.name)


def config(server: ScriptedServer, **more: Any) -> dict[str, Any]:
    return {
        "endpoint": server.endpoint,
        "pubkey": KEY.public_key,
        "require_https": False,
        "max_retries": 0,
        **more,
    }


def offer(server: ScriptedServer, fault: BundleFault | None, folder: Path, sequence: int) -> None:
    """Offer the healthy bundle, or the bad copy of it that this fault makes."""
    if fault is None:
        healthy, bundle = packed(folder)
        server.offer(healthy.read_bytes(), bundle.signature, sequence=sequence)
    else:
        made = poisoned(fault, folder)
        server.offer(made.path.read_bytes(), made.bundle.signature, sequence=sequence)
    server.checks.clear()
    server.downloads.clear()


async def checked_and_applied(client: RealClient) -> Answer:
    said = await client.check()
    assert said.available
    assert said.events == ("check-start", "check-complete")
    return await client.apply()


async def with_a_confirmed_version(launch: Launch, server: ScriptedServer, folder: Path) -> RealClient:
    """An app that runs the healthy bundle as sequence 7."""
    client = await launch(config(server), embedded=EMBEDDED)
    offer(server, None, folder, 7)
    _ = (await checked_and_applied(client)).value
    await client.notify_ready()
    return client


def outside(client: RealClient) -> set[str]:
    """All files of the app's data that lie outside the plugin's folder, and the one that an entry names."""
    found = {
        path.as_posix() for path in client.data_home.rglob("*") if not path.is_relative_to(client.folder)
    }
    evil = Path("/tmp/evil")
    return found | ({evil.as_posix()} if evil.exists() else set())


def in_version(client: RealClient, sequence: int) -> dict[str, bytes]:
    """The files of a version on the device, without the plugin's own note."""
    files = grown(client.folder / f"seq-{sequence}")
    assert files.pop("hotswap-meta.json")
    return files


# Those that it refuses


@each_refused
async def test_it_is_refused_by_name_and_the_running_version_is_left_alone(
    fault: BundleFault, text: str, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    client = await with_a_confirmed_version(launch, server, tmp_path)
    before, elsewhere = grown(client.folder), outside(client)
    offer(server, fault, tmp_path, 8)

    said = await checked_and_applied(client)

    assert said.error == f"extraction failed: {text}"
    assert said.events == NOT_EXTRACTED, "no event tells that it failed"
    assert (len(server.checks), len(server.downloads)) == (1, 1)
    assert grown(client.folder) == before, "what was extracted before the bad entry is gone again"
    assert sorted(path.name for path in client.folder.iterdir()) == ["current", "seq-7"]
    assert outside(client) == elsewhere
    assert await client.sequence() == 7

    client = await launch(config(server), embedded=EMBEDDED)
    assert client.started.value["sequence"] == 7
    assert (await client.check()).available, "it is offered again, and fails again"


@each_refused
async def test_it_is_not_downloaded_again_whatever_max_retries_says(
    fault: BundleFault, text: str, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    client = await launch(config(server, max_retries=3), embedded=EMBEDDED)
    offer(server, fault, tmp_path, 8)

    said = await checked_and_applied(client)

    assert said.error == f"extraction failed: {text}"
    assert len(server.downloads) == 1
    assert list(client.folder.iterdir()) == []


# Those that it applies


@each_taken
async def test_it_is_applied_as_if_nothing_were_wrong(
    row: Taken, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    client = await with_a_confirmed_version(launch, server, tmp_path)
    elsewhere = outside(client)
    offer(server, row.fault, tmp_path, 8)

    said = await checked_and_applied(client)

    assert said.value == "0.1.0-ota.7"
    assert said.events == APPLIED
    assert (len(server.checks), len(server.downloads)) == (1, 1)
    assert outside(client) == elsewhere
    assert await client.sequence() == 8
    assert row.page in (await client.page("/")).text
    assert (await client.page("/assets/app.js")).text == row.script


@each_taken
async def test_the_files_on_the_device_are_those_of_the_list_beside_the_bundle(
    row: Taken, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    made = poisoned(row.fault, tmp_path)
    client = await launch(config(server), embedded=EMBEDDED)
    server.offer(made.path.read_bytes(), made.bundle.signature, sequence=8)

    _ = (await checked_and_applied(client)).value

    found = in_version(client, 8)
    assert sorted(found) == [path for path, _, _ in made.list.files]
    assert not any(path.is_symlink() for path in client.folder.rglob("*"))


@each_taken
async def test_never_confirmed_it_is_rolled_back_at_the_next_start_and_offered_again(
    row: Taken, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    client = await with_a_confirmed_version(launch, server, tmp_path)
    offer(server, row.fault, tmp_path, 8)
    _ = (await checked_and_applied(client)).value

    client = await launch(config(server), embedded=EMBEDDED)

    assert client.started.value["sequence"] == 7
    assert client.started.events == ()
    assert any("was not confirmed" in line for line in client.started.log)
    assert not (client.folder / "seq-8").exists()
    assert "healthy" in (await client.page("/")).text
    assert (await client.check()).available, "a sequence that was rolled back is not blacklisted"


@each_taken
async def test_without_a_version_before_it_the_app_goes_back_to_its_embedded_page(
    row: Taken, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    client = await launch(config(server), embedded=EMBEDDED)
    offer(server, row.fault, tmp_path, 8)
    _ = (await checked_and_applied(client)).value

    client = await launch(config(server), embedded=EMBEDDED)

    assert client.started.value["sequence"] == 0
    assert (await client.page("/")).text == "embedded page"


@each_taken
async def test_a_page_that_says_it_is_ready_makes_it_stay(
    row: Taken, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    client = await with_a_confirmed_version(launch, server, tmp_path)
    offer(server, row.fault, tmp_path, 8)
    _ = (await checked_and_applied(client)).value
    assert (await client.notify_ready()).events == ("ready-confirmed",)

    client = await launch(config(server), embedded=EMBEDDED)

    assert client.started.value["sequence"] == 8
    assert row.page in (await client.page("/")).text


async def test_under_a_grace_period_it_runs_as_often_as_that_allows(
    launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    grace = {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": 2}}}
    client = await launch(config(server, **grace), embedded=EMBEDDED)
    offer(server, CrashOnLoad(), tmp_path, 8)
    _ = (await checked_and_applied(client)).value

    started = [(await launch(config(server, **grace))).started.value["sequence"] for _ in range(4)]

    assert started == [8, 8, 0, 0]


async def test_a_page_that_crashes_finds_its_script_from_every_path_of_the_app(
    launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    client = await launch(config(server), embedded=EMBEDDED)
    offer(server, CrashOnLoad(), tmp_path, 8)
    _ = (await checked_and_applied(client)).value

    deep = await client.page("/settings/profile")
    script = await client.page(f"/{CRASHING_SCRIPT}")

    assert f'src="/{CRASHING_SCRIPT}"' in deep.text, "any other path is index.html"
    assert script.mime == "text/javascript"
    assert "throw new Error(" in script.text
