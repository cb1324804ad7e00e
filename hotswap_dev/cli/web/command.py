"""`web`: the dashboard of a running server in a browser on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import html
import importlib.util
import os
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click
from aiohttp import web as http

from hotswap_dev.cli.options import WHERE, parameters, running_server
from hotswap_dev.cli.serving.ending_signals import on_ending_signals
from hotswap_dev.cli.serving.log_file import log_to
from hotswap_dev.cli.serving.signing_key import without_secrets
from hotswap_dev.cli.web.site import Door, Shown, dashboard_site
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.quiet import rate_limited
from hotswap_dev.server.sockets import listen, port_of
from hotswap_dev.storage.workspace import write_atomically

_KEEP_ALIVE = 15.0
"""Seconds; in aiohttp also the time that a browser has to send its headers (hardening D1)."""
_LAST_WORDS = 5.0
"""Seconds for the tabs' processes to end, which takes them far less (web_tab)."""


@click.command("web", params=parameters(WHERE))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="of the page; 0 = any free one",
)
@click.option("--open", "opens", is_flag=True, help="open the page in the browser too")
@click.pass_context
def web(ctx: click.Context, /, port: int, opens: bool, **where: Any) -> None:
    """Show the running server's dashboard in a browser on this machine.

    Prints the page's address, which works once: the browser that opens it first may open more tabs, nobody else may.
    Needs the extra: pip install 'hotswap-dev[web]'.
    """
    _demand_extra()
    server = running_server(where)
    workspace = Path(server.workspace)
    log_to(workspace / "web.log")
    what = Shown(
        # -P: a frontend's folder may hold a module of any name.
        command=(sys.executable, "-P", "-m", "hotswap_dev", "attach", "--workspace", str(workspace)),
        environ=without_secrets(os.environ),
        title=f"{workspace.parent.name} · hotswap-dev",
    )
    with contextlib.suppress(asyncio.CancelledError):
        ctx.exit(asyncio.run(_until_ended(what, port, workspace if opens else None)))


async def _until_ended(what: Shown, port: int, opened_from: Path | None) -> int:
    """`opened_from` is the folder for the file that the browser opens; None where no browser shall open."""
    with _ending_signals() as ended, rate_limited():
        async with showing(what, port) as address:
            click.echo(address)
            sys.stdout.flush()
            with _way_in(address, opened_from) if opened_from else contextlib.nullcontext() as way_in:
                if way_in is not None:
                    # A browser may be a program that doesn't return before it is closed.
                    threading.Thread(target=_open, args=(way_in,), name="browser", daemon=True).start()
                return await ended


@contextlib.contextmanager
def _way_in(address: str, folder: Path) -> Iterator[Path]:
    """A file that only this user may read, and that leads a browser to the address; gone after the block.

    The address itself, as a browser's argument, would be in the list of processes, which every user of this machine
    may read, for as long as the browser runs.
    """
    file = folder / f"web-{os.getpid()}.html"
    escaped = html.escape(address)
    page = f'<!doctype html><meta http-equiv="refresh" content="0; url={escaped}"><a href="{escaped}">Dashboard</a>\n'
    write_atomically(file, page.encode(), mode=0o600)
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def _open(way_in: Path) -> None:
    if not webbrowser.open(way_in.as_uri()):
        click.echo("no browser was found: open the address in one", err=True)


@contextlib.asynccontextmanager
async def showing(what: Shown, port: int = 0) -> AsyncIterator[str]:
    """Show it at this port of the loopback until the block ends, with every process of a tab; yields the address.

    HotswapError if the port is taken.
    """
    try:
        sockets = listen("localhost", port)
    except HotswapError as error:
        raise HotswapError(
            error.message, "end it, or choose another with --port; 0 is any free one", code=error.code
        ) from None
    door = Door()
    runner = http.AppRunner(
        dashboard_site(door, what),
        access_log=None,  # the address that is asked for holds the token
        keepalive_timeout=_KEEP_ALIVE,
        shutdown_timeout=_LAST_WORDS,
    )
    try:
        await runner.setup()
        for opened in sockets:
            await http.SockSite(runner, opened).start()
        yield f"http://127.0.0.1:{port_of(sockets)}{door.entrance}"
    finally:
        await runner.cleanup()
        for opened in sockets:
            opened.close()


@contextlib.contextmanager
def _ending_signals() -> Iterator[asyncio.Future[int]]:
    """What is done once a signal says that this shall end; its result is the exit code."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def settle(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    with on_ending_signals(lambda code: loop.call_soon_threadsafe(settle, code)):
        yield ended


def _demand_extra() -> None:
    if importlib.util.find_spec("textual_serve") is None:
        raise HotswapError(
            "the dashboard in a browser needs textual-serve, which is not installed",
            "pip install 'hotswap-dev[web]'",
            code="no-web-extra",
        )
