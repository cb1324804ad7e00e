"""`wall`: the running server's clients as a grid of phones, in a browser on this machine."""

from __future__ import annotations

import html
import webbrowser
from pathlib import Path
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.options import echo_json, finding_a_server, running_server
from hotswap_dev.client.control import ControlClient
from hotswap_dev.storage.workspace import write_atomically

_WAY_IN = "wall.html"


@click.command("wall", params=finding_a_server())
@click.option("--open", "opens", is_flag=True, help="open the wall in the browser too")
def wall(opens: bool, as_json: bool, **where: Any) -> None:
    """Show every client as a phone with the page that it runs now, live, in a browser on this machine.

    Prints the wall's link, which stays the same as long as the server runs. Who has it may look and can change nothing.
    On a phone by USB: adb reverse tcp:PORT tcp:PORT with the link's port. With ?still at its end the link shows one
    picture and asks for no more, for programs that take a screenshot once a page has loaded.
    """
    server = running_server(where)
    site = ControlClient(server.control, server.token or "")
    said = wire.decode(site.request("POST", "/api/wall", b"{}"))
    if as_json:
        echo_json(said)
    else:
        click.echo(said["url"])
    if opens and not webbrowser.open(way_in(said["url"], Path(server.workspace)).as_uri()):
        click.echo("no browser was found: open the link in one", err=True)


def way_in(link: str, folder: Path) -> Path:
    """A file that only this user may read, and that leads a browser to the link.

    The link itself, as a browser's argument, would be in the list of processes, which every user of this machine may
    read. The file stays: the next wall of this workspace takes its place, and this link ends with the server.
    """
    escaped = html.escape(link)
    page = (
        f'<!doctype html><meta http-equiv="refresh" content="0; url={escaped}"><a href="{escaped}">Wall</a>\n'
    )
    file = folder / _WAY_IN
    write_atomically(file, page.encode(), mode=0o600)
    return file
