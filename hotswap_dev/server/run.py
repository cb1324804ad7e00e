"""One server from start to end: the factory that the command line, the tests and scenarios all use."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from aiohttp import http_parser, web

from hotswap_dev import wire
from hotswap_dev.domain.checks import is_loopback
from hotswap_dev.domain.faults import fault_of
from hotswap_dev.domain.faults.presets import Offline
from hotswap_dev.domain.observations import Observation
from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.engine.engine import Engine
from hotswap_dev.engine.following import follow_builds, follow_project
from hotswap_dev.engine.opening import open_engine
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import SigningKey, parse_public_key
from hotswap_dev.server.client_site import FRONT_DOOR, ClientSiteOptions, client_site
from hotswap_dev.server.connections import Connections, answering, limits, open_files
from hotswap_dev.server.control_site import control_site
from hotswap_dev.server.exchange_log import ExchangeLog
from hotswap_dev.server.offline import SiteLine
from hotswap_dev.server.page import SitePage
from hotswap_dev.server.quiet import rate_limited
from hotswap_dev.server.sockets import addresses, demand_own_answers, listen, listen_privately, port_of
from hotswap_dev.server.wall_site import wall_on_demand
from hotswap_dev.storage.keys import KeyHome
from hotswap_dev.storage.workspace import open_workspace
from hotswap_dev.tauri.lines import build_line, watch_line
from hotswap_dev.tauri.overlay import write_overlays
from hotswap_dev.tauri.project import TauriProject
from hotswap_dev.tauri.snippet import devtools_line
from hotswap_dev.watching import watch

_log = logging.getLogger(__name__)

CHECK_PATH = "/api/ota/{{current_sequence}}"
"""The endpoint's path, with the plugin's placeholder (contract, "URL")."""

_KEEP_ALIVE = 15
"""Seconds; in aiohttp it is also the time that a client has to send its headers (hardening D1)."""

_LAST_WORDS = 0.5
"""Seconds that answers under way get when the server ends; aiohttp waits twice that for who does not read (E16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Everything that a server needs to be told; `settings` fills it."""

    engine: EngineOptions
    workspace: Path
    app: str
    project: TauriProject | None = None
    read_project: Callable[[], TauriProject] | None = None
    version_from_project: bool = False
    same_identifier: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    auto_port: bool = False
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    id_header: str = "X-Device-Id"
    settle: float = 0.3
    settle_widens: bool = True


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers. `file` is what `server.json` says of it, token and all."""

    engine: Engine
    file: wire.ServerFile
    overlays: tuple[Path, Path] | None
    build_line: str | None


@contextlib.asynccontextmanager
async def serving(options: ServerOptions, key: SigningKey, key_home: KeyHome) -> AsyncIterator[RunningServer]:
    """Run a server until the block ends. It answers before this yields, and the watched folder is being looked at.

    HotswapError if the port is taken, the workspace is in use or can't be written, or its journal can't be read; then
    nothing runs and nothing was changed.
    """
    _demand_strict_parser()
    async with contextlib.AsyncExitStack() as stack:
        # The workspace first: a second start in one project has its port taken too, and that is not what is wrong.
        workspace = open_workspace(options.workspace)
        stack.callback(workspace.close)
        sockets = listen(options.host, options.port, auto_port=options.auto_port)
        for opened in sockets:
            stack.callback(opened.close)
        instance = secrets.token_hex(8)
        engine = await open_engine(workspace, options.engine, key=key, key_home=key_home, instance=instance)
        stack.push_async_callback(engine.close)
        stack.push_async_exit(_ending_overrides(engine))
        control_sockets = [listen_privately()]
        stack.callback(control_sockets[0].close)
        file = _described(options, key, instance, sockets, control_sockets)
        overlays, built_with = _overlays(options, key, file)
        most = limits(open_files())
        site_options = ClientSiteOptions(
            secret=workspace.secret(),
            page=SitePage(app=options.app, endpoint=file.endpoint, pubkey=file.pubkey, build_line=built_with),
            id_header=options.id_header,
            public_url=options.public_url,
            allowed_hosts=_allowed_hosts(options),
            downloads_at_once=most.downloads,
        )
        exchanges = ExchangeLog(options.id_header)
        about = _about(options, key, file, overlays, built_with)
        connections = Connections(most.connections, most.per_address)
        open_wall = await stack.enter_async_context(
            wall_on_demand(engine, options.app, connections, keep_alive=_KEEP_ALIVE, last_words=_LAST_WORDS)
        )
        line = await stack.enter_async_context(
            _answering(
                engine,
                client_site(engine, site_options, exchanges),
                sockets,
                control_site(engine, file.token or "", about, exchanges, open_wall),
                control_sockets,
                connections,
            )
        )
        await demand_own_answers(file.addresses, instance)
        await stack.enter_async_context(_background(engine, "faults", follow_faults(engine, line)))
        async with _following(engine, options):
            workspace.write_server_file(file)
            stack.callback(workspace.remove_server_file)
            yield RunningServer(engine=engine, file=file, overlays=overlays, build_line=built_with)


def _ending_overrides(engine: Engine) -> Callable[..., Coroutine[None, None, None]]:
    """Once nobody is answered any more: a run that ends in order takes its overrides with it (design §4)."""

    async def ended(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await engine.end_overrides()

    return ended


@contextlib.asynccontextmanager
async def _answering(
    engine: Engine,
    client_app: web.Application,
    sockets: list[socket.socket],
    control_app: web.Application,
    control_sockets: list[socket.socket],
    connections: Connections,
) -> AsyncIterator[SiteLine]:
    """Both sites, with one budget of connections: who fills the one must not starve the other of files.

    What it yields takes the client site offline, and back.
    """
    told = False

    def on_https(peer: str) -> None:
        # An app that was built so does it at every check; to say it once is enough.
        nonlocal told
        if not told:
            told = True
            engine.notice(
                "warning",
                "client-used-https",
                f"{peer} spoke TLS to this server, which speaks http",
                "build the app with an endpoint that begins with http://, or put a TLS proxy in front and say so "
                "with --public-url",
            )

    with rate_limited():
        async with (
            answering(
                client_app,
                sockets,
                connections,
                keep_alive=_KEEP_ALIVE,
                last_words=_LAST_WORDS,
                front_door=client_app[FRONT_DOOR],
                on_https=on_https,
            ) as line,
            answering(
                control_app,
                control_sockets,
                connections,
                keep_alive=_KEEP_ALIVE,
                last_words=_LAST_WORDS,
                private=True,
            ),
        ):
            yield line


async def follow_faults(engine: Engine, line: SiteLine) -> None:
    """Take the client site offline as long as that fault is armed. Never returns."""
    back: asyncio.Task[bool] | None = None

    async def match() -> None:
        nonlocal back
        if any(isinstance(fault_of(armed), Offline) for armed in engine.controls.faults):
            await line.down()
        elif not line.listens and (back is None or back.done()):
            # Beside this: where somebody took the port meanwhile it may take long, and `down` ends it.
            back = asyncio.create_task(line.up(tell), name="listening again")

    def tell(error: HotswapError) -> None:
        engine.notice("error", error.code, error.message, error.hint)

    changed = engine.bus.read(engine.bus.revision, without=(Observation,))
    try:
        await match()  # one that outlived a crash is armed from the start
        async for _ in changed:
            await match()
    finally:
        if back is not None:
            back.cancel()


@contextlib.asynccontextmanager
async def _following(engine: Engine, options: ServerOptions) -> AsyncIterator[None]:
    """Watch the folder and the config beside the answers; what ends such a task by a bug is told, not swallowed."""
    async with contextlib.AsyncExitStack() as stack:
        if options.engine.dist is not None:
            watcher = await stack.enter_async_context(
                watch(options.engine.dist, settle=options.settle, widen=options.settle_widens)
            )
            csp = options.project is not None and options.project.csp
            await stack.enter_async_context(
                _background(engine, "builds", follow_builds(engine, watcher, csp=csp))
            )
        if options.project is not None and options.read_project is not None:
            following = follow_project(
                engine,
                options.project,
                options.read_project,
                version_counts=options.version_from_project,
            )
            await stack.enter_async_context(_background(engine, "config", following))
        yield


@contextlib.asynccontextmanager
async def _background(engine: Engine, name: str, work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("following the %s ended", name, exc_info=error)
            engine.notice(
                "error",
                "bug",
                f"following the {name} ended: {error!r}",
                "restart hotswap-dev, and report it with the server.log of the workspace",
            )

    task = asyncio.create_task(work, name=name)
    task.add_done_callback(ended)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


def _described(
    options: ServerOptions,
    key: SigningKey,
    instance: str,
    sockets: list[socket.socket],
    control_sockets: list[socket.socket],
) -> wire.ServerFile:
    reached = addresses(options.host, port_of(sockets))
    site = reached[0]
    return wire.ServerFile(
        site=site,
        endpoint=(options.public_url or site) + CHECK_PATH,
        addresses=reached,
        control=f"http://127.0.0.1:{port_of(control_sockets)}",
        pubkey=key.public_key,
        workspace=str(options.workspace),
        instance=instance,
        pid=os.getpid(),
        token=secrets.token_hex(16),
        version=version("hotswap-dev"),
    )


def _overlays(
    options: ServerOptions, key: SigningKey, file: wire.ServerFile
) -> tuple[tuple[Path, Path] | None, str | None]:
    if options.project is None:
        return None, None
    phone = next(
        (url for url in file.addresses if "127.0.0.1" not in url and "localhost" not in url), file.site
    )
    overlays = write_overlays(
        options.workspace,
        options.project,
        endpoint=file.endpoint,
        pubkey=key.public_key,
        mobile_endpoint=(options.public_url or phone) + CHECK_PATH,
        same_identifier=options.same_identifier,
    )
    return overlays, build_line(options.project, overlays[0])


def _about(
    options: ServerOptions,
    key: SigningKey,
    file: wire.ServerFile,
    overlays: tuple[Path, Path] | None,
    line: str | None,
) -> wire.About:
    """What a dashboard's first lines and its page of addresses say: texts, none of which draws anything by itself."""
    project, dist = options.project, options.engine.dist
    watch_for = watch_line(project) if project is not None else None
    return wire.About(
        app=shown(options.app),
        version=file.version,
        site=shown(file.site, LONGEST_PATH),
        endpoint=shown(file.endpoint, LONGEST_PATH),
        addresses=tuple(shown(address) for address in file.addresses),
        pubkey=file.pubkey,
        key_id=key.short,
        production_key=_is_the_apps_own(key, project),
        workspace=shown(file.workspace, LONGEST_PATH),
        dist=None if dist is None else shown(str(dist), LONGEST_PATH),
        overlays=tuple(shown(str(path), LONGEST_PATH) for path in overlays or ()),
        build_line=None if line is None else shown(line, LONGEST_PATH),
        watch_line=None if watch_for is None else shown(watch_for, LONGEST_PATH),
        devtools_line=None if project is None else devtools_line(),
        host_is_loopback=options.host == "localhost" or is_loopback(options.host),
        channel_configured=shown(options.engine.channel),
    )


def _is_the_apps_own(key: SigningKey, project: TauriProject | None) -> bool:
    """Whether every installed app would run what this key signs: the app's own config trusts it."""
    trusted = project.hotswap.pubkey if project is not None else None
    try:
        return trusted is not None and parse_public_key(trusted) == key.public_key
    except HotswapError:
        return False


def _allowed_hosts(options: ServerOptions) -> tuple[str, ...]:
    """Names beyond localhost and addresses: those given, as --host too, the public URL's, and this machine's own."""
    own = socket.gethostname().split(".", 1)[0].lower()
    public = (options.public_url or "").partition("://")[2].partition("/")[0].rsplit(":", 1)[0]
    return tuple(name for name in (*options.allowed_hosts, options.host, public, f"{own}.local") if name)


def _demand_strict_parser() -> None:
    """Aiohttp's parser in Python accepts framings that its C one refuses (hardening D5)."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise HotswapError(
            "aiohttp runs without its C parser, which refuses malformed requests",
            "unset AIOHTTP_NO_EXTENSIONS, and install aiohttp from a wheel",
            code="lax-parser",
        )
