"""One check by the reference client, and where that is wanted an apply after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.cli.checked import Applied, Checked, Exchange, Subject, apply_lines, check_lines
from hotswap_dev.client.updater import Disk, Memory, Updater
from hotswap_dev.domain.model import Manifest
from hotswap_dev.packing.signing import short_name

Say = Callable[[str], None]

pause = asyncio.sleep
"""Waits between two attempts at a download, so many seconds."""

_META = "hotswap-meta.json"


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be done, as which app."""

    config: Mapping[str, Any]
    """`plugins.hotswap` of its Tauri config."""
    binary_version: str
    platform: str | None
    """None for this machine's, and so for the arch."""
    arch: str | None
    sequence: int | None
    """What runs; None for what lies in `folder`, or the embedded page."""
    folder: Path | None
    """Where an offer is applied; None where it is not."""
    confirm: bool
    """Whether the applied page calls notifyReady()."""


async def check_once(asked: Asked, say: Say | None) -> tuple[Checked, Applied | None]:
    """Do it. `say` gets the lines for people as it goes.

    LaunchRefused where no app would start with such a config.
    """
    seen: list[Exchange] = []
    async with (
        aiohttp.ClientSession(
            trace_configs=[_watching(seen)], cookie_jar=aiohttp.DummyCookieJar()
        ) as session,
        Updater(
            asked.config,
            binary_version=asked.binary_version,
            storage=Memory() if asked.folder is None else Disk(asked.folder),
            platform=asked.platform,
            arch=asked.arch,
            session=session,
            sleep=_waiting(say),
        ) as app,
    ):
        if asked.sequence is not None:
            app.app = replace(app.app, sequence=asked.sequence)
        if say is not None and app.started.did not in ("embedded", "keep"):
            for line in app.started.log:
                say(line)
        outcome = await app.check()
        checked = Checked(
            subject=Subject(
                sequence=app.app.sequence,
                binary_version=asked.binary_version,
                headers=tuple(asked.config["headers"]),
            ),
            outcome=outcome,
            exchange=seen[-1] if seen else None,
        )
        if say is not None:
            for line in check_lines(checked):
                say(line)
        if asked.folder is None or outcome.manifest is None or not outcome.available:
            return checked, None
        applied = await _applied(app, asked, asked.folder, outcome.manifest)
        if say is not None:
            for line in apply_lines(applied):
                say(line)
        return checked, applied


async def _applied(app: Updater, asked: Asked, folder: Path, manifest: Manifest) -> Applied:
    outcome = await app.apply()
    well = outcome.error is None
    ready = await app.notify_ready() if well and asked.confirm else None
    files, size = await asyncio.to_thread(_weighed, folder / f"seq-{manifest.sequence}") if well else (0, 0)
    return Applied(
        outcome=outcome,
        manifest=manifest,
        key=short_name(asked.config["pubkey"]),
        ready=ready,
        folder=folder,
        files=files,
        bytes=size,
    )


def _weighed(version: Path) -> tuple[int, int]:
    """Files and bytes of an extracted bundle, without what the plugin keeps beside them."""
    sizes = [path.stat().st_size for path in version.rglob("*") if path.is_file() and path != version / _META]
    return len(sizes), sum(sizes)


def _waiting(say: Say | None) -> Callable[[float], Any]:
    async def wait(seconds: float) -> None:
        if say is not None:
            say(f"{'':10}the download failed: next attempt in {seconds:g} s")
        await pause(seconds)

    return wait


def _watching(seen: list[Exchange]) -> aiohttp.TraceConfig:
    """Keeps each answer's head, and the body of one that is read at once, as a check's is."""
    watch = aiohttp.TraceConfig()

    async def head(_: object, __: object, ended: aiohttp.TraceRequestEndParams) -> None:
        answer = ended.response
        seen.append(
            Exchange(
                url=str(ended.url),
                status=answer.status,
                reason=answer.headers.get("X-Hotswap-Reason"),
                body=None,
            )
        )

    async def body(_: object, __: object, received: aiohttp.TraceResponseChunkReceivedParams) -> None:
        if seen:
            seen[-1] = replace(seen[-1], body=received.chunk)

    watch.on_request_end.append(head)
    watch.on_response_chunk_received.append(body)
    return watch
