"""`run`: a server as a child process, and a dashboard on it; without a terminal the same as `serve`.

The server is a process of its own because painting beside it would make its answers 10 to 100 times slower (facts 6).
"""

from __future__ import annotations

import os
from typing import Any

import click

from hotswap_dev.cli.full_screen.terminal import is_terminal
from hotswap_dev.cli.serving.starting import Starting, given, starting_parameters


@click.command(cls=Starting, params=starting_parameters())
@click.pass_context
def run(ctx: click.Context, /, **flags: Any) -> None:
    """Serve DIST and show what happens; it is what hotswap-dev does without a command.

    DIST is the folder that the frontend is built into; in a Tauri project it is the config's frontendDist. Without a
    terminal, or with --json, the same as serve.
    """
    if flags["as_json"] or flags["json_all"] or flags["attached"] or not is_terminal(os.environ):
        from hotswap_dev.cli.serving.serve import serve

        ctx.invoke(serve, **flags)
    else:
        from hotswap_dev.cli.full_screen.showing import show_own_server

        ctx.exit(show_own_server(given(ctx)))
