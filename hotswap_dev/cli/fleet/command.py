"""`fleet`: as many simulated clients as it takes, against the running server or another one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from hotswap_dev.cli.options import WHERE, echo_json, finding_a_server, running_server
from hotswap_dev.domain.plugin.request import PLACEHOLDER
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError, Unreachable, UsageError
from hotswap_dev.fleet.asked import TRAITS, crew, positive_seconds
from hotswap_dev.packing.signing import parse_public_key
from hotswap_dev.wire import ServerFile

_CHECK_PATH = f"/api/ota/{PLACEHOLDER}"
_DEFAULT_FOR = "60s"
_MOST_CLIENTS = 100_000
_MOST_WORKERS = 256
_ANSWER_SECONDS = 5.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""One machine's own names: a server that listens at one of them is meant by each."""

_F = TypeVar("_F", bound=Callable[..., Any])


def _traits(command: _F) -> _F:
    """The clients' traits as options, in the order of their table."""
    for trait in reversed(TRAITS):
        default = f"  [default: {trait.default}]" if trait.default else ""
        option = click.option(
            f"--{trait.name}", trait.field, metavar=trait.metavar, help=trait.help + default
        )
        command = option(command)
    return command


@click.command(params=finding_a_server())
@click.argument("url", required=False, metavar="[URL]")
@click.option(
    "--clients", type=click.IntRange(1, _MOST_CLIENTS), default=500, show_default=True, help="how many"
)
@click.option("--for", "lasts", metavar="TIME", help=f"how long it runs  [default: {_DEFAULT_FOR}]")
@_traits
@click.option("--seed", type=int, default=1, show_default=True, help="the same seed, the same clients")
@click.option("--pubkey", metavar="RW…", help="line or file (default: the running server's)")
@click.option("--report", metavar="FILE.html", help="write what came of it as a page, too")
@click.option(
    "--locust", is_flag=True, help="print the commands that run them under locust, on any number of machines"
)
@click.option(
    "--start", is_flag=True, help="with --locust: start them here; without --for with locust's own page"
)
@click.option(
    "--workers",
    type=click.IntRange(1, _MOST_WORKERS),
    default=2,
    show_default=True,
    help="with --locust: how many",
)
@click.option("--csv", metavar="PREFIX", help="with --locust: also write locust's CSV files, named so")
def fleet(
    as_json: bool,
    url: str | None,
    clients: int,
    seed: int,
    lasts: str | None,
    pubkey: str | None,
    report: str | None,
    locust: bool,
    start: bool,
    workers: int,
    csv: str | None,
    **given: Any,
) -> None:
    """Have simulated clients live against the server of this workspace, or against URL, and say what came of it.

    Each is the reference client with its own state, timing and person: real checks and downloads, restarts, upgrades,
    people who don't click, pages that don't start. A TIME is 500ms, 30s, 5m or 1h, a SHARE 0.1 or 10%.

    URL is a server's address, or its endpoint as in an app's config. Any that is not this machine's is asked only
    where it is typed here. A bundle is verified and extracted once for each content, whoever gets it. Ctrl-C ends it
    with what came of it so far.

    \b
    hotswap-dev fleet --clients 500 --poll 10s --for 60s
    hotswap-dev fleet --clients 50 --mix android=0.7,ios=0.3 --failure-rate 0.1 --json
    hotswap-dev fleet --locust --start --workers 2 --clients 1000 --for 60s
    """  # noqa: D301 - click's mark for lines that stay as they are
    where = {name: given.pop(name) for name in WHERE}
    texts = {trait.name: given.pop(trait.field) for trait in TRAITS}
    asked = crew(texts, count=clients)
    seconds = None if lasts is None else positive_seconds("for", lasts)
    _demand_together(locust=locust, start=start, csv=csv, report=report, workers=_is_typed("workers"))
    server = _server(url, where)
    site = _site(url) if url is not None else _of(server).site
    key = _pubkey(pubkey, server, site)
    if locust:
        from hotswap_dev.cli.fleet import under_locust

        wanted = under_locust.Asked(
            site=site,
            pubkey=key,
            clients=clients,
            workers=workers,
            seconds=seconds,
            seed=seed,
            texts=texts,
            csv=csv,
        )
        if start:
            under_locust.demand_locust()
            _demand_answer(site)
            click.get_current_context().exit(under_locust.run(wanted, as_json=as_json))
        lines = list(under_locust.told(wanted))
        if as_json:
            echo_json({"commands": [line for line in lines if not line.startswith("#")]})
        else:
            click.echo("\n".join(lines))
        return

    from hotswap_dev.cli.fleet import ended, running

    page = None if report is None else _writable(report)
    _demand_answer(site)
    ran = running.run(
        asked,
        site=site,
        pubkey=key,
        seed=seed,
        seconds=positive_seconds("for", _DEFAULT_FOR) if seconds is None else seconds,
        keep=page is not None,
    )
    outcome = ended.concluded(ran, _as_it_is_now(server, where))
    if as_json:
        echo_json(ended.plain(outcome))
    else:
        for line in ended.lines(outcome):
            click.echo(line)
    if page is not None:
        _write(page, ended.page(outcome))
        click.echo(f"the report is {shown(str(page), 200)}", err=True)
    click.get_current_context().exit(ran.code)


