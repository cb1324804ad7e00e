"""`fleet --locust`: the commands of a master and its workers, said or started (`hotswap_dev/fleet/locustfile.py`)."""

from __future__ import annotations

import importlib.util
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import hotswap_dev.fleet
from hotswap_dev import wire
from hotswap_dev.cli.options import echo_json
from hotswap_dev.cli.serving.ending_signals import on_ending_signals
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError
from hotswap_dev.fleet.asked import words

LOCUSTFILE = Path(hotswap_dev.fleet.__file__).parent / "locustfile.py"

_LOOPBACK = "127.0.0.1"
_MASTER_PORT, _WEB_PORT = 5557, 8089
"""Locust's own."""

_STOP_SECONDS = 30
"""How long requests on their way have at the end; the plugin's four attempts at a download take 7 s and more."""
_GRACE_SECONDS = 5.0
_CONNECT_SECONDS = 30
_SPAWNED_A_SECOND = 100
"""By each worker: above it locust itself warns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be run."""

    site: str
    pubkey: str
    clients: int
    workers: int
    seconds: float | None
    """None: until somebody stops it on locust's web page."""
    seed: int
    texts: Mapping[str, str | None]
    """The clients' traits, as they were typed."""
    csv: str | None = None
    """The beginning of locust's CSV files' names."""


def told(asked: Asked) -> Iterator[str]:
    """The commands, to be copied: a master here, workers here or on other machines."""
    page = "" if asked.seconds is not None else f", and its page on http://{_LOOPBACK}:{_WEB_PORT}"
    yield f"# one master{page}"
    yield shlex.join(["locust", *_master(asked, _MASTER_PORT, _WEB_PORT)])
    yield f"# {asked.workers} times a worker"
    yield shlex.join(["locust", *_worker(_MASTER_PORT)])
    yield "# workers on other machines, with hotswap-dev installed: -f is their own locustfile.py, --master-host and"
    yield "# --host are addresses that they reach, and the master goes without --master-bind-host"
    if not _installed():
        yield f"# {_MISSING}"


def demand_locust() -> None:
    """HotswapError where it is not installed."""
    if not _installed():
        raise HotswapError("locust is not installed", _MISSING, code="no-locust")


def run(asked: Asked, *, as_json: bool) -> int:
    """Start them as child processes, wait for the end, and end them in order; the exit code.

    Locust's own figures are printed, as JSON where that was asked for.
    """
    master_port, web_port = _free(_MASTER_PORT), _free(_WEB_PORT)
    locust = [sys.executable, "-m", "hotswap_dev.cli.fleet.tied"]
    master = [*locust, *_master(asked, master_port, web_port)]
    if as_json:
        master += ["--json", "--skip-log"]
    if asked.seconds is None:
        click.echo(f"locust's page: http://{_LOOPBACK}:{web_port}   Ctrl-C ends it", err=True)
    children = _Children()
    with on_ending_signals(children.end):
        try:
            first = children.start(master, stdout=subprocess.PIPE if as_json else None)
            worker = [*locust, *_worker(master_port), "--loglevel", "WARNING"]
            for _ in range(asked.workers):
                children.start(worker, stdout=subprocess.DEVNULL)
            said, _ = first.communicate()
        finally:
            children.close()
    if as_json:
        echo_json({"requests": requests_in(said or b""), "exit_code": first.returncode})
    return first.returncode if children.code is None else children.code


def requests_in(said: bytes) -> list[wire.Json]:
    """Locust's own JSON, one entry for each kind of request; its response times are whole milliseconds, rounded."""
    try:
        found: list[dict[str, Any]] = wire.decode(said or b"[]")
    except ValueError:
        text = shown(said.decode(errors="replace"), 200)
        raise HotswapError(
            f"locust's figures can't be read: {text}", "see what it says without --json"
        ) from None
    return [
        {
            "name": one["name"],
            "requests": one["num_requests"],
            "failures": one["num_failures"],
            "p50_ms": _within(0.5, one["response_times"]),
            "p99_ms": _within(0.99, one["response_times"]),
            "max_ms": round(one["max_response_time"] or 0.0, 2),
        }
        for one in found
    ]


def _within(share: float, times: Mapping[str, int]) -> int | None:
    """The least time in which so large a share was answered; `times` is how many took how long."""
    counted, whole = 0, sum(times.values())
    for milliseconds, count in sorted((int(float(text)), count) for text, count in times.items()):
        counted += count
        if counted >= share * whole:
            return milliseconds
    return None


def _master(asked: Asked, port: int, web_port: int) -> Iterator[str]:
    # Whoever reaches a master can join it: by itself locust's would be open to the network.
    yield from ("-f", str(LOCUSTFILE), "--master", "--master-bind-host", _LOOPBACK)
    yield from ("--master-bind-port", str(port))
    yield from ("--expect-workers", str(asked.workers), "--expect-workers-max-wait", str(_CONNECT_SECONDS))
    yield from ("--host", asked.site, "--users", str(asked.clients))
    yield from ("--spawn-rate", str(min(asked.clients, asked.workers * _SPAWNED_A_SECOND)))
    yield from ("--stop-timeout", str(_STOP_SECONDS))
    if asked.seconds is None:
        yield from ("--web-host", _LOOPBACK, "--web-port", str(web_port))
    else:
        yield from ("--headless", "--only-summary", "--run-time", f"{max(1, round(asked.seconds))}s")
    if asked.csv is not None:
        yield from ("--csv", asked.csv)
    yield from ("--hotswap-pubkey", asked.pubkey, "--hotswap-clients", str(asked.clients))
    yield from ("--hotswap-seed", str(asked.seed))
    yield from words(asked.texts, prefix="hotswap-")


def _worker(port: int) -> Iterator[str]:
    yield from ("-f", str(LOCUSTFILE), "--worker", "--master-host", _LOOPBACK, "--master-port", str(port))


class _Children:
    """The master, started first, and its workers. They are in sessions of their own: a Ctrl-C is for us to hand on.

    Each reads a pipe whose other end is held here, and so hears of it if this process is killed (`tied`).
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self._heard, self._held = os.pipe()
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, command: Sequence[str], stdout: int | None) -> subprocess.Popen[bytes]:
        """One more, whose errors are shown as ours."""
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and locust
            command,
            stdin=self._heard,
            stdout=stdout,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._all.append(child)
        if self.code is not None:  # the signal came while this one was being started
            child.terminate()
        return child

    def end(self, code: int) -> None:
        """The master stops the test and tells its workers; asked a second time, all go at once."""
        if self.code is not None:
            for child in self._all:
                child.kill()
        self.code = code if self.code is None else self.code
        if self._all and self._all[0].poll() is None:
            self._all[0].terminate()

    def close(self) -> None:
        """None is left behind: the workers end when the master did, else they are ended."""
        if self._all and self._all[0].poll() is None:
            self._all[0].terminate()
        until = time.monotonic() + _GRACE_SECONDS
        for child in self._all:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        os.close(self._heard)
        os.close(self._held)


_MISSING = "it is the extra `fleet`: pip install 'hotswap-dev[fleet]', or pip install locust"


def _installed() -> bool:
    # Not imported: that would patch this process's sockets.
    return importlib.util.find_spec("locust") is not None


def _free(wanted: int) -> int:
    """That port where nobody has it, else any."""
    for port in (wanted, 0):
        with socket.socket() as one:
            if os.name != "nt":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((_LOOPBACK, port))
            except OSError:
                continue
            return int(one.getsockname()[1])
    raise HotswapError("no port is free on this machine", "end something", code="no-port")
