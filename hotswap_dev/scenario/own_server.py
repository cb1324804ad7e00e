"""A server for one scenario: a workspace, a key and a watched folder of its own, all gone when it is over."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.packing.signing import key_forms, new_key
from hotswap_dev.scenario.meeting import Meeting
from hotswap_dev.server.run import ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome

SETTLE = 0.05
"""Seconds without a change after which a save is finished: nobody else writes there, so a build never pauses."""

_LOG = "server.log"


@asynccontextmanager
async def own_server(
    *,
    app_version: str = "1.0.0",
    app: str = "scenario",
    keep: bool = False,
    log_to: Callable[[Path], None] | None = None,
) -> AsyncIterator[tuple[Meeting, Path]]:
    """A server in this process, and the folder that holds all of it: `.hotswap-dev` and `dist`.

    It listens on this machine alone, at a port that was free, and nothing has been published. The folder goes at the
    end, however that comes, unless `keep`. `log_to` is told the file for what libraries log.
    """
    folder = Path(tempfile.mkdtemp(prefix="hotswap-dev-scenario-"))
    try:
        workspace, watched = folder / ".hotswap-dev", folder / "dist"
        watched.mkdir()
        workspace.mkdir(mode=0o700)
        if log_to is not None:
            log_to(workspace / _LOG)
        home, key = KeyHome(workspace), new_key()
        if keep:  # whoever goes on with it signs with the same one
            home.read_or_make_key(lambda: key_forms(key).secret_file)
        options = ServerOptions(
            engine=EngineOptions(dist=watched, app_version=app_version, channel="production"),
            workspace=workspace,
            app=app,
            settle=SETTLE,
            settle_widens=False,
        )
        async with serving(options, key, home) as running:
            file = running.file
            yield (
                Meeting(
                    site=file.site,
                    pubkey=file.pubkey,
                    control=file.control,
                    token=file.token or "",
                    watched=watched,
                ),
                folder,
            )
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
