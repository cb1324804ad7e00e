"""`serve`: a server until somebody ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from hotswap_dev.cli.full_screen.attached import AttachedOutput, Parent
from hotswap_dev.cli.options import settle
from hotswap_dev.cli.serving.ending_signals import on_ending_signals
from hotswap_dev.cli.serving.log_file import log_to
from hotswap_dev.cli.serving.output import JsonOutput, Output, TextOutput
from hotswap_dev.cli.serving.signing_key import OpenKey, ask_here, open_key
from hotswap_dev.cli.serving.starting import Starting, starting_parameters
from hotswap_dev.engine.bus import Bus
from hotswap_dev.errors import UsageError
from hotswap_dev.server.run import ServerOptions, serving
from hotswap_dev.settings import Settings, demand_workspace_outside, server_options
from hotswap_dev.storage.workspace import make_workspace

_OPEN_FILES = 8192
_M_MMAP_THRESHOLD = -3  # malloc.h; setting it also ends its growing
_LARGE = 256 * 1024
_M_ARENA_MAX = -8
_HEAPS = 2


@click.command(cls=Starting, params=starting_parameters())
@click.pass_context
def serve(
    ctx: click.Context, /, dist: str | None, as_json: bool, json_all: bool, attached: bool, **flags: Any
) -> None:
    """Watch DIST, sign every finished build, and offer it.

    DIST is the folder that the frontend is built into; in a Tauri project it is the config's frontendDist.
    """
    parent = Parent() if attached else None
    settings = settle({**flags, "dist": dist})
    if settings.dist is None:
        raise UsageError(*_no_dist(settings))
    if settings.dist.is_file():
        raise UsageError(f"{settings.dist} is a file", "name the folder that the frontend is built into")
    demand_workspace_outside(settings.dist, settings.workspace)
    make_workspace(settings.workspace)
    opened = open_key(settings, os.environ, ask=parent.ask if parent else ask_here)
    options = server_options(settings, environ=os.environ, home=opened.home)
    _raise_file_limit()
    _give_memory_back()
    output = _output(parent, as_json=as_json, json_all=json_all)
    with output, contextlib.suppress(asyncio.CancelledError):
        ctx.exit(asyncio.run(_serve(settings, options, opened, output, parent)))


def _output(parent: Parent | None, *, as_json: bool, json_all: bool) -> Output:
    if parent is not None:
        return AttachedOutput(parent)
    return JsonOutput(everything=json_all) if as_json or json_all else TextOutput()


async def _serve(
    settings: Settings, options: ServerOptions, opened: OpenKey, output: Output, parent: Parent | None
) -> int:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    # Before the first answer: what nobody has taken, logging would write to stderr.
    log_to(Path(options.workspace) / "server.log")
    with _signals(ended, parent):
        async with serving(options, opened.key, opened.home) as running:
            output.ready(settings, opened, running)
            telling = asyncio.create_task(_tell(running.engine.bus, output), name="telling")
            try:
                return await ended
            finally:
                telling.cancel()
                output.ended(running)


async def _tell(bus: Bus, output: Output) -> None:
    if not output.tells:
        return
    async for batch in bus.read(0, without=output.silent_on):
        for revision, event in batch:
            output.event(bus, revision, event)


@contextlib.contextmanager
def _signals(ended: asyncio.Future[int], parent: Parent | None) -> Iterator[None]:
    """Let the ending signals, and the parent's end, end the server in order; the code says which it was."""
    loop = asyncio.get_running_loop()

    def end(code: int) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(_settle_once, ended, code)

    if parent is not None:
        parent.on_end(lambda: end(0))
    try:
        with on_ending_signals(end):
            yield
    finally:
        if parent is not None:
            parent.on_end(lambda: None)


def _settle_once(ended: asyncio.Future[int], code: int) -> None:
    if not ended.done():
        ended.set_result(code)


def _raise_file_limit() -> None:
    """As many open files as this process may have: each client is one, and macOS starts with 256 (hardening D2)."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _give_memory_back() -> None:
    """Let what is large be returned to the system when it is freed.

    glibc keeps more each time that it frees something large, and a heap for every thread: after a day of packing and of
    answers of megabytes the process would look as if it leaked.
    """
    if sys.platform.startswith("linux"):
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # another C library has no such call
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
            libc.mallopt(_M_ARENA_MAX, _HEAPS)


def _no_dist(settings: Settings) -> tuple[str, str]:
    project = settings.project
    if project is None:
        return (
            f"no build folder to watch: {settings.root} is in no Tauri project, so DIST is required",
            "name it: hotswap-dev dist; or give the app's folder with --project",
        )
    why = project.frontend_dist_problem or "build.frontendDist is not set"
    return (
        f"no build folder to watch: {why} ({project.shown(project.config)})",
        "name it: hotswap-dev dist",
    )
