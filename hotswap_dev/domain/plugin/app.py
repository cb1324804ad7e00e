"""An app while it runs: what the plugin was configured with, what it remembers, and how a launch begins.

Everything here is a value; `commands.py` has what moves it on (plugin: lib.rs, `HotswapConfig` and `HotswapState`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from hotswap_dev.domain.model import MAX_SEQUENCE, Manifest
from hotswap_dev.domain.plugin.check import LifecycleEvent, insecure_url
from hotswap_dev.domain.plugin.start import Folder, Policies, Start, read_policies, started

DEFAULT_MAX_BUNDLE_SIZE = 512 * 1024 * 1024
"""Bytes (plugin: updater.rs)."""

DEFAULT_MAX_RETRIES = 3


class Config(Struct, frozen=True, kw_only=True):
    """`plugins.hotswap` of a Tauri config, as the plugin reads it."""

    endpoint: str
    pubkey: str
    """As it stands there: only the bare line of 56 characters verifies anything."""
    max_bundle_size: int = DEFAULT_MAX_BUNDLE_SIZE
    require_https: bool = True
    headers: Mapping[str, str] = {}
    channel: str | None = None
    max_retries: int = DEFAULT_MAX_RETRIES
    policies: Policies = Policies()
    zip: bool = True
    """Whether the app was built with the plugin's `zip` feature."""


class App(Struct, frozen=True, kw_only=True):
    """One launch, at one moment between two commands."""

    config: Config
    binary_version: str
    """"" where the Tauri config has none."""
    platform: str
    """As the plugin says it: linux, macos, windows, android, ios."""
    arch: str
    """x86_64, aarch64, x86, arm."""
    folder: Folder
    sequence: int
    """What runs; 0 is the embedded page."""
    version: str | None
    """Of what runs."""
    channel: str | None
    headers: Mapping[str, str]
    """Sent with checks and downloads; `configure()` changes them."""
    endpoint: str | None = None
    """What `configure()` put in the endpoint's place."""
    pending: Manifest | None = None
    """What the last check that ended well offered: kept in memory until it is applied, be it for hours."""


class Emitted(Struct, frozen=True, omit_defaults=True):
    """What goes out on `hotswap://lifecycle` (plugin: updater.rs, `LifecycleEvent`)."""

    event: LifecycleEvent
    version: str | None = None
    sequence: int | None = None
    error: str | None = None


class CheckResult(Struct, frozen=True, kw_only=True):
    """What `checkUpdate()` resolves to (plugin: manifest.rs)."""

    available: bool
    version: str | None = None
    sequence: int | None = None
    notes: str | None = None
    mandatory: bool | None = None
    bundle_size: int | None = None


class VersionInfo(Struct, frozen=True, kw_only=True):
    """What `getVersionInfo()` and `rollback()` resolve to."""

    version: str | None
    sequence: int
    binary_version: str
    active: bool


class RuntimeConfig(Struct, frozen=True, kw_only=True):
    """What `getConfig()` resolves to."""

    channel: str | None
    endpoint: str | None
    headers: Mapping[str, str]


def read_config(plugin_config: Mapping[str, Any] | None, *, zip: bool = True) -> Config | str:  # noqa: A002
    """`plugins.hotswap` as the plugin's `init` reads it, or the text with which it ends the app's start.

    null and absent are the default of a field, unknown ones are passed over. `zip`: as in `Config`.
    """
    try:
        read = msgspec.convert(plugin_config, _Config)
    except msgspec.ValidationError:
        return _NO_CONFIG
    policies = read_policies(plugin_config or {})
    if isinstance(policies, str) or (read.max_bundle_size or 0) > MAX_SEQUENCE:
        return _NO_CONFIG
    if read.endpoint is None:
        return "configuration error: 'endpoint' is required in plugins.hotswap config"
    https = True if read.require_https is None else read.require_https
    refused = insecure_url(read.endpoint, require_https=https)
    if refused is not None:
        return refused
    return Config(
        endpoint=read.endpoint,
        pubkey=read.pubkey,
        max_bundle_size=DEFAULT_MAX_BUNDLE_SIZE if read.max_bundle_size is None else read.max_bundle_size,
        require_https=https,
        headers=read.headers or {},
        channel=read.channel,
        max_retries=DEFAULT_MAX_RETRIES if read.max_retries is None else read.max_retries,
        policies=policies,
        zip=zip,
    )


def launched(
    config: Config, folder: Folder, *, binary_version: str, platform: str = "linux", arch: str = "x86_64"
) -> tuple[App, Start]:
    """A launch over a folder: the app as it runs then, and what happened before any page (its `folder` is to be kept).

    What the launch before had in memory is gone: the pending manifest, and what `configure()` changed.
    """
    start = started(folder, binary_version=binary_version, policies=config.policies)
    running = start.folder.versions.get(start.running)
    app = App(
        config=config,
        binary_version=binary_version,
        platform=platform,
        arch=arch,
        folder=start.folder,
        sequence=start.running,
        version=None if running is None else running.version,
        channel=config.channel,
        headers=config.headers,
    )
    return app, start


def version_info(app: App) -> VersionInfo:
    """What `getVersionInfo()` resolves to."""
    return VersionInfo(
        version=app.version,
        sequence=app.sequence,
        binary_version=app.binary_version,
        active=app.version is not None,
    )


def runtime_config(app: App) -> RuntimeConfig:
    """What `getConfig()` resolves to."""
    return RuntimeConfig(channel=app.channel, endpoint=app.endpoint, headers=app.headers)


_NO_CONFIG = "configuration error: missing or invalid 'plugins.hotswap' in tauri.conf.json"

_WHOLE = Annotated[int, msgspec.Meta(ge=0)]  # msgspec knows no bound above 2^63
_U32 = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class _Config(Struct, frozen=True):
    pubkey: str
    endpoint: str | None = None
    max_bundle_size: _WHOLE | None = None
    require_https: bool | None = None
    headers: dict[str, str] | None = None
    channel: str | None = None
    max_retries: _U32 | None = None
