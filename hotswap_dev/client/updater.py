"""The reference client: an app with the plugin, without an app. It asks any server, verifies, extracts and restarts.

The rules are `hotswap_dev.domain.plugin`'s; here is what they have done to the world. What it does is held to the real
plugin's by `tests/real_client/test_reference_*`: demos, a fleet and `hotswap-dev check` all use this one client.
"""

from __future__ import annotations

import asyncio
import platform as machine
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from hotswap_dev.client.updating.archive import entries
from hotswap_dev.client.updating.bundles import SMALL, done
from hotswap_dev.client.updating.fetching import fetch
from hotswap_dev.client.updating.signature import refusal
from hotswap_dev.client.updating.storage import Disk, Memory, Storage
from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin import (
    Act,
    App,
    Came,
    Command,
    Emitted,
    Get,
    Heard,
    Keep,
    Received,
    Start,
    Tell,
    TooLarge,
    Unanswered,
    Verify,
    Wait,
    commands,
    launched,
    read_config,
    version_info,
)
from hotswap_dev.domain.plugin.app import Config, VersionInfo
from hotswap_dev.errors import HotswapError

__all__ = ["Disk", "LaunchRefused", "Memory", "Outcome", "Request", "Storage", "Updater", "here"]

_T = TypeVar("_T")

Sleep = Callable[[float], Awaitable[None]]
Listener = Callable[[Emitted], None]


