"""`plugins.hotswap` of the Tauri config, read as the plugin reads it.

From `HotswapConfig` in the plugin's lib.rs and the policies in its policy.rs: keys are snake_case in JSON and TOML
alike, unknown keys are ignored in silence, and *any* value of a wrong type makes the app's start fail with nothing
but "missing or invalid 'plugins.hotswap' in tauri.conf.json". So the one that is wrong is named here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

OVERLAID = frozenset({"endpoint", "pubkey", "require_https", "headers"})
"""The keys that our overlays set, so that what the base says of them doesn't matter to a build with `-c`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A value that the plugin can't read."""

    key: str  # in plugins.hotswap; empty where the whole is wrong
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HotswapConfig:
    """What the app's own config says, without our overlay. None is "not said"."""

    present: bool
    endpoint: str | None = None
    pubkey: str | None = None
    channel: str | None = None
    require_https: bool = True  # the plugin's default
    header_names: tuple[str, ...] = ()  # their values may be tokens, and are not kept
    mistakes: tuple[Mistake, ...] = ()


def read_plugin_config(value: object) -> HotswapConfig:
    """`value` is `plugins.hotswap` after the platform file was merged; None where there is none."""
    if value is None:
        return HotswapConfig(present=False)
    if not isinstance(value, Mapping):
        return HotswapConfig(
            present=True,
            mistakes=(Mistake(key="", detail=f"plugins.hotswap is {_shown(value)}, not an object"),),
        )
    headers = value.get("headers")
    https = value.get("require_https")
    return HotswapConfig(
        present=True,
        endpoint=_text(value.get("endpoint")),
        pubkey=_text(value.get("pubkey")),
        channel=_text(value.get("channel")),
        require_https=https if isinstance(https, bool) else True,
        header_names=tuple(headers) if isinstance(headers, Mapping) else (),
        mistakes=tuple(_mistakes(value)),
    )


def _mistakes(config: Mapping[str, object]) -> list[Mistake]:
    mistakes = []
    if config.get("pubkey") is None:
        mistakes.append(Mistake(key="pubkey", detail="plugins.hotswap.pubkey is not set"))
    for key, (reads, wanted) in _READS.items():
        value = config.get(key)
        if value is not None and not reads(value):
            # Headers may be tokens: they are never repeated.
            said = "not" if key == "headers" else f"{_shown(value)}, not"
            mistakes.append(Mistake(key=key, detail=f"plugins.hotswap.{key} is {said} {wanted}"))
    return mistakes


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_whole(bits: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**bits


def _is_one_of(*names: str) -> Callable[[object], bool]:
    # serde takes a variant without content as `{"name": null}` too.
    return lambda value: any(value in (name, {name: None}) for name in names)


def _is_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(header, str) for header in value.values())


def _is_confirmation(value: object) -> bool:
    grace = value.get("grace_period") if isinstance(value, Mapping) and len(value) == 1 else None
    if isinstance(grace, Mapping):
        return _is_whole(32)(grace.get("max_unconfirmed_launches"))
    return _is_one_of("single_launch")(value)


_READS: dict[str, tuple[Callable[[object], bool], str]] = {
    "endpoint": (_is_text, "a text"),
    "pubkey": (_is_text, "a text"),
    "max_bundle_size": (_is_whole(64), "a whole number of bytes"),
    "require_https": (_is_switch, "true or false"),
    "binary_cache_policy": (
        _is_one_of("keep_compatible", "discard_on_upgrade", "never_discard"),
        "keep_compatible, discard_on_upgrade or never_discard",
    ),
    "confirmation_policy": (
        _is_confirmation,
        '"single_launch" or {"grace_period": {"max_unconfirmed_launches": N}}',
    ),
    "rollback_policy": (
        _is_one_of("latest_confirmed", "immediate_previous_confirmed", "embedded_only"),
        "latest_confirmed, immediate_previous_confirmed or embedded_only",
    ),
    "max_retained_versions": (_is_whole(32), "a whole number"),
    "headers": (_is_headers, "an object of texts"),
    "channel": (_is_text, "a text"),
    "max_retries": (_is_whole(32), "a whole number"),
}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _shown(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:59] + "…"
