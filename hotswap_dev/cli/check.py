"""`check`: one check as an app with the plugin does it, against any server, and what the plugin would make of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from hotswap_dev.cli.checked import told_json
from hotswap_dev.cli.checking import Asked, check_once
from hotswap_dev.cli.options import WHERE, echo_json, finding_a_server, running_server, settle
from hotswap_dev.cli.secret_values import secret_in
from hotswap_dev.cli.words import ChannelWord, Switch, Whole
from hotswap_dev.client.updater import LaunchRefused
from hotswap_dev.domain.checks import ARCHES, PLATFORMS
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.errors import HotswapError, Unreachable, UsageError
from hotswap_dev.packing.signing import parse_public_key

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
"""A header's name and value (RFC 9110, sections 5.1 and 5.5)."""

_PLACEHOLDER = "{{current_sequence}}"


@click.command(params=finding_a_server())
@click.argument("url", required=False, metavar="[URL]")
@click.option(
    "--apply", "folder", metavar="DIR", help="download, verify and extract what is offered into DIR"
)
@click.option(
    "--confirm", is_flag=True, help="with --apply: call notifyReady() afterwards, as the new page does"
)
@click.option(
    "--sequence", type=Whole(sequence=False, nullable=False), help="what runs (default: DIR's, else 0)"
)
@click.option("--binary-version", metavar="V", help="the app's version (default: the project's)")
@click.option("--platform", type=click.Choice(PLATFORMS), help="(default: this machine's)")
@click.option("--arch", type=click.Choice(ARCHES), help="(default: this machine's)")
@click.option(
    "--channel", type=ChannelWord(), metavar="NAME", help="what to ask for (default: none is named)"
)
@click.option(
    "--header",
    "headers",
    metavar="NAME=VALUE",
    multiple=True,
    help="sent with all; NAME=@FILE reads the value (may be repeated)",
)
@click.option("--pubkey", metavar="RW…", help="line or file (default: the running server's)")
@click.option("--require-https", type=Switch(), metavar="on|off", help="(default: off where URL is http://)")
def check(
    as_json: bool,
    url: str | None,
    folder: str | None,
    confirm: bool,
    sequence: int | None,
    binary_version: str | None,
    headers: tuple[str, ...],
    pubkey: str | None,
    require_https: bool | None,
    **given: Any,
) -> None:
    """Check for an update as an app with the plugin does, and say what the plugin makes of the answer.

    URL is an endpoint as it stands in an app's config (default: the running server's); {{current_sequence}} in it is
    replaced. DIR gets the plugin's own layout, and is what runs at the next check --apply DIR. Exit 1 where the plugin
    would reject.

    \b
    hotswap-dev check
    hotswap-dev check --apply out
    hotswap-dev check 'https://example.com/api/ota/{{current_sequence}}' --sequence 5 --header X-API-Key=@key.txt
    """  # noqa: D301 - click's mark for lines that stay as they are
    where = {name: given.pop(name) for name in WHERE}
    if folder is None and confirm:
        raise UsageError("--confirm means nothing without --apply", "name the folder: --apply out")
    if sequence is not None and not 0 <= sequence <= MAX_SEQUENCE:
        raise UsageError(f"--sequence is {sequence}", f"expected is a whole number from 0 to {MAX_SEQUENCE}")
    if folder is not None and Path(folder).exists() and not Path(folder).is_dir():
        raise UsageError(f"--apply {folder} is no folder", "name one, or one that is not there yet")
    endpoint = url or running_server(where).endpoint
    config = {
        "endpoint": endpoint,
        "pubkey": _pubkey(pubkey, where, needed=folder is not None),
        "require_https": not endpoint.lower().startswith("http://")
        if require_https is None
        else require_https,
        "headers": dict(_header(number, text) for number, text in enumerate(headers, 1)),
        "channel": given["channel"],
    }
    if _PLACEHOLDER not in endpoint:
        click.echo(f"! no {_PLACEHOLDER} in the address: the server can't know what runs", err=True)
    asked = Asked(
        config=config,
        binary_version=settle(where).app_version if binary_version is None else binary_version,
        platform=given["platform"],
        arch=given["arch"],
        sequence=sequence,
        folder=None if folder is None else Path(folder),
        confirm=confirm,
    )
    try:
        checked, applied = asyncio.run(check_once(asked, None if as_json else click.echo))
    except LaunchRefused as refused:
        hint = "--require-https off allows it" if "insecure" in refused.message else "no app starts with it"
        raise HotswapError(refused.message, hint, code=refused.code) from None
    if as_json:
        echo_json(told_json(checked, applied))
    failed = checked.outcome.error is not None or (applied is not None and applied.outcome.error is not None)
    click.get_current_context().exit(1 if failed else 0)


def _header(number: int, text: str) -> tuple[str, str]:
    """Name and value. What is wrong is said without the text: without a sign all of it may be the secret."""
    name, sign, value = text.partition("=")
    name = name.strip()
    if not sign or not _NAME.fullmatch(name):
        raise UsageError(
            f"--header number {number} is no NAME=VALUE",
            "for example --header X-Device-Id=Pixel, or --header X-API-Key=@FILE",
            code="bad-header",
        )
    if value.startswith("@"):
        value = secret_in(value, f"--header {name}")
    if not _VALUE.fullmatch(value):
        raise UsageError(
            f"the value of --header {name} has a character that no header can have",
            "give one line of printable text",
            code="bad-header",
        )
    return name, value


def _pubkey(given: str | None, where: Mapping[str, Any], *, needed: bool) -> str:
    """The key as it would stand in an app's config: a line is taken as it is, so that a bad one shows."""
    if given is not None:
        file = Path(given)
        return parse_public_key(file.read_text(encoding="utf-8")) if file.is_file() else given
    try:
        return running_server(where).pubkey
    except Unreachable:
        if needed:
            raise UsageError(
                "nothing says which key the bundle must be signed with",
                "give --pubkey, as it stands in the app's config, or start the server whose key it is",
            ) from None
        return ""