def _is_typed(name: str) -> bool:
    """Whether an option was given, and has not its default alone."""
    source = click.get_current_context().get_parameter_source(name)
    return source is not None and source is not click.core.ParameterSource.DEFAULT


def _demand_together(
    *, locust: bool, start: bool, csv: str | None, report: str | None, workers: bool
) -> None:
    alone = "--start" if start else "--csv" if csv is not None else "--workers" if workers else None
    if not locust and alone is not None:
        raise UsageError(f"{alone} means nothing without --locust", "add --locust")
    if locust and report is not None:
        raise UsageError("--report means nothing with --locust", "locust has its own page, and --csv PREFIX")


def _server(url: str | None, where: dict[str, Any]) -> ServerFile | None:
    """The running server that is meant; None where URL is another one's. Unreachable where there has to be one."""
    try:
        server = running_server(where)
    except Unreachable:
        if url is None:
            raise
        return None
    return server if url is None or _place(_site(url)) == _place(server.site) else None


def _place(site: str) -> tuple[str, str | None, int | None]:
    """What is the same of two addresses that lead to one server."""
    parts = urlsplit(site)
    default = 443 if parts.scheme == "https" else 80
    host = _LOOPBACK[0] if parts.hostname in _LOOPBACK else parts.hostname
    return parts.scheme, host, default if parts.port is None else parts.port


def _as_it_is_now(server: ServerFile | None, where: dict[str, Any]) -> ServerFile | None:
    """That server after the run: one that was started anew meanwhile has its control site elsewhere."""
    if server is None:
        return None
    try:
        now = running_server(where)
    except Unreachable:
        return server
    return now if _place(now.site) == _place(server.site) else server


def _demand_answer(site: str) -> None:
    """Unreachable where nobody listens: clients that all ask in vain are no result."""
    _, host, port = _place(site)
    try:
        socket.create_connection((host, port), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise Unreachable(
            f"no server answers at {shown(site, 80)}: {error.strerror or error}",
            "start it, or name another: hotswap-dev fleet URL",
        ) from None


def _of(server: ServerFile | None) -> ServerFile:
    if server is None:
        raise Unreachable("no server is running here", "name one: hotswap-dev fleet URL")
    return server


def _site(url: str) -> str:
    """The address of a server: without a path, but that of the endpoint in an app's config."""
    bare = url.strip().removesuffix(_CHECK_PATH).rstrip("/")
    try:
        parts = urlsplit(bare)
        there = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        there = False
        parts = urlsplit("")
    if not there or parts.path or parts.query or parts.fragment or parts.username is not None:
        raise UsageError(
            f"{shown(url, 80)!r} is no server's address",
            "in full and without a path, such as http://192.168.1.20:3333",
        )
    return bare


def _pubkey(given: str | None, server: ServerFile | None, site: str) -> str:
    if given is not None:
        try:
            file = Path(given)
            return parse_public_key(file.read_text(encoding="utf-8") if file.is_file() else given)
        except HotswapError as error:
            raise UsageError(f"--pubkey: {error.message}", error.hint) from None
        except (OSError, ValueError):  # no name that a file could have, or one whose content is no text
            hint = "the line that begins with RW, or the file that has it"
            raise UsageError(f"--pubkey: the public key {shown(given, 40)!r} can't be read", hint) from None
    if server is None:
        raise UsageError(
            f"nothing says which key the bundles of {shown(site, 80)} are signed with",
            "give --pubkey, as it stands in the app's config",
        )
    return server.pubkey


def _writable(text: str) -> Path:
    """Where the page will go: said before the run and not after it, where it can't be."""
    path = Path(text)
    _write(path, "", mode="a")  # what is there stays until there is something new
    return path


def _write(path: Path, text: str, mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise HotswapError(
            f"no report can be written to {shown(str(path), 200)}: {error.strerror}", "name another file"
        ) from None
