"""The start and the folder: what the next launch runs, and what apply, confirm and roll back leave behind.

The plugin decides before any JavaScript runs and without any event: its log is the only word on why (plugin:
updater.rs, `check_compatibility`). Three things can take a bundle away: the binary is too old (it stays on the disk),
the binary is newer than the bundle's minimum (deleted), nobody confirmed it (deleted, and an older one takes over).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin.check import read_version

BinaryCache = Literal["discard_on_upgrade", "keep_compatible", "never_discard"]
Rollback = Literal["latest_confirmed", "immediate_previous_confirmed", "embedded_only"]

Did = Literal["embedded", "keep", "discard", "roll-back", "set-aside"]
"""`set-aside`: the embedded page runs, and the folder stays as it is: a later start may run the bundle."""

EMBEDDED = 0
"""What the plugin reports as its sequence while the embedded page runs."""

_NO_VERSION = (
    "warn: [hotswap] No 'version' set in tauri.conf.json. "
    "Binary compatibility checks will not work correctly."
)
_NO_CONFIG = "missing or invalid 'plugins.hotswap' in tauri.conf.json"


class Cached(Struct, frozen=True, kw_only=True):
    """A version on the disk, as its `hotswap-meta.json` has it (plugin: manifest.rs, `HotswapMeta`)."""

    version: str
    sequence: int
    min_binary_version: str
    confirmed: bool = False
    unconfirmed_launch_count: int = 0


class Folder(Struct, frozen=True, kw_only=True):
    """The plugin's folder: the pointer `current`, and the `seq-N` beside it.

    A version is None where its metadata can't be read; `current` None where the pointer is missing or means nothing.
    """

    current: int | None = None
    versions: Mapping[int, Cached | None] = {}
    path: str = "hotswap"

    def place(self, sequence: int) -> str:
        """Where a version lies."""
        return f"{self.path}/seq-{sequence}"


class Policies(Struct, frozen=True, kw_only=True):
    """The plugin's four policies; the defaults are its own (plugin: policy.rs, lib.rs).

    `max_unconfirmed_launches` 0 is `single_launch`, more is `grace_period`; `max_retained_versions` below 2 is 2.
    """

    binary_cache: BinaryCache = "discard_on_upgrade"
    max_unconfirmed_launches: int = 0
    rollback: Rollback = "latest_confirmed"
    max_retained_versions: int = 2


class Start(Struct, frozen=True, kw_only=True):
    """What a launch does before any page runs."""

    did: Did
    running: int
    """The sequence that it runs and reports; 0 is the embedded page."""
    folder: Folder
    """As it is afterwards."""
    log: tuple[str, ...] = ()
    """What the plugin logs of it, each line behind its level: the only word on why."""


def started(folder: Folder, *, binary_version: str, policies: Policies = Policies()) -> Start:  # noqa: B008
    """What the next launch of an app of this version does with the folder (plugin: `check_compatibility`).

    The order is the plugin's: pointer, metadata, both versions readable, binary old enough, cache policy,
    confirmation. What a rollback puts in place is not looked at in the same launch: the next one asks whether its
    binary fits.
    """
    start = _started(folder, binary_version, policies)
    first = () if binary_version else (_NO_VERSION,)
    return replace(start, log=(*first, *start.log, _serving(start)))


def rolled_back(folder: Folder, policies: Policies = Policies()) -> tuple[int, Folder, tuple[str, ...]]:  # noqa: B008
    """`rollback()`, from the page or at a start: what runs then, the folder, and the log (plugin: `rollback`).

    The version that the pointer names is deleted, whether or not it was confirmed; without a pointer nothing happens,
    and the embedded page runs.
    """
    current = folder.current
    if current is None:
        return EMBEDDED, folder, ()
    rest = {sequence: cached for sequence, cached in folder.versions.items() if sequence != current}
    target = _target(current, rest, policies.rollback)
    after = replace(folder, current=target, versions=rest)
    if target is None:
        line = "info: [hotswap] Rolled back to embedded assets (no valid previous version)"
        return EMBEDDED, after, (line,)
    return target, after, (f"info: [hotswap] Rolled back to seq-{target}",)


def downloaded(folder: Folder, manifest: Manifest) -> Folder:
    """`downloadUpdate()` that went well: unconfirmed in the folder, in place of what had its number; not yet run."""
    made = Cached(
        version=manifest.version, sequence=manifest.sequence, min_binary_version=manifest.min_binary_version
    )
    return replace(folder, versions={**folder.versions, manifest.sequence: made})


def activated(folder: Folder, sequence: int, policies: Policies = Policies()) -> Folder:  # noqa: B008
    """`activateUpdate()`, and the second half of `applyUpdate()`: the pointer moves, old versions are deleted.

    What stays (plugin: `cleanup_old_versions`): this one, what a rollback would choose, and the highest others, up to
    `max_retained_versions` in all.
    """
    kept = {sequence}
    candidate = _target(sequence, folder.versions, policies.rollback)
    if candidate is not None:
        kept.add(candidate)
    for other in sorted(folder.versions, reverse=True):
        if len(kept) >= max(policies.max_retained_versions, 2):
            break
        if folder.versions[other] is not None:
            kept.add(other)
    return replace(
        folder,
        current=sequence,
        versions={other: cached for other, cached in folder.versions.items() if other in kept},
    )


def confirmed(folder: Folder, running: int) -> Folder:
    """`notifyReady()` while `running` runs: it is confirmed for good (plugin: commands.rs, `hotswap_notify_ready`)."""
    cached = folder.versions.get(running)
    if cached is None:
        return folder
    ready = replace(cached, confirmed=True, unconfirmed_launch_count=0)
    return replace(folder, versions={**folder.versions, running: ready})


def read_policies(plugin_config: Mapping[str, Any]) -> Policies | str:
    """The policies in `plugins.hotswap` of a Tauri config, or the text with which the plugin's `init` refuses them.

    null and absent are the default (plugin: lib.rs, `HotswapConfig`; serde's shapes in policy.rs).
    """
    try:
        config = msgspec.convert(plugin_config, _Config)
    except msgspec.ValidationError:
        return _NO_CONFIG
    grace = config.confirmation_policy
    return Policies(
        binary_cache=config.binary_cache_policy or "discard_on_upgrade",
        max_unconfirmed_launches=grace.grace_period.max_unconfirmed_launches
        if isinstance(grace, _Grace)
        else 0,
        rollback=config.rollback_policy or "latest_confirmed",
        max_retained_versions=2 if config.max_retained_versions is None else config.max_retained_versions,
    )


def _started(folder: Folder, binary_version: str, policies: Policies) -> Start:
    current = folder.current
    if current is None:
        return Start(did="embedded", running=EMBEDDED, folder=folder)
    if current not in folder.versions:
        return _set_aside(folder, f"Current pointer references missing dir: {folder.place(current)}")
    cached = folder.versions[current]
    if cached is None:
        return _set_aside(
            folder, f"Failed to read metadata from {folder.place(current)}. Falling back to embedded."
        )
    required = read_version(cached.min_binary_version)
    if isinstance(required, str):
        return _unreadable(folder, "min_binary_version", cached.min_binary_version, required)
    own = read_version(binary_version)
    if isinstance(own, str):
        return _unreadable(folder, "binary_version", binary_version, own)
    if own < required:
        return _set_aside(
            folder,
            f"Cached v{cached.version} requires binary >= {cached.min_binary_version}, current is "
            f"{binary_version}. Falling back to embedded.",
        )
    if policies.binary_cache == "discard_on_upgrade" and own > required:
        rest = {sequence: other for sequence, other in folder.versions.items() if sequence != current}
        line = (
            f"info: [hotswap] Binary cache policy discards cached v{cached.version} "
            f"(binary={binary_version}, min={cached.min_binary_version})."
        )
        after = replace(folder, current=None, versions=rest)
        return Start(did="discard", running=EMBEDDED, folder=after, log=(line,))
    if cached.confirmed:
        return Start(did="keep", running=current, folder=folder)
    if cached.unconfirmed_launch_count < policies.max_unconfirmed_launches:
        count = cached.unconfirmed_launch_count + 1
        counted = replace(cached, unconfirmed_launch_count=count)
        return Start(
            did="keep",
            running=current,
            folder=replace(folder, versions={**folder.versions, current: counted}),
            log=(f"info: [hotswap] v{cached.version} unconfirmed (launch {count}), keeping for now.",),
        )
    running, after, log = rolled_back(folder, policies)
    line = f"warn: [hotswap] v{cached.version} was not confirmed (notifyReady not called). Rolling back."
    return Start(did="roll-back", running=running, folder=after, log=(line, *log))


def _serving(start: Start) -> str:
    """The last line of every start (plugin: assets.rs)."""
    if start.running == EMBEDDED:
        return "info: [hotswap] No cached assets found, using embedded assets"
    return f"info: [hotswap] Serving assets from: {start.folder.place(start.running)}"


def _set_aside(folder: Folder, line: str) -> Start:
    return Start(did="set-aside", running=EMBEDDED, folder=folder, log=(f"warn: [hotswap] {line}",))


def _unreadable(folder: Folder, name: str, text: str, refusal: str) -> Start:
    return _set_aside(folder, f"Invalid semver in {name} '{text}': {refusal}. Falling back to embedded.")


def _target(current: int, versions: Mapping[int, Cached | None], policy: Rollback) -> int | None:
    """What a rollback from `current` puts in its place; None is the embedded page (plugin: `select_target`)."""
    if policy == "embedded_only":
        return None
    candidates = (
        sequence
        for sequence, cached in versions.items()
        if cached is not None and cached.confirmed and (policy == "latest_confirmed" or sequence < current)
    )
    return max(candidates, default=None)


_U32 = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class _GracePeriod(Struct, frozen=True):
    max_unconfirmed_launches: _U32


class _Grace(Struct, frozen=True, forbid_unknown_fields=True):
    grace_period: _GracePeriod


class _Config(Struct, frozen=True):
    binary_cache_policy: BinaryCache | None = None
    confirmation_policy: Literal["single_launch"] | _Grace | None = None
    rollback_policy: Rollback | None = None
    max_retained_versions: _U32 | None = None
