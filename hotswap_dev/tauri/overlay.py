"""The two config files that point an app at this server without its own config being edited.

`tauri build -c FILE` merges them over the base by RFC 7396. The base is never changed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.document import kebab_case
from hotswap_dev.tauri.project import TauriProject

DESKTOP_NAME = "tauri.dev.conf.json"
MOBILE_NAME = "tauri.mobile.conf.json"
IDENTIFIER_SUFFIX = ".hotswapdev"
"""Letters only: the Tauri CLI takes letters, digits, `-` and `.` in an identifier (its build.rs)."""

_PUBKEY = re.compile(r"RW[A-Za-z0-9+/]{54}")
_NOT_IN_A_PRODUCT_NAME = re.compile(r'[/\\:*?"<>|]')  # `productName`'s pattern in Tauri's schema


def desktop_overlay(
    project: TauriProject, *, endpoint: str, pubkey: str, same_identifier: bool = False
) -> dict[str, Any]:
    """What a desktop debug build needs laid over its config.

    With an identifier and product name of its own unless `same_identifier`: two builds of one identifier share the
    plugin's folder, whose bundles are not verified again at start, so the installed app would run dev bundles.
    The channel is left to the app. HotswapError `bad-pubkey` where `pubkey` is not the bare `RW…` line.
    """
    overlay = _plugin(endpoint, pubkey)
    identifier = effective_identifier(project, same_identifier)
    if same_identifier or identifier is None:
        return overlay
    overlay["identifier"] = identifier
    overlay["productName"] = _NOT_IN_A_PRODUCT_NAME.sub("-", project.name) + " (hotswap-dev)"
    kebab = kebab_case("productName")
    if kebab in project.merged:
        # Tauri reads it as the same key, and two of them as a duplicate field: the base's must go.
        overlay[kebab] = None
    return overlay


def mobile_overlay(*, endpoint: str, pubkey: str) -> dict[str, Any]:
    """What a phone's build needs laid over its config.

    The identifier stays: signing and the generated projects hang on it. Errors as of `desktop_overlay`.
    """
    return _plugin(endpoint, pubkey)


def effective_identifier(project: TauriProject, same_identifier: bool) -> str | None:
    """The identifier of the app that the desktop build line makes; None where the config has none."""
    if project.identifier is None or same_identifier:
        return project.identifier
    return project.identifier + IDENTIFIER_SUFFIX


def write_overlays(
    workspace: Path,
    project: TauriProject,
    *,
    endpoint: str,
    pubkey: str,
    mobile_endpoint: str | None = None,
    same_identifier: bool = False,
) -> tuple[Path, Path]:
    """Write both files into `workspace`, whole or not at all; (desktop, mobile).

    `mobile_endpoint` is the one that a phone reaches, else `endpoint`. HotswapError `workspace-not-writable` where
    it can't be done.
    """
    desktop = desktop_overlay(project, endpoint=endpoint, pubkey=pubkey, same_identifier=same_identifier)
    mobile = mobile_overlay(endpoint=mobile_endpoint or endpoint, pubkey=pubkey)
    return _write(workspace / DESKTOP_NAME, desktop), _write(workspace / MOBILE_NAME, mobile)


def _plugin(endpoint: str, pubkey: str) -> dict[str, Any]:
    if not _PUBKEY.fullmatch(pubkey):
        # The plugin would find out only after a whole download (`PublicKey::from_base64` in its updater.rs).
        raise HotswapError(
            f"{pubkey!r:.80} is not a public key that the plugin can read",
            "it takes the bare line of 56 characters that begins with RW",
            code="bad-pubkey",
        )
    hotswap = {
        "endpoint": endpoint,
        "pubkey": pubkey,
        "require_https": False,  # else the app ends at its start over an http endpoint
        "headers": None,  # drops the app's production tokens: they are nothing that this server should be sent
    }
    return {"plugins": {"hotswap": hotswap}}


def _write(path: Path, overlay: dict[str, Any]) -> Path:
    # One fixed name: what a killed process left is overwritten by the next start.
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(overlay, indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise HotswapError(
            f"{path} can't be written: {error.strerror}",
            "make the workspace writable, or give another folder with --workspace",
            code="workspace-not-writable",
        ) from None
    return path
