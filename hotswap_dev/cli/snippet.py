"""`snippet`: what to paste into an app, so that it reports what became of an update."""

from __future__ import annotations

from typing import Any

import click

from hotswap_dev.cli.options import parameters, running_server
from hotswap_dev.tauri.snippet import csp_source, reporting_lines


@click.command(params=parameters(("project", "workspace", "id-header", "debug")))
@click.option("--site", help="the client site as the app reaches it (default: the running server's)")
def snippet(site: str | None, id_header: str | None, **where: Any) -> None:
    """Print the JavaScript module by which an app's page reports its lifecycle events to this server.

    Save it beside the page's code, call reportLifecycle() once before notifyReady(), and wrap applyUpdate() in
    reported(). "applied" then becomes "confirmed", and a failure has its text: in clients, log, funnel and dashboard.
    """
    address = running_server(where).site if site is None else site
    click.echo(reporting_lines(address, id_header or "X-Device-Id"), nl=False)
    click.echo(f"# A page with a CSP needs:  {csp_source(address)}", err=True)
