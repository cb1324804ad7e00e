"""What the real plugin makes of each bad signature over a good bundle: its words, and a folder that stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotswap_dev.domain.faults.signature import (
    GarbageSignature,
    LegacySignature,
    OtherFilesSignature,
    SignatureFault,
    WrongKey,
)
from hotswap_dev.packing.bad_signatures import bad_signature
from tests.real_client.conftest import Launch
from tests.real_client.scripted_server import ScriptedServer
from tests.unit.packing.poisoned import packed
from tests.unit.packing.signatures import KEY
from tests.unit.packing.trees import grown

SAID: list[tuple[SignatureFault, str]] = [
    (WrongKey(), "The signature was created with a different key than the one provided"),
    (LegacySignature(), "Unexpected signature algorithm"),
    (OtherFilesSignature(), "The signature verification failed"),
    (GarbageSignature(), "base64 decode failed: Invalid symbol 45, offset 7."),
]
each = pytest.mark.parametrize(("fault", "text"), SAID, ids=[fault.name for fault, _ in SAID])


def config(server: ScriptedServer, retries: int = 0) -> dict[str, object]:
    return {
        "endpoint": server.endpoint,
        "pubkey": KEY.public_key,
        "require_https": False,
        "max_retries": retries,
    }


@pytest.mark.real_client
@each
async def test_a_bad_signature_is_refused_by_name_and_leaves_the_running_version_alone(
    fault: SignatureFault, text: str, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    healthy, bundle = packed(tmp_path)
    server.offer(healthy.read_bytes(), bundle.signature, sequence=7)
    client = await launch(config(server))
    assert (await client.check()).available
    _ = (await client.apply()).value
    await client.notify_ready()
    before = grown(client.folder)
    server.offer(healthy.read_bytes(), bad_signature(fault, healthy, KEY), sequence=8)
    server.checks.clear()
    server.downloads.clear()

    checked = await client.check()
    applied = await client.apply()

    assert checked.available
    assert checked.events == ("check-start", "check-complete")
    assert applied.error == f"signature verification failed: {text}"
    assert applied.events == ("download-start",), "no event tells that it failed"
    assert (len(server.checks), len(server.downloads)) == (1, 1)
    assert grown(client.folder) == before
    assert await client.sequence() == 7

    client = await launch(config(server))
    assert client.started.value["sequence"] == 7
    assert (await client.check()).available, "it is offered again, and fails again"


@pytest.mark.real_client
@each
async def test_a_bad_signature_is_not_tried_again_whatever_max_retries_says(
    fault: SignatureFault, text: str, launch: Launch, server: ScriptedServer, tmp_path: Path
) -> None:
    healthy, _ = packed(tmp_path)
    server.offer(healthy.read_bytes(), bad_signature(fault, healthy, KEY))
    client = await launch(config(server, retries=3))
    assert (await client.check()).available

    said = await client.download()

    assert said.error == f"signature verification failed: {text}"
    assert len(server.downloads) == 1
    assert grown(client.folder) == {}
