"""Fixtures around the actual plugin. Every test in this folder is marked `real_client`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.real_client.driver import ANSWER_LIMIT, IDENTIFIER, RealClient, built_driver, missing_requirement
from tests.real_client.scripted_server import ScriptedServer

FOLDER = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.real_client)
            # The first test's set-up may compile for minutes; the limit is the test's own.
            item.add_marker(pytest.mark.timeout(60, func_only=True))


@pytest.fixture(scope="session")
def real_client_binary() -> Path:
    """The driver around the real plugin. Skipped with its reason where it can't be built, and there a failure if
    HOTSWAP_DEV_REQUIRE_REAL_CLIENT=1."""
    reason = missing_requirement()
    if reason is None:
        return built_driver()
    if os.environ.get("HOTSWAP_DEV_REQUIRE_REAL_CLIENT") == "1":
        pytest.fail(f"the real client is required here, and {reason}")
    pytest.skip(reason)


@pytest.fixture
async def server(aiohttp_server: Callable[[web.Application], Awaitable[TestServer]]) -> ScriptedServer:
    """A server that answers as the test says."""
    scripted = ScriptedServer()
    running = await aiohttp_server(scripted.application())
    scripted.origin = str(running.make_url("")).rstrip("/")
    return scripted


class Launch(Protocol):
    """Start the app. Started again with the same data and identifier, it is a restart: the launch before ends first."""

    async def __call__(
        self,
        config: Mapping[str, Any] | None,
        *,
        version: str | None = "0.1.0",
        identifier: str = IDENTIFIER,
        data: Path | None = None,
        static_manifest: str | None = None,
        embedded: Mapping[str, str] | None = None,
        limit: float = ANSWER_LIMIT,
    ) -> RealClient: ...


@pytest.fixture
async def launch(real_client_binary: Path, tmp_path: Path) -> AsyncIterator[Launch]:
    """`client = await launch(config)`; all launches are ended after the test. `data` defaults to one per test."""
    running: dict[Path, RealClient] = {}

    async def start(
        config: Mapping[str, Any] | None,
        *,
        version: str | None = "0.1.0",
        identifier: str = IDENTIFIER,
        data: Path | None = None,
        static_manifest: str | None = None,
        embedded: Mapping[str, str] | None = None,
        limit: float = ANSWER_LIMIT,
    ) -> RealClient:
        client = RealClient(
            real_client_binary,
            data or tmp_path / "app-data",
            config,
            identifier,
            version,
            static_manifest=static_manifest,
            embedded=embedded,
            limit=limit,
        )
        before = running.pop(client.folder, None)
        if before is not None:
            await before.close()
        running[client.folder] = await client.__aenter__()
        return client

    try:
        yield start
    finally:
        for client in running.values():
            await client.close()
