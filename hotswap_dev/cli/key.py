"""`key`: the development key of an app. It is made by itself; these are for moving it between machines and teams."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from hotswap_dev.cli.options import WHERE, echo_json, parameters, settle
from hotswap_dev.cli.serving.signing_key import home_of, open_key
from hotswap_dev.errors import UsageError
from hotswap_dev.packing.signing import key_forms, new_key
from hotswap_dev.storage.keys import read_key_file
from hotswap_dev.storage.workspace import make_workspace, write_atomically


@click.group()
def key() -> None:
    """The development key: it signs what this server offers, and an app trusts its public half.

    Another key means that every app must be built again, with the overlay.
    """


@key.command(params=parameters((*WHERE, "key", "production-key")))
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def show(as_json: bool, **flags: Any) -> None:
    """Print the public line, which is what plugins.hotswap.pubkey must be."""
    settings = settle(flags)
    opened = open_key(settings, os.environ)
    # A key that was named with --key is not the one that lies at home.
    home = str(opened.home.key_path) if settings.key is None else None
    if as_json:
        public, identity = opened.key.public_key, opened.key.key_id
        echo_json({"pubkey": public, "key_id": identity, "path": home, "origin": opened.origin})
        return
    click.echo(opened.key.public_key)
    place = f" ({home})" if home else ""
    click.echo(f"key {opened.key.short}, id {opened.key.key_id}, {opened.origin}{place}", err=True)
    for warning in opened.warnings:
        click.echo(warning, err=True)


@key.command(params=parameters((*WHERE, "key")))
@click.argument("file", metavar="FILE")
def export(file: str, **flags: Any) -> None:
    """Write the secret key to FILE in minisign's format without a password, and FILE.pub beside it."""
    opened = open_key(settle(flags), os.environ)
    path = Path(file)
    if path.exists():
        raise UsageError(f"{path} is there already", "name a file that is not, so that no key is lost")
    forms = key_forms(opened.key)
    write_atomically(path, forms.secret_file.encode(), mode=0o600)
    write_atomically(path.with_name(f"{path.name}.pub"), forms.public_file.encode())
    click.echo(f"{path}  the secret key {opened.key.short}: whoever has it can sign for apps that trust it")


@key.command(name="import", params=parameters((*WHERE, "production-key")))
@click.argument("file", metavar="FILE")
def import_(file: str, **flags: Any) -> None:
    """Make the key in FILE (minisign's or Tauri's) the app's dev key; the one before is kept beside it."""
    settings = settle({**flags, "key": file})
    opened = open_key(settings, os.environ)
    read_key_file(Path(file))
    _replace(flags, key_forms(opened.key).secret_file, opened.key.short)


@key.command(params=parameters(WHERE))
def new(**flags: Any) -> None:
    """Make a new dev key; the one before is kept beside it, and apps must be built again."""
    made = new_key()
    _replace(flags, key_forms(made).secret_file, made.short)


def _replace(flags: dict[str, Any], text: str, short: str) -> None:
    settings = settle(flags)
    home = home_of(settings, os.environ)
    if home.folder == settings.workspace:
        make_workspace(settings.workspace)
    kept = home.replace_key(text)
    click.echo(f"key {short} is the dev key now ({home.key_path})")
    if kept is not None:
        click.echo(f"the one before is {kept}; build the app again with the overlay, and restart hotswap-dev")
