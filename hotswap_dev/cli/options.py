"""The options that commands share, made of the settings' table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.client.control import ControlClient
from hotswap_dev.settings import SETTINGS, Setting, Settings, resolve
from hotswap_dev.storage.workspace import find_server
from hotswap_dev.wire import ServerFile

WHERE = ("project", "workspace", "debug")
"""What a command needs to find a running server."""


def parameters(names: Sequence[str] | None = None) -> list[click.Parameter]:
    """The named settings as options, or all of them; DIST is an argument and never an option."""
    return [
        _option(setting)
        for setting in SETTINGS
        if setting.name != "dist" and (names is None or setting.name in names)
    ]


def finding_a_server() -> list[click.Parameter]:
    """The options of a command that asks a running server."""
    return [
        click.Option(["--json", "as_json"], is_flag=True, help="print JSON, for scripts"),
        *parameters(WHERE),
    ]


def settle(flags: Mapping[str, Any]) -> Settings:
    """The settings that are in force here and now."""
    return resolve(flags, environ=os.environ, here=Path.cwd())


def running_server(flags: Mapping[str, Any]) -> ServerFile:
    """The server that these flags mean; Unreachable if there is none.

    A workspace that was given is taken at its word: which app it belongs to does not matter then.
    """
    given = flags.get("workspace") or os.environ.get("HOTSWAP_DEV_WORKSPACE")
    return find_server(Path.cwd() / given if given else settle(flags).workspace)


def control(flags: Mapping[str, Any]) -> ControlClient:
    """The running server's control site; Unreachable if there is none."""
    server = running_server(flags)
    return ControlClient(server.control, server.token or "")


def echo_json(value: wire.Json) -> None:
    """Print a value as one line of JSON, on stdout."""
    click.echo(wire.encode(value).decode())


def _option(setting: Setting) -> click.Option:
    names = [f"--{setting.name}", setting.key]
    if setting.kind == "switch":
        return click.Option(names, is_flag=True, help=setting.help)
    return click.Option(names, metavar=setting.metavar, multiple=setting.kind == "texts", help=setting.help)
