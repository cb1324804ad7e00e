"""`status`, `releases` and `log`: what a running server does and did, on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.lines import line, size
from hotswap_dev.cli.options import control, echo_json, finding_a_server, running_server
from hotswap_dev.errors import Unreachable


@click.command(params=finding_a_server())
def status(as_json: bool, **where: Any) -> None:
    """What the running server does: address, newest release, clients."""
    server = running_server(where)
    state = control(where).get("/api/state")
    if as_json:
        public = {name: value for name, value in wire.plain(server).items() if name != "token"}
        echo_json({**state, "server": public})
        return
    controls, builds = state["controls"], state["builds"]
    click.echo(f"serving    {server.endpoint}   pid {server.pid}")
    click.echo(f"watching   {builds['dist'] or 'nothing'}   builds go to {controls['build_channel']}")
    newest = max(controls["releases"], key=int, default=None)
    if newest is None:
        click.echo("releases   none yet: the first finished build becomes one, or hotswap-dev publish DIST")
    else:
        release = controls["releases"][newest]
        click.echo(
            f"releases   {len(controls['releases'])}, newest {newest} ({release['version']}) on {release['channel']}"
        )
    click.echo(f"clients    {_clients(state['clients'])}")
    if state["recording"]["dropped"]:
        click.echo(f"history    {state['recording']['dropped']} observations were not recorded")


@click.command(params=finding_a_server())
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="how many, newest first"
)
def releases(as_json: bool, limit: int, **where: Any) -> None:
    """What is offered, newest first."""
    found = control(where).get("/api/releases", limit=limit)
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo("no release yet: the first finished build becomes one, or hotswap-dev publish DIST")
        return
    rows = [("", "version", "channel", "needs", "files", "size", "published", "from")]
    rows += [
        (
            str(one["sequence"]),
            one["version"],
            one["channel"],
            one["min_binary_version"],
            str(one["bundle"]["files"]),
            "gone" if one["bundle_gone"] else size(one["bundle"]["size"]),
            datetime.fromisoformat(one["published_at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            one["origin"],
        )
        for one in found
    ]
    for text in _table(rows, right={0, 4, 5}):
        click.echo(text)


@click.command(params=finding_a_server())
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="how many at most"
)
@click.option("--client", help="only this client's")
@click.option("--reason", help="only with this reason, such as binary-too-old")
@click.option("--since", metavar="TIME", help="only since, such as 2026-04-05T12:00")
@click.option("--follow", "-f", is_flag=True, help="go on with what happens, until Ctrl-C")
def log(
    as_json: bool,
    limit: int,
    client: str | None,
    reason: str | None,
    since: str | None,
    follow: bool,
    **where: Any,
) -> None:
    """Who asked, what was answered, and why: oldest first."""
    site = control(where)
    revision = site.get("/api/state")["revision"] if follow else 0
    found = site.get("/api/checks", limit=limit, client=client, reason=reason, since=_utc(since))
    for check in reversed(found):
        _show(check, as_json)
    if not found and not follow and not as_json:
        click.echo("no check-in yet" if not (client or reason or since) else "no check-in matches", err=True)
    if follow:
        for text in site.lines(f"/api/events?after={revision}"):
            event = wire.decode(text) if text else {}
            wanted = event.get("event") == "check-answered" or (
                event.get("event") == "download-ended" and reason is None
            )
            if wanted and client in (None, event.get("client")) and reason in (None, event.get("reason")):
                _show(event, as_json)
        raise Unreachable("the server stopped", "start it again: hotswap-dev serve")


def _show(event: wire.Json, as_json: bool) -> None:
    if as_json:
        echo_json(event)
    elif text := line(event):
        click.echo(text)


def _utc(since: str | None) -> str | None:
    """A time without a zone is the person's own."""
    if since is None:
        return None
    try:
        return datetime.fromisoformat(since).astimezone().isoformat()
    except ValueError:
        raise click.BadParameter(
            f"{since!r} is no time; expected is 2026-04-05T12:00", param_hint="--since"
        ) from None


def _clients(clients: Sequence[wire.Json]) -> str:
    if not clients:
        return "none yet"
    newest = max(clients, key=lambda client: client["last_seen"])
    return f"{len(clients)}, last {newest['id']} at {newest['sequence']} ({newest['reason']})"


def _table(rows: Sequence[Sequence[str]], right: set[int]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