class LaunchRefused(HotswapError):
    """The plugin's `init` would end the app at its start; `message` is the plugin's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET of a command, with the redirects that it followed."""

    url: str
    asked: tuple[str, ...]
    """The address of each request, the first included; none where nothing could be asked."""
    status: int | None
    """None where no answer came, or it was hung up on for its size."""
    body: int | None
    """Bytes of the body; None where it did not come whole."""
    seconds: float
    reason: str | None = None
    """What the answer says under `X-Hotswap-Reason`; None where it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command came to: what the page hears, and what a person may want to know besides."""

    result: Any
    """What the promise resolves to: a CheckResult, a VersionInfo, the version as text, or None."""
    error: str | None
    """The text with which it rejects, word for word the plugin's; None where it resolves."""
    lifecycle: tuple[Emitted, ...]
    requests: tuple[Request, ...]
    manifest: Manifest | None
    """What is pending after a check; what was pending before any other command."""
    signed: bool | None
    """Whether the signature fits; None where it was not looked at."""

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the lifecycle events, in order."""
        return tuple(emitted.event for emitted in self.lifecycle)

    @property
    def available(self) -> bool:
        """For a check: whether it offers an update."""
        return (
            self.error is None and self.result is not None and bool(getattr(self.result, "available", False))
        )


def here() -> tuple[str, str]:
    """Platform and arch of this machine, as the plugin says them."""
    names = {"darwin": "macos", "win32": "windows"}
    arches = {"amd64": "x86_64", "arm64": "aarch64", "i386": "x86", "i686": "x86"}
    platform = names.get(sys.platform, "linux" if sys.platform.startswith("linux") else "unknown")
    arch = machine.machine().lower()
    return platform, arches.get(arch, "arm" if arch.startswith("armv") else arch)


class Updater:
    """One app, from launch to launch. `async with Updater(config, binary_version=…) as app:` is its first launch.

    `config` is `plugins.hotswap` of a Tauri config. `storage` outlives it: a `Memory` unless given, `Disk(folder)` for
    the plugin's layout. `session` is shared if given, else its own; give one with a `DummyCookieJar`: the plugin keeps
    no cookies. `sleep` waits between a download's attempts (1 to 16 s each). `listener` is told each lifecycle event
    as it happens. Commands go one after the other, as a lock sees to; cancelled, one leaves the app as it was before.

    LaunchRefused on entering where the plugin would not start: config missing or not readable, http under
    `require_https`.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        *,
        binary_version: str,
        storage: Storage | None = None,
        platform: str | None = None,
        arch: str | None = None,
        session: aiohttp.ClientSession | None = None,
        sleep: Sleep = asyncio.sleep,
        listener: Listener | None = None,
        zip: bool = True,  # noqa: A002
    ) -> None:
        self.storage: Storage = Memory() if storage is None else storage
        self.app: App
        """The app as it is now: what runs, what is pending, what lies in its folder."""
        self.started: Start
        """What the last launch did before any page ran, and the log of it."""
        own = here()
        self._config = config
        self._zip = zip
        self._binary_version = binary_version
        self._platform, self._arch = platform or own[0], arch or own[1]
        self._session = session
        self._own_session = session is None
        self._sleep = sleep
        self._listener = listener
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        config = read_config(self._config, zip=self._zip)
        if isinstance(config, str):
            raise LaunchRefused(config, "change `plugins.hotswap` in the Tauri config", code="launch-refused")
        if self._session is None:
            # The plugin keeps no cookie.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        await self._launch(config)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own_session and self._session is not None:
            await self._session.close()
            self._session = None

    async def check(self) -> Outcome:
        """`checkUpdate()`: one request, at most 15 s."""
        return await self._obeyed(commands.check)

    async def apply(self) -> Outcome:
        """`applyUpdate()`: download, verify, extract, activate what the last check offered."""
        return await self._obeyed(commands.apply)

    async def download(self) -> Outcome:
        """`downloadUpdate()`."""
        return await self._obeyed(commands.download)

    async def activate(self) -> Outcome:
        """`activateUpdate()`."""
        return await self._obeyed(commands.activate)

    async def rollback(self) -> Outcome:
        """`rollback()`."""
        return await self._obeyed(commands.rollback)

    async def notify_ready(self) -> Outcome:
        """`notifyReady()`: it makes no request."""
        return await self._obeyed(commands.notify_ready)

    async def configure(
        self,
        *,
        channel: str | None = None,
        endpoint: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Outcome:
        """`configure({channel, endpoint, headers})`, until the next launch; None leaves what is."""
        async with self._turn:
            before = self.app
            heard = commands.configured(before, channel=channel, endpoint=endpoint, headers=headers)
            self.app = heard.app
        return Outcome(
            result=None, error=heard.error, lifecycle=(), requests=(), manifest=before.pending, signed=None
        )

    async def restart(self, binary_version: str | None = None) -> Start:
        """End the app and launch it again, as another binary where one is given; what happened before any page."""
        async with self._turn:
            if binary_version is not None:
                self._binary_version = binary_version
            await self._launch(self.app.config)
        return self.started

    @property
    def version(self) -> VersionInfo:
        """`getVersionInfo()`."""
        return version_info(self.app)

    async def _launch(self, config: Config) -> None:
        found = await self._stored(self.storage.read)
        self.app, self.started = launched(
            config,
            found,
            binary_version=self._binary_version,
            platform=self._platform,
            arch=self._arch,
        )
        if self.app.folder != found:
            # What fails here the plugin only logs; the launch goes on.
            await self._stored(lambda: self.storage.keep(found, self.app.folder))

    async def _obeyed(self, command: Callable[[App], Command]) -> Outcome:
        if self._session is None:
            raise RuntimeError("this app is not running: enter it with `async with`")
        async with self._turn:
            run = _Run(self._session, self.storage, self._sleep, self._listener)
            before = self.app
            heard = await run.driven(command(before))
            self.app = heard.app
        return Outcome(
            result=heard.result,
            error=heard.error,
            lifecycle=tuple(run.lifecycle),
            requests=tuple(run.requests),
            manifest=heard.app.pending if command is commands.check else before.pending,
            signed=run.signed,
        )

    async def _stored(self, work: Callable[[], _T]) -> _T:
        return await done(isinstance(self.storage, Memory), work)


class _Run:
    """One command on its way."""

    def __init__(
        self, session: aiohttp.ClientSession, storage: Storage, sleep: Sleep, listener: Listener | None
    ) -> None:
        self.lifecycle: list[Emitted] = []
        self.requests: list[Request] = []
        self.signed: bool | None = None
        self._session = session
        self._storage = storage
        self._sleep = sleep
        self._listener = listener

    async def driven(self, command: Command) -> Heard:
        came: Came = None
        while True:
            try:
                act = command.send(came)
            except StopIteration as ended:
                heard: Heard = ended.value
                return heard
            came = await self._came(act)

    async def _came(self, act: Act) -> Came:
        storage = self._storage
        in_memory = isinstance(storage, Memory)
        if isinstance(act, Tell):
            self.lifecycle.append(act.event)
            if self._listener is not None:
                self._listener(act.event)
            return None
        if isinstance(act, Get):
            return await self._got(act)
        if isinstance(act, Wait):
            await self._sleep(act.seconds)
            return None
        if isinstance(act, Keep):
            return await done(in_memory, lambda: storage.keep(act.before, act.after, tidy=act.tidy))
        small = len(act.bundle) <= SMALL
        if isinstance(act, Verify):
            refused = await done(small, lambda: refusal(act.bundle, act.signature, act.pubkey))
            self.signed = refused is None
            return refused
        return await done(
            small and in_memory, lambda: storage.extract(entries(act.bundle, act.format), act.manifest)
        )

    async def _got(self, get: Get) -> Received | TooLarge | Unanswered:
        asked: list[str] = []
        begun = time.monotonic()
        heads: list[Mapping[str, str]] = []
        came = await fetch(self._session, get, asked, heads)
        received = came if isinstance(came, Received) else None
        body = None if received is None else received.body
        self.requests.append(
            Request(
                url=get.url,
                asked=tuple(asked),
                status=None if received is None else received.status,
                body=None if body is None else len(body),
                seconds=time.monotonic() - begun,
                reason=heads[-1].get("X-Hotswap-Reason") if heads else None,
            )
        )
        return came
