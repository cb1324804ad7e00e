"""`attach`: a dashboard on a server that runs already."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from hotswap_dev.cli.full_screen.terminal import is_terminal
from hotswap_dev.cli.options import WHERE, parameters, running_server
from hotswap_dev.errors import UsageError


@click.command(params=parameters(WHERE))
@click.pass_context
def attach(ctx: click.Context, /, **where: Any) -> None:
    """Show what a running server does. Leaving it leaves the server as it is; any number can be open at once."""
    workspace = Path(running_server(where).workspace)
    # With a driver of its own, as for a tab of `web`, Textual needs no terminal.
    if "TEXTUAL_DRIVER" not in os.environ and not is_terminal(os.environ):
        raise UsageError(
            "a dashboard needs a terminal",
            "hotswap-dev status, or hotswap-dev log --follow, can be read anywhere",
        )
    from hotswap_dev.cli.full_screen.showing import show_running_server

    ctx.exit(show_running_server(workspace))
