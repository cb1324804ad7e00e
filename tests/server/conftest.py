"""Servers in this process, each with a workspace and a key of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.packing.signing import SigningKey, new_key
from hotswap_dev.server.run import ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome
from tests.server.asking import Asking, write_frontend

Serve = Callable[..., AbstractAsyncContextManager[Asking]]

_ENGINE_FIELDS = {field.name for field in dataclasses.fields(EngineOptions)}


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return new_key()


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return write_frontend(tmp_path / "dist")


@pytest.fixture
def serve(tmp_path: Path, key: SigningKey) -> Serve:
    """`async with serve(dist=…, host=…) as server`: options of the engine and of the server, by their names.

    Without `dist` nothing is watched. Each one started in a test has the same workspace.
    """

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Asking]:
        engine: dict[str, Any] = {"dist": None, "app_version": "0.1.0", "channel": "production"}
        engine |= {name: changes.pop(name) for name in _ENGINE_FIELDS & changes.keys()}
        signs = changes.pop("key", key)
        options = ServerOptions(
            **{
                "engine": EngineOptions(**engine),
                "workspace": tmp_path / "w",
                "app": "my-app",
                "settle": 0.05,
                **changes,
            }
        )
        async with (
            serving(options, signs, KeyHome(tmp_path / "keys")) as running,
            aiohttp.ClientSession(auto_decompress=False) as session,
        ):
            yield Asking(running, session)

    return start


@pytest.fixture
async def server(serve: Serve, dist: Path) -> AsyncIterator[Asking]:
    """A server that offers `dist` as release 1."""
    async with serve() as asking:
        await asking.publish(dist)
        yield asking
